//! [`Outside`]: the external journal of a world. Its answers are late, come some at a time, and are sometimes refusals.
//! If others write to the journal too, their events come among the hub's own, as far as there is room.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    task::Context,
};

use fanfare_core::{
    Event, EventId,
    journal::{Refusal, Settled, Submission},
};

use super::{Entry, World, number_of};
use crate::support::Flag;

/// The journal, with submissions that it has taken and not answered.
pub(super) struct Outside {
    taken: Vec<Submission>,
    flag: Arc<Flag>,
    last: EventId,
    /// Numbers of events that the journal refused.
    pub(super) refused: HashSet<u64>,
    is_shared: bool,
    /// The next event to settle, for which there was no room. `room` tells that there may be some now.
    next: Option<Next>,
    room: Arc<Flag>,
}

/// An ordered event that has not been settled.
struct Next {
    settled: Settled,
    number: u64,
    event: Event,
}

impl Outside {
    pub(super) fn new(is_shared: bool) -> Self {
        let (taken, flag, last, refused) = (Vec::new(), Flag::raised(), EventId::ZERO, HashSet::new());
        Self { taken, flag, last, refused, is_shared, next: None, room: Flag::raised() }
    }
}

impl World {
    /// Makes one step of the journal. False if there is nothing to do.
    pub(super) fn step_outside(&mut self) -> bool {
        if self.outside.is_none() {
            return false;
        }
        if self.rng.chance(60) {
            return self.take_submissions() || self.answer_submissions();
        }
        self.answer_submissions() || self.take_submissions()
    }

    /// Takes the waiting submissions if the flag is up.
    pub(super) fn take_submissions(&mut self) -> bool {
        let Some(outside) = &mut self.outside else { return false };
        let waker = outside.flag.waker();
        outside.flag.take() && {
            self.kit.hub.desk().take(&mut outside.taken, &Context::from_waker(&waker));
            true
        }
    }

    /// Commits or refuses the first few.
    fn answer_submissions(&mut self) -> bool {
        if self.outside.as_ref().is_some_and(|outside| outside.is_shared) {
            return self.settle_some();
        }
        let Some(outside) = &mut self.outside else { return false };
        if outside.taken.is_empty() {
            return false;
        }
        let count = self.rng.within(1, outside.taken.len());
        let group: Vec<_> = outside.taken.drain(..count).collect();
        if !self.plan.is_lossless && self.rng.chance(10) {
            outside.refused.extend(group.iter().map(|submission| number_of(submission.event())));
            let refusal = self.rng.pick(&[Refusal::NotPublished, Refusal::Unknown]);
            self.kit.refuse(group, refusal);
            return true;
        }
        let mut committed = Vec::new();
        for submission in group {
            outside.last = outside.last.max(self.kit.hub.last_id()).next(self.rng.below(2_000) as u64);
            committed.push((outside.last, submission));
        }
        for (id, submission) in &committed {
            let (number, event) = (number_of(submission.event()), submission.event().clone());
            let entry = Entry { id: *id, event };
            let due = self.members.iter().filter(|member| member.is_due(&entry)).count();
            if let Some(publisher) = self.publishing.iter_mut().find(|publisher| publisher.number == number) {
                publisher.committed = Some((self.log.entries.len(), due));
            }
            self.log.push(number, entry);
        }
        self.kit.commit(committed);
        true
    }

    /// Settles a few events, one by one, while there is room. False if there was nothing to do.
    fn settle_some(&mut self) -> bool {
        let mut is_changed = false;
        for _ in 0..self.rng.within(1, 6) {
            let Some(next) = self.next_to_settle() else { break };
            let Some(outside) = &mut self.outside else { break };
            let waker = outside.room.waker();
            let (number, id) = (next.number, outside.last);
            let entry = Entry { id, event: next.event.clone() };
            let due = self.members.iter().filter(|member| member.is_due(&entry)).count();
            let (mut one, event) = (VecDeque::from([next.settled]), next.event);
            self.kit.hub.desk().settle(&mut one, &Context::from_waker(&waker));
            if let Some(settled) = one.pop_front() {
                outside.next = Some(Next { settled, number, event });
                break;
            }
            is_changed = true;
            if let Some(publisher) = self.publishing.iter_mut().find(|publisher| publisher.number == number) {
                publisher.committed = Some((self.log.entries.len(), due));
            }
            self.log.push(number, entry);
        }
        is_changed
    }

    /// The next event to settle: the one that lacked room, if there may be some now; or one of the hub's own; or a
    /// foreign one.
    fn next_to_settle(&mut self) -> Option<Next> {
        let outside = self.outside.as_mut()?;
        if outside.next.is_some() {
            return if outside.room.take() { outside.next.take() } else { None };
        }
        let step_ms = self.rng.below(2_000) as u64;
        outside.last = outside.last.max(self.kit.hub.last_id()).next(step_ms);
        let id = outside.last;
        let from_elsewhere = !self.is_resting && self.rng.chance(30);
        if !from_elsewhere && !outside.taken.is_empty() {
            let submission = outside.taken.remove(0);
            let (number, event) = (number_of(submission.event()), submission.event().clone());
            return Some(Next { settled: Settled::Own(id, submission), number, event });
        }
        if !from_elsewhere {
            return None;
        }
        let event = self.event();
        Some(Next { settled: Settled::Other(id, event.clone()), number: self.numbers, event })
    }

    /// Whether the event is with the journal.
    pub(super) fn is_outside(&self, number: u64) -> bool {
        let is_it = |submission: &Submission| number_of(submission.event()) == number;
        let is_next = |outside: &Outside| outside.next.as_ref().is_some_and(|next| next.number == number);
        self.outside.as_ref().is_some_and(|outside| outside.taken.iter().any(is_it) || is_next(outside))
    }
}
