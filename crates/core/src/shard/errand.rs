//! [`Errand`]: a question or an order of an operator that goes to all slots of a shard, a few at a time: nobody may wait for a person
//! who looks.

use std::{cmp::Reverse, collections::BinaryHeap};

use crate::{
    event::event_id::EventId,
    queue::{
        inbox::SlotRef,
        listing::{ListQuery, Listed, Whose, Witness},
        outlet::Socket,
        tally::Inquiry,
    },
    shard::{listing::Listing, slot::Slot, walk::Walk},
};

/// Connections that one answer has from one shard.
pub(super) const RECORDS_MAX: usize = 128;

/// A question or an order on its way over the slots.
#[derive(Debug)]
pub(super) struct Errand {
    pub(super) walk: Walk,
    pub(super) task: Task,
}

/// What is to be done.
#[derive(Debug)]
pub(super) enum Task {
    List(Listing),
    Testify(Testimony),
    Disconnect { whose: Whose, ended: Vec<u64>, inquiry: Inquiry<u64> },
}

/// What is asked of the fate of an event, and the open connections that it is asked of: the newest, if they are many.
#[derive(Debug)]
pub(super) struct Testimony {
    pub(super) whose: Whose,
    pub(super) id: EventId,
    pub(super) newest: BinaryHeap<Reverse<(u64, u32)>>,
    /// There are more.
    pub(super) is_cut: bool,
    pub(super) inquiry: Inquiry<Witness>,
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

    pub(super) fn look_at<S: Socket>(&mut self, at: SlotRef, slot: &mut Slot<S>, now_ms: u64) {
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
    pub(super) fn is_about(&self, was_there: impl FnOnce(EventId) -> bool) -> bool {
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
