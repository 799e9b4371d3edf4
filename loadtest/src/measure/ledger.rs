//! What the connections of one receiving thread have seen: every delivery checked and timed.
//!
//! Called once per event and connection, so it neither allocates nor reads the clock. One per thread, then merged.

use crate::measure::latency::Latency;
use crate::measure::stamp::Stamp;
use crate::measure::tally::{Arrival, Tally};
use crate::wire::sse::Event;

/// What a run publishes, as far as a receiver must know it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected {
    pub(crate) run: u32,
    pub(crate) events: u32,
    pub(crate) size_bytes: u32,
}

impl Expected {
    /// A run that publishes nothing: whatever comes is somebody else's.
    pub(crate) const NOTHING: Self = Self { run: 0, events: 0, size_bytes: 0 };
}

/// When the first and the last connection received one broadcast.
#[derive(Debug, Clone, Copy)]
struct Span {
    first_ns: u64,
    last_ns: u64,
}

impl Span {
    const NOT_SEEN: Self = Self { first_ns: u64::MAX, last_ns: 0 };
}

/// The figures of a set of connections.
#[derive(Debug)]
pub(crate) struct Ledger {
    expected: Expected,
    tallies: Vec<Tally>,
    spans: Vec<Span>,
    pub(crate) latency: Latency,
    /// Distinct events received, over all connections.
    pub(crate) deliveries: u64,
    /// Reads that completed at least one delivery.
    pub(crate) reads: u64,
    /// Events that are not of this run.
    pub(crate) other: u64,
    /// Events of this run whose data has the wrong length, or whose number was never published.
    pub(crate) damaged: u64,
    pub(crate) last_delivery_ns: u64,
}

/// Deliveries that did not go as they should, over all connections.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(crate) struct Faults {
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
    pub(crate) reordered: u64,
}

impl Ledger {
    pub(crate) fn new(expected: Expected, connections: u32) -> Self {
        Self {
            expected,
            tallies: (0..connections).map(|_| Tally::default()).collect(),
            spans: vec![Span::NOT_SEEN; expected.events as usize],
            latency: Latency::new(),
            deliveries: 0,
            reads: 0,
            other: 0,
            damaged: 0,
            last_delivery_ns: 0,
        }
    }

    /// One event on `connection`, in a read that ended at `now_ns`.
    pub(crate) fn take(&mut self, connection: usize, event: &Event<'_>, now_ns: u64) {
        let stamp = match Stamp::read(event.opening) {
            Some(stamp) if stamp.run == self.expected.run => stamp,
            _ => return self.other += 1,
        };
        if stamp.number >= self.expected.events || event.data_bytes != u64::from(self.expected.size_bytes) {
            return self.damaged += 1;
        }
        if self.tallies[connection].take(stamp.number) == Arrival::Again {
            return;
        }
        self.deliveries += 1;
        self.latency.record_ns(now_ns.saturating_sub(stamp.due_ns));
        let span = &mut self.spans[stamp.number as usize];
        span.first_ns = span.first_ns.min(now_ns);
        span.last_ns = span.last_ns.max(now_ns);
    }

    /// A read that completed one delivery or more has been taken.
    pub(crate) fn end_read(&mut self, now_ns: u64) {
        self.reads += 1;
        self.last_delivery_ns = now_ns;
    }

    pub(crate) fn has_last(&self, connection: usize) -> bool {
        self.tallies[connection].has_last_of(self.expected.events)
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (mine, its) in self.spans.iter_mut().zip(other.spans) {
            mine.first_ns = mine.first_ns.min(its.first_ns);
            mine.last_ns = mine.last_ns.max(its.last_ns);
        }
        self.tallies.extend(other.tallies);
        self.latency.add(&other.latency);
        self.deliveries += other.deliveries;
        self.reads += other.reads;
        self.other += other.other;
        self.damaged += other.damaged;
        self.last_delivery_ns = self.last_delivery_ns.max(other.last_delivery_ns);
    }

    /// Compares what came with the `published` events.
    pub(crate) fn faults(&self, published: u32) -> Faults {
        self.tallies.iter().fold(Faults::default(), |sum, tally| Faults {
            lost: sum.lost + tally.lost(published),
            duplicated: sum.duplicated + tally.duplicated,
            reordered: sum.reordered + tally.reordered,
        })
    }

    /// From the first connection that received a broadcast to the last, in ms: the median and the longest of all
    /// broadcasts. `None`: none was received.
    pub(crate) fn spread_ms(&self) -> Option<(f64, f64)> {
        let seen = self.spans.iter().filter(|span| span.first_ns <= span.last_ns);
        let mut spreads_ns: Vec<u64> = seen.map(|span| span.last_ns - span.first_ns).collect();
        spreads_ns.sort_unstable();
        let longest_ns = *spreads_ns.last()?;
        Some((spreads_ns[spreads_ns.len() / 2] as f64 / 1e6, longest_ns as f64 / 1e6))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: Expected = Expected { run: 7, events: 3, size_bytes: 64 };

    fn take(ledger: &mut Ledger, connection: usize, stamp: Stamp, size_bytes: usize, now_ns: u64) {
        let mut data = Vec::new();
        stamp.write(size_bytes, &mut data);
        let event = Event { opening: &data, data_bytes: data.len() as u64 };
        ledger.take(connection, &event, now_ns);
    }

    #[test]
    fn threads_are_added_up_as_if_there_were_one() {
        let (mut one, mut two) = (Ledger::new(EXPECTED, 1), Ledger::new(EXPECTED, 1));
        for number in 0..3 {
            let stamp = Stamp { run: 7, number, due_ns: 1_000_000 };
            take(&mut one, 0, stamp, 64, 2_000_000);
            take(&mut two, 0, stamp, 64, 3_000_000 + u64::from(number) * 1_000_000);
        }
        two.end_read(5_000_000);
        one.end_read(2_000_000);
        one.merge(two);
        assert_eq!((one.deliveries, one.reads, one.last_delivery_ns), (6, 2, 5_000_000));
        assert_eq!(one.faults(3), Faults::default());
        assert_eq!(one.spread_ms(), Some((2.0, 3.0)));
        assert!((one.latency.quantile_ms(1.0).unwrap() - 4.0).abs() < 0.01);
    }

    #[test]
    fn what_is_not_of_the_run_is_no_delivery() {
        let mut ledger = Ledger::new(EXPECTED, 1);
        take(&mut ledger, 0, Stamp { run: 8, number: 0, due_ns: 0 }, 64, 1);
        ledger.take(0, &Event { opening: b"the time is", data_bytes: 11 }, 1);
        take(&mut ledger, 0, Stamp { run: 7, number: 3, due_ns: 0 }, 64, 1);
        take(&mut ledger, 0, Stamp { run: 7, number: 0, due_ns: 0 }, 65, 1);
        assert_eq!((ledger.deliveries, ledger.other, ledger.damaged), (0, 2, 2));
        assert_eq!(ledger.faults(3), Faults { lost: 3, ..Faults::default() });
        assert_eq!(ledger.spread_ms(), None);
    }
}
