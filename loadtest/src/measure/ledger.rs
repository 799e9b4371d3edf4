//! What one group of connections on one receiving thread has seen: every delivery checked and timed.
//!
//! `take` runs once per event and connection, so it neither allocates (but for a table that grows) nor reads the
//! clock. One per thread and group, closed into a `Sum` when it is known what was published; sums are merged.

use serde::{Deserialize, Serialize};

use crate::measure::latency::Latency;
use crate::measure::span::Spans;
use crate::measure::stamp::Stamp;
use crate::measure::tally::{Arrival, Tally};
use crate::measure::timeline::Timeline;
use crate::wire::sse::Event;

/// What a receiver must know of what is published.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Terms {
    /// Tells this run's events from those of a run before or beside it.
    pub(crate) run: u32,
    pub(crate) size_bytes: u32,
    /// How many channels, or clients, are published to.
    pub(crate) addressees: u32,
    /// Each numbers its events to each addressee by itself: a series.
    pub(crate) publishers: u32,
}

impl Terms {
    pub(crate) fn series(self, addressee: u32, publisher: u32) -> u32 {
        addressee * self.publishers + publisher
    }

    pub(crate) fn series_count(self) -> usize {
        self.addressees as usize * self.publishers as usize
    }
}

/// One connection's place in its ledger.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seat {
    pub(crate) place: usize,
    pub(crate) addressee: u32,
    /// What was due before came again after a reconnect: it counts, but says nothing about latency. 0: never.
    pub(crate) back_ns: u64,
}

/// Deliveries that did not go as they should, over all connections.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Faults {
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
    pub(crate) reordered: u64,
}

/// The figures of a set of connections.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sum {
    /// Distinct events received, over all connections.
    pub(crate) deliveries: u64,
    /// Of them: those that were due while their connection was away.
    pub(crate) replayed: u64,
    pub(crate) replayed_last_ns: u64,
    /// Reads that completed at least one delivery.
    pub(crate) reads: u64,
    /// Events that are not of this run.
    pub(crate) other: u64,
    /// Events of this run whose data has the wrong length, or that were not for this connection.
    pub(crate) damaged: u64,
    /// How often the server said that something was lost (`fanfare.gap`).
    pub(crate) gaps: u64,
    pub(crate) last_delivery_ns: u64,
    pub(crate) faults: Faults,
    pub(crate) latency: Latency,
    pub(crate) spans: Spans,
    pub(crate) timeline: Timeline,
}

/// A sum that still grows.
#[derive(Debug)]
pub(crate) struct Ledger {
    terms: Terms,
    /// Its connections come and go: what is published before and after a life is not missed.
    is_adrift: bool,
    /// Connection by connection, a tally for each publisher.
    tallies: Vec<Tally>,
    addressees: Vec<u32>,
    pub(crate) sum: Sum,
}

impl Ledger {
    pub(crate) fn new(terms: Terms, is_adrift: bool) -> Self {
        Self { terms, is_adrift, tallies: Vec::new(), addressees: Vec::new(), sum: Sum::default() }
    }

    /// One connection more, which listens to this addressee.
    pub(crate) fn seat(&mut self, addressee: u32) -> Seat {
        let place = self.addressees.len();
        self.addressees.push(addressee);
        self.tallies.extend((0..self.terms.publishers).map(|_| fresh(self.is_adrift)));
        Seat { place, addressee, back_ns: 0 }
    }

    /// One event in a read that ended at `now_ns`.
    pub(crate) fn take(&mut self, seat: Seat, event: &Event<'_>, now_ns: u64) {
        let sum = &mut self.sum;
        let stamp = match Stamp::read(event.opening) {
            Some(stamp) if stamp.run == self.terms.run => stamp,
            _ if event.kind == b"fanfare.gap" => return sum.gaps += 1,
            _ => return sum.other += 1,
        };
        let publisher = stamp.series.wrapping_sub(self.terms.series(seat.addressee, 0));
        if publisher >= self.terms.publishers || event.data_bytes != u64::from(self.terms.size_bytes) {
            return sum.damaged += 1;
        }
        let tally = &mut self.tallies[seat.place * self.terms.publishers as usize + publisher as usize];
        if tally.take(stamp.number) == Arrival::Again {
            return;
        }
        sum.deliveries += 1;
        if stamp.due_ns < seat.back_ns {
            sum.replayed += 1;
            sum.replayed_last_ns = now_ns;
            return;
        }
        let latency_ns = now_ns.saturating_sub(stamp.due_ns);
        sum.latency.record_ns(latency_ns);
        sum.timeline.take(now_ns, latency_ns);
        let row = u64::from(stamp.number) * self.terms.series_count() as u64 + u64::from(stamp.series);
        sum.spans.take(row, stamp.due_ns, now_ns);
    }

    /// A read that completed one delivery or more has been taken.
    pub(crate) fn end_read(&mut self, now_ns: u64) {
        self.sum.reads += 1;
        self.sum.last_delivery_ns = now_ns;
    }

    /// A connection that comes and goes has gone: only what it jumped over is a loss.
    pub(crate) fn end_life(&mut self, seat: Seat) {
        let publishers = self.terms.publishers as usize;
        for tally in &mut self.tallies[seat.place * publishers..][..publishers] {
            let tally = std::mem::replace(tally, fresh(self.is_adrift));
            self.sum.faults.add(&tally, tally.jumped());
        }
    }

    /// Compares what came with what was `published` in each series.
    pub(crate) fn close(mut self, published: &[u32]) -> Sum {
        let publishers = self.terms.publishers as usize;
        for (connection, tallies) in self.tallies.chunks(publishers).enumerate() {
            let series = self.terms.series(self.addressees[connection], 0) as usize;
            for (tally, published) in tallies.iter().zip(&published[series..]) {
                let lost = if self.is_adrift { tally.jumped() } else { tally.lost(*published) };
                self.sum.faults.add(tally, lost);
            }
        }
        self.sum
    }
}

fn fresh(is_adrift: bool) -> Tally {
    if is_adrift { Tally::adrift() } else { Tally::default() }
}

impl Faults {
    fn add(&mut self, tally: &Tally, lost: u64) {
        self.lost += lost;
        self.duplicated += tally.duplicated;
        self.reordered += tally.reordered;
    }
}

impl Sum {
    pub(crate) fn merge(&mut self, other: Self) {
        self.deliveries += other.deliveries;
        self.replayed += other.replayed;
        self.replayed_last_ns = self.replayed_last_ns.max(other.replayed_last_ns);
        self.reads += other.reads;
        self.other += other.other;
        self.damaged += other.damaged;
        self.gaps += other.gaps;
        self.last_delivery_ns = self.last_delivery_ns.max(other.last_delivery_ns);
        self.faults.lost += other.faults.lost;
        self.faults.duplicated += other.faults.duplicated;
        self.faults.reordered += other.faults.reordered;
        self.latency.add(&other.latency);
        self.spans.merge(other.spans);
        self.timeline.merge(other.timeline);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms = Terms { run: 7, size_bytes: 80, addressees: 2, publishers: 2 };

    fn take(ledger: &mut Ledger, seat: Seat, stamp: Stamp, size_bytes: usize, now_ns: u64) {
        let mut data = Vec::new();
        stamp.write(size_bytes, &mut data);
        ledger.take(seat, &Event { kind: b"", opening: &data, data_bytes: data.len() as u64 }, now_ns);
    }

    fn stamp(series: u32, number: u32) -> Stamp {
        Stamp { run: 7, series, number, due_ns: 1_000_000 }
    }

    #[test]
    fn threads_are_added_up_as_if_there_were_one() {
        let (mut one, mut two) = (Ledger::new(TERMS, false), Ledger::new(TERMS, false));
        let (here, there) = (one.seat(0), two.seat(0));
        for number in 0..3 {
            take(&mut one, here, stamp(1, number), 80, 2_000_000);
            take(&mut two, there, stamp(1, number), 80, 3_000_000 + u64::from(number) * 1_000_000);
        }
        one.end_read(2_000_000);
        two.end_read(5_000_000);
        let mut sum = one.close(&[1, 3, 9, 9]);
        sum.merge(two.close(&[0, 4, 9, 9]));
        assert_eq!((sum.deliveries, sum.reads, sum.last_delivery_ns), (6, 2, 5_000_000));
        assert_eq!(sum.faults, Faults { lost: 2, ..Faults::default() });
        assert_eq!(sum.spans.spread().unwrap().max_ms, 3.0);
        assert!((sum.latency.quantile_ms(1.0).unwrap() - 4.0).abs() < 0.01);
    }

    #[test]
    fn what_is_not_of_the_run_or_not_for_the_connection_is_no_delivery() {
        let mut ledger = Ledger::new(TERMS, false);
        let seat = ledger.seat(1);
        take(&mut ledger, seat, Stamp { run: 8, ..stamp(2, 0) }, 80, 1);
        ledger.take(seat, &Event { kind: b"", opening: b"the time is", data_bytes: 11 }, 1);
        ledger.take(seat, &Event { kind: b"fanfare.gap", opening: b"{\"from\"", data_bytes: 11 }, 1);
        take(&mut ledger, seat, stamp(2, 0), 81, 1);
        take(&mut ledger, seat, stamp(1, 0), 80, 1);
        take(&mut ledger, seat, stamp(4, 0), 80, 1);
        let sum = ledger.close(&[5, 5, 2, 1]);
        assert_eq!((sum.deliveries, sum.other, sum.damaged, sum.gaps), (0, 2, 3, 1));
        assert_eq!(sum.faults, Faults { lost: 3, ..Faults::default() });
    }

    #[test]
    fn a_replay_counts_but_has_no_latency() {
        let mut ledger = Ledger::new(TERMS, false);
        let seat = Seat { back_ns: 1_000_001, ..ledger.seat(0) };
        take(&mut ledger, seat, stamp(0, 0), 80, 9_000_000);
        let sum = ledger.close(&[1, 0, 0, 0]);
        assert_eq!((sum.deliveries, sum.replayed, sum.replayed_last_ns), (1, 1, 9_000_000));
        assert_eq!((sum.faults.lost, sum.latency.quantile_ms(1.0)), (0, None));
    }

    #[test]
    fn one_that_comes_and_goes_must_have_all_between_its_first_and_last() {
        let mut ledger = Ledger::new(TERMS, true);
        let seat = ledger.seat(0);
        [5, 6, 8].into_iter().for_each(|number| take(&mut ledger, seat, stamp(0, number), 80, 2));
        ledger.end_life(seat);
        [20, 21].into_iter().for_each(|number| take(&mut ledger, seat, stamp(0, number), 80, 2));
        assert_eq!(ledger.close(&[100, 0, 0, 0]).faults, Faults { lost: 1, ..Faults::default() });
    }
}
