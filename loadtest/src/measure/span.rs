//! When each broadcast was due, first received and last received: its spread, and how long it took to reach all.
//!
//! One table per receiving thread, then merged. Grows with the events of a run, and no further than a bound.

use serde::{Deserialize, Serialize};

/// The most broadcasts that have a row of their own. Deliveries of later ones count, but not their spread.
const ROWS_MAX: usize = 4_000_000;

/// One broadcast, in nanoseconds of the run's clock.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Span {
    due_ns: u64,
    first_ns: u64,
    last_ns: u64,
}

impl Span {
    const NOT_SEEN: Self = Self { due_ns: 0, first_ns: u64::MAX, last_ns: 0 };
}

/// All broadcasts of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Spans(Vec<Span>);

/// The middle and the extreme of a set of times, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Extent {
    pub(crate) median_ms: f64,
    pub(crate) max_ms: f64,
}

impl Spans {
    /// Broadcast `row` was received at `now_ns`.
    pub(crate) fn take(&mut self, row: u64, due_ns: u64, now_ns: u64) {
        let row = row as usize;
        if row >= self.0.len() {
            if row >= ROWS_MAX {
                return;
            }
            self.0.resize(row + 1, Span::NOT_SEEN);
        }
        let span = &mut self.0[row];
        span.due_ns = due_ns;
        span.first_ns = span.first_ns.min(now_ns);
        span.last_ns = span.last_ns.max(now_ns);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), Span::NOT_SEEN);
        }
        for (mine, its) in self.0.iter_mut().zip(other.0) {
            mine.due_ns = mine.due_ns.max(its.due_ns);
            mine.first_ns = mine.first_ns.min(its.first_ns);
            mine.last_ns = mine.last_ns.max(its.last_ns);
        }
    }

    /// The times from the first connection that received a broadcast to the last. `None`: none was received.
    pub(crate) fn spread(&self) -> Option<Extent> {
        self.extent(|span| span.last_ns - span.first_ns)
    }

    /// The times from when a broadcast was due to the last connection that received it.
    pub(crate) fn complete(&self) -> Option<Extent> {
        self.extent(|span| span.last_ns.saturating_sub(span.due_ns))
    }

    fn extent(&self, time_ns: impl Fn(&Span) -> u64) -> Option<Extent> {
        let seen = self.0.iter().filter(|span| span.first_ns <= span.last_ns);
        let mut times_ns: Vec<u64> = seen.map(time_ns).collect();
        times_ns.sort_unstable();
        let max_ms = *times_ns.last()? as f64 / 1e6;
        Some(Extent { median_ms: times_ns[times_ns.len() / 2] as f64 / 1e6, max_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_and_completion_are_of_all_threads() {
        let (mut one, mut two) = (Spans::default(), Spans::default());
        assert_eq!(one.spread(), None);
        for row in 0..3 {
            one.take(row, 1_000_000, 2_000_000);
            two.take(row, 1_000_000, 3_000_000 + row * 1_000_000);
        }
        two.take(ROWS_MAX as u64, 0, 1);
        one.merge(two);
        assert_eq!(one.spread(), Some(Extent { median_ms: 2.0, max_ms: 3.0 }));
        assert_eq!(one.complete(), Some(Extent { median_ms: 3.0, max_ms: 4.0 }));
    }
}
