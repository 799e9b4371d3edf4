//! [`Journal`]: the settings of the journal on disk.

use std::{path::PathBuf, time::Duration};

use clap::ValueEnum;
use fanfare_disk::{Config, Fsync, LogConfig};

use super::{
    units::{DAY, MS},
    value::duration,
};

/// Settings of `fanfare serve` on the journal.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Journal {
    /// The server also keeps events in this directory, so that a restart or a crash loses no acknowledged event
    /// [default: memory only].
    ///
    /// The server makes the directory, and those above it, if they do not exist. Only one server may use it.
    #[arg(long, env = "FANFARE_JOURNAL", value_name = "PATH", help_heading = "Journal")]
    journal: Option<PathBuf>,

    /// `--fsync` decides when a written event reaches the disk itself.
    ///
    /// The choice matters only for a loss of power. A crash of the server loses nothing in any case.
    #[arg(long, env = "FANFARE_FSYNC", value_enum, default_value = "interval", help_heading = "Journal")]
    fsync: FsyncArg,

    /// With --fsync=interval, a loss of power loses at most the newest events of this time.
    ///
    /// Before the server writes an event, all events older than this are on the disk. Publishes wait for a slower disk
    /// for up to 5s.
    #[arg(long, env = "FANFARE_FSYNC_INTERVAL", value_name = "DURATION", default_value = "100ms", value_parser = duration(MS, DAY), help_heading = "Journal")]
    fsync_interval: Duration,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FsyncArg {
    /// The event is on the disk before its publish is answered. A loss of power loses nothing.
    Always,
    /// The event reaches the disk soon after its publish is answered. --fsync-interval says how soon.
    Interval,
    /// The system decides when the event reaches the disk.
    Never,
}

impl Journal {
    /// The directory of the journal, if it was given.
    pub(super) fn path(&self) -> Option<PathBuf> {
        self.journal.clone()
    }

    /// The journal's settings for a history that remembers `targets_max` targets.
    pub(super) fn config(&self, targets_max: usize) -> Config {
        let fsync = match self.fsync {
            FsyncArg::Always => Fsync::Always,
            FsyncArg::Interval => Fsync::Interval,
            FsyncArg::Never => Fsync::Never,
        };
        let log = LogConfig { fsync, ..LogConfig::default() };
        Config { log, fsync_interval: self.fsync_interval, marks_max: targets_max }
    }
}
