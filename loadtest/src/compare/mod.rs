//! `compare`: the floor, Fanfare, nchan and other given servers, under the same loads, in interleaved rounds, over TLS
//! and HTTP/2 too.
//!
//! Each server and each load generator is a process of its own, on cores of its own, and none is left behind. A result
//! with a fault is never told without the fault.

pub(crate) mod case;
mod certificate;
pub(crate) mod cores;
mod damage;
pub(crate) mod error;
pub(crate) mod extra;
mod generator;
mod load;
mod machine;
mod out;
mod page;
pub(crate) mod peer;
mod results;
mod scraper;
mod spread;
mod summary;
mod table;
mod target;
mod trial;
mod words;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::args::compare::CompareArgs;
use crate::compare::certificate::Certificate;
use crate::compare::cores::Cores;
use crate::compare::error::CompareError;
use crate::compare::machine::Machine;
use crate::compare::peer::Peer;
use crate::compare::results::Results;
use crate::compare::summary::{Comparison, PeerVersion};
use crate::compare::trial::Plan;
use crate::interrupt::Interrupt;
use crate::report::Format;
use crate::report::told::own_command;

/// Runs everything, prints the findings, and fails if Fanfare had a fault.
pub(crate) fn run(args: &CompareArgs, format: Format, html: Option<&Path>) -> Result<ExitCode, CompareError> {
    // Everything that can be known to be missing is told before anything is started.
    let (peers, cases) = (Peer::find(args)?, args.cases());
    let cores = Cores::choose(args.server_core, args.generator_cores.as_ref())?;
    let certificate = Certificate::default();
    if cases.iter().any(|case| case.runs.iter().any(|load| load.transport.is_tls)) {
        certificate.files()?;
    }
    args.out.as_deref().map(out::prepare).transpose()?;
    // nginx in one process does not raise it for itself, and children inherit it.
    rlimit::increase_nofile_limit(u64::MAX).map_err(CompareError::Limit)?;
    let interrupt = Interrupt::catch().map_err(CompareError::Signals)?;
    let machine = Machine::look();
    let mut notes = notes(args, &cores, &machine);
    for case in &cases {
        let extra = case.extra();
        if !peers.iter().any(|peer| peer.knows(extra)) {
            notes.push(format!("no server here knows {}: the case {} was not run", extra.name(), case.name));
        }
    }

    let plan = Plan {
        cases: &cases,
        peers: &peers,
        rounds: args.rounds,
        scale: args.scale,
        certificate: &certificate,
        cores: &cores,
        interrupt: &interrupt,
    };
    let trials = plan.run()?;

    let version =
        |peer: Peer| PeerVersion { configuration: peer.configuration(), name: peer.name, version: peer.version };
    let peers: Vec<PeerVersion> = peers.into_iter().map(version).collect();
    let (summaries, mut targets) = Results { cases: &cases, trials: &trials, rounds: args.rounds }.summary(&peers);
    if args.scale < 1.0 {
        // Only that nothing may be lost holds for any size.
        targets.retain(|verdict| verdict.case.is_empty());
    }
    let comparison = Comparison {
        command: own_command(),
        machine,
        cores,
        rounds: args.rounds,
        scale: args.scale,
        notes,
        peers,
        cases: summaries,
        targets,
        trials,
    };
    args.out.as_deref().map(|directory| out::write(directory, &comparison)).transpose()?;
    html.map(|path| out::save(path, &comparison.page().html())).transpose()?;
    let text = match format {
        Format::Text => comparison.text(),
        Format::Json => out::json(&comparison),
    };
    let printed = io::stdout().lock().write_all(text.as_bytes());
    let is_good = printed.is_ok() && !comparison.has_fault_of_fanfare();
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Warnings about the figures.
fn notes(args: &CompareArgs, cores: &Cores, machine: &Machine) -> Vec<String> {
    let mut notes = Vec::new();
    if args.scale < 1.0 {
        let scale = args.scale;
        notes.push(format!("scaled: only {scale} of the streams and events; the targets are meant for all of them"));
    }
    if *cores == Cores::Shared {
        notes.push("there is only one core: server and load generator disturb each other".to_owned());
    }
    if machine.is_busy() {
        notes.push(format!("something else was running when it began: load average {}", machine.load_average));
    }
    if cfg!(debug_assertions) {
        notes.push("the load generator and the floor were built without --release".to_owned());
    }
    if !args.peer.is_empty() {
        notes.push("servers given with --peer run where they run: neither started afresh nor pinned".to_owned());
    }
    notes
}
