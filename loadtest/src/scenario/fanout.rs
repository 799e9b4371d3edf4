//! Scenario `fanout`: events are published at a fixed rate, and each must reach each of the open streams once, in order.
//!
//! What was published and did not come is a fault, whatever ended the run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::args::FanoutArgs;
use crate::crowd::descriptors;
use crate::crowd::{Crowd, Notice};
use crate::failure::Failure;
use crate::measure::clock::{Clock, Deadline};
use crate::measure::ledger::Expected;
use crate::measure::process::Process;
use crate::publisher::Publisher;
use crate::report::Report;
use crate::report::findings::{End, Findings, Usage};
use crate::wire::target::Target;

/// How long after the deadline the publisher's word is waited for: it keeps the deadline itself.
const LAST_WORD: Duration = Duration::from_secs(1);

pub(crate) fn run(args: &FanoutArgs) -> Result<Report, Failure> {
    let streams = &args.streams;
    check_length(args)?;
    descriptors::ensure(streams.connections)?;
    let target = Target::resolve(&streams.url)?;
    let process = args.pid.map(Process::new);
    let clock = Clock::start();
    let deadline = Deadline::after(streams.timeout);
    let expected = Expected { run: run_number(), events: args.events, size_bytes: args.size };

    let memory_before = process.map(Process::memory).transpose()?;
    let mut crowd = Crowd::open(streams, &target, expected, clock, deadline)?;
    let memory_open = process.map(Process::memory).transpose()?;
    let cpu_before_us = process.map(Process::cpu_us).transpose()?;

    let is_abandoned = Arc::new(AtomicBool::new(false));
    let publisher = Publisher {
        request: target.publish_request(&args.publish_path),
        target,
        expected,
        rate: args.rate,
        clock,
        deadline,
        is_abandoned: Arc::clone(&is_abandoned),
    };
    start(publisher, &crowd)?;
    let end = follow(&mut crowd, args.quiet, clock, deadline, &is_abandoned)?;
    crowd.settle()?;

    let usage = match (process, memory_before, memory_open, cpu_before_us) {
        (Some(process), Some(memory_before), Some(memory_open), Some(cpu_before_us)) => {
            let cpu_us = process.cpu_us()?.saturating_sub(cpu_before_us);
            Some(Usage { memory_before, memory_open, memory_after: process.memory()?, cpu_us })
        }
        _ => None,
    };
    let published = crowd.published.take().ok_or(Failure::Bug)?;
    let (closed, closed_fault) = (crowd.closed, crowd.closed_fault());
    let ledger = crowd.close()?;

    Ok(Findings { end, published, ledger, closed, closed_fault, usage }.report(args))
}

/// A run that could not end in time is refused before it begins.
fn check_length(args: &FanoutArgs) -> Result<(), Failure> {
    let needed = Duration::from_nanos(args.rate.due_ns(args.events - 1));
    let timeout = args.streams.timeout;
    if needed <= timeout {
        return Ok(());
    }
    Err(Failure::TooLong { events: args.events, events_per_s: args.rate.events_per_s(), needed, timeout })
}

/// Tells this run's events from those of a run before or beside it.
fn run_number() -> u32 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (since_epoch.as_nanos() as u32) ^ std::process::id()
}

fn start(publisher: Publisher, crowd: &Crowd) -> Result<(), Failure> {
    let speaker = crowd.speaker();
    let thread = std::thread::Builder::new().name("publish".to_owned());
    let spawned = thread.spawn(move || {
        // The main thread is gone only when the run has failed already.
        let _ = speaker.send(Notice::Published(publisher.run()));
    });
    spawned.map(drop).map_err(Failure::Thread)
}

/// Waits until all have seen the last event, or until one of the bounds.
fn follow(
    crowd: &mut Crowd,
    quiet: Duration,
    clock: Clock,
    deadline: Deadline,
    is_abandoned: &AtomicBool,
) -> Result<End, Failure> {
    loop {
        if crowd.is_all_closed() {
            is_abandoned.store(true, Ordering::Relaxed);
        }
        let Some(published) = &crowd.published else {
            if !crowd.learn(deadline.left() + LAST_WORD)? {
                return Err(Failure::NotPublished(deadline.timeout()));
            }
            continue;
        };
        if crowd.is_all_closed() {
            return Ok(End::AllClosed);
        }
        if crowd.is_done() {
            return Ok(End::Complete);
        }
        let quiet_since_ns = published.ended_ns.max(crowd.activity_ns());
        let silence = Duration::from_nanos(clock.now_ns().saturating_sub(quiet_since_ns));
        if silence >= quiet {
            return Ok(End::Quiet);
        }
        if deadline.has_passed() {
            return Ok(End::Timeout);
        }
        crowd.learn(deadline.left().min(quiet - silence))?;
    }
}
