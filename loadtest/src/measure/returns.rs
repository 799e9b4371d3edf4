//! When streams came back, in bins of a tenth of a second: the most within any second, and the number in each.

use serde::{Deserialize, Serialize};

const BIN_NS: u64 = 100_000_000;
const BINS_PER_S: usize = 10;
/// A day: as long as a run can be.
const BINS_MAX: usize = 864_000;

/// The number of streams that began to come back in each bin, from the start of the run's clock on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Returns(Vec<u32>);

impl Returns {
    pub(crate) fn take(&mut self, now_ns: u64) {
        let at = ((now_ns / BIN_NS) as usize).min(BINS_MAX);
        if at >= self.0.len() {
            self.0.resize(at + 1, 0);
        }
        self.0[at] += 1;
    }

    pub(crate) fn merge(&mut self, other: Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        self.0.iter_mut().zip(other.0).for_each(|(mine, its)| *mine += its);
    }

    pub(crate) fn total(&self) -> u32 {
        self.0.iter().sum()
    }

    /// The most within a second, whichever tenth it begins with.
    pub(crate) fn most_in_a_second(&self) -> u32 {
        if self.0.len() < BINS_PER_S {
            return self.total();
        }
        self.0.windows(BINS_PER_S).map(|second| second.iter().sum()).max().unwrap_or(0)
    }

    /// The number in each second from a moment of the run's clock up to another.
    pub(crate) fn each_second(&self, from_ns: u64, to_ns: u64) -> Vec<u32> {
        let at = |ns: u64| ((ns / BIN_NS) as usize).min(self.0.len());
        self.0[at(from_ns)..at(to_ns).max(at(from_ns))].chunks(BINS_PER_S).map(|second| second.iter().sum()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    #[test]
    fn the_most_in_a_second_is_that_of_the_worst_one() {
        let mut returns = Returns::default();
        assert_eq!((returns.most_in_a_second(), returns.total()), (0, 0));
        // Five before the turn of a second and six after it are eleven within one.
        (0..5).for_each(|_| returns.take(S - 1));
        (0..6).for_each(|_| returns.take(S + S / 2));
        let mut other = Returns::default();
        (0..3).for_each(|_| other.take(4 * S));
        returns.merge(other);
        assert_eq!((returns.most_in_a_second(), returns.total()), (11, 14));
        assert_eq!(returns.each_second(0, 5 * S), [5, 6, 0, 0, 3]);
        assert_eq!(returns.each_second(S, 3 * S), [6, 0]);
        assert_eq!(returns.each_second(9 * S, 3 * S), [0; 0]);
    }
}
