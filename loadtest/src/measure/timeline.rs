//! Deliveries over time, in bins of a tenth of a second: how many, and the longest latency among them.

use serde::{Deserialize, Serialize};

const BIN_NS: u64 = 100_000_000;
/// A day: as long as a run can be.
const BINS_MAX: usize = 864_000;

/// One bin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Bin {
    deliveries: u64,
    latency_max_ns: u64,
}

/// All bins from the start of the run's clock on.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Timeline(Vec<Bin>);

impl Timeline {
    pub(crate) fn take(&mut self, now_ns: u64, latency_ns: u64) {
        let at = ((now_ns / BIN_NS) as usize).min(BINS_MAX);
        if at >= self.0.len() {
            self.0.resize(at + 1, Bin::default());
        }
        let bin = &mut self.0[at];
        bin.deliveries += 1;
        bin.latency_max_ns = bin.latency_max_ns.max(latency_ns);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), Bin::default());
        }
        for (mine, its) in self.0.iter_mut().zip(other.0) {
            mine.deliveries += its.deliveries;
            mine.latency_max_ns = mine.latency_max_ns.max(its.latency_max_ns);
        }
    }

    /// (second, deliveries per second), from the first delivery on.
    pub(crate) fn throughput(&self) -> Vec<(f64, f64)> {
        self.points(|bin| bin.deliveries as f64 * 1e9 / BIN_NS as f64)
    }

    /// (second, the longest latency in milliseconds), from the first delivery on.
    pub(crate) fn latency_max_ms(&self) -> Vec<(f64, f64)> {
        self.points(|bin| bin.latency_max_ns as f64 / 1e6)
    }

    fn points(&self, value: impl Fn(&Bin) -> f64) -> Vec<(f64, f64)> {
        let first = self.0.iter().position(|bin| bin.deliveries > 0).unwrap_or(0);
        let second = |at: usize| at as f64 * BIN_NS as f64 / 1e9;
        self.0[first..].iter().enumerate().map(|(at, bin)| (second(at), value(bin))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_fall_into_tenths_of_a_second() {
        let (mut one, mut two) = (Timeline::default(), Timeline::default());
        one.take(250_000_000, 1_000_000);
        one.take(299_999_999, 3_000_000);
        two.take(400_000_000, 2_000_000);
        one.merge(two);
        assert_eq!(one.throughput(), [(0.0, 20.0), (0.1, 0.0), (0.2, 10.0)]);
        assert_eq!(one.latency_max_ms(), [(0.0, 3.0), (0.1, 0.0), (0.2, 2.0)]);
        one.take(u64::MAX, 0);
        assert_eq!(one.0.len(), BINS_MAX + 1);
    }
}
