//! [`Limits`]: the settings of what may wait, how large a request may be, and how long one may take.

use std::time::Duration;

use super::{
    DAY, GIB, KIB, MIB, MS, YEAR,
    value::{duration, number, size},
};

/// Settings of `fanfare serve` on limits.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct Limits {
    /// At most this many messages may wait for one connection.
    #[arg(long, env = "FANFARE_RING_MESSAGES", value_name = "N", default_value = "64", value_parser = number(1_u16, 4096))]
    pub(super) ring_messages: u16,

    /// At most this many bytes may wait for one connection.
    ///
    /// One message of any size may always wait.
    #[arg(long, env = "FANFARE_RING_BYTES", value_name = "SIZE", default_value = "256KiB", value_parser = size(1, GIB))]
    pub(super) ring_bytes: usize,

    /// At most this many bytes may wait for all connections together.
    ///
    /// Each message counts once.
    #[arg(long, env = "FANFARE_HUB_RING_BYTES", value_name = "SIZE", default_value = "256MiB", value_parser = size(1, usize::MAX))]
    pub(super) hub_ring_bytes: usize,

    /// If this many messages wait for one thread, publishers wait too.
    #[arg(long, env = "FANFARE_INBOX_MESSAGES", value_name = "N", default_value = "1024", value_parser = number(1_u32, 1_048_576))]
    pub(super) inbox_messages: u32,

    /// If this many bytes wait for one thread, publishers wait too.
    #[arg(long, env = "FANFARE_INBOX_BYTES", value_name = "SIZE", default_value = "16MiB", value_parser = size(1, usize::MAX))]
    pub(super) inbox_bytes: usize,

    /// Slow connections may hold up a flood of publishes for at most this time at a stretch.
    ///
    /// All pauses of one thread together take at most a fifth of the time, or half of it while an eighth of its
    /// connections have no room. Those for new connections take a twentieth more. With 0s there are no pauses.
    #[arg(long, env = "FANFARE_PATIENCE", value_name = "DURATION", default_value = "1s", value_parser = duration(Duration::ZERO, DAY))]
    pub(super) patience: Duration,

    /// The head of a request, with its path and query, may have at most this size.
    #[arg(long, env = "FANFARE_HEAD_BYTES", value_name = "SIZE", default_value = "16KiB", value_parser = size(8 * KIB, 16 * MIB))]
    pub(super) head_bytes: usize,

    /// The head of a request may take at most this time.
    ///
    /// The first request of a connection must begin within the same time.
    #[arg(long, env = "FANFARE_HEAD_TIMEOUT", value_name = "DURATION", default_value = "10s", value_parser = duration(MS, YEAR))]
    pub(super) head_timeout: Duration,

    /// A connection may wait for its next request for at most this time.
    ///
    /// Give more time than proxies give their connections to the server. Otherwise a request is lost that a proxy sends
    /// at the moment when the server closes the connection.
    #[arg(long, env = "FANFARE_KEEP_ALIVE_TIMEOUT", value_name = "DURATION", default_value = "90s", value_parser = duration(MS, YEAR))]
    pub(super) keep_alive_timeout: Duration,

    /// At most this many connections may wait for their next request.
    ///
    /// One more closes the connection that has waited for longest.
    #[arg(long, env = "FANFARE_IDLE_CONNECTIONS_MAX", value_name = "N", default_value = "1024", value_parser = number(0, u32::MAX))]
    pub(super) idle_connections_max: u32,

    /// One connection may follow at most this many channels.
    #[arg(long, env = "FANFARE_CHANNELS_MAX", value_name = "N", default_value = "128", value_parser = number(1, u16::MAX))]
    pub(super) channels_max: u16,

    /// A subscriber may send at most this many bytes after its request.
    ///
    /// The server throws these bytes away.
    #[arg(long, env = "FANFARE_INPUT_BYTES", value_name = "SIZE", default_value = "4KiB", value_parser = size(0, GIB))]
    pub(super) input_bytes: usize,

    /// The kernel's send buffer of a connection has this size.
    ///
    /// The buffer bounds what a slow reader may have under way.
    #[arg(long, env = "FANFARE_SEND_BUFFER_BYTES", value_name = "SIZE", default_value = "256KiB", value_parser = size(4 * KIB, GIB))]
    pub(super) send_buffer_bytes: usize,

    /// The send buffers of all connections together have about this size.
    ///
    /// If there are many connections, a new one gets its share of it, but at least 16KiB. Linux counts, and may reserve, twice that.
    #[arg(long, env = "FANFARE_SEND_BUFFERS_BYTES", value_name = "SIZE", default_value = "1GiB", value_parser = size(4 * KIB, usize::MAX))]
    pub(super) send_buffers_bytes: usize,

    /// One HTTP/2 connection may have at most this many streams.
    #[arg(long, env = "FANFARE_H2_STREAMS", value_name = "N", default_value = "1000", value_parser = number(1_u32, 1_000_000))]
    pub(super) h2_streams: u32,

    /// All HTTP/2 connections together may have at most this many event streams.
    ///
    /// One connection may have at most half of them, and two at most a third each. A stream needs 10 to 20 KiB of
    /// memory, and up to --h2-send-buffer-bytes more if its reader is slow. It needs no descriptor.
    #[arg(long, env = "FANFARE_H2_STREAMS_TOTAL", value_name = "N", default_value = "16384", value_parser = number(1, u32::MAX))]
    pub(super) h2_streams_total: u32,

    /// One HTTP/2 stream may have at most this many bytes unsent.
    #[arg(long, env = "FANFARE_H2_SEND_BUFFER_BYTES", value_name = "SIZE", default_value = "16KiB", value_parser = size(KIB, GIB))]
    pub(super) h2_send_buffer_bytes: usize,

    /// A request waits for at most this time for a node that has not yet read the events of the other nodes.
    ///
    /// After this time the server tells the client to come back later.
    #[arg(long, env = "FANFARE_READY_TIMEOUT", value_name = "DURATION", default_value = "5s", value_parser = duration(Duration::ZERO, YEAR))]
    pub(super) ready_timeout: Duration,
}
