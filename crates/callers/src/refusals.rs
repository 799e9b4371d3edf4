//! [`Refusals`]: how often each limit has refused somebody, for operators.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::limit::{ACTS, HOLDINGS, Limit};

/// Counters that only grow. Relaxed everywhere: nothing else is read because of them.
#[derive(Debug, Default)]
pub struct Refusals {
    by_limit: [AtomicU64; ACTS + HOLDINGS],
    crowded: AtomicU64,
}

impl Refusals {
    /// Number of refusals because of `limit`.
    #[must_use]
    pub fn of(&self, limit: Limit) -> u64 {
        self.by_limit[limit.place()].load(Ordering::Relaxed)
    }

    /// Number of times that somebody came to the crowd, because all places were taken.
    #[must_use]
    pub fn crowded(&self) -> u64 {
        self.crowded.load(Ordering::Relaxed)
    }

    pub(crate) fn count(&self, limit: Limit) {
        self.by_limit[limit.place()].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_crowded(&self) {
        self.crowded.fetch_add(1, Ordering::Relaxed);
    }
}
