//! [`Journal`]: the settings of the journal on disk.

use std::{path::PathBuf, time::Duration};

use clap::ValueEnum;
use fanfare_disk::{Config, Fsync, LogConfig};

use super::{DAY, MS, value::duration};

/// Settings of `fanfare serve` on the journal.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Journal {
    /// Keep events in this directory as well, so that a restart or a crash loses nothing that was acknowledged. It is made
    /// if it is not there, and is one server's alone [default: memory only].
    #[arg(long, env = "FANFARE_JOURNAL", value_name = "PATH", help_heading = "Journal")]
    journal: Option<PathBuf>,

    /// When what was written to the journal is made to reach the disk itself. A crash of the server loses nothing in any
    /// case; this is about loss of power.
    #[arg(long, env = "FANFARE_FSYNC", value_enum, default_value = "interval", help_heading = "Journal")]
    fsync: FsyncArg,

    /// With --fsync interval: before an event is written, all that are older than this are on the disk. So a loss of power
    /// takes so much of the newest at most; publishes wait for a disk that is slower, for 5s.
    #[arg(long, env = "FANFARE_FSYNC_INTERVAL", value_name = "DURATION", default_value = "100ms", value_parser = duration(MS, DAY), help_heading = "Journal")]
    fsync_interval: Duration,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FsyncArg {
    /// Before each publish is answered: a loss of power takes nothing.
    Always,
    /// A little later, and often: see --fsync-interval.
    Interval,
    /// When the system likes.
    Never,
}

impl Journal {
    /// The directory, if there is to be one.
    pub(super) fn path(&self) -> Option<PathBuf> {
        self.journal.clone()
    }

    /// How it is kept, for a history that remembers so many targets.
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
