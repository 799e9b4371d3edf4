//! [`Skipped`]: counts entries or messages that are passed over, and says when the log gets another line.

use std::time::{Duration, Instant};

/// Shortest time between two lines.
const INTERVAL: Duration = Duration::from_secs(10);

/// A count of skipped entries or messages.
#[derive(Debug, Default)]
pub(crate) struct Skipped {
    count: u64,
    logged: Option<Instant>,
    /// Whether more have come since the last line.
    has_more: bool,
}

impl Skipped {
    /// Counts one more. Returns the count if it is to be logged.
    pub(crate) fn note(&mut self) -> Option<u64> {
        self.count += 1;
        self.has_more = true;
        self.rest()
    }

    /// The count, if it has grown since the last line and that line is old enough.
    pub(crate) fn rest(&mut self) -> Option<u64> {
        let is_due = self.has_more && self.logged.is_none_or(|logged| logged.elapsed() >= INTERVAL);
        is_due.then(|| {
            (self.logged, self.has_more) = (Some(Instant::now()), false);
            self.count
        })
    }
}
