//! The run that all publishing scenarios share: open, publish, follow until all is there, weigh, close, tell.
//!
//! A published event that did not come is a fault, whatever ended the run. Every run has a bound.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::args::streams::StreamArgs;
use crate::args::values::Rate;
use crate::args::{AmountArgs, EVENTS_MAX, PublishArgs};
use crate::crowd::Crowd;
use crate::crowd::descriptors::Need;
use crate::crowd::plan::{Group, Plan};
use crate::failure::Failure;
use crate::measure::clock::{Clock, Deadline};
use crate::measure::servers::Servers;
use crate::measure::terms::Terms;
use crate::publish;
use crate::publish::counter::{Counter, Until};
use crate::publish::publisher::Published;
use crate::report::Report;
use crate::report::findings::{Asked, End, Findings};
use crate::report::usage::Usage;
use crate::scenario::progress::Progress;
use crate::scenario::script::Script;
use crate::wire::dialect::{Address, Dialect, Form};
use crate::wire::target::Target;

/// The time after the deadline for which the publishers' word is waited for: they keep the deadline themselves.
const LAST_WORD: Duration = Duration::from_secs(1);

/// The parts of a scenario.
#[derive(Debug)]
pub(crate) struct Load<'a> {
    pub(crate) name: &'static str,
    pub(crate) streams: &'a StreamArgs,
    pub(crate) publish: &'a PublishArgs,
    /// The rate. Without one, publishing is as fast as the target answers.
    pub(crate) pace: Option<Rate>,
    pub(crate) amount: AmountArgs,
    /// The first group is the subject of the scenario.
    pub(crate) groups: Vec<Group>,
    pub(crate) address: Address,
    pub(crate) addressees: u32,
    /// Events in one request, as lines. `None`: each event is a request.
    pub(crate) batch: Option<u32>,
    /// Streams of a storm that come back at once.
    pub(crate) returning_max: u32,
    pub(crate) script: Script,
}

impl Load<'_> {
    pub(crate) fn run(mut self) -> Result<Report, Failure> {
        let backlog = self.script.backlog();
        // A storm takes as long as it takes, and so does a rush.
        let has_own_end = self.script.has_own_end();
        let events = if has_own_end { self.events().map(|_| EVENTS_MAX) } else { self.events() }?;
        let plan = self.plan()?;
        let processes = self.streams.processes();
        // One of them is for those that stay in the storm, alone.
        let threads_min = if backlog.is_some() && processes == 1 { 2 } else { 1 };
        let threads = self.streams.threads().max(threads_min);
        let publishers = (0..self.publish.publishers()).chain(backlog.is_some().then_some(0));
        let exchanges: usize = publishers.map(|number| plan.terms.nodes_of_publisher(number).len()).sum();
        let descriptors_each = if plan.transport.is_plain() { 1 } else { Need::ASYNC_PUBLISHER };
        Need::of(&plan, threads, processes, exchanges as u32 * descriptors_each + self.script.outsiders()).ensure()?;
        let servers = Servers::new(&self.publish.pid);
        let progress = Progress::new(plan.connections());

        let memory_before = servers.as_ref().map(Servers::memory).transpose()?;
        let mut crowd = Crowd::start(plan, threads, processes)?;
        crowd.opened(|counts| progress.opening(counts))?;
        let memory_open = servers.as_ref().map(Servers::memory).transpose()?;
        let cpu_before = servers.as_ref().map(Servers::cpu_time).transpose()?;

        let start_ns = crowd.plan.clock.now_ns();
        // With a pace the duration is a number of events, and all are due whatever time they take.
        let duration = self.amount.duration.filter(|_| self.pace.is_none());
        let end_ns = duration.map_or(u64::MAX, |duration| start_ns + duration.as_nanos() as u64);
        let addressees = if backlog.is_some() { 1 } else { self.addressees };
        let until = Until { pace: self.pace, start_ns, end_ns, events, addressees };
        let ends_itself = self.pace.is_none() && self.amount.duration.is_some() || has_own_end;
        let counter = publish::start(&crowd, &crowd.plan, until, backlog)?;
        self.script.start(start_ns, servers.clone());
        let end = self.follow(&mut crowd, &counter, &progress)?;
        crowd.settle()?;
        progress.finish();

        let usage = match (servers, memory_before, memory_open, cpu_before) {
            (Some(servers), Some(memory_before), Some(memory_open), Some(cpu_before)) => {
                let cpu_us = servers.cpu_time()?.since(&cpu_before);
                Some(Usage { memory_before, memory_open, memory_after: servers.memory()?, cpu_us })
            }
            _ => None,
        };
        let published = self.published(&mut crowd);
        let (counts, stream_faults, plan) = (crowd.counts(), crowd.stream_faults(), crowd.plan.clone());
        let sums = crowd.close(published.series.clone())?;
        let planned = (!ends_itself).then_some(events);
        let asked = Asked {
            scenario: self.name,
            pace: self.pace,
            batch: self.batch,
            events: self.amount.events,
            quiet: self.publish.quiet,
            has_speeds: self.script.has_speeds(),
        };
        let findings = Findings { asked, plan: &plan, planned, end, published, sums, counts, stream_faults, usage };
        let mut report = findings.report();
        let receiving = if processes == 1 { threads } else { 0 };
        self.script.report(&mut report, &findings, receiving);
        Ok(report)
    }

    /// The most events. A run that could not end in time is refused before it begins.
    fn events(&self) -> Result<u32, Failure> {
        let AmountArgs { events, duration } = self.amount;
        let timeout = self.streams.timeout;
        let all_due = self.pace.zip(events).map(|(rate, events)| Duration::from_nanos(rate.due_ns(events - 1)));
        // Both bounds: whichever is over first.
        let needed = all_due.into_iter().chain(duration).min();
        if let Some(needed) = needed
            && needed >= timeout
        {
            return Err(Failure::TooLong { needed, timeout });
        }
        let at_rate = self.pace.zip(duration).map(|(rate, duration)| rate.events_in(duration));
        let events = events.unwrap_or(EVENTS_MAX);
        match at_rate {
            Some(at_rate) if at_rate > events && self.amount.events.is_none() => {
                Err(Failure::TooMany { events: at_rate, events_max: EVENTS_MAX })
            }
            Some(at_rate) => Ok(at_rate.min(events)),
            None => Ok(events),
        }
    }

    fn plan(&self) -> Result<Plan, Failure> {
        let transport = self.streams.transport()?;
        let targets: Vec<_> = self.streams.urls().map(Target::resolve).collect::<Result<_, _>>()?;
        let form = if self.batch.is_some() { Form::Batch } else { Form::Single };
        Ok(Plan {
            dialect: Dialect::new(&self.streams.parts(), self.address, form),
            address: self.address,
            terms: Terms {
                run: run_number(),
                size_bytes: self.publish.size,
                addressees: self.addressees,
                publishers: self.publish.publishers(),
                interval_ns: self.pace.map_or(0, |rate| rate.due_ns(1)),
                nodes: targets.len() as u32,
                batch: self.batch.unwrap_or(1),
            },
            targets,
            transport,
            clock: Clock::start(),
            deadline: Deadline::after(self.streams.timeout),
            per_source: self.script.per_source(),
            connecting_max: self.streams.connecting_max,
            returning_max: self.returning_max,
            groups: self.groups.clone(),
            has_phases: self.script.has_own_end(),
            repeats: self.script.repeats(),
        })
    }

    /// Waits until all have all, or until one of the bounds.
    fn follow(&mut self, crowd: &mut Crowd, counter: &Counter, progress: &Progress) -> Result<End, Failure> {
        let (clock, deadline, quiet) = (crowd.plan.clock, crowd.plan.deadline, self.publish.quiet);
        let last_word = Deadline::after(deadline.left() + LAST_WORD);
        let awaited: u32 =
            self.groups.iter().filter(|group| group.role.is_awaited()).map(|group| group.connections).sum();
        loop {
            crowd.learn(quiet)?;
            let counts = crowd.counts();
            progress.publishing(counts, counter.answered.load(Relaxed), clock.now_ns());
            self.script.step(crowd, counter)?;
            let is_all_closed = awaited > 0 && counts.closed_awaited >= awaited;
            if is_all_closed {
                counter.is_over.store(true, Relaxed);
            }
            if crowd.published.len() < counter.publishers {
                if last_word.has_passed() {
                    return Err(Failure::NotPublished(deadline.timeout()));
                }
                continue;
            }
            if is_all_closed {
                return Ok(End::AllClosed);
            }
            let series = total(&crowd.published);
            if counts.deliveries + counts.told >= crowd.plan.deliveries(&series) && self.script.is_over() {
                return Ok(End::Complete);
            }
            let ended_ns = crowd.published.iter().map(|published| published.ended_ns).max().unwrap_or(0);
            if let Some(from_ns) = self.script.silence_from_ns() {
                let silence_ns = clock.now_ns().saturating_sub(ended_ns.max(counts.activity_ns).max(from_ns));
                if Duration::from_nanos(silence_ns) >= quiet {
                    return Ok(End::Quiet);
                }
            }
            if deadline.has_passed() {
                return Ok(End::Timeout);
            }
        }
    }

    fn published(&self, crowd: &mut Crowd) -> Published {
        let all = std::mem::take(&mut crowd.published).into_iter();
        let merge = |mut sum: Published, published| {
            sum.merge(published);
            sum
        };
        all.reduce(merge).unwrap_or_default()
    }
}

/// The number of events in each series.
fn total(published: &[Published]) -> Vec<u32> {
    let mut series = published[0].series.clone();
    for published in &published[1..] {
        series.iter_mut().zip(&published.series).for_each(|(sum, more)| *sum += more);
    }
    series
}

/// Tells this run's events from those of a run before or beside it.
fn run_number() -> u32 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (since_epoch.as_nanos() as u32) ^ std::process::id()
}
