//! `fanfare`: the command. Reads what was typed, does it, and says with its exit code how that went.

#![forbid(unsafe_code)]

mod args;
mod batch;
mod client;
mod cure;
mod directory;
mod event_stream;
mod failure;
mod gap;
mod journal;
mod log;
mod meant;
mod printer;
mod publish;
mod serve;
mod settings;
mod signals;
mod silence;
mod since;
mod subscribe;
mod url;

use std::{
    io::{Write as _, stderr},
    process::ExitCode,
};

use crate::{args::Task, failure::Failure};

/// Thousands of small things live long between large ones that do not: glibc's heap keeps three times as much.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match args::read().and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { status, reason }) => {
            // Nobody is left to tell if this cannot be written.
            let _ = writeln!(stderr(), "error: {reason}");
            ExitCode::from(status)
        }
    }
}

fn run(task: Task) -> Result<(), Failure> {
    match task {
        Task::Serve(settings) if settings.serve.is_check() => serve::check(&settings),
        Task::Serve(settings) => serve::run(&settings),
        Task::Subscribe(subscribe) => subscribe::run(&subscribe),
        Task::Publish(publish) => publish::run(&publish),
        Task::Journal(journal) => journal::run(&journal),
    }
}
