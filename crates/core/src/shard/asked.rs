//! Questions and orders of operators: the fate of an event, and the end of some streams.

use crate::{
    event::{event_id::EventId, target::Target},
    queue::{
        inbox::SlotRef,
        listing::{Whose, Witness},
        outlet::Socket,
        tally::Inquiry,
    },
    shard::Shard,
};

/// Connections that one answer has from one shard.
const RECORDS_MAX: usize = 128;

impl<S: Socket> Shard<S> {
    /// Looks at a few more slots for the first list that is to be made; true while there is one.
    pub(super) fn go_on_listing(&mut self, now_ms: u64) -> bool {
        let Some(mut listing) = self.listings.pop_front() else { return false };
        let slots = self.slots.len();
        for at in listing.step(self.config.turn_slots_max, slots) {
            if let Some(at) = self.slots.name(at)
                && let Some(slot) = self.slots.get(at)
            {
                listing.look_at(at, slot);
            }
        }
        if listing.is_over(slots) {
            listing.finish(&self.slots, self.number, now_ms);
        } else {
            self.listings.push_front(listing);
        }
        !self.listings.is_empty()
    }

    /// Tells what is known of the fate of an event on some connections: the newest of them, if they are many.
    pub(super) fn testify(&self, whose: &Whose, id: EventId, inquiry: Inquiry<Witness>, now_ms: u64) {
        let slots = self.slots_of(whose);
        let mut open: Vec<_> = slots.into_iter().filter_map(|at| self.slots.get(at)).collect();
        open.sort_unstable_by_key(|slot| std::cmp::Reverse(slot.connection()));
        let open = open.into_iter().map(|slot| slot.record(None));
        let closed = self.closed.iter().rev().filter(|record| match whose {
            Whose::Connection(connection) => record.connection == *connection,
            Whose::Client(client) => record.client == *client,
            Whose::Channel(channel) => record.follows(&[Target::Channel(channel.clone())]),
        });
        let closed = closed.filter(|record| record.was_there(id)).cloned();
        let records = open.chain(closed).take(RECORDS_MAX).collect();
        let (passed, forgotten) = (self.passes.of(id), self.closed.forgotten());
        inquiry.answer([Witness { records, passed, forgotten, now_ms }].into_iter());
    }

    /// Has streams end in good order at their next sweep. Answers for each.
    pub(super) fn disconnect(&mut self, whose: &Whose, inquiry: Inquiry<u64>, now_ms: u64) {
        let mut ended = Vec::new();
        for at in self.slots_of(whose) {
            if let Some(slot) = self.slots.get_mut(at)
                && slot.disconnect(now_ms)
            {
                ended.push(at.connection);
            }
        }
        inquiry.answer(ended.into_iter());
    }

    fn slots_of(&self, whose: &Whose) -> Vec<SlotRef> {
        let named = |indexes: Vec<u32>| indexes.into_iter().filter_map(|at| self.slots.name(at as usize)).collect();
        match whose {
            Whose::Connection(connection) => self.slots.names().filter(|at| at.connection == *connection).collect(),
            Whose::Client(client) => named(self.followers.slots(&Target::Client(client.clone())).collect()),
            Whose::Channel(channel) => {
                let target = Target::Channel(channel.clone());
                let by_name = self.followers.slots(&target);
                let mut slots: Vec<_> = by_name.chain(self.followers.slots_by_pattern(channel)).collect();
                slots.sort_unstable();
                slots.dedup();
                named(slots)
            }
        }
    }
}
