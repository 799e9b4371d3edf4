//! [`Trouble`]: what keeps the journal from taking events, told to whoever asks and to the log, once; and [`Backoff`], how
//! long to wait before the next attempt.

use std::{
    cell::RefCell,
    task::{Context, Waker},
    time::Duration,
};

use fanfare_core::{Desk, Refusal, Settled, Submission};
use rand::RngExt as _;
use tracing::{error, info};

const WAIT_MIN: Duration = Duration::from_millis(50);
const WAIT_MAX: Duration = Duration::from_secs(2);

/// Whether there is any, and what it has cost.
#[derive(Debug, Default)]
pub(crate) struct Trouble(RefCell<Option<Ongoing>>);

#[derive(Debug)]
struct Ongoing {
    reason: String,
    refused: usize,
}

impl Trouble {
    /// Publishes are refused because of it.
    pub(crate) fn begins(&self, reason: &str, desk: &dyn Desk) {
        let mut ongoing = self.0.borrow_mut();
        if ongoing.as_ref().is_some_and(|ongoing| ongoing.reason == reason) {
            return;
        }
        error!("journal unavailable: {reason}; publishes are refused, streams go on");
        desk.set_trouble(Some(reason.to_owned()));
        let refused = ongoing.as_ref().map_or(0, |ongoing| ongoing.refused);
        *ongoing = Some(Ongoing { reason: reason.to_owned(), refused });
    }

    /// Events are taken.
    pub(crate) fn is_over(&self, desk: &dyn Desk) {
        if let Some(Ongoing { refused, .. }) = self.0.borrow_mut().take() {
            info!(refused, "journal available again");
            desk.set_trouble(None);
        }
    }

    pub(crate) fn is_ongoing(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Refuses these, and counts them.
    pub(crate) fn refuse(&self, group: Vec<Submission>, refusal: Refusal, desk: &dyn Desk) {
        if group.is_empty() {
            return;
        }
        if let Some(ongoing) = self.0.borrow_mut().as_mut() {
            ongoing.refused += group.len();
        }
        let mut refused = group.into_iter().map(|submission| Settled::Refused(submission, refusal)).collect();
        // No refusal waits for room.
        desk.settle(&mut refused, &Context::from_waker(Waker::noop()));
    }
}

/// Waits longer each time, and not as long as others that began with it.
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    pub(crate) fn new() -> Self {
        Self(WAIT_MIN)
    }

    /// How long to wait now: half of it is chance.
    pub(crate) fn next(&mut self) -> Duration {
        let wait = self.0;
        self.0 = (wait * 2).min(WAIT_MAX);
        wait.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_limit_and_are_not_alike() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..12).map(|_| backoff.next()).collect();
        assert!(waits[0] <= WAIT_MIN && waits[0] >= WAIT_MIN / 2);
        assert!(waits[8..].iter().all(|wait| *wait <= WAIT_MAX && *wait >= WAIT_MAX / 2));
        assert!(waits[8..].iter().any(|wait| *wait != waits[8]));
    }
}
