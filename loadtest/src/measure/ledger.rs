//! The deliveries to one group of connections on one receiving thread, each checked and timed.
//!
//! `take` runs once per event and connection, so it neither allocates (but for a table that grows) nor reads the clock.
//! Each thread has one ledger per group. It is closed into a `Sum` when the number of published events is known, and
//! sums are merged.

use std::ops::Range;

use fanfare_sse::Event;

use crate::measure::account::Account;
use crate::measure::gap::{CURSOR_KIND, GAP_KIND, Gap};
use crate::measure::ids::Ids;
use crate::measure::life::Lives;
use crate::measure::phase::{Phases, Tide};
use crate::measure::stamp::Stamp;
use crate::measure::sum::Sum;
use crate::measure::tally::{Arrival, Tally};
use crate::measure::terms::Terms;

/// The events that have to reach the connections of a ledger.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Due {
    /// Everything.
    All,
    /// Everything between the first and the last event of a life, and something in every long life. For connections
    /// that come and go.
    WhileThere,
    /// Everything up to the last event that was read, because later ones may still be on their way. For late readers.
    AsFarAsRead,
}

/// One connection's place in its ledger.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seat {
    pub(crate) place: usize,
    pub(crate) addressee: u32,
    /// The node that its stream is open at.
    pub(crate) node: u32,
    /// When it was told to come back. 0: never. An event that was due before is a replay, and says nothing about
    /// latency.
    pub(crate) back_ns: u64,
    /// When it came back. An event that was due between the order and this moment waited for it, and says nothing about
    /// latency either.
    pub(crate) here_ns: u64,
}

/// A sum that still grows.
#[derive(Debug)]
pub(crate) struct Ledger {
    terms: Terms,
    due: Due,
    /// Connection by connection, a tally for each publisher.
    tallies: Vec<Tally>,
    /// The order by ids. `None` with one publisher, whose numbers say the order.
    ids: Option<Ids>,
    lives: Lives,
    addressees: Vec<u32>,
    /// Accounts up to the last connection that was told of a gap. Usually there are none.
    accounts: Vec<Account>,
    pub(crate) tide: Tide,
    pub(crate) sum: Sum,
}

impl Ledger {
    pub(crate) fn new(terms: Terms, due: Due) -> Self {
        // Each event is for one addressee, in turn.
        let lives = Lives::new(terms.interval_ns.saturating_mul(u64::from(terms.addressees)));
        let ids = (terms.publishers > 1).then(Ids::default);
        let (tallies, addressees, accounts) = (Vec::new(), Vec::new(), Vec::new());
        let tide = Tide::STILL;
        let sum = Sum { crossing: (terms.nodes > 1).then(Box::default), ..Sum::default() };
        Self { terms, due, tallies, ids, lives, addressees, accounts, tide, sum }
    }

    /// The latency is also kept for each phase of a storm.
    pub(crate) fn with_phases(mut self) -> Self {
        self.sum.phases = Some(Box::<Phases>::default());
        self
    }

    /// Adds a connection that listens to this addressee.
    pub(crate) fn seat(&mut self, addressee: u32) -> Seat {
        let place = self.addressees.len();
        self.addressees.push(addressee);
        self.tallies.extend((0..self.terms.publishers).map(|_| fresh(self.due)));
        Seat { place, addressee, node: 0, back_ns: 0, here_ns: 0 }
    }

    /// Takes one event of a read that ended at `now_ns`.
    pub(crate) fn take(&mut self, seat: Seat, event: &Event<'_>, now_ns: u64) {
        let sum = &mut self.sum;
        let stamp = match Stamp::read(event.data) {
            Some(stamp) if stamp.run == self.terms.run => stamp,
            _ if event.kind == GAP_KIND => return self.take_gap(seat, Gap::read(event.data)),
            _ if event.kind == CURSOR_KIND => return,
            _ => return sum.other += 1,
        };
        let publisher = stamp.series.wrapping_sub(self.terms.series(seat.addressee, 0));
        if publisher >= self.terms.publishers || event.data_bytes != u64::from(self.terms.size_bytes) {
            return sum.damaged += 1;
        }
        let tally = &mut self.tallies[seat.place * self.terms.publishers as usize + publisher as usize];
        let (hole, reordered) = (tally.hole_before(stamp.number), tally.reordered);
        if tally.is_adrift() {
            // It cannot be known how much is missing before the first event ever.
            self.accounts.get_mut(seat.place).into_iter().for_each(Account::come_back);
        }
        if tally.take(stamp.number) == Arrival::Again {
            return;
        }
        let is_late = tally.reordered > reordered;
        if let Some(account) = self.accounts.get_mut(seat.place)
            && !is_late
        {
            sum.faults.told_missing += account.meet(hole, publisher, self.terms.publishers);
        }
        if let Some(ids) = &mut self.ids {
            let is_in_order = ids.take(seat.place, event.id.unwrap_or_default());
            // Counted once, whichever of the two says it.
            sum.faults.reordered += u64::from(!is_late && !is_in_order);
        }
        sum.deliveries += 1;
        if self.due == Due::WhileThere {
            self.lives.hear(seat.place);
        }
        self.take_time(seat, stamp, now_ns);
    }

    fn take_gap(&mut self, seat: Seat, gap: Option<Gap>) {
        self.sum.gaps.take(gap);
        let Some(gap) = gap else { return };
        if self.accounts.len() <= seat.place {
            self.accounts.resize(seat.place + 1, Account::default());
        }
        self.accounts[seat.place].tell(gap.missed);
    }

    fn take_time(&mut self, seat: Seat, stamp: Stamp, now_ns: u64) {
        let sum = &mut self.sum;
        if stamp.due_ns < seat.here_ns {
            if stamp.due_ns < seat.back_ns {
                sum.replayed += 1;
                sum.replayed_last_ns = now_ns;
            }
            // Throughput, but no latency: it is as old as the absence was long.
            sum.timeline.take(now_ns, 0);
            return;
        }
        let latency_ns = now_ns.saturating_sub(stamp.due_ns);
        sum.latency.record_ns(latency_ns);
        if let Some(phases) = &mut sum.phases {
            phases.take(&self.tide, stamp.due_ns, latency_ns);
        }
        if let Some(crossing) = &mut sum.crossing {
            crossing.take(self.terms.node_of_event(stamp.series, stamp.number), seat.node, latency_ns);
        }
        sum.timeline.take(now_ns, latency_ns);
        let row = u64::from(stamp.number) * self.terms.series_count() as u64 + u64::from(stamp.series);
        sum.spans.take(row, stamp.due_ns, now_ns);
    }

    /// A connection is open again and goes on after its last event.
    pub(crate) fn come_back(&mut self, seat: Seat) {
        self.accounts.get_mut(seat.place).into_iter().for_each(Account::come_back);
    }

    /// A read that completed one delivery or more has been taken.
    pub(crate) fn end_read(&mut self, now_ns: u64) {
        self.sum.reads += 1;
        if self.sum.first_delivery_ns == 0 {
            self.sum.first_delivery_ns = now_ns;
        }
        self.sum.last_delivery_ns = now_ns;
    }

    /// A connection that comes and goes has come.
    pub(crate) fn begin_life(&mut self, seat: Seat, now_ns: u64) {
        self.lives.begin(seat.place, now_ns);
    }

    /// Ends the life of a connection that comes and goes. Only the numbers that it jumped over are a loss.
    pub(crate) fn end_life(&mut self, seat: Seat, now_ns: u64) {
        let publishers = self.terms.publishers as usize;
        let mut jumped = 0;
        for tally in &mut self.tallies[seat.place * publishers..][..publishers] {
            let tally = std::mem::replace(tally, fresh(self.due));
            self.sum.faults.add(&tally);
            jumped += tally.jumped();
        }
        let account = self.accounts.get_mut(seat.place).map(std::mem::take).unwrap_or_default();
        self.sum.balance(jumped, &account);
        self.ids.iter_mut().for_each(|ids| ids.forget(seat.place));
        self.lives.end(seat.place, now_ns);
    }

    /// Compares the deliveries with the events `published` in each series, and the lives with the time in which this
    /// thread received anything.
    pub(crate) fn close(mut self, published: &[u32], received_ns: &Range<u64>) -> Sum {
        let publishers = self.terms.publishers as usize;
        let mut accounts = std::mem::take(&mut self.accounts).into_iter();
        for (connection, tallies) in self.tallies.chunks(publishers).enumerate() {
            let series = self.terms.series(self.addressees[connection], 0) as usize;
            let mut account = accounts.next().unwrap_or_default();
            let mut missing = 0;
            for ((publisher, tally), published) in (0..).zip(tallies).zip(&published[series..]) {
                self.sum.faults.add(tally);
                match self.due {
                    Due::All => {
                        missing += tally.lost(*published);
                        let tail = tally.unread(*published);
                        self.sum.faults.told_missing += account.meet(tail, publisher, self.terms.publishers);
                    }
                    Due::WhileThere => missing += tally.jumped(),
                    Due::AsFarAsRead => {
                        missing += tally.jumped();
                        self.sum.unread += tally.unread(*published);
                    }
                }
            }
            if self.due == Due::All {
                account.settle();
            }
            self.sum.balance(missing, &account);
        }
        self.sum.silent = self.lives.silent(received_ns);
        self.sum
    }
}

/// The time from the first delivery in any of these ledgers to the last.
pub(crate) fn received_ns(ledgers: &[Ledger]) -> Range<u64> {
    let sums = || ledgers.iter().map(|ledger| &ledger.sum);
    let first_ns = sums().map(|sum| sum.first_delivery_ns).filter(|first_ns| *first_ns > 0).min();
    first_ns.unwrap_or(u64::MAX)..sums().map(|sum| sum.last_delivery_ns).max().unwrap_or(0)
}

fn fresh(due: Due) -> Tally {
    if due == Due::WhileThere { Tally::adrift() } else { Tally::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::sum::Faults;

    const TERMS: Terms =
        Terms { run: 7, size_bytes: 80, addressees: 2, publishers: 2, interval_ns: 0, nodes: 1, batch: 1 };
    const RECEIVED_NS: Range<u64> = 1..2;

    fn take(ledger: &mut Ledger, seat: Seat, stamp: Stamp, size_bytes: usize, now_ns: u64) {
        take_with_id(ledger, seat, stamp, size_bytes, now_ns, b"");
    }

    fn take_with_id(ledger: &mut Ledger, seat: Seat, stamp: Stamp, size_bytes: usize, now_ns: u64, id: &[u8]) {
        let mut data = Vec::new();
        stamp.write(size_bytes, &mut data);
        ledger.take(
            seat,
            &Event { id: Some(id), kind: b"message", data: &data, data_bytes: data.len() as u64 },
            now_ns,
        );
    }

    fn stamp(series: u32, number: u32) -> Stamp {
        Stamp { run: 7, series, number, due_ns: 1_000_000 }
    }

    #[test]
    fn threads_are_added_up_as_if_there_were_one() {
        let (mut one, mut two) = (Ledger::new(TERMS, Due::All), Ledger::new(TERMS, Due::All));
        let (here, there) = (one.seat(0), two.seat(0));
        for number in 0..3 {
            take(&mut one, here, stamp(1, number), 80, 2_000_000);
            take(&mut two, there, stamp(1, number), 80, 3_000_000 + u64::from(number) * 1_000_000);
        }
        one.end_read(2_000_000);
        two.end_read(5_000_000);
        let mut sum = one.close(&[1, 3, 9, 9], &RECEIVED_NS);
        sum.merge(two.close(&[0, 4, 9, 9], &RECEIVED_NS));
        assert_eq!((sum.deliveries, sum.reads), (6, 2));
        assert_eq!((sum.first_delivery_ns, sum.last_delivery_ns), (2_000_000, 5_000_000));
        assert_eq!(sum.faults, Faults { lost: 2, ..Faults::default() });
        assert_eq!(sum.spans.spread().unwrap().max_ms, 3.0);
        assert!((sum.latency.quantile_ms(1.0).unwrap() - 4.0).abs() < 0.01);
    }

    #[test]
    fn what_is_not_of_the_run_or_not_for_the_connection_is_no_delivery() {
        let mut ledger = Ledger::new(TERMS, Due::All);
        let seat = ledger.seat(1);
        take(&mut ledger, seat, Stamp { run: 8, ..stamp(2, 0) }, 80, 1);
        ledger.take(seat, &Event { id: None, kind: b"message", data: b"the time is", data_bytes: 11 }, 1);
        ledger.take(seat, &Event { id: None, kind: b"fanfare.gap", data: b"{\"from\"", data_bytes: 11 }, 1);
        take(&mut ledger, seat, stamp(2, 0), 81, 1);
        take(&mut ledger, seat, stamp(1, 0), 80, 1);
        take(&mut ledger, seat, stamp(4, 0), 80, 1);
        let sum = ledger.close(&[5, 5, 2, 1], &RECEIVED_NS);
        assert_eq!((sum.deliveries, sum.other, sum.damaged, sum.gaps.total()), (0, 2, 3, 1));
        assert_eq!(sum.faults, Faults { lost: 3, ..Faults::default() });
    }

    #[test]
    fn a_replay_counts_but_has_no_latency() {
        let mut ledger = Ledger::new(TERMS, Due::All);
        let seat = Seat { back_ns: 1_000_001, here_ns: 1_000_002, ..ledger.seat(0) };
        take(&mut ledger, seat, stamp(0, 0), 80, 9_000_000);
        let sum = ledger.close(&[1, 0, 0, 0], &RECEIVED_NS);
        assert_eq!((sum.deliveries, sum.replayed, sum.replayed_last_ns), (1, 1, 9_000_000));
        assert_eq!((sum.faults.lost, sum.latency.quantile_ms(1.0)), (0, None));
        assert_eq!((sum.timeline.throughput(), sum.timeline.latency_max_ms()), (vec![(0.0, 10.0)], vec![(0.0, 0.0)]));
    }

    #[test]
    fn latency_is_told_apart_by_the_node_that_took_the_event() {
        let mut ledger = Ledger::new(Terms { nodes: 2, ..TERMS }, Due::All);
        let seats = [0, 1].map(|node| Seat { node, ..ledger.seat(0) });
        // The first publisher is at the first node, the second at the second.
        for (seat, series, now_ns) in [(0, 0, 2_000_000), (1, 0, 3_000_000), (0, 1, 5_000_000), (1, 1, 2_000_000)] {
            take(&mut ledger, seats[seat], stamp(series, 0), 80, now_ns);
        }
        let crossing = ledger.close(&[1, 1, 0, 0], &RECEIVED_NS).crossing.unwrap();
        assert_eq!((crossing.same_node.count(), crossing.other_nodes.count()), (2, 2));
        assert!((crossing.same_node.quantile_ms(1.0).unwrap() - 1.0).abs() < 0.01);
        assert!((crossing.other_nodes.quantile_ms(1.0).unwrap() - 4.0).abs() < 0.01);
    }

    #[test]
    fn one_that_comes_and_goes_must_have_all_between_its_first_and_last() {
        let mut ledger = Ledger::new(TERMS, Due::WhileThere);
        let seat = ledger.seat(0);
        [5, 6, 8].into_iter().for_each(|number| take(&mut ledger, seat, stamp(0, number), 80, 2));
        ledger.end_life(seat, 2);
        [20, 21].into_iter().for_each(|number| take(&mut ledger, seat, stamp(0, number), 80, 2));
        let sum = ledger.close(&[100, 0, 0, 0], &RECEIVED_NS);
        assert_eq!(sum.faults, Faults { lost: 1, ..Faults::default() });
    }

    #[test]
    fn a_life_without_an_event_is_silent() {
        let mut ledger = Ledger::new(TERMS, Due::WhileThere);
        let seats = [ledger.seat(0), ledger.seat(0)];
        seats.iter().for_each(|seat| ledger.begin_life(*seat, 0));
        take(&mut ledger, seats[0], stamp(0, 5), 80, 2);
        seats.iter().for_each(|seat| ledger.end_life(*seat, 1_000_000_000));
        let sum = ledger.close(&[100, 0, 0, 0], &(1..1_000_000_000));
        assert_eq!((sum.silent, sum.faults), (1, Faults::default()));
    }

    #[test]
    fn who_reads_late_has_lost_only_what_it_jumped_over() {
        let mut ledger = Ledger::new(TERMS, Due::AsFarAsRead);
        let seat = ledger.seat(0);
        [0, 1, 3].into_iter().for_each(|number| take(&mut ledger, seat, stamp(0, number), 80, 2));
        let sum = ledger.close(&[10, 5, 0, 0], &RECEIVED_NS);
        assert_eq!((sum.faults.lost, sum.unread), (1, 6 + 5));
    }

    #[test]
    fn the_ids_say_the_order_among_publishers() {
        let mut ledger = Ledger::new(TERMS, Due::All);
        let seat = ledger.seat(0);
        for (series, number, id) in
            [(0, 0, "7-0"), (1, 0, "6-9"), (0, 1, ""), (1, 1, "7-x"), (1, 2, "7-1"), (1, 3, "10-0")]
        {
            take_with_id(&mut ledger, seat, stamp(series, number), 80, 2, id.as_bytes());
        }
        let sum = ledger.close(&[2, 4, 0, 0], &RECEIVED_NS);
        assert_eq!(sum.faults, Faults { reordered: 1, ..Faults::default() });
    }
}
