//! `fanfare`: the command. Reads the command line, runs the task, and tells the outcome with its exit code.
//!
//! Folders:
//! - `access`: who may do what, from files, addresses and an application.
//! - `client`: the HTTP client of `publish` and `subscribe`.
//! - `log`: the log of a server. `reload`: its settings are read again.
//! - `serve`: a server, from its start to its end.
//! - `settings`: the settings of `serve`, from flags, environment and file.
//! - `tls`: the certificates of the listener for https.
//! - `token`: the subcommands of `token`.
//! - `upgrade`: a new process takes over from an old one.
//!
//! # Nouns
//!
//! - Flags: the settings for operators. Each is a flag, an environment variable and a key of the file.
//! - Limits: the settings that only the file has, under `[limits]`.

#![forbid(unsafe_code)]

mod access;
mod args;
mod batch;
mod client;
mod cure;
mod directory;
mod event_stream;
mod explain;
mod failure;
mod gap;
mod harmless;
mod journal;
mod log;
mod meant;
mod pages;
mod printer;
mod publish;
mod reload;
mod serve;
mod settings;
mod signals;
mod silence;
mod since;
mod small_file;
mod sockets;
mod subscribe;
mod tls;
mod token;
mod traces;
mod upgrade;
mod url;
mod watch;

use std::{
    io::{Write as _, stderr},
    process::ExitCode,
};

use crate::{args::Task, failure::Failure};

/// mimalloc, because many small objects live long between large ones that do not: glibc's heap keeps three times as
/// much.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match args::read().and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { status, reason }) => {
            if !reason.is_empty() {
                // There is no other place to report an error of this write.
                let _ = writeln!(stderr(), "error: {reason}");
            }
            ExitCode::from(status)
        }
    }
}

fn run(task: Task) -> Result<(), Failure> {
    match task {
        Task::Serve(settings, _) if settings.serve.is_check() => serve::check::check(&settings),
        Task::Serve(settings, given) => serve::run(&settings, given),
        Task::Subscribe(subscribe) => subscribe::run(&subscribe),
        Task::Publish(publish) => publish::run(&publish),
        Task::Pages(directory, definition) => pages::run(&directory, &definition),
        Task::Explain(explain) => explain::run(&explain),
        Task::Upgrade(upgrade) => upgrade::command::run(&upgrade),
        Task::Journal(journal) => journal::run(&journal),
        Task::Token(task) => token::run(&task),
    }
}
