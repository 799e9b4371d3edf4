//! [`Tally`]: what one kind of attack has tried, and what it was given or refused. [`Score`]: the same, while it is kept.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The status from which on an answer is a refusal (RFC 9110 15.5).
const REFUSED_FROM: u16 = 400;

/// What one kind of attack has tried, and its answers.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Tally {
    /// Connects, streams or requests.
    pub(crate) attempts: u64,
    /// Answers by their status.
    pub(crate) statuses: BTreeMap<u16, u64>,
    /// Connections and streams that the target ended without an answer.
    pub(crate) closed: u64,
    /// Attempts that found no connection.
    pub(crate) unreached: u64,
    /// Sockets, bodies or streams that are open, and the most that were.
    open: u64,
    pub(crate) open_max: u64,
}

impl Tally {
    pub(crate) fn refused(&self) -> u64 {
        let statuses = self.statuses.range(REFUSED_FROM..).map(|(_, count)| count);
        statuses.sum::<u64>() + self.closed + self.unreached
    }
}

/// The tally of a kind while the attack goes on, shared by its tasks.
#[derive(Debug, Default, Clone)]
pub(super) struct Score(Rc<RefCell<Tally>>);

impl Score {
    pub(super) fn attempt(&self) {
        self.0.borrow_mut().attempts += 1;
    }

    pub(super) fn answered(&self, status: u16) {
        *self.0.borrow_mut().statuses.entry(status).or_default() += 1;
    }

    pub(super) fn closed(&self) {
        self.0.borrow_mut().closed += 1;
    }

    pub(super) fn unreached(&self) {
        self.0.borrow_mut().unreached += 1;
    }

    /// Something is open until this is dropped.
    pub(super) fn open(&self) -> Open {
        let mut tally = self.0.borrow_mut();
        tally.open += 1;
        tally.open_max = tally.open_max.max(tally.open);
        Open(self.clone())
    }

    pub(super) fn tally(&self) -> Tally {
        self.0.borrow().clone()
    }
}

/// Something that is open.
#[derive(Debug)]
pub(super) struct Open(Score);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.borrow_mut().open -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_an_error_or_an_end_without_an_answer() {
        let score = Score::default();
        for status in [200, 202, 399, 400, 429, 429, 503] {
            score.attempt();
            score.answered(status);
        }
        score.closed();
        score.unreached();
        let tally = score.tally();
        assert_eq!((tally.attempts, tally.refused(), tally.statuses[&429]), (7, 4 + 2, 2));
    }

    #[test]
    fn the_most_that_was_open_at_once_is_kept() {
        let score = Score::default();
        let [first, second] = [(); 2].map(|()| score.open());
        drop(first);
        let third = score.open();
        assert_eq!((score.tally().open, score.tally().open_max), (2, 2));
        drop((second, third));
        assert_eq!(score.tally().open, 0);
    }
}
