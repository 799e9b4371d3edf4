//! [`Errand`]: a question or an order of an operator that goes to all slots of a shard, a few at a time: nobody may wait for a person
//! who looks.

use std::{cmp::Reverse, collections::BinaryHeap};

use crate::{
    event::{event_id::EventId, target::Target},
    fates::record::Record,
    queue::{
        inbox::SlotRef,
        listing::{ListQuery, Listed, Whose, Witness},
        outlet::Socket,
        tally::Inquiry,
    },
    shard::{Shard, listing::Listing, slot::Slot, walk::Walk},
};

/// Slots that are looked at in a turn, for each that it may write to: a look is that much less work.
const LOOKS_PER_SLOT: usize = 16;
/// Connections that one answer has from one shard.
const RECORDS_MAX: usize = 128;

/// A question or an order on its way over the slots.
#[derive(Debug)]
pub(super) struct Errand {
    walk: Walk,
    task: Task,
}

#[derive(Debug)]
enum Task {
    List(Listing),
    Testify(Testimony),
    Disconnect { whose: Whose, ended: Vec<u64>, inquiry: Inquiry<u64> },
}

/// What is asked of the fate of an event, and the open connections that it is asked of: the newest, if they are many.
#[derive(Debug)]
struct Testimony {
    whose: Whose,
    id: EventId,
    newest: BinaryHeap<Reverse<(u64, u32)>>,
    /// There are more.
    is_cut: bool,
    inquiry: Inquiry<Witness>,
}

impl Errand {
    pub(super) fn list(query: ListQuery, inquiry: Inquiry<Listed>) -> Self {
        Self { walk: Walk::default(), task: Task::List(Listing::new(query, inquiry)) }
    }

    /// What is known of the fate of an event on some connections.
    pub(super) fn testify(whose: Whose, id: EventId, inquiry: Inquiry<Witness>) -> Self {
        let testimony = Testimony { whose, id, newest: BinaryHeap::new(), is_cut: false, inquiry };
        Self { walk: Walk::default(), task: Task::Testify(testimony) }
    }

    /// Streams end in good order at their next sweep.
    pub(super) fn disconnect(whose: Whose, inquiry: Inquiry<u64>) -> Self {
        Self { walk: Walk::default(), task: Task::Disconnect { whose, ended: Vec::new(), inquiry } }
    }

    fn look_at<S: Socket>(&mut self, at: SlotRef, slot: &mut Slot<S>, now_ms: u64) {
        match &mut self.task {
            Task::List(listing) => listing.look_at(at, slot),
            Task::Testify(testimony) => testimony.look_at(at, slot),
            Task::Disconnect { whose, ended, .. } => {
                if slot.is_one_of(whose) && slot.disconnect(now_ms) {
                    ended.push(at.connection);
                }
            }
        }
    }
}

impl Testimony {
    /// A connection that is asked for by its number is told of in any case.
    fn is_about(&self, was_there: impl FnOnce(EventId) -> bool) -> bool {
        matches!(self.whose, Whose::Connection(_)) || was_there(self.id)
    }

    fn look_at<S: Socket>(&mut self, at: SlotRef, slot: &Slot<S>) {
        if !slot.is_one_of(&self.whose) || !self.is_about(|id| slot.was_there(id)) {
            return;
        }
        self.newest.push(Reverse((at.connection, at.index)));
        if self.newest.len() > RECORDS_MAX {
            self.newest.pop();
            self.is_cut = true;
        }
    }
}

/// Whether a connection is one of these.
fn is_one_of(record: &Record, whose: &Whose) -> bool {
    match whose {
        Whose::Connection(connection) => record.connection == *connection,
        Whose::Client(client) => record.client == *client,
        Whose::Channel(channel) => record.follows(&[Target::Channel(channel.clone())]),
    }
}

impl<S: Socket> Shard<S> {
    /// Goes on with the first errand. True while there is one.
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
