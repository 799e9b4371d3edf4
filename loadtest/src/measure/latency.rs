//! A distribution of times, in a histogram of three significant figures: 250 ns up to a day.
//!
//! Each thread fills its own and they are added up at the end.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

const LOWEST_NS: u64 = 250;
const HIGHEST_NS: u64 = 24 * 3600 * 1_000_000_000;
const SIGNIFICANT_FIGURES: u8 = 3;

/// Times in nanoseconds. Longer than a day counts as a day.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>")]
pub(crate) struct Latency(Histogram<u64>);

impl Latency {
    pub(crate) fn new() -> Self {
        let histogram = Histogram::new_with_bounds(LOWEST_NS, HIGHEST_NS, SIGNIFICANT_FIGURES);
        Self(histogram.expect("the bounds are constants that it takes"))
    }

    pub(crate) fn record_ns(&mut self, time_ns: u64) {
        self.0.saturating_record(time_ns);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("both have the same bounds");
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The time that `quantile` (0 to 1) of all did not exceed, in milliseconds. `None`: there were none.
    pub(crate) fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.value_at_quantile(quantile) as f64 / 1e6)
    }
}

impl Default for Latency {
    fn default() -> Self {
        Self::new()
    }
}

/// How it travels from one process to another: each time that was recorded, and how often.
impl From<Latency> for Vec<(u64, u64)> {
    fn from(latency: Latency) -> Self {
        latency.0.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value())).collect()
    }
}

impl From<Vec<(u64, u64)>> for Latency {
    fn from(counts: Vec<(u64, u64)>) -> Self {
        let mut latency = Self::new();
        counts.into_iter().for_each(|(time_ns, count)| latency.0.saturating_record_n(time_ns, count));
        latency
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_exact_to_a_thousandth() {
        let (mut low, mut high) = (Latency::new(), Latency::new());
        assert_eq!(low.quantile_ms(0.5), None);
        (1..=500).for_each(|ms| low.record_ns(ms * 1_000_000));
        (501..=1000).for_each(|ms| high.record_ns(ms * 1_000_000));
        low.add(&high);
        for (quantile, expected_ms) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1000.0)] {
            let found_ms = low.quantile_ms(quantile).unwrap();
            assert!((found_ms - expected_ms).abs() <= expected_ms / 1000.0, "{quantile}: {found_ms}");
        }
        low.record_ns(u64::MAX);
        assert!(low.quantile_ms(1.0).unwrap() >= 86_400_000.0);
    }
    #[test]
    fn it_survives_the_way_to_another_process() {
        let mut latency = Latency::new();
        [250, 1_000, 1_000, 77_000_000].into_iter().for_each(|time_ns| latency.record_ns(time_ns));
        let text = serde_json::to_string(&latency).unwrap();
        let copy: Latency = serde_json::from_str(&text).unwrap();
        assert_eq!(copy.0, latency.0);
        assert_eq!(copy.count(), 4);
    }
}
