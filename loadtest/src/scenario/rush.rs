//! A rush: streams that stand, events for them, and clients from outside in the middle, who all shake hands at once or
//! attack.
//!
//! The main thread steps it within a script. It never waits.

use std::time::Duration;

use crate::attack::{Attack, Attacked};
use crate::crowd::Crowd;
use crate::crowd::newcomers::{self, Arrived};
use crate::crowd::outsiders::Outsiders;
use crate::crowd::plan::{Order, Plan};
use crate::failure::Failure;
use crate::measure::clock::process_cpu_ns;
use crate::measure::phase::Tide;
use crate::measure::servers::{CpuTimes, Servers};

/// Time between the order and the first connect, so that every ledger knows of the rush before it begins.
const NOTICE: Duration = Duration::from_millis(20);
/// The time after the last client's handshake in which the server may still work on its own end of it.
const SETTLE: Duration = Duration::from_millis(250);

/// What the clients from outside do.
#[derive(Debug)]
pub(crate) enum Visit {
    /// So many connect at once.
    Newcomers(u32),
    Attack(Attack),
}

#[derive(Debug)]
enum Running {
    Newcomers(Outsiders<Arrived>),
    Attackers(Outsiders<Attacked>),
}

/// The end of a visit.
#[derive(Debug)]
pub(crate) enum Outcome {
    Arrived(Arrived),
    Attacked(Attacked),
}

impl Visit {
    /// The most connections of these clients.
    pub(crate) fn connections(&self) -> u32 {
        match self {
            Self::Newcomers(newcomers) => *newcomers,
            Self::Attack(attack) => attack.sockets(),
        }
    }

    fn start(&self, plan: &Plan, begin_ns: u64) -> Result<Running, Failure> {
        match self {
            Self::Newcomers(count) => newcomers::start(plan, *count, begin_ns).map(Running::Newcomers),
            Self::Attack(attack) => attack.start(plan, begin_ns).map(Running::Attackers),
        }
    }
}

impl Running {
    fn outcome(&self) -> Result<Option<Outcome>, Failure> {
        Ok(match self {
            Self::Newcomers(newcomers) => newcomers.outcome()?.map(Outcome::Arrived),
            Self::Attackers(attackers) => attackers.outcome()?.map(Outcome::Attacked),
        })
    }
}

impl Outcome {
    /// The time at which it was there, by the run's clock.
    fn ended_ns(&self) -> u64 {
        match self {
            Self::Arrived(arrived) => arrived.ended_ns,
            Self::Attacked(attacked) => attacked.ended_ns,
        }
    }
}

/// The course of a rush, and how far it has come.
#[derive(Debug)]
pub(crate) struct Rush {
    pub(crate) visit: Visit,
    before: Duration,
    /// The shortest time after the last handshake.
    after: Duration,
    pub(crate) tide: Tide,
    running: Option<Running>,
    pub(crate) outcome: Option<Outcome>,
    /// At the start, when the rush began, and when it was over.
    used: Vec<Used>,
}

/// The processor times up to one moment of the run.
#[derive(Debug)]
struct Used {
    at_ns: u64,
    generator_ns: u64,
    server: Option<CpuTimes>,
    /// Events that were published and answered.
    answered: u32,
}

impl Rush {
    pub(crate) fn new(visit: Visit, before: Duration, after: Duration) -> Self {
        let (running, outcome, used) = (None, None, Vec::new());
        Self { visit, before, after: after.max(SETTLE), tide: Tide::STILL, running, outcome, used }
    }

    /// True: no more is to be published.
    pub(crate) fn step(
        &mut self,
        crowd: &mut Crowd,
        start_ns: u64,
        servers: Option<&Servers>,
        answered: u32,
    ) -> Result<bool, Failure> {
        let now_ns = crowd.plan.clock.now_ns();
        let is_past = |from_ns: u64, time: Duration| now_ns >= from_ns.saturating_add(time.as_nanos() as u64);
        if self.tide.settled_ns == u64::MAX {
            self.tide.settled_ns = start_ns;
            self.used.push(used(servers, answered, now_ns)?);
            crowd.order(Order::There(self.tide))?;
        } else if self.running.is_none() && is_past(start_ns, self.before) {
            let begin_ns = now_ns + NOTICE.as_nanos() as u64;
            (self.tide.left_ns, self.tide.back_ns) = (begin_ns, begin_ns);
            self.used.push(used(servers, answered, now_ns)?);
            crowd.order(Order::Back(self.tide))?;
            self.running = Some(self.visit.start(&crowd.plan, begin_ns)?);
        } else if let Some(running) = &self.running
            && self.outcome.is_none()
        {
            self.outcome = running.outcome()?;
            if let Some(outcome) = &self.outcome {
                self.tide.caught_up_ns = outcome.ended_ns();
                crowd.order(Order::CaughtUp(self.tide))?;
            }
        } else if self.used.len() == 2 && is_past(self.tide.caught_up_ns, SETTLE) {
            self.used.push(used(servers, answered, now_ns)?);
        }
        Ok(self.is_over() && is_past(self.tide.caught_up_ns, self.after))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.used.len() == 3
    }

    /// The time from the first connect to the last handshake, or to the end of the attack.
    pub(crate) fn took(&self) -> Option<Duration> {
        let ended_ns = self.outcome.as_ref()?.ended_ns();
        Some(Duration::from_nanos(ended_ns.saturating_sub(self.tide.back_ns)))
    }

    /// The server's processor time for the rush beyond what so many events take in calm, in microseconds. `None`: its
    /// process is not known, or the rush is not over.
    pub(crate) fn server_us(&self) -> Option<f64> {
        let [start, begin, end] = &self.used[..] else { return None };
        let (start_cpu, begin_cpu, end_cpu) = (start.server.as_ref()?, begin.server.as_ref()?, end.server.as_ref()?);
        // By events and not by time: those that the rush holds up are not done yet.
        let events = |from: &Used, to: &Used| f64::from(to.answered - from.answered);
        let each_us = begin_cpu.since(start_cpu) as f64 / events(start, begin).max(1.0);
        Some(end_cpu.since(begin_cpu) as f64 - each_us * events(begin, end))
    }

    /// The cores of the server before the rush and while it went on. `None`: its process is not known, or the rush is not
    /// over.
    pub(crate) fn server_cores(&self) -> Option<[f64; 2]> {
        let [start, begin, end] = &self.used[..] else { return None };
        let cores = |from: &Used, to: &Used| {
            let used_us = to.server.as_ref()?.since(from.server.as_ref()?) as f64;
            Some(used_us * 1e3 / (to.at_ns - from.at_ns).max(1) as f64)
        };
        Some([cores(start, begin)?, cores(begin, end)?])
    }

    /// The cores that this program used while the rush went on.
    pub(crate) fn generator_cores(&self) -> Option<f64> {
        let [_, begin, end] = &self.used[..] else { return None };
        Some((end.generator_ns - begin.generator_ns) as f64 / self.took()?.as_nanos().max(1) as f64)
    }
}

fn used(servers: Option<&Servers>, answered: u32, at_ns: u64) -> Result<Used, Failure> {
    let server = servers.map(Servers::cpu_time).transpose()?;
    Ok(Used { at_ns, generator_ns: process_cpu_ns(), server, answered })
}
