//! [`Config`]: how a journal on disk is kept, with [`LogConfig`] and [`Fsync`].

use std::time::Duration;

/// How a journal on disk is kept.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// How the log is written.
    pub log: LogConfig,
    /// Age that events may have before they are on the disk, with [`Fsync::Interval`]. Default 100 ms.
    pub fsync_interval: Duration,
    /// Targets with a mark of their own of the newest event that was given up. Default 100,000.
    pub marks_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { log: LogConfig::default(), fsync_interval: Duration::from_millis(100), marks_max: 100_000 }
    }
}

/// When written events have to reach the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fsync {
    /// Before an append is answered.
    Always,
    /// Periodically, on a thread of its own ([`Config::fsync_interval`]).
    #[default]
    Interval,
    /// Whenever the system writes them.
    Never,
}

/// How a log is written.
#[derive(Clone, Copy, Debug)]
pub struct LogConfig {
    /// When to sync.
    pub fsync: Fsync,
    /// Length at which a segment is followed by another. Default 16 MiB.
    pub segment_bytes_max: u64,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { fsync: Fsync::default(), segment_bytes_max: 16 << 20 }
    }
}
