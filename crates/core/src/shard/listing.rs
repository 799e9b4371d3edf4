//! [`Listing`]: a list of connections that a shard is making.

use std::{cmp::Reverse, collections::BinaryHeap};

use crate::{
    queue::{
        inbox::SlotRef,
        listing::{ListQuery, Listed},
        outlet::Socket,
        tally::Inquiry,
    },
    shard::{slot::Slot, slots::Slots},
};

/// A list that is being made.
#[derive(Debug)]
pub(super) struct Listing {
    query: ListQuery,
    inquiry: Inquiry<Listed>,
    /// The first connections of the list so far, by value, number and slot. On top is the last of them.
    first: BinaryHeap<Reverse<(u64, Reverse<u64>, u32)>>,
}

impl Listing {
    pub(super) fn new(query: ListQuery, inquiry: Inquiry<Listed>) -> Self {
        Self { query, inquiry, first: BinaryHeap::new() }
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
