//! [`Config`]: the settings of a journal on disk, with [`LogConfig`] and [`Fsync`].

use std::time::Duration;

/// The settings of a journal on disk.
///
/// ```
/// use fanfare_disk::{Config, Fsync, LogConfig};
///
/// let log = LogConfig { fsync: Fsync::Always, ..LogConfig::default() };
/// let config = Config { log, ..Config::default() };
/// assert_eq!(config.log.segment_bytes_max, 16 << 20);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The settings of the log.
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

/// The time by which written events have to be on the disk.
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

/// The settings of a log.
#[derive(Clone, Copy, Debug)]
pub struct LogConfig {
    /// The time to sync.
    pub fsync: Fsync,
    /// Length at which a segment is followed by another. Default 16 MiB.
    pub segment_bytes_max: u64,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { fsync: Fsync::default(), segment_bytes_max: 16 << 20 }
    }
}
