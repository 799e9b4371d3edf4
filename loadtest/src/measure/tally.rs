//! An exact account of one connection: by sequence number it knows which events were lost, came twice or came late.
//!
//! A tally costs nothing while events come in order: memory grows only with the number of holes.

use std::ops::Range;

/// The sequence check of one connection and one series.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// The first number seen ever is where the series begins for this connection, not 0.
    is_adrift: bool,
    /// The lowest number that is expected: 0, or on a connection that came later the lowest that it has seen.
    base: u32,
    /// One above the highest number seen.
    next: u32,
    /// Numbers that were jumped over and have not come since, in ascending order.
    missing: Vec<Range<u32>>,
    pub(crate) duplicated: u64,
    pub(crate) reordered: u64,
}

/// The meaning of a number to the connection that received it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Arrival {
    First,
    Again,
}

impl Tally {
    /// A tally of a connection that is not there from the beginning. Events before its first one are not missed.
    pub(crate) fn adrift() -> Self {
        Self { is_adrift: true, ..Self::default() }
    }

    /// How many would be jumped over if this one came now.
    pub(crate) fn hole_before(&self, number: u32) -> u64 {
        if self.is_adrift { 0 } else { u64::from(number.saturating_sub(self.next)) }
    }

    /// Whether nothing has come, so that nobody knows what should have.
    pub(crate) fn is_adrift(&self) -> bool {
        self.is_adrift
    }

    pub(crate) fn take(&mut self, number: u32) -> Arrival {
        if std::mem::take(&mut self.is_adrift) {
            (self.base, self.next) = (number, number);
        }
        if number < self.base {
            // The connection was here already when this one was published, so the events between the two have to come
            // as well.
            if number + 1 < self.base {
                self.missing.insert(0, number + 1..self.base);
            }
            self.base = number;
            self.reordered += 1;
            return Arrival::First;
        }
        if number >= self.next {
            if number > self.next {
                self.missing.push(self.next..number);
            }
            self.next = number + 1;
            return Arrival::First;
        }
        let hole = self.missing.partition_point(|hole| hole.end <= number);
        match self.missing.get(hole) {
            Some(range) if range.contains(&number) => {
                self.fill(hole, number);
                self.reordered += 1;
                Arrival::First
            }
            _ => {
                self.duplicated += 1;
                Arrival::Again
            }
        }
    }

    /// How many of the first `published` events have not come.
    pub(crate) fn lost(&self, published: u32) -> u64 {
        // An event can be here although its publish was not counted: its answer may have failed.
        let holes = self.missing.iter().map(|hole| hole.end.min(published).saturating_sub(hole.start));
        holes.map(u64::from).sum::<u64>() + u64::from(published.saturating_sub(self.next))
    }

    /// How many have not come although a later one has.
    pub(crate) fn jumped(&self) -> u64 {
        self.lost(self.next)
    }

    /// How many of the first `published` events are above everything that has come: on their way, perhaps.
    pub(crate) fn unread(&self, published: u32) -> u64 {
        u64::from(published.saturating_sub(self.next))
    }

    fn fill(&mut self, hole: usize, number: u32) {
        let Range { start, end } = self.missing[hole].clone();
        match (start == number, number + 1 == end) {
            (true, true) => drop(self.missing.remove(hole)),
            (true, false) => self.missing[hole].start = number + 1,
            (false, true) => self.missing[hole].end = number,
            (false, false) => {
                self.missing[hole].end = number;
                self.missing.insert(hole + 1, number + 1..end);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn tally(numbers: impl IntoIterator<Item = u32>) -> Tally {
        let mut tally = Tally::default();
        for number in numbers {
            tally.take(number);
        }
        tally
    }

    #[test]
    fn events_in_order_leave_no_trace() {
        let tally = tally(0..1000);
        assert_eq!((tally.lost(1000), tally.duplicated, tally.reordered), (0, 0, 0));
        assert_eq!(tally.missing.capacity(), 0);
    }

    #[test]
    fn one_that_came_later_misses_nothing_from_before() {
        let mut tally = Tally::adrift();
        assert_eq!((tally.jumped(), tally.hole_before(7)), (0, 0));
        for number in [7, 8, 10] {
            tally.take(number);
        }
        assert_eq!((tally.jumped(), tally.duplicated, tally.reordered), (1, 0, 0));
    }

    #[test]
    fn what_is_older_than_the_first_is_late_and_not_a_copy() {
        let mut tally = Tally::adrift();
        assert_eq!(
            [7, 4, 4, 5].map(|number| tally.take(number)),
            [Arrival::First, Arrival::First, Arrival::Again, Arrival::First]
        );
        assert_eq!((tally.jumped(), tally.duplicated, tally.reordered), (1, 1, 2));
    }

    #[test]
    fn what_was_not_read_yet_is_not_jumped_over() {
        let tally = tally([0, 1, 4]);
        assert_eq!((tally.jumped(), tally.unread(10), tally.lost(10), tally.unread(3)), (2, 5, 7, 0));
    }

    #[test]
    fn a_hole_is_lost_until_it_is_filled() {
        let mut tally = tally([0, 5, 6]);
        assert_eq!((tally.hole_before(7), tally.hole_before(9), tally.hole_before(3)), (0, 2, 0));
        assert_eq!(tally.lost(7), 4);
        assert_eq!(tally.lost(8), 5);
        assert_eq!(tally.lost(3), 2);
        assert_eq!(tally.jumped(), 4);
        for number in [2, 1, 4, 3] {
            assert_eq!(tally.take(number), Arrival::First);
        }
        assert_eq!((tally.lost(7), tally.duplicated, tally.reordered), (0, 0, 4));
        assert_eq!(tally.take(3), Arrival::Again);
        assert_eq!(tally.duplicated, 1);
    }

    #[test]
    fn nothing_received_is_all_lost() {
        assert_eq!(tally([]).lost(10), 10);
    }

    #[test]
    fn it_agrees_with_a_naive_model_on_scrambled_numbers() {
        // A small linear congruential generator: the same numbers on every run.
        let mut state = 1_u32;
        let mut draw = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % below
        };
        for _ in 0..200 {
            let mut tally = Tally::default();
            let (mut seen, mut duplicated, mut reordered) = (BTreeSet::new(), 0, 0);
            for _ in 0..draw(120) {
                let number = draw(50);
                let late = seen.last().is_some_and(|&last| number < last);
                if !seen.insert(number) {
                    duplicated += 1;
                } else if late {
                    reordered += 1;
                }
                tally.take(number);
            }
            let lost = (0..50).filter(|number| !seen.contains(number)).count() as u64;
            assert_eq!((tally.lost(50), tally.duplicated, tally.reordered), (lost, duplicated, reordered));
        }
    }
}
