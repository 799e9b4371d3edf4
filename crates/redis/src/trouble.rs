//! [`Trouble`]: why the journal takes no events, told to the desk and once to the log. [`Backoff`]: the delay before
//! the next attempt.

use std::{
    cell::RefCell,
    task::{Context, Waker},
    time::Duration,
};

use fanfare_core::journal::{Desk, Refusal, Settled, Submission};
use rand::RngExt as _;
use tracing::{error, info};

const DELAY_MIN: Duration = Duration::from_millis(50);
const DELAY_MAX: Duration = Duration::from_secs(2);

/// The trouble that goes on, if there is any, and its cost.
#[derive(Debug, Default)]
pub(crate) struct Trouble(RefCell<Option<Ongoing>>);

#[derive(Debug)]
struct Ongoing {
    reason: String,
    refused: usize,
}

impl Trouble {
    /// Notes that publishes are refused for `reason`.
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

    /// Notes that events are taken again.
    pub(crate) fn is_over(&self, desk: &dyn Desk) {
        if let Some(Ongoing { refused, .. }) = self.0.borrow_mut().take() {
            info!(refused, "journal available again");
            desk.set_trouble(None);
        }
    }

    pub(crate) fn is_ongoing(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Refuses and counts these submissions.
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

/// Delays that grow, and differ from those of other nodes that began together.
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    pub(crate) fn new() -> Self {
        Self(DELAY_MIN)
    }

    /// The next delay. Half of it is chance.
    pub(crate) fn next(&mut self) -> Duration {
        let delay = self.0;
        self.0 = (delay * 2).min(DELAY_MAX);
        delay.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_limit_and_are_not_alike() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..12).map(|_| backoff.next()).collect();
        assert!(waits[0] <= DELAY_MIN && waits[0] >= DELAY_MIN / 2);
        assert!(waits[8..].iter().all(|wait| *wait <= DELAY_MAX && *wait >= DELAY_MAX / 2));
        assert!(waits[8..].iter().any(|wait| *wait != waits[8]));
    }
}
