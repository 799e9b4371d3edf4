//! The errands of a shard, step by step, and what it knows of the fate of an event.

use std::cmp::Reverse;

use crate::{
    event::target::Target,
    fates::record::Record,
    queue::{
        inbox::SlotRef,
        listing::{Whose, Witness},
        outlet::Socket,
    },
    shard::{
        Shard,
        errand::{RECORDS_MAX, Task, Testimony},
    },
};

/// Slots that are looked at in a turn, for each that it may write to: a look is that much less work.
const LOOKS_PER_SLOT: usize = 16;

/// Whether a connection is one of these.
fn is_one_of(record: &Record, whose: &Whose) -> bool {
    match whose {
        Whose::Connection(connection) => record.connection == *connection,
        Whose::Client(client) => record.client == *client,
        Whose::Channel(channel) => record.follows(&[Target::Channel(channel.clone())]),
    }
}

impl<S: Socket> Shard<S> {
    /// Goes on with the first errand. True while there is one. Out of the way of deliveries: hardly any turn has one.
    #[cold]
    #[inline(never)]
    pub(super) fn go_on_errands(&mut self, now_ms: u64) -> bool {
        let Some(mut errand) = self.errands.pop_front() else { return false };
        let slots = self.slots.len();
        for at in errand.walk.step(self.config.turn_slots_max.saturating_mul(LOOKS_PER_SLOT), slots) {
            if let Some(at) = self.slots.name(at)
                && let Some(slot) = self.slots.get_mut(at)
            {
                errand.look_at(at, slot, now_ms);
            }
        }
        // Between two passes, so that each connection has seen the same events.
        if errand.walk.is_over(slots) && !self.pass.is_under_way() {
            self.finish(errand.task, now_ms);
        } else {
            self.errands.push_front(errand);
        }
        !self.errands.is_empty()
    }

    fn finish(&self, task: Task, now_ms: u64) {
        match task {
            Task::List(listing) => listing.finish(&self.slots, self.number, now_ms),
            Task::Testify(testimony) => self.testify(testimony, now_ms),
            Task::Disconnect { ended, inquiry, .. } => inquiry.answer(ended.into_iter()),
        }
    }

    fn testify(&self, testimony: Testimony, now_ms: u64) {
        let open = testimony.newest.iter().filter_map(|Reverse((connection, index))| {
            self.slots.get(SlotRef { index: *index, connection: *connection }).map(|slot| slot.record(None))
        });
        let whose = &testimony.whose;
        let is_asked_for = |record: &&Record| is_one_of(record, whose) && testimony.is_about(|id| record.was_there(id));
        let closed = self.closed.iter().rev().filter(is_asked_for).cloned();
        let mut records: Vec<_> = open.chain(closed).take(RECORDS_MAX + 1).collect();
        let is_cut = testimony.is_cut || records.len() > RECORDS_MAX;
        records.truncate(RECORDS_MAX);
        let (passed, forgotten) = (self.passes.of(testimony.id), self.closed.forgotten());
        testimony.inquiry.answer([Witness { records, is_cut, passed, forgotten, now_ms }].into_iter());
    }
}
