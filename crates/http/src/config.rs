//! [`Config`]: every limit of the front-end, with its unit, default and reason. The limits of the engine are inside.

use std::{io, net::IpAddr, ops::RangeInclusive, sync::Arc, time::Duration};

use fanfare_callers::{ForwardedBy, Limits, Networks};
use fanfare_core::Policy;

use crate::{
    access::gate::{Gate, PUBLISH_KEY_BYTES_MAX},
    traces::traced::TraceSink,
};

/// The way in which streams leave.
///
/// [`Config`] has an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outlet {
    /// The shard writes to the connection: over HTTP/1.1 once hyper has sent the head, over HTTP/2 in frames of its own. The
    /// default, and far cheaper.
    #[default]
    Socket,
    /// hyper keeps the connection and drains the ring of each stream through a body.
    Body,
}

/// The proxies in front of a server, whose word on the address of a client counts.
///
/// ```
/// use fanfare_callers::{ForwardedBy, Networks};
/// use fanfare_http::{Config, Proxies};
///
/// let trusted = Networks::new(["10.0.0.0/8", "127.0.0.1"])?;
/// let proxies = Proxies { trusted, forwarded: Some(ForwardedBy::XForwardedFor), ..Proxies::default() };
/// let config = Config { proxies, ..Config::default() };
/// # let _ = config;
/// # Ok::<_, fanfare_callers::NetworksError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// The addresses of the proxies. Their own sockets are not limited.
    pub trusted: Networks,
    /// The header in which they name the client of each request. Default: none, so all their requests count for nobody.
    pub forwarded: Option<ForwardedBy>,
    /// Their connections begin with a header of the PROXY protocol, version 1 or 2. Then each counts for the client that it names.
    pub proxy_protocol: bool,
}

impl Proxies {
    /// Whether a connection from `address` begins with the client's address.
    pub(crate) fn names_client(&self, address: IpAddr) -> bool {
        self.proxy_protocol && self.trusted.contains(address)
    }
}

/// Settings of one server.
///
/// A server that runs takes others by [`Operator::set_config`](crate::Operator::set_config), but for these, which are made once: of `core`
/// everything besides `connections_max`, `inner_patterns_max` and `history`, and `h1_outlet`, `h2_outlet`, `head_bytes_max`, `gate`,
/// `callers_max`, `h2_streams_max`, `h2_ping_interval`, `clock`, `traces` and `https_port`. (A [`Gate`] changes by itself.)
///
/// ```
/// use std::time::Duration;
///
/// use fanfare_http::{Config, Policy, core};
///
/// let config = Config {
///     core: core::Config { connections_max: 10_000, heartbeat_ms: 25_000, ..core::Config::default() },
///     policy: Policy::DropOldest,
///     drain_timeout: Duration::from_secs(30),
///     ..Config::default()
/// };
/// assert_eq!(config.core.shards, 1, "a program says how many threads it gives");
/// assert_eq!(config.channels_max, 128);
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    /// Limits of the engine. Its `connections_max` is the limit of open streams over all versions of HTTP, and of receivers in
    /// this process. Clients of further streams are told to come back later.
    pub core: fanfare_core::Config,
    /// Policy of a full ring. Default: the connection gets the events that it missed from the history, or is told which it lost.
    pub policy: Policy,
    /// The way in which HTTP/1.1 streams leave.
    pub h1_outlet: Outlet,
    /// The way in which HTTP/2 streams leave. It decides as well who speaks HTTP/2: fanfare-h2, or hyper.
    pub h2_outlet: Outlet,
    /// Bytes of a request head. Default 16 KiB: hyper would take 408 KiB from anybody.
    pub head_bytes_max: usize,
    /// Time for a head, and for the first one to begin. Default 10 s.
    pub head_timeout: Duration,
    /// Time that a connection may wait for its next request. HTTP/1.1 clients are told a little less (`Keep-Alive`). Default 90 s:
    /// proxies keep their connections for less (nginx and ALB 60 s, browsers up to 75 s), so they are the ones that close.
    pub keep_alive_timeout: Duration,
    /// Connections that may wait for their next request. Beyond that, the one that has waited longest is closed. Default
    /// 1,024: each holds a descriptor and about 20 KiB.
    pub idle_connections_max: usize,
    /// Bytes of a request body. Default 1 MiB.
    pub body_bytes_max: usize,
    /// Pause that a body, or a line of a batch, may make between two pieces. Default 30 s.
    pub body_idle_timeout: Duration,
    /// Time for a body, or a line of a batch, in all. Each 16 KiB of it add a second. Default 60 s: a byte now and then must not keep
    /// its room for ever.
    pub body_timeout: Duration,
    /// Pause that a batch may make between two lines. Empty lines count. Default 10 min: its producer may have nothing to say for as
    /// long, and TCP keep-alive finds sooner that a producer is gone.
    pub batch_idle_timeout: Duration,
    /// Bytes of all bodies being received, and as many again of all pages of history being sent. Default 64 MiB.
    pub bodies_bytes_max: usize,
    /// Channels one connection may follow. Default 128.
    pub channels_max: usize,
    /// Patterns among these. Default 16.
    pub patterns_max: usize,
    /// The `retry:` of a stream's first lines is drawn from this range, in milliseconds, so that clients do not
    /// come back all at once. Default 1,000 to 3,000.
    pub retry_ms: RangeInclusive<u64>,
    /// The kernel's send buffer of a connection, in bytes. Default 256 KiB.
    pub send_buffer_bytes: usize,
    /// Bytes of the send buffers of all connections together, about. Among many connections a new one gets its share, but 16 KiB at
    /// least. Default 1 GiB. (Linux reserves twice what it is asked for, for its own needs.)
    pub send_buffers_bytes_max: usize,
    /// Sockets of clients that may be open, whatever they do. One more closes the connection that has been idle for longest. If
    /// none is idle, it is closed itself. Streams over HTTP/1 leave 64 of them (a quarter of few) to other requests. Default: no
    /// limit. A program sets it below its limit of descriptors, so that its own files and links always get theirs.
    pub sockets_max: usize,
    /// Key that publishers must show (`Authorization: Bearer`), 1 to 256 bytes. It allows to publish to everybody. Default: none.
    pub publish_key: Option<String>,
    /// The rules of who may do what, for readers and publishers. Default: everybody may do everything.
    pub gate: Gate,
    /// Origins of pages that may publish from a browser, as in `https://example.org`; `*` is all. They may read as well. Default none
    /// besides the server's own.
    pub cors_origins: Vec<String>,
    /// Origins of pages that may read; `*` is all, and the default. Without it a page needs an origin that is listed here or in
    /// [`Config::cors_origins`], the server's own, or one of the visitor's own machine, and the host of a request has to be an IP
    /// address, `localhost`, or one of [`Config::public_hosts`]. A server that only its own machine reaches should list none, because
    /// any website could read it through the browser of that machine.
    pub read_origins: Vec<String>,
    /// Names under which the server is reached, besides IP addresses and localhost: a page that it served itself under
    /// one of them may publish. Default none, so that a rebound name may not.
    pub public_hosts: Vec<String>,
    /// The proxies in front of the server. Default: none.
    pub proxies: Proxies,
    /// What one address may take and hold, an IPv6 address with all others of its /64. Default: [`Limits::of_caller`].
    pub caller_limits: Limits,
    /// The same for each loopback address. Default: no limit, because a proxy on the machine is one for all its clients, and local
    /// publishers and tests come from there too.
    pub loopback_limits: Limits,
    /// What one publisher's key, or the holder of one token, may publish. Default: [`Limits::of_holder`].
    pub holder_limits: Limits,
    /// Callers, and as many holders, that are kept apart. Those that do nothing are forgotten. Default 65,536. Give at least
    /// [`Config::sockets_max`] if that is a number: those who find no place share the limits of one.
    pub callers_max: usize,
    /// Streams that may have the same client id. Default: 256 where a grant names it, because a client is a person with some devices and
    /// tabs, and no limit where anybody may claim it, because a stranger could use it up for others.
    pub client_streams_max: Option<usize>,
    /// Streams of one HTTP/2 connection. Default 1,000.
    pub h2_streams_max: u32,
    /// Event streams over HTTP/2 that may be open, on all connections together. One connection has no more of them than it leaves
    /// to others. Default 65,536: each holds 1 to 2 KiB. With [`Outlet::Body`] it is 10 to 20 KiB, and up to
    /// [`Config::h2_send_buffer_bytes`] more if its peer is slow.
    pub h2_streams_total_max: usize,
    /// Bytes that one HTTP/2 stream may have unsent with [`Outlet::Body`]. Default 16 KiB: a slow stream must not hold more.
    pub h2_send_buffer_bytes: usize,
    /// Time after which an HTTP/2 client that shows no life is asked whether it is there (PING), and for its answer. Default 20 s: a
    /// client that vanished behind a proxy is found in no other way.
    pub h2_ping_interval: Duration,
    /// Broadcasts the time at this interval. Default never.
    pub clock: Option<Duration>,
    /// Time that a request waits for a journal to be read at the start. Then it is refused. Default 5 s.
    pub ready_timeout: Duration,
    /// Time for which everything is served as before once the server was told to stop, while `/readyz` says that it drains. A load
    /// balancer needs that time to learn of it. Default none.
    pub drain_delay: Duration,
    /// Time for a drain, before whatever is left is cut. Default 10 s.
    pub drain_timeout: Duration,
    /// Who is told of publishes whose trace is sampled. Default: nobody. Which trace an event belongs to is kept and logged all the same.
    pub traces: Option<Arc<dyn TraceSink>>,
    /// Browsers that ask for a page without TLS are sent to this port of https with a 307, which they do not keep. Everything else is
    /// served. Default: nobody is sent.
    pub https_port: Option<u16>,
}

impl Config {
    /// Whether a server can run with these settings.
    ///
    /// # Errors
    /// Nothing could be served with one of them.
    pub(crate) fn check(&self) -> io::Result<()> {
        let is_key = |key: &String| (1..=PUBLISH_KEY_BYTES_MAX).contains(&key.len());
        if !self.publish_key.as_ref().is_none_or(is_key) || self.retry_ms.is_empty() {
            let reason = "the publish key is empty or too long, or the range of retry times is empty";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        Ok(())
    }

    /// `new`, as far as a server that runs with these settings can take it. The rest is made once, at the start.
    pub(crate) fn changed_to(&self, new: Self) -> Self {
        let core = fanfare_core::Config {
            connections_max: new.core.connections_max,
            inner_patterns_max: new.core.inner_patterns_max,
            history: new.core.history,
            ..self.core.clone()
        };
        Self {
            core,
            h1_outlet: self.h1_outlet,
            h2_outlet: self.h2_outlet,
            head_bytes_max: self.head_bytes_max,
            gate: self.gate.clone(),
            callers_max: self.callers_max,
            h2_streams_max: self.h2_streams_max,
            h2_ping_interval: self.h2_ping_interval,
            clock: self.clock,
            traces: self.traces.clone(),
            https_port: self.https_port,
            ..new
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            core: fanfare_core::Config::default(),
            policy: Policy::default(),
            h1_outlet: Outlet::default(),
            h2_outlet: Outlet::default(),
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
            patterns_max: 16,
            retry_ms: 1_000..=3_000,
            send_buffer_bytes: 256 << 10,
            send_buffers_bytes_max: 1 << 30,
            sockets_max: usize::MAX,
            publish_key: None,
            gate: Gate::default(),
            cors_origins: Vec::new(),
            read_origins: vec!["*".to_owned()],
            public_hosts: Vec::new(),
            proxies: Proxies::default(),
            caller_limits: Limits::of_caller(),
            loopback_limits: Limits::NONE,
            holder_limits: Limits::of_holder(),
            callers_max: fanfare_callers::ENTRIES_MAX,
            client_streams_max: None,
            h2_streams_max: 1_000,
            h2_streams_total_max: 65_536,
            h2_send_buffer_bytes: 16 << 10,
            h2_ping_interval: Duration::from_secs(20),
            clock: None,
            ready_timeout: Duration::from_secs(5),
            drain_delay: Duration::ZERO,
            drain_timeout: Duration::from_secs(10),
            traces: None,
            https_port: None,
        }
    }
}
