//! [`Skipped`]: counts what is passed over, and says when that is worth another line in the log.

use std::time::{Duration, Instant};

/// Lines are no more frequent than this.
const INTERVAL: Duration = Duration::from_secs(10);

/// How many there were.
#[derive(Debug, Default)]
pub(crate) struct Skipped {
    count: u64,
    logged: Option<Instant>,
}

impl Skipped {
    /// One more; how many in all, if that is to be logged.
    pub(crate) fn note(&mut self) -> Option<u64> {
        self.count += 1;
        let is_due = self.logged.is_none_or(|logged| logged.elapsed() >= INTERVAL);
        is_due.then(|| {
            self.logged = Some(Instant::now());
            self.count
        })
    }
}
