//! The lives of connections that come and go, and which of them have heard nothing while others heard something.
//!
//! A life that receives nothing has no sequence numbers to miss, so only the time that it was open says that it should
//! have. Used by the ledger. Reads no clock.

use std::ops::Range;
use std::time::Duration;

/// A life may hear nothing for so many publish intervals, and for this long.
const INTERVALS: u64 = 10;
const MARGIN_MIN: Duration = Duration::from_millis(300);

/// The lives of one ledger's connections. Times are of the run's clock, in nanoseconds.
#[derive(Debug)]
pub(crate) struct Lives {
    margin_ns: u64,
    /// Connection by connection: when the life that is not over began, if it has heard nothing so far.
    silent_since_ns: Vec<Option<u64>>,
    /// Lives that were over without a delivery and were long enough to be judged.
    silent: Vec<Range<u64>>,
}

impl Lives {
    /// `interval_ns` is between two events for one connection, or 0 if there is no pace.
    pub(crate) fn new(interval_ns: u64) -> Self {
        let margin_ns = interval_ns.saturating_mul(INTERVALS).max(MARGIN_MIN.as_nanos() as u64);
        Self { margin_ns, silent_since_ns: Vec::new(), silent: Vec::new() }
    }

    pub(crate) fn begin(&mut self, place: usize, now_ns: u64) {
        if self.silent_since_ns.len() <= place {
            self.silent_since_ns.resize(place + 1, None);
        }
        self.silent_since_ns[place] = Some(now_ns);
    }

    /// Notes that the connection has received something.
    pub(crate) fn hear(&mut self, place: usize) {
        if let Some(since_ns) = self.silent_since_ns.get_mut(place) {
            *since_ns = None;
        }
    }

    pub(crate) fn end(&mut self, place: usize, now_ns: u64) {
        let since_ns = self.silent_since_ns.get_mut(place).and_then(Option::take);
        if let Some(since_ns) = since_ns
            && now_ns.saturating_sub(since_ns) > self.margin_ns
        {
            self.silent.push(since_ns..now_ns);
        }
    }

    /// How many lives have heard nothing for too long, within the time in which any connection heard anything. Before
    /// this time nothing was published yet, and after it nothing any more.
    pub(crate) fn silent(mut self, window: &Range<u64>) -> u64 {
        (0..self.silent_since_ns.len()).for_each(|place| self.end(place, window.end));
        let judged =
            self.silent.iter().map(|life| life.end.min(window.end).saturating_sub(life.start.max(window.start)));
        judged.filter(|judged_ns| *judged_ns > self.margin_ns).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn silent(interval_ns: u64, life: Range<u64>, window: Range<u64>) -> u64 {
        let mut lives = Lives::new(interval_ns);
        lives.begin(3, life.start);
        lives.end(3, life.end);
        lives.silent(&window)
    }

    #[test]
    fn a_long_life_without_a_delivery_is_silent() {
        assert_eq!(silent(0, 1000 * MS..1301 * MS, 0..5000 * MS), 1);
        assert_eq!(silent(0, 1000 * MS..1300 * MS, 0..5000 * MS), 0, "the shortest margin");
        assert_eq!(silent(100 * MS, 1000 * MS..1900 * MS, 0..5000 * MS), 0, "ten intervals");
        assert_eq!(silent(100 * MS, 1000 * MS..2001 * MS, 0..5000 * MS), 1);
    }

    #[test]
    fn the_time_before_the_first_and_after_the_last_delivery_does_not_count() {
        assert_eq!(silent(0, 0..5000 * MS, 4800 * MS..9000 * MS), 0);
        assert_eq!(silent(0, 1000 * MS..5000 * MS, 0..1200 * MS), 0);
        assert_eq!(silent(0, 0..5000 * MS, u64::MAX..u64::MAX), 0, "nobody received anything");
    }

    #[test]
    fn one_that_hears_is_not_silent_and_one_that_is_not_over_may_be() {
        let mut lives = Lives::new(0);
        (0..2).for_each(|place| lives.begin(place, 0));
        lives.hear(0);
        lives.end(0, 900 * MS);
        assert_eq!(lives.silent(&(0..1000 * MS)), 1);
    }
}
