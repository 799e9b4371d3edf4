//! [`Listing`]: a list of connections that a shard is making, a few slots at a time: nobody may wait for a person who looks.

use std::{cmp::Reverse, collections::BinaryHeap, ops::Range};

use crate::{
    queue::{
        inbox::SlotRef,
        listing::{ListQuery, Listed},
        outlet::Socket,
        tally::Inquiry,
    },
    shard::{slot::Slot, slots::Slots, walk::Walk},
};

/// Slots that are looked at for a list, for each that a turn may write to: a look is that much less work.
const LOOKS_PER_SLOT: usize = 16;

/// A list that is being made.
#[derive(Debug)]
pub(super) struct Listing {
    query: ListQuery,
    inquiry: Inquiry<Listed>,
    walk: Walk,
    /// The first connections of the list so far, by value, number and slot. On top is the last of them.
    first: BinaryHeap<Reverse<(u64, Reverse<u64>, u32)>>,
}

impl Listing {
    pub(super) fn new(query: ListQuery, inquiry: Inquiry<Listed>) -> Self {
        Self { query, inquiry, walk: Walk::default(), first: BinaryHeap::new() }
    }

    /// The next slots of `slots` to look at. A turn may write to `turn_slots_max`.
    pub(super) fn step(&mut self, turn_slots_max: usize, slots: usize) -> Range<usize> {
        self.walk.step(turn_slots_max.saturating_mul(LOOKS_PER_SLOT), slots)
    }

    /// Whether all of `slots` were looked at.
    pub(super) fn is_over(&self, slots: usize) -> bool {
        self.walk.is_over(slots)
    }

    /// Takes a connection into the list, if it belongs there.
    pub(super) fn look_at<S: Socket>(&mut self, at: SlotRef, slot: &Slot<S>) {
        let Self { query, first, .. } = self;
        if !query.whose.iter().all(|whose| slot.is_one_of(whose)) {
            return;
        }
        let value = query.order.value(|| slot.account().lag(), || slot.waiting_bytes() + slot.rest_bytes());
        let place = (value, Reverse(at.connection));
        if query.after.is_some_and(|(value, connection)| place >= (value, Reverse(connection))) {
            return;
        }
        first.push(Reverse((place.0, place.1, at.index)));
        if first.len() > query.limit {
            first.pop();
        }
    }

    /// Answers with the connections of the list that are still there.
    pub(super) fn finish<S: Socket>(self, slots: &Slots<S>, shard: usize, now_ms: u64) {
        let listed = self.first.into_iter().filter_map(|Reverse((value, Reverse(connection), index))| {
            let slot = slots.get(SlotRef { index, connection })?;
            Some(slot.listed(shard, (value, connection), now_ms))
        });
        self.inquiry.answer(listed);
    }
}
