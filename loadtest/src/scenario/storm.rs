//! A storm: when streams leave, what is published meanwhile, when they come back, and when all have caught up.
//!
//! The main thread steps it within a script. It never waits.

use std::sync::Arc;
use std::time::Duration;

use crate::crowd::Crowd;
use crate::crowd::live::Counts;
use crate::crowd::plan::{Order, Plan, Role};
use crate::failure::Failure;
use crate::measure::clock::process_cpu_ns;
use crate::measure::phase::Tide;
use crate::measure::process::machine_cpu_ns;
use crate::measure::servers::{CpuTimes, Servers};
use crate::publish::backlog::{Backlog, Stage};

/// Time within which all must have received something, without which they would have no position, and must be gone.
const SETTLE_WITHIN: Duration = Duration::from_secs(5);
const LEAVE_WITHIN: Duration = Duration::from_secs(5);
/// How long the live traffic goes on after the last has caught up, at least.
const LINGER: Duration = Duration::from_millis(500);

/// How a storm goes, and how far it has come.
#[derive(Debug)]
pub(crate) struct Storm {
    pub(crate) before: Duration,
    /// The shortest time away.
    pub(crate) away: Duration,
    /// The shortest time after the order to come back.
    pub(crate) after: Duration,
    /// Time without any delivery after which the returning streams are given up.
    pub(crate) quiet: Duration,
    pub(crate) backlog: Arc<Backlog>,
    pub(crate) tide: Tide,
    pub(crate) all_back_ns: Option<u64>,
    /// Events published before the return that are due to the storm's streams, all together. `due_again` is the part
    /// that they had not had.
    due_before_back: u64,
    pub(crate) due_again: u64,
    /// (deliveries to those of the storm, when that was first seen)
    progress: (u64, u64),
    /// The use of the generator and of the server up to the order to come back, and from there to when all had caught
    /// up.
    cpu_at_back: Option<Cpu>,
    pub(crate) cpu: Option<Cpu>,
    stage: Stage,
}

/// Processor time in nanoseconds.
#[derive(Debug, Clone)]
pub(crate) struct Cpu {
    pub(crate) generator_ns: u64,
    /// `None`: its process is not known.
    pub(crate) server_ns: Option<u64>,
    /// The time of the whole machine. `None`: the kernel does not say.
    pub(crate) machine_ns: Option<u64>,
    server: Option<CpuTimes>,
}

impl Storm {
    pub(crate) fn new(before: Duration, away: Duration, after: Duration, quiet: Duration, backlog: Backlog) -> Self {
        Self {
            before,
            away,
            after,
            quiet,
            backlog: Arc::new(backlog),
            tide: Tide::STILL,
            all_back_ns: None,
            due_before_back: 0,
            due_again: 0,
            progress: (0, 0),
            cpu_at_back: None,
            cpu: None,
            stage: Stage::There,
        }
    }

    /// True: no more is to be published.
    pub(crate) fn step(
        &mut self,
        crowd: &mut Crowd,
        start_ns: u64,
        servers: Option<&Servers>,
    ) -> Result<bool, Failure> {
        let (now_ns, counts) = (crowd.plan.clock.now_ns(), crowd.counts());
        if counts.storm > self.progress.0 {
            self.progress = (counts.storm, now_ns);
        }
        let since = |from_ns: u64| Duration::from_nanos(now_ns.saturating_sub(from_ns));
        let storming = storming(&crowd.plan);
        let published = u64::from(storming) * u64::from(self.backlog.answered());
        match self.stage {
            Stage::There if self.tide.back_ns < u64::MAX => return self.step_back(crowd, counts, now_ns, servers),
            Stage::There if self.tide.settled_ns == u64::MAX => {
                let has_all = published > 0 && counts.storm + counts.told >= published;
                if has_all || since(start_ns) >= SETTLE_WITHIN {
                    self.tide.settled_ns = now_ns;
                    crowd.order(Order::There(self.tide))?;
                }
            }
            Stage::There => {
                if since(self.tide.settled_ns) >= self.before {
                    self.enter(Stage::Hushed);
                    self.tide.left_ns = now_ns;
                    crowd.order(Order::Away(self.tide))?;
                }
            }
            Stage::Hushed => {
                if counts.away + counts.closed >= storming || since(self.tide.left_ns) >= LEAVE_WITHIN {
                    self.enter(Stage::Away);
                }
            }
            Stage::Away => {
                if self.backlog.is_missed() && since(self.tide.left_ns) >= self.away {
                    self.due_before_back = published;
                    self.due_again = published.saturating_sub(counts.storm);
                    self.cpu_at_back = Some(cpu(servers, None)?);
                    self.tide.back_ns = now_ns;
                    self.progress.1 = now_ns;
                    crowd.order(Order::Back(self.tide))?;
                    // Only now: events published from here on were not missed.
                    self.enter(Stage::There);
                }
            }
            Stage::Over => return Ok(true),
        }
        Ok(false)
    }

    fn step_back(
        &mut self,
        crowd: &mut Crowd,
        counts: Counts,
        now_ns: u64,
        servers: Option<&Servers>,
    ) -> Result<bool, Failure> {
        let since = |from_ns: u64| Duration::from_nanos(now_ns.saturating_sub(from_ns));
        let storming = storming(&crowd.plan);
        if self.all_back_ns.is_none() && counts.back >= storming {
            self.all_back_ns = Some(now_ns);
        }
        let is_caught_up = self.all_back_ns.is_some() && counts.storm + counts.told >= self.due_before_back;
        if is_caught_up && self.tide.caught_up_ns == u64::MAX {
            self.tide.caught_up_ns = now_ns;
            self.cpu = Some(cpu(servers, self.cpu_at_back.as_ref())?);
            crowd.order(Order::CaughtUp(self.tide))?;
        }
        let has_lingered = self.tide.caught_up_ns < u64::MAX && since(self.tide.caught_up_ns) >= LINGER;
        let is_given_up = since(self.progress.1) >= self.quiet;
        if since(self.tide.back_ns) >= self.after && (has_lingered || is_given_up) {
            self.enter(Stage::Over);
        }
        Ok(self.stage == Stage::Over)
    }

    fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.backlog.enter(stage);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.all_back_ns.is_some()
    }
}

/// The processor time of the generator and of the server since then.
fn cpu(servers: Option<&Servers>, since: Option<&Cpu>) -> Result<Cpu, Failure> {
    let server = servers.map(Servers::cpu_time).transpose()?;
    let server_before = since.and_then(|since| since.server.as_ref());
    let server_ns = server.as_ref().zip(server_before).map(|(now, before)| now.since(before) * 1000);
    let machine_before_ns = since.map_or(Some(0), |since| since.machine_ns);
    let machine_ns = machine_cpu_ns().zip(machine_before_ns).map(|(now, before)| now.saturating_sub(before));
    Ok(Cpu {
        generator_ns: process_cpu_ns() - since.map_or(0, |since| since.generator_ns),
        server_ns,
        machine_ns,
        server,
    })
}

/// How many connections leave and come back.
pub(crate) fn storming(plan: &Plan) -> u32 {
    plan.groups.iter().filter(|group| group.role == Role::Storm).map(|group| group.connections).sum()
}
