//! [`Skipped`]: counts what is passed over, and says when that is worth another line in the log.

use std::time::{Duration, Instant};

/// Lines are no more frequent than this.
const INTERVAL: Duration = Duration::from_secs(10);

/// How many there were.
#[derive(Debug, Default)]
pub(crate) struct Skipped {
    count: u64,
    logged: Option<Instant>,
    /// More have come since.
    has_more: bool,
}

impl Skipped {
    /// One more; how many in all, if that is to be logged.
    pub(crate) fn note(&mut self) -> Option<u64> {
        self.count += 1;
        self.has_more = true;
        self.rest()
    }

    /// How many in all, if there were more since the last line, and that is not too near.
    pub(crate) fn rest(&mut self) -> Option<u64> {
        let is_due = self.has_more && self.logged.is_none_or(|logged| logged.elapsed() >= INTERVAL);
        is_due.then(|| {
            (self.logged, self.has_more) = (Some(Instant::now()), false);
            self.count
        })
    }
}
