//! The arguments of `fanfare upgrade` and `fanfare journal`, for whoever operates a server.

use std::{path::PathBuf, time::Duration};

use clap::Subcommand;
use fanfare_core::EventId;

use crate::{
    settings::{duration, number},
    since::since,
};

/// Bounds of the time for an outcome.
const MS: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(86_400);

/// Arguments of `fanfare upgrade`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("server").required(true))]
pub(crate) struct UpgradeArgs {
    /// The process id of the server.
    #[arg(long, value_name = "ID", group = "server", value_parser = number(1_u32, u32::MAX))]
    pub(crate) pid: Option<u32>,

    /// The process id of the server is in this file.
    #[arg(long, value_name = "FILE", group = "server")]
    pub(crate) pid_file: Option<PathBuf>,

    /// The outcome has this time.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration(MS, DAY))]
    pub(crate) timeout: Duration,
}

/// Arguments of `fanfare journal`.
#[derive(Debug, clap::Args)]
pub(crate) struct Journal {
    #[command(subcommand)]
    pub(crate) command: JournalCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JournalCommand {
    /// Read the whole journal and say what is in it and what is damaged. The exit code is 1 if events may be missing.
    Check {
        /// The directory that the server was given with --journal.
        path: PathBuf,
    },
    /// Print the events, one on each line, as JSON that `fanfare publish --ndjson` takes.
    Dump {
        /// The directory that the server was given with --journal.
        path: PathBuf,

        /// Begin a duration back (10m), at a time (RFC 3339), after an event id, or with the earliest event.
        #[arg(long, value_name = "WHEN", default_value = "earliest", value_parser = since)]
        since: EventId,
    },
}
