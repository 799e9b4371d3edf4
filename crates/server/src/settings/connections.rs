//! [`Connections`]: the limits on sockets and streams, and on their memory in the kernel.

use std::time::Duration;

use clap::ValueEnum;

use super::{
    units::{DAY, GIB, KIB, MS, YEAR},
    value::{duration, number, size},
};

/// Keys of `[limits]` on connections.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Connections")]
pub(super) struct Connections {
    /// At most this many sockets of clients may be open [default: the open descriptors that the system allows, less 64,
    /// 4 for each shard and 64 for operators, but at least half].
    ///
    /// One more closes the connection that has been idle for longest. If no connection is idle, the new one is closed.
    /// Streams over HTTP/1 leave 64 sockets to other requests, or a quarter if there are fewer than 256.
    #[arg(long, value_name = "N", value_parser = number(1, u64::MAX))]
    pub(super) sockets_max: Option<u64>,

    /// A connection may wait for its next request for at most this time.
    ///
    /// Give more time than proxies give their connections to the server. Otherwise a request is lost that a proxy sends
    /// at the moment when the server closes the connection.
    #[arg(long, value_name = "DURATION", default_value = "90s", value_parser = duration(MS, YEAR))]
    pub(super) keep_alive_timeout: Duration,

    /// At most this many connections may wait for their next request.
    ///
    /// One more closes the connection that has waited for longest.
    #[arg(long, value_name = "N", default_value = "1024", value_parser = number(0, u32::MAX))]
    pub(super) idle_connections_max: u32,

    /// The kernel's send buffer of a connection has this size.
    ///
    /// The buffer bounds what a slow reader may have under way.
    #[arg(long, value_name = "SIZE", default_value = "256KiB", value_parser = size(4 * KIB, GIB))]
    pub(super) send_buffer_bytes: usize,

    /// The send buffers of all connections together have about this size [default: from --memory].
    ///
    /// If there are many connections, a new one gets its share of it, but at least 16KiB. Linux counts, and may reserve, twice that.
    #[arg(long, value_name = "SIZE", value_parser = size(4 * KIB, usize::MAX))]
    pub(super) send_buffers_bytes: Option<usize>,

    /// One HTTP/2 connection may have at most this many streams.
    #[arg(long, value_name = "N", default_value = "1000", value_parser = number(1_u32, 1_000_000))]
    pub(super) h2_streams: u32,

    /// All HTTP/2 connections together may have at most this many event streams.
    ///
    /// One connection may have at most half of them, and two at most a third each. A stream needs 1 to 2 KiB of memory and no
    /// descriptor. With `h2-outlet = "body"` it needs 10 to 20 KiB, and up to `h2-send-buffer-bytes` more if its reader is slow.
    #[arg(long, value_name = "N", default_value = "65536", value_parser = number(1, u32::MAX))]
    pub(super) h2_streams_total: u32,

    /// With `h2-outlet = "body"`, one HTTP/2 stream may have at most this many bytes unsent.
    #[arg(long, value_name = "SIZE", default_value = "16KiB", value_parser = size(KIB, GIB))]
    pub(super) h2_send_buffer_bytes: usize,

    /// The server asks an HTTP/2 client that has been silent for this time whether it is there, and waits as long for the answer.
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = duration(MS, YEAR))]
    pub(super) h2_ping_interval: Duration,

    /// The outlet decides how the bytes of HTTP/1.1 streams leave the server.
    #[arg(long, value_enum, default_value = "socket")]
    pub(super) h1_outlet: OutletArg,

    /// The outlet decides how the bytes of HTTP/2 streams leave the server.
    #[arg(long, value_enum, default_value = "socket")]
    pub(super) h2_outlet: OutletArg,

    /// A TLS handshake may take at most this time.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration(MS, YEAR))]
    pub(super) tls_handshake_timeout: Duration,

    /// The outlet decides what seals the bytes of connections over TLS 1.3.
    #[arg(long, value_enum, default_value = "records")]
    pub(super) tls_outlet: TlsOutletArg,

    /// The server closes a connection that takes no byte for this time while bytes wait for it.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration(MS, YEAR))]
    pub(super) write_timeout: Duration,

    /// The server tells clients to wait for at least this time before they reconnect.
    ///
    /// Each stream gets a time of its own.
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration(MS, DAY))]
    pub(super) retry_min: Duration,

    /// The server tells clients to wait for at most this time before they reconnect.
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = duration(MS, DAY))]
    pub(super) retry_max: Duration,

    /// The server spreads the return of drained clients over this time.
    ///
    /// Each client is told a time of its own, between 1s and 1s plus this value.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration(Duration::ZERO, DAY))]
    pub(super) drain_spread: Duration,

    /// In an upgrade, the new process has this time to read its settings, and the same time to start.
    ///
    /// After this time the old process goes on. SIGUSR2 and `fanfare upgrade` ask for an upgrade. Reading a large journal takes seconds.
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = duration(MS, DAY))]
    pub(super) upgrade_timeout: Duration,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum OutletArg {
    /// The server writes straight to the socket, over HTTP/2 in frames of its own.
    Socket,
    /// The server writes through a body of hyper's.
    Body,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum TlsOutletArg {
    /// The server seals records itself, once rustls has done the handshake.
    Records,
    /// The library rustls does, which takes more memory and time.
    Rustls,
}
