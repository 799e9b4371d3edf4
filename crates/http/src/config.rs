//! [`Config`]: every limit of the front-end, with its unit, default and reason; the engine's are inside.

use std::{ops::RangeInclusive, time::Duration};

use fanfare_core::Policy;

/// How plain HTTP/1.1 streams leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum H1Outlet {
    /// The shard writes to the socket, once hyper has sent the head. The default, and far cheaper.
    #[default]
    Socket,
    /// hyper keeps the socket and drains the ring through a body, as it does for HTTP/2.
    Body,
}

/// Settings of one server.
#[derive(Clone, Debug)]
pub struct Config {
    /// Limits of the engine.
    pub core: fanfare_core::Config,
    /// What a full ring does. Default: the connection takes what it missed from the history, or is told what it lost.
    pub policy: Policy,
    /// How HTTP/1.1 streams leave.
    pub h1_outlet: H1Outlet,
    /// Bytes of a request head. Default 16 KiB: hyper would take 408 KiB from anybody.
    pub head_bytes_max: usize,
    /// How long a head may take, and the first one to begin. Default 10 s.
    pub head_timeout: Duration,
    /// How long a connection may wait for its next request. HTTP/1.1 clients are told a little less (`Keep-Alive`). Default
    /// 90 s: more than proxies keep theirs (nginx and ALB 60 s, browsers up to 75 s), so that it is they who close.
    pub keep_alive_timeout: Duration,
    /// Connections that may wait for their next request; beyond that, the one that has waited longest is closed. Default
    /// 1,024: each holds a descriptor and about 20 KiB.
    pub idle_connections_max: usize,
    /// Bytes of a request body. Default 1 MiB.
    pub body_bytes_max: usize,
    /// How long a body, or a line of a batch, may pause between two pieces. Default 30 s.
    pub body_idle_timeout: Duration,
    /// How long a body, or a line of a batch, may take in all, and a second for each 16 KiB of it. Default 60 s: a byte now and then
    /// must not keep its room for ever.
    pub body_timeout: Duration,
    /// How long a batch may pause between two lines; empty ones count. Default 10 min: its producer may have nothing to say for
    /// as long, and one that is gone without a word is found by TCP keep-alive before.
    pub batch_idle_timeout: Duration,
    /// Bytes of all bodies being received together; and as many again of all pages of history being sent. Default
    /// 64 MiB.
    pub bodies_bytes_max: usize,
    /// Channels one connection may follow. Default 128.
    pub channels_max: usize,
    /// The `retry:` of a stream's first lines is drawn from this range, in milliseconds, so that clients do not
    /// come back all at once. Default 1,000 to 3,000.
    pub retry_ms: RangeInclusive<u64>,
    /// The kernel's send buffer of a connection, in bytes. Default 256 KiB.
    pub send_buffer_bytes: usize,
    /// Of the send buffers of all connections together, about: where there are many connections, a new one gets its share of it, but
    /// 16 KiB at least. Default 1 GiB. (Linux reserves twice what it is asked for, for what it needs itself.)
    pub send_buffers_bytes_max: usize,
    /// Streams that may be open, over all versions of HTTP; more are told to come back later. Default: no limit but those of
    /// sockets and of HTTP/2.
    pub connections_max: usize,
    /// Sockets of clients that may be open, whatever they do. One more closes the connection that has been idle for longest; if
    /// none is idle it is closed itself. Streams over HTTP/1 leave 64 of them (a quarter of few) to other requests. Default: no
    /// limit. A program sets it below its limit of descriptors, so that its own files and links always get theirs.
    pub sockets_max: usize,
    /// Who publishes must show this key (`Authorization: Bearer`). Default: anybody may publish.
    pub publish_key: Option<String>,
    /// Origins of pages that may publish from a browser, as in `https://example.org`; `*` is all. Pages may read
    /// wherever they come from. Default none besides the server's own.
    pub cors_origins: Vec<String>,
    /// Names under which the server is reached, besides IP addresses and localhost: a page that it served itself under
    /// one of them may publish. Default none, so that a rebound name may not.
    pub public_hosts: Vec<String>,
    /// Streams of one HTTP/2 connection. Default 1,000.
    pub h2_streams_max: u32,
    /// Event streams over HTTP/2 that may be open, on all connections together; one connection has no more of them than it leaves
    /// to others. Default 16,384: each holds 10 to 20 KiB, and up to [`Config::h2_send_buffer_bytes`] if its peer is slow.
    pub h2_streams_total_max: usize,
    /// Bytes that one HTTP/2 stream may have unsent. Default 16 KiB: a slow stream must not hold more.
    pub h2_send_buffer_bytes: usize,
    /// Broadcasts the time at this interval. Default never.
    pub clock: Option<Duration>,
    /// How long a request waits for a journal to be read at the start; then it is refused. Default 5 s.
    pub ready_timeout: Duration,
    /// How long everything is served as before once the server was told to stop, while `/readyz` says that it drains: a load
    /// balancer needs its time to learn of it. Default none.
    pub drain_delay: Duration,
    /// How long a drain may take before what is left is cut. Default 10 s.
    pub drain_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            core: fanfare_core::Config::default(),
            policy: Policy::default(),
            h1_outlet: H1Outlet::default(),
            head_bytes_max: 16 << 10,
            head_timeout: Duration::from_secs(10),
            keep_alive_timeout: Duration::from_secs(90),
            idle_connections_max: 1_024,
            body_bytes_max: 1 << 20,
            body_idle_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(60),
            batch_idle_timeout: Duration::from_secs(600),
            bodies_bytes_max: 64 << 20,
            channels_max: 128,
            retry_ms: 1_000..=3_000,
            send_buffer_bytes: 256 << 10,
            send_buffers_bytes_max: 1 << 30,
            connections_max: usize::MAX,
            sockets_max: usize::MAX,
            publish_key: None,
            cors_origins: Vec::new(),
            public_hosts: Vec::new(),
            h2_streams_max: 1_000,
            h2_streams_total_max: 16_384,
            h2_send_buffer_bytes: 16 << 10,
            clock: None,
            ready_timeout: Duration::from_secs(5),
            drain_delay: Duration::ZERO,
            drain_timeout: Duration::from_secs(10),
        }
    }
}
