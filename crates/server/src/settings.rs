//! [`Serve`]: the one definition of each setting of `fanfare serve`. A field is the flag, the environment variable and
//! the key of the file; what it says is checked by the same parser wherever it comes from. Those on history,
//! the journal and Redis are parts of their own. The other modules below layer the sources, judge them together, show them, and make them what the
//! server takes.

mod environment;
mod file;
mod filter;
mod history;
mod journal;
mod layers;
mod listen;
mod meaning;
mod redis;
mod report;
mod value;

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, ValueEnum, builder::BoolishValueParser, value_parser};

use self::{
    filter::filter,
    history::History,
    journal::Journal,
    listen::Listen,
    redis::Redis,
    value::{host, origin, size},
};
pub(crate) use self::{
    layers::{Settings, variable_at_fault},
    value::{duration, publisher_retry},
};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const GIB: usize = 1 << 30;
/// No setting means more than a year, and the clocks still count that far.
const YEAR: Duration = Duration::from_secs(365 * 86_400);
const DAY: Duration = Duration::from_secs(86_400);
const MS: Duration = Duration::from_millis(1);

/// Settings of `fanfare serve`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Serve {
    /// Read settings from this TOML file: the long name of a flag is the key, as in `heartbeat = "15s"`. Environment
    /// variables override the file, flags override both.
    #[arg(long, env = "FANFARE_CONFIG", value_name = "FILE", help_heading = "Configuration")]
    config: Option<PathBuf>,

    /// Print every setting with where it comes from, and exit: 0 if the server could start with them, else 2.
    #[arg(long, help_heading = "Configuration")]
    pub(crate) check: bool,

    /// The server listens on this address and port.
    ///
    /// A port alone (`3001` or `:3001`) means 127.0.0.1, where only this machine can connect. Other forms are
    /// `localhost:3001`, `[::1]:3001` and `0.0.0.0:3001`. Port 0 takes a free port. An address that other machines can reach
    /// needs --publish-key or --allow-anonymous-publish.
    #[arg(
        long,
        env = "FANFARE_LISTEN",
        value_name = "[ADDR:]PORT",
        default_value = "127.0.0.1:3000",
        help_heading = "Listening"
    )]
    listen: Listen,

    /// Streams that may be open, over all versions of HTTP; more are told to come back later [default: --sockets-max and
    /// --h2-streams-total together].
    #[arg(long, env = "FANFARE_CONNECTIONS_MAX", value_name = "N", value_parser = value_parser!(u64).range(1..), help_heading = "Listening")]
    connections_max: Option<u64>,

    /// Sockets of clients that may be open, whatever they do; one more closes the connection that has been idle for longest, and
    /// if none is idle it is closed itself. Streams over HTTP/1 leave 64 (a quarter of few) to other requests [default: open
    /// descriptors allowed, less 64 and 4 for each shard, but at least half].
    #[arg(long, env = "FANFARE_SOCKETS_MAX", value_name = "N", value_parser = value_parser!(u64).range(1..), help_heading = "Listening")]
    sockets_max: Option<u64>,

    /// Threads that serve connections [default: one a core].
    #[arg(long, env = "FANFARE_SHARDS", value_name = "N", value_parser = value_parser!(u16).range(1..=1024), help_heading = "Listening")]
    shards: Option<u16>,

    /// A host name under which the server is reached (besides IP addresses and localhost): pages that it serves under
    /// that name may publish. May be given several times; in the environment, separated by commas.
    #[arg(long = "public-host", env = "FANFARE_PUBLIC_HOST", value_name = "NAME", value_delimiter = ',', action = ArgAction::Append, value_parser = host, help_heading = "Listening")]
    public_hosts: Vec<String>,

    /// Who publishes must send this key, as `Authorization: Bearer KEY`. Better given in FANFARE_PUBLISH_KEY or the
    /// file: other users of the machine can read flags.
    #[arg(long, env = "FANFARE_PUBLISH_KEY", value_name = "KEY", hide_env_values = true, help_heading = "Publishing")]
    publish_key: Option<String>,

    /// Let anybody who can connect publish, also from other machines.
    #[arg(long, env = "FANFARE_ALLOW_ANONYMOUS_PUBLISH", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_default_value = true, hide_possible_values = true, action = ArgAction::Set, value_parser = BoolishValueParser::new(), help_heading = "Publishing")]
    allow_anonymous_publish: bool,

    /// Origin whose pages may publish from a browser, as in `https://example.org`; `*` is every origin. May be given
    /// several times; in the environment, separated by commas. (Pages of any origin may read.)
    #[arg(long = "cors-origin", env = "FANFARE_CORS_ORIGIN", value_name = "ORIGIN", value_delimiter = ',', action = ArgAction::Append, value_parser = origin, help_heading = "Publishing")]
    cors_origins: Vec<String>,

    /// Largest body, or line of a batch, that may be published.
    #[arg(long, env = "FANFARE_BODY_BYTES", value_name = "SIZE", default_value = "1MiB", value_parser = size(1, GIB), help_heading = "Publishing")]
    body_bytes: usize,

    /// How long a body, or a line of a batch, may pause between two pieces.
    #[arg(long, env = "FANFARE_BODY_IDLE_TIMEOUT", value_name = "DURATION", default_value = "30s", value_parser = duration(MS, YEAR), help_heading = "Publishing")]
    body_idle_timeout: Duration,

    /// How long a body, or a line of a batch, may take in all, and a second for each 16 KiB of it.
    #[arg(long, env = "FANFARE_BODY_TIMEOUT", value_name = "DURATION", default_value = "60s", value_parser = duration(MS, YEAR), help_heading = "Publishing")]
    body_timeout: Duration,

    /// How long a batch may pause between two lines; empty lines count.
    #[arg(long, env = "FANFARE_BATCH_IDLE_TIMEOUT", value_name = "DURATION", default_value = "10m", value_parser = duration(MS, YEAR), help_heading = "Publishing")]
    batch_idle_timeout: Duration,

    /// Bytes of all bodies being received together; more have to wait or are refused. As many again may be taken by pages
    /// of history being sent.
    #[arg(long, env = "FANFARE_BODIES_BYTES", value_name = "SIZE", default_value = "64MiB", value_parser = size(1, usize::MAX), help_heading = "Publishing")]
    bodies_bytes: usize,

    /// How long an Idempotency-Key is remembered: a publish that is repeated with it gets the first answer again and
    /// publishes nothing.
    #[arg(long, env = "FANFARE_IDEMPOTENCY_WINDOW", value_name = "DURATION", default_value = "10m", value_parser = duration(MS, YEAR), help_heading = "Publishing")]
    idempotency_window: Duration,

    /// Idempotency keys that are remembered; the oldest makes room. 0 remembers none: every repeat publishes again.
    #[arg(long, env = "FANFARE_IDEMPOTENCY_KEYS", value_name = "N", default_value = "100000", value_parser = value_parser!(u32), help_heading = "Publishing")]
    idempotency_keys: u32,

    /// Broadcast the time at this interval, e.g. 2s [default: never].
    #[arg(long, env = "FANFARE_CLOCK", value_name = "DURATION", value_parser = duration(MS, YEAR), help_heading = "Publishing")]
    clock: Option<Duration>,

    /// Silence after which a stream is sent a comment line, or its position if it asked for that. Proxies cut silent
    /// streams at 30s and more.
    #[arg(long, env = "FANFARE_HEARTBEAT", value_name = "DURATION", default_value = "15s", value_parser = duration(MS, YEAR), help_heading = "Streams")]
    heartbeat: Duration,

    /// Shortest time that clients are told to wait before they reconnect; each stream is told its own.
    #[arg(long, env = "FANFARE_RETRY_MIN", value_name = "DURATION", default_value = "1s", value_parser = duration(MS, DAY), help_heading = "Streams")]
    retry_min: Duration,

    /// Longest time that clients are told to wait before they reconnect.
    #[arg(long, env = "FANFARE_RETRY_MAX", value_name = "DURATION", default_value = "3s", value_parser = duration(MS, DAY), help_heading = "Streams")]
    retry_max: Duration,

    /// How long a connection may take no byte while some wait; then it is closed.
    #[arg(long, env = "FANFARE_WRITE_TIMEOUT", value_name = "DURATION", default_value = "30s", value_parser = duration(MS, YEAR), help_heading = "Streams")]
    write_timeout: Duration,

    /// What happens to a connection that has too much waiting.
    #[arg(long, env = "FANFARE_POLICY", value_enum, default_value = "repair", help_heading = "Streams")]
    policy: PolicyArg,

    /// How HTTP/1.1 streams leave: straight to the socket, or through an HTTP body as over HTTP/2.
    #[arg(long, env = "FANFARE_H1_OUTLET", value_enum, default_value = "socket", help_heading = "Streams")]
    h1_outlet: H1OutletArg,

    #[command(flatten)]
    history: History,

    #[command(flatten)]
    journal: Journal,

    #[command(flatten)]
    redis: Redis,

    /// Messages that may wait for one connection.
    #[arg(long, env = "FANFARE_RING_MESSAGES", value_name = "N", default_value = "64", value_parser = value_parser!(u16).range(1..=4096), help_heading = "Limits")]
    ring_messages: u16,

    /// Bytes that may wait for one connection; one message of any size always may.
    #[arg(long, env = "FANFARE_RING_BYTES", value_name = "SIZE", default_value = "256KiB", value_parser = size(1, GIB), help_heading = "Limits")]
    ring_bytes: usize,

    /// Bytes that may wait for all connections together, each message counted once.
    #[arg(long, env = "FANFARE_HUB_RING_BYTES", value_name = "SIZE", default_value = "256MiB", value_parser = size(1, usize::MAX), help_heading = "Limits")]
    hub_ring_bytes: usize,

    /// Messages that a thread may have waiting before publishers wait for it.
    #[arg(long, env = "FANFARE_INBOX_MESSAGES", value_name = "N", default_value = "1024", value_parser = value_parser!(u32).range(1..=1_048_576), help_heading = "Limits")]
    inbox_messages: u32,

    /// Bytes that a thread may have waiting before publishers wait for it.
    #[arg(long, env = "FANFARE_INBOX_BYTES", value_name = "SIZE", default_value = "16MiB", value_parser = size(1, usize::MAX), help_heading = "Limits")]
    inbox_bytes: usize,

    /// How long slow connections may hold up a flood of publishes at a stretch; all pauses of a thread
    /// together take a fifth of the time. 0s: never.
    #[arg(long, env = "FANFARE_PATIENCE", value_name = "DURATION", default_value = "1s", value_parser = duration(Duration::ZERO, DAY), help_heading = "Limits")]
    patience: Duration,

    /// Largest head of a request, with its path and query.
    #[arg(long, env = "FANFARE_HEAD_BYTES", value_name = "SIZE", default_value = "16KiB", value_parser = size(8 * KIB, 16 * MIB), help_heading = "Limits")]
    head_bytes: usize,

    /// How long the head of a request may take, and the first one to begin.
    #[arg(long, env = "FANFARE_HEAD_TIMEOUT", value_name = "DURATION", default_value = "10s", value_parser = duration(MS, YEAR), help_heading = "Limits")]
    head_timeout: Duration,

    /// How long a connection may wait for its next request; longer than proxies keep theirs, or what they send in the moment
    /// when it is closed is lost.
    #[arg(long, env = "FANFARE_KEEP_ALIVE_TIMEOUT", value_name = "DURATION", default_value = "90s", value_parser = duration(MS, YEAR), help_heading = "Limits")]
    keep_alive_timeout: Duration,

    /// Connections that may wait for their next request; beyond that, the one that has waited longest is closed.
    #[arg(long, env = "FANFARE_IDLE_CONNECTIONS_MAX", value_name = "N", default_value = "1024", value_parser = value_parser!(u32), help_heading = "Limits")]
    idle_connections_max: u32,

    /// Channels one connection may follow.
    #[arg(long, env = "FANFARE_CHANNELS_MAX", value_name = "N", default_value = "128", value_parser = value_parser!(u16).range(1..), help_heading = "Limits")]
    channels_max: u16,

    /// Bytes that a subscriber may send after its request; they are thrown away.
    #[arg(long, env = "FANFARE_INPUT_BYTES", value_name = "SIZE", default_value = "4KiB", value_parser = size(0, GIB), help_heading = "Limits")]
    input_bytes: usize,

    /// The kernel's send buffer of a connection: what a slow reader may have under way.
    #[arg(long, env = "FANFARE_SEND_BUFFER_BYTES", value_name = "SIZE", default_value = "256KiB", value_parser = size(4 * KIB, GIB), help_heading = "Limits")]
    send_buffer_bytes: usize,

    /// The send buffers of all connections together, about: where there are many, a new one gets its share of it, but 16KiB at least.
    /// Linux reserves twice as much.
    #[arg(long, env = "FANFARE_SEND_BUFFERS_BYTES", value_name = "SIZE", default_value = "1GiB", value_parser = size(4 * KIB, usize::MAX), help_heading = "Limits")]
    send_buffers_bytes: usize,

    /// Streams of one HTTP/2 connection.
    #[arg(long, env = "FANFARE_H2_STREAMS", value_name = "N", default_value = "1000", value_parser = value_parser!(u32).range(1..=1_000_000), help_heading = "Limits")]
    h2_streams: u32,

    /// Event streams over HTTP/2, on all connections together; one connection has no more of them than it leaves to others. They
    /// need memory (10 to 20 KiB, and what --h2-send-buffer-bytes says if their reader is slow), and no descriptors.
    #[arg(long, env = "FANFARE_H2_STREAMS_TOTAL", value_name = "N", default_value = "16384", value_parser = value_parser!(u32).range(1..), help_heading = "Limits")]
    h2_streams_total: u32,

    /// Bytes that one HTTP/2 stream may have unsent.
    #[arg(long, env = "FANFARE_H2_SEND_BUFFER_BYTES", value_name = "SIZE", default_value = "16KiB", value_parser = size(KIB, GIB), help_heading = "Limits")]
    h2_send_buffer_bytes: usize,

    /// How long a request waits for a node that has not read what the others have published; then it is told to come back.
    #[arg(long, env = "FANFARE_READY_TIMEOUT", value_name = "DURATION", default_value = "5s", value_parser = duration(Duration::ZERO, YEAR), help_heading = "Limits")]
    ready_timeout: Duration,

    /// How long everything is served as before after the signal to stop, while /readyz is 503: the time that a load balancer
    /// needs to learn of it. A second signal ends it at once.
    #[arg(long, env = "FANFARE_DRAIN_DELAY", value_name = "DURATION", default_value = "0s", value_parser = duration(Duration::ZERO, DAY), help_heading = "Draining")]
    drain_delay: Duration,

    /// How long a drain may take before what is left is cut.
    #[arg(long, env = "FANFARE_DRAIN_TIMEOUT", value_name = "DURATION", default_value = "10s", value_parser = duration(Duration::ZERO, YEAR), help_heading = "Draining")]
    drain_timeout: Duration,

    /// Drained clients are told to come back within 1s and 1s + this, each at another time.
    #[arg(long, env = "FANFARE_DRAIN_SPREAD", value_name = "DURATION", default_value = "10s", value_parser = duration(Duration::ZERO, DAY), help_heading = "Draining")]
    drain_spread: Duration,

    /// What to log, to standard error: error, warn, info, debug, or off; also as target=level, separated by commas.
    #[arg(long, env = "FANFARE_LOG", value_name = "FILTER", default_value = "info", value_parser = filter, help_heading = "Logging")]
    pub(crate) log: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PolicyArg {
    /// Let it take what waits, then give it from history what came meanwhile; a gap tells what is not kept any more.
    Repair,
    /// Drop new messages until it has taken what waits; a gap tells how many.
    DropNewest,
    /// Drop the oldest that wait; a gap in their place tells how many.
    DropOldest,
    /// Close it; the client comes back and resumes from history.
    Close,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum H1OutletArg {
    Socket,
    Body,
}
