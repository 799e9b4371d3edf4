//! [`Outside`]: the journal of a world whose hub has one elsewhere. It answers late, some at a time, and sometimes not
//! with what was hoped for.

use std::{collections::HashSet, sync::Arc, task::Context};

use fanfare_core::{Desk as _, EventId, Refusal, Submission};

use super::{Entry, World, number_of};
use crate::support::Flag;

/// What it has taken, and has not answered.
pub(super) struct Outside {
    taken: Vec<Submission>,
    flag: Arc<Flag>,
    last: EventId,
    /// The numbers of events that it would not have.
    pub(super) refused: HashSet<u64>,
}

impl Outside {
    pub(super) fn new() -> Self {
        Self { taken: Vec::new(), flag: Flag::raised(), last: EventId::ZERO, refused: HashSet::new() }
    }
}

impl World {
    /// One thing that the journal does; false if it has nothing to do.
    pub(super) fn step_outside(&mut self) -> bool {
        if self.outside.is_none() {
            return false;
        }
        if self.rng.chance(60) {
            return self.take_submissions() || self.answer_submissions();
        }
        self.answer_submissions() || self.take_submissions()
    }

    /// Takes what waits, if it was told of anything.
    pub(super) fn take_submissions(&mut self) -> bool {
        let Some(outside) = &mut self.outside else { return false };
        let waker = outside.flag.waker();
        outside.flag.take() && {
            self.kit.hub.take(&mut outside.taken, &Context::from_waker(&waker));
            true
        }
    }

    /// Commits or refuses the first few.
    fn answer_submissions(&mut self) -> bool {
        let Some(outside) = &mut self.outside else { return false };
        if outside.taken.is_empty() {
            return false;
        }
        let count = self.rng.within(1, outside.taken.len());
        let group: Vec<_> = outside.taken.drain(..count).collect();
        if !self.plan.is_lossless && self.rng.chance(10) {
            outside.refused.extend(group.iter().map(|submission| number_of(submission.event())));
            let refusal = self.rng.pick(&[Refusal::NotPublished, Refusal::Unknown]);
            self.kit.hub.refuse(group, refusal);
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
        self.kit.hub.commit(committed);
        true
    }

    /// Whether the event is with the journal.
    pub(super) fn is_outside(&self, number: u64) -> bool {
        let is_it = |submission: &Submission| number_of(submission.event()) == number;
        self.outside.as_ref().is_some_and(|outside| outside.taken.iter().any(is_it))
    }
}
