//! The phases of a storm or a rush, by the run's clock, and the latency of the events that were due in each of them.
//!
//! An event counts where it was due, not where it came: a delay by the storm is the storm's, however late the event
//! comes.

use serde::{Deserialize, Serialize};

use crate::measure::latency::Latency;

/// The times at which the phases began. `u64::MAX`: one has not.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tide {
    /// All of them had received something, and the time to compare with began.
    pub(crate) settled_ns: u64,
    /// The streams of the storm left, or the rush began.
    pub(crate) left_ns: u64,
    /// The streams of the storm were told to come back, or the rush began.
    pub(crate) back_ns: u64,
    /// All had caught up, or the last of the rush had connected.
    pub(crate) caught_up_ns: u64,
}

impl Tide {
    pub(crate) const STILL: Self =
        Self { settled_ns: u64::MAX, left_ns: u64::MAX, back_ns: u64::MAX, caught_up_ns: u64::MAX };
}

/// The latency in the phases that are compared.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Phases {
    pub(crate) before: Latency,
    pub(crate) during: Latency,
}

impl Phases {
    pub(crate) fn take(&mut self, tide: &Tide, due_ns: u64, latency_ns: u64) {
        if (tide.settled_ns..tide.left_ns).contains(&due_ns) {
            self.before.record_ns(latency_ns);
        } else if (tide.back_ns..tide.caught_up_ns).contains(&due_ns) {
            self.during.record_ns(latency_ns);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.before.add(&other.before);
        self.during.add(&other.during);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_belongs_to_the_phase_in_which_it_was_due() {
        let mut phases = Phases::default();
        phases.take(&Tide::STILL, 7, 9);
        phases.take(&Tide { settled_ns: 5, ..Tide::STILL }, 7, 1_000_000);
        let tide = Tide { settled_ns: 5, left_ns: 10, back_ns: 20, caught_up_ns: 30 };
        for (due_ns, latency_ns) in
            [(4, 9), (9, 1_000_000), (10, 9), (19, 9), (20, 7_000_000), (29, 7_000_000), (30, 9)]
        {
            phases.take(&tide, due_ns, latency_ns);
        }
        assert_eq!((phases.before.count(), phases.during.count()), (2, 2));
        assert!((phases.during.quantile_ms(0.5).unwrap() - 7.0).abs() < 0.01);
    }
}
