//! The one clock of a run: nanoseconds since its start, monotonic. Every stamp and every receive time comes from it.
//!
//! The kernel's monotonic clock is the same in all processes of a machine, so a run may be spread over several.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// A start that all threads and processes of a run share.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Clock {
    origin_ns: u64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { origin_ns: monotonic_ns() }
    }

    pub(crate) fn now_ns(self) -> u64 {
        monotonic_ns() - self.origin_ns
    }
}

fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    // It counts from the machine's start: over 500 years fit.
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// The processor time that this process has used.
pub(crate) fn process_cpu_ns() -> u64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    used.tv_sec as u64 * 1_000_000_000 + used.tv_nsec as u64
}

/// When a run has to be over. Copied into every thread that could wait.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Deadline {
    at_ns: u64,
    timeout: Duration,
}

impl Deadline {
    pub(crate) fn after(timeout: Duration) -> Self {
        Self { at_ns: monotonic_ns().saturating_add(timeout.as_nanos() as u64), timeout }
    }

    /// The time left, or zero once it has passed.
    pub(crate) fn left(self) -> Duration {
        Duration::from_nanos(self.at_ns.saturating_sub(monotonic_ns()))
    }

    pub(crate) fn has_passed(self) -> bool {
        self.left().is_zero()
    }

    /// The whole time that was given, for messages.
    pub(crate) fn timeout(self) -> Duration {
        self.timeout
    }
}
