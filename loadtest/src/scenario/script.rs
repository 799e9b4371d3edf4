//! What happens in the middle of a run: nothing, a storm, or the weighing of a soak.
//!
//! Stepped by the main thread, about a hundred times a second; never waits.

use std::time::Duration;

use crate::args::values::Percent;
use crate::crowd::Crowd;
use crate::crowd::plan::{Order, Plan, Role};
use crate::failure::Failure;
use crate::measure::process::Process;
use crate::report::{Report, ms};

/// How often the server is weighed while a run goes on.
const WEIGH_EVERY_NS: u64 = 1_000_000_000;

/// What a script is to do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    Plain,
    /// All of the storm's connections leave after `before`, and come back `away` later.
    Storm {
        before: Duration,
        away: Duration,
    },
    /// The server may not grow by more than this.
    Soak {
        growth_max: Percent,
    },
}

/// A script, and how far it has come. Times are of the run's clock.
#[derive(Debug)]
pub(crate) struct Script {
    part: Part,
    start_ns: u64,
    process: Option<Process>,
    left_ns: Option<u64>,
    back_ns: Option<u64>,
    all_back_ns: Option<u64>,
    /// (time, PSS in bytes)
    weights: Vec<(u64, u64)>,
}

impl Script {
    pub(crate) fn new(part: Part) -> Self {
        Self { part, start_ns: 0, process: None, left_ns: None, back_ns: None, all_back_ns: None, weights: Vec::new() }
    }

    pub(crate) fn start(&mut self, start_ns: u64, process: Option<Process>) {
        (self.start_ns, self.process) = (start_ns, process);
    }

    pub(crate) fn step(&mut self, crowd: &mut Crowd) -> Result<(), Failure> {
        let now_ns = crowd.plan.clock.now_ns();
        if let (Some(process), Part::Storm { .. } | Part::Soak { .. }) = (self.process, self.part)
            && self.weights.last().is_none_or(|(last_ns, _)| now_ns - last_ns >= WEIGH_EVERY_NS)
        {
            self.weights.push((now_ns, process.memory()?.pss_bytes));
        }
        let Part::Storm { before, away } = self.part else { return Ok(()) };
        let passed = Duration::from_nanos(now_ns - self.start_ns);
        if self.left_ns.is_none() && passed >= before {
            self.left_ns = Some(now_ns);
            return crowd.order(Order::Away);
        }
        if self.back_ns.is_none() && passed >= before + away {
            self.back_ns = Some(now_ns);
            return crowd.order(Order::Back);
        }
        if self.all_back_ns.is_none() && crowd.counts().back >= storming(&crowd.plan) {
            self.all_back_ns = Some(now_ns);
        }
        Ok(())
    }

    /// Nothing is still to happen.
    pub(crate) fn is_over(&self) -> bool {
        !matches!(self.part, Part::Storm { .. }) || self.all_back_ns.is_some()
    }

    pub(crate) fn report(&self, report: &mut Report, plan: &Plan, replayed_last_ns: Option<u64>) {
        self.report_storm(report, plan, replayed_last_ns);
        let Some(peak) = self.weights.iter().map(|(_, pss_bytes)| *pss_bytes).max() else { return };
        report.row("server PSS peak", format!("{:.1} MiB", peak as f64 / f64::from(1 << 20)));
        report.figure("peak_pss_bytes", peak);
        let seconds = |at_ns: u64| at_ns.saturating_sub(self.start_ns) as f64 / 1e9;
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        report.memory_mib = self.weights.iter().map(|(at_ns, bytes)| (seconds(*at_ns), mib(*bytes))).collect();
        let Part::Soak { growth_max } = self.part else { return };
        let Some((early, late)) = growth(&self.weights) else {
            report.fault("the soak was too short to see growth: at least 8 seconds are needed".to_owned());
            return;
        };
        report.row(
            "server PSS",
            format!("{:.2} MiB in the second quarter, {:.2} MiB in the last", mib(early), mib(late)),
        );
        report.figure("early_pss_bytes", early);
        report.figure("late_pss_bytes", late);
        let grown = late.saturating_sub(early);
        if grown > growth_max.of_bytes(early) {
            report.fault(format!("the server grew by {:.2} MiB, from {:.2} MiB", mib(grown), mib(early)));
        }
    }

    fn report_storm(&self, report: &mut Report, plan: &Plan, replayed_last_ns: Option<u64>) {
        if !matches!(self.part, Part::Storm { .. }) {
            return;
        }
        let after_ms = |at_ns: Option<u64>| Some(at_ns?.saturating_sub(self.back_ns?) as f64 / 1e6);
        let all_back_ms = after_ms(self.all_back_ns);
        let caught_up_ms = after_ms(replayed_last_ns);
        report.row("storm", format!("{} streams back in {}", storming(plan), ms(all_back_ms)));
        report.row("last replay", format!("after {}", ms(caught_up_ms)));
        report.figure("all_back_ms", all_back_ms);
        report.figure("last_replay_ms", caught_up_ms);
        if self.all_back_ns.is_none() {
            report.fault("not all streams came back in time".to_owned());
        }
    }
}

/// How many connections leave and come back.
fn storming(plan: &Plan) -> u32 {
    plan.groups.iter().filter(|group| group.role == Role::Storm).map(|group| group.connections).sum()
}

/// The median weight in the second quarter and in the last.
fn growth(weights: &[(u64, u64)]) -> Option<(u64, u64)> {
    let quarter = weights.len() / 4;
    let median = |part: &[(u64, u64)]| {
        let mut bytes: Vec<u64> = part.iter().map(|(_, bytes)| *bytes).collect();
        bytes.sort_unstable();
        bytes[bytes.len() / 2]
    };
    (quarter >= 2).then(|| (median(&weights[quarter..2 * quarter]), median(&weights[weights.len() - quarter..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_from_the_second_quarter_to_the_last() {
        let weights = |bytes: &[u64]| bytes.iter().map(|bytes| (0, *bytes)).collect::<Vec<_>>();
        assert_eq!(growth(&weights(&[1, 1, 5, 5, 6, 6, 9, 9])), Some((5, 9)));
        assert_eq!(growth(&weights(&[1, 2, 3, 4, 5, 6, 7])), None);
    }
}
