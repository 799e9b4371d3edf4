//! `fanfare-loadtest`: puts load on a server of Server-Sent Events and reports what arrived, how late, and at what cost.
//!
//! It depends on no other crate of this workspace and speaks only HTTP/1.1, so that it can be pointed at any server
//! and can share no mistake with the one it measures. It must never hang, and never print a result that hides a loss.

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};
use crate::scenario::{fanout, idle};

mod args;
mod crowd;
mod failure;
mod measure;
mod publisher;
mod report;
mod scenario;
mod wire;

fn main() -> ExitCode {
    let args = Args::parse();
    let outcome = match &args.command {
        Command::Fanout(fanout) => fanout::run(fanout),
        Command::Idle(idle) => idle::run(idle),
    };
    match outcome {
        Ok(report) => report.print(args.format()),
        Err(failure) => failure.print(),
    }
}
