//! The middle of a run: nothing, a storm, a rush, the weighing of a soak, or that late readers read on.
//!
//! The main thread steps it about a hundred times a second. It never waits.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::args::values::Percent;
use crate::crowd::Crowd;
use crate::crowd::plan::Order;
use crate::failure::Failure;
use crate::measure::servers::Servers;
use crate::publish::backlog::Backlog;
use crate::publish::counter::Counter;
use crate::report::Report;
use crate::report::findings::Findings;
use crate::report::rolling::say_rolling;
use crate::report::rush::say_rush;
use crate::report::storm::{say_memory, say_storm};
use crate::scenario::rolling::Rolling;
use crate::scenario::rush::{Rush, Visit};
use crate::scenario::storm::Storm;
use crate::wire::target::CONNECTIONS_PER_SOURCE;

/// The time between two weighings of the server while a run goes on, and in a storm, whose peak is short.
const WEIGH_EVERY_NS: u64 = 1_000_000_000;
const WEIGH_EVERY_IN_STORM_NS: u64 = 200_000_000;

/// Honest streams beside an attack that share an address, as those of a household do.
const HONEST_PER_SOURCE: u32 = 8;

/// The kinds of scripts.
#[derive(Debug)]
pub(crate) enum Part {
    Plain,
    /// Most connections leave and come back at once.
    Storm(Box<Storm>),
    /// Clients from outside come: all at once with full handshakes, or to attack.
    Rush(Box<Rush>),
    /// The nodes of the target are replaced, one after the other.
    Rolling(Box<Rolling>),
    /// The server may not grow by more than this.
    Soak {
        growth_max: Percent,
    },
    /// Late readers read on so long after the last publish.
    Speeds {
        own_pace: Duration,
    },
}

/// A script, and how far it has come. Times are of the run's clock.
#[derive(Debug)]
pub(crate) struct Script {
    part: Part,
    start_ns: u64,
    servers: Option<Servers>,
    read_on_ns: Option<u64>,
    /// (time, PSS in bytes)
    weights: Vec<(u64, u64)>,
}

impl Script {
    pub(crate) fn new(part: Part) -> Self {
        Self { part, start_ns: 0, servers: None, read_on_ns: None, weights: Vec::new() }
    }

    pub(crate) fn start(&mut self, start_ns: u64, servers: Option<Servers>) {
        (self.start_ns, self.servers) = (start_ns, servers);
    }

    /// The publishing to the streams of a storm, if this is one. Then the storm also says when the publishing is over.
    pub(crate) fn backlog(&self) -> Option<Arc<Backlog>> {
        match &self.part {
            Part::Storm(storm) => Some(Arc::clone(&storm.backlog)),
            _ => None,
        }
    }

    /// Whether the script says when the publishing is over, and has phases that are compared.
    pub(crate) fn has_own_end(&self) -> bool {
        matches!(self.part, Part::Storm(_) | Part::Rush(_) | Part::Rolling(_))
    }

    /// Whether a publish may fail for a while.
    pub(crate) fn repeats(&self) -> bool {
        matches!(self.part, Part::Rolling(_))
    }

    /// The connections of clients that are no streams.
    pub(crate) fn outsiders(&self) -> u32 {
        if let Part::Rush(rush) = &self.part { rush.visit.connections() } else { 0 }
    }

    /// Streams from one source address, on loopback.
    pub(crate) fn per_source(&self) -> u32 {
        match &self.part {
            Part::Rush(rush) if matches!(rush.visit, Visit::Attack(_)) => HONEST_PER_SOURCE,
            _ => CONNECTIONS_PER_SOURCE,
        }
    }

    pub(crate) fn has_speeds(&self) -> bool {
        matches!(self.part, Part::Speeds { .. })
    }

    pub(crate) fn step(&mut self, crowd: &mut Crowd, counter: &Counter) -> Result<(), Failure> {
        let now_ns = crowd.plan.clock.now_ns();
        self.weigh(now_ns)?;
        match &mut self.part {
            Part::Storm(storm) => {
                if storm.step(crowd, self.start_ns, self.servers.as_ref())? {
                    counter.is_over.store(true, Relaxed);
                }
            }
            Part::Rush(rush) => {
                let answered = counter.answered.load(Relaxed);
                if rush.step(crowd, self.start_ns, self.servers.as_ref(), answered)? {
                    counter.is_over.store(true, Relaxed);
                }
            }
            Part::Rolling(rolling) => {
                if rolling.step(crowd, self.start_ns)? {
                    counter.is_over.store(true, Relaxed);
                }
            }
            Part::Speeds { own_pace } => {
                let is_published = crowd.published.len() >= counter.publishers;
                let ended_ns = crowd.published.iter().map(|published| published.ended_ns).max().unwrap_or(0);
                if self.read_on_ns.is_none() && is_published && now_ns >= ended_ns + own_pace.as_nanos() as u64 {
                    self.read_on_ns = Some(now_ns);
                    crowd.order(Order::ReadOn)?;
                }
            }
            Part::Plain | Part::Soak { .. } => {}
        }
        Ok(())
    }

    fn weigh(&mut self, now_ns: u64) -> Result<(), Failure> {
        let every_ns = match self.part {
            Part::Storm(_) => WEIGH_EVERY_IN_STORM_NS,
            Part::Soak { .. } | Part::Speeds { .. } => WEIGH_EVERY_NS,
            Part::Plain | Part::Rush(_) | Part::Rolling(_) => return Ok(()),
        };
        if let Some(servers) = &self.servers
            && self.weights.last().is_none_or(|(last_ns, _)| now_ns - last_ns >= every_ns)
        {
            self.weights.push((now_ns, servers.memory()?.pss_bytes));
        }
        Ok(())
    }

    /// Nothing is still to happen that all deliveries could wait for.
    pub(crate) fn is_over(&self) -> bool {
        match &self.part {
            Part::Storm(storm) => storm.is_over(),
            Part::Rush(rush) => rush.is_over(),
            Part::Rolling(rolling) => rolling.is_over(),
            _ => true,
        }
    }

    /// The time at which silence began to mean something. `None`: it does not yet.
    pub(crate) fn silence_from_ns(&self) -> Option<u64> {
        if self.has_speeds() { self.read_on_ns } else { Some(0) }
    }

    /// `receiving`: how many threads of this process receive.
    pub(crate) fn report(&self, report: &mut Report, findings: &Findings<'_>, receiving: u32) {
        if let Part::Storm(storm) = &self.part {
            say_storm(report, storm, findings, receiving);
            say_memory(report, storm, &findings.sums, &self.weights);
        }
        if let Part::Rush(rush) = &self.part {
            say_rush(report, rush, findings);
        }
        if let Part::Rolling(rolling) = &self.part {
            say_rolling(report, rolling, findings);
        }
        let Some(peak) = self.weights.iter().map(|(_, pss_bytes)| *pss_bytes).max() else { return };
        let seconds = |at_ns: u64| at_ns.saturating_sub(self.start_ns) as f64 / 1e9;
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        report.row("server PSS peak", format!("{:.1} MiB", mib(peak)));
        report.figure("peak_pss_bytes", peak);
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
