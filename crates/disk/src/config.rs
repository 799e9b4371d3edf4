//! [`Config`]: how a journal on disk is kept.

use std::time::Duration;

/// How a journal on disk is kept.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// How it is written.
    pub log: LogConfig,
    /// With [`Fsync::Interval`]: before an event is written, all that are older than this are on the disk. Default 100 ms.
    pub fsync_interval: Duration,
    /// Targets of which it is remembered what was given up. Default 100,000.
    pub marks_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { log: LogConfig::default(), fsync_interval: Duration::from_millis(100), marks_max: 100_000 }
    }
}

/// When what was written is made to reach the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fsync {
    /// Before an append is answered.
    Always,
    /// Periodically, on a thread of its own (`Config::fsync_interval`).
    #[default]
    Interval,
    /// When the system likes.
    Never,
}

/// How a log is written.
#[derive(Clone, Copy, Debug)]
pub struct LogConfig {
    /// When to sync.
    pub fsync: Fsync,
    /// A segment that has reached this is followed by another.
    pub segment_bytes_max: u64,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { fsync: Fsync::default(), segment_bytes_max: 16 << 20 }
    }
}
