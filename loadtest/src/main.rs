//! `fanfare-loadtest`: puts load on a server of Server-Sent Events and reports what arrived, how late, and at what
//! cost.
//!
//! This crate has no part of the server and speaks only HTTP. So it can be pointed at any server, and can share no
//! mistake with the one it measures, except for the frames of HTTP/2 (the crate h2 takes them apart here and in hyper)
//! and for TLS, which is rustls here and there. A run never hangs, and never prints a result that hides a loss.

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};
use crate::failure::Failure;

mod args;
mod attack;
mod compare;
mod crowd;
mod failure;
mod floor;
mod interrupt;
mod link;
mod measure;
mod program;
mod publish;
mod report;
mod scenario;
mod site;
mod wire;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(status) => status,
        Err(failure) => failure.print(),
    }
}

fn run(args: &Args) -> Result<ExitCode, Failure> {
    let report = match &args.command {
        Command::Fanout(fanout) => scenario::fanout(fanout),
        Command::Channels(channels) => scenario::channels(channels),
        Command::Targeted(targeted) => scenario::targeted(targeted),
        Command::FlatOut(flat_out) => scenario::flat_out(flat_out),
        Command::Slow(slow) => scenario::slow(slow),
        Command::Churn(churn) => scenario::churn(churn),
        Command::Storm(storm) => scenario::storm(storm),
        Command::Handshakes(handshakes) => scenario::handshakes(handshakes),
        Command::Abuse(abuse) => scenario::abuse(abuse),
        Command::Speeds(speeds) => scenario::speeds(speeds),
        Command::Rolling(rolling) => scenario::rolling(rolling),
        Command::Soak(soak) => scenario::soak(soak),
        Command::Idle(idle) => scenario::idle::run(idle),
        Command::Compare(compare) => return Ok(compare::run(compare, args.format(), args.html.as_deref())?),
        Command::Floor(floor) => match floor::run(floor)? {},
        Command::Receive => return Ok(crowd::remote::run()),
    }?;
    if let Some(path) = &args.html {
        report.save(path)?;
    }
    Ok(report.print(args.format()))
}
