//! The one clock of a run: nanoseconds since its start, monotonic. Every stamp and every receive time comes from it.

use std::time::{Duration, Instant};

/// A start that all threads share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }

    pub(crate) fn now_ns(self) -> u64 {
        // Over 500 years fit.
        self.start.elapsed().as_nanos() as u64
    }
}

/// When a run has to be over. Copied into every thread that could wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    at: Instant,
    timeout: Duration,
}

impl Deadline {
    pub(crate) fn after(timeout: Duration) -> Self {
        Self { at: Instant::now() + timeout, timeout }
    }

    /// What is left; zero once it has passed.
    pub(crate) fn left(self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    pub(crate) fn has_passed(self) -> bool {
        self.left().is_zero()
    }

    /// The whole time that was given, for messages.
    pub(crate) fn timeout(self) -> Duration {
        self.timeout
    }
}
