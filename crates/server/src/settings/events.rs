//! [`Events`]: the limits on events that wait for a connection or a thread, and on events that are kept.

use std::time::Duration;

use super::{
    units::{DAY, GIB},
    value::{duration, number, size},
};

/// Keys of `[limits]` on events.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Events that wait or are kept")]
pub(super) struct Events {
    /// At most this many messages may wait for one connection.
    #[arg(long, value_name = "N", default_value = "64", value_parser = number(1_u16, 4096))]
    pub(super) ring_messages: u16,

    /// At most this many bytes may wait for one connection.
    ///
    /// One message of any size may always wait.
    #[arg(long, value_name = "SIZE", default_value = "256KiB", value_parser = size(1, GIB))]
    pub(super) ring_bytes: usize,

    /// At most this many bytes may wait for all connections together [default: from --memory].
    ///
    /// Each message counts once.
    #[arg(long, value_name = "SIZE", value_parser = size(1, usize::MAX))]
    pub(super) hub_ring_bytes: Option<usize>,

    /// If this many messages wait for one thread, publishers wait too.
    #[arg(long, value_name = "N", default_value = "1024", value_parser = number(1_u32, 1_048_576))]
    pub(super) inbox_messages: u32,

    /// If this many bytes wait for one thread, publishers wait too [default: from --memory].
    #[arg(long, value_name = "SIZE", value_parser = size(1, usize::MAX))]
    pub(super) inbox_bytes: Option<usize>,

    /// Slow connections may hold up a flood of publishes for at most this time at a stretch.
    ///
    /// All pauses of one thread together take at most a fifth of the time, or half of it while an eighth of its
    /// connections have no room. Those for new connections take a twentieth more. With 0s there are no pauses.
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration(Duration::ZERO, DAY))]
    pub(super) patience: Duration,

    /// The events kept of all targets together may take at most this memory [default: from --memory].
    ///
    /// Each event counts once. The oldest events of all make room.
    #[arg(long, value_name = "SIZE", value_parser = size(1, usize::MAX))]
    pub(super) hub_history_bytes: Option<usize>,

    /// The server remembers at most this many targets.
    ///
    /// The target that was silent for longest makes room.
    #[arg(long, value_name = "N", default_value = "100000", value_parser = number(1, u32::MAX))]
    pub(super) history_targets: u32,

    /// At most this many connections of one thread may read history at a time.
    ///
    /// Others wait for their turn, so that returning clients do not hold up live events.
    #[arg(long, value_name = "N", default_value = "4", value_parser = number(1, u16::MAX))]
    pub(super) catch_up_reads: u16,

    /// The server remembers at most this many Idempotency-Keys.
    ///
    /// The oldest key makes room for a new one. With 0 the server remembers no keys, and every repeat publishes again.
    #[arg(long, value_name = "N", default_value = "100000", value_parser = number(0, u32::MAX))]
    pub(super) idempotency_keys: u32,

    /// The Stream keeps about this many events.
    ///
    /// A node that starts, or comes back, can still read these. The number must be much larger than the number of
    /// events on their way at a time, or events are gone before they are read. Give all nodes the same number, because
    /// the lowest counts.
    #[arg(long, value_name = "N", default_value = "1000000", value_parser = number(2_000_u64, 1_000_000_000))]
    pub(super) redis_events: u64,
}
