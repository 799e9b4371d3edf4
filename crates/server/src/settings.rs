//! [`Serve`]: the one definition of each setting of `fanfare serve`. A field is the flag, the environment variable and
//! the key of the file; what it says is checked by the same parser wherever it comes from. The limits, and those on
//! history, the journal and Redis, are parts of their own. The other modules below layer the sources, judge them together,
//! show them, and make them what the server takes.

mod environment;
mod file;
mod filter;
mod history;
mod journal;
mod layers;
mod limits;
mod listen;
mod meaning;
mod redis;
#[cfg(test)]
mod reference;
mod report;
mod value;

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, ValueEnum, builder::BoolishValueParser};

use self::{
    filter::filter,
    history::History,
    journal::Journal,
    limits::Limits,
    listen::Listen,
    redis::Redis,
    value::{host, origin, size},
};
pub(crate) use self::{
    layers::{Settings, variable_at_fault},
    listen::is_address,
    value::{duration, number, publisher_retry},
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
    /// The server reads settings from this TOML file.
    ///
    /// The key of a setting is the long name of its flag, as in `heartbeat = "15s"`. Environment variables override the
    /// file, and flags override both.
    #[arg(long, env = "FANFARE_CONFIG", value_name = "FILE", help_heading = "Configuration")]
    config: Option<PathBuf>,

    /// The server prints every setting and where it comes from, and exits.
    ///
    /// The exit code is 0 if the server could start with these settings, and 2 if not.
    #[arg(long, help_heading = "Configuration")]
    pub(crate) check: bool,

    /// The server listens on this address and port.
    ///
    /// A port alone (`3001` or `:3001`) means 127.0.0.1, where only this machine can connect. Other forms are
    /// `localhost:3001`, `[::1]:3001` and `0.0.0.0:3001`. Port 0 takes a free port. An address that other machines can
    /// reach needs --publish-key or --allow-anonymous-publish.
    #[arg(
        long,
        env = "FANFARE_LISTEN",
        value_name = "[ADDR:]PORT",
        default_value = "127.0.0.1:3000",
        help_heading = "Listening"
    )]
    listen: Listen,

    /// At most this many event streams may be open, over all versions of HTTP [default: --sockets-max and
    /// --h2-streams-total together].
    ///
    /// The server tells further clients to come back later.
    #[arg(long, env = "FANFARE_CONNECTIONS_MAX", value_name = "N", value_parser = number(1, u64::MAX), help_heading = "Listening")]
    connections_max: Option<u64>,

    /// At most this many sockets of clients may be open [default: the open descriptors that the system allows, less 64
    /// and 4 for each shard, but at least half].
    ///
    /// One more closes the connection that has been idle for longest. If no connection is idle, the new one is closed.
    /// Streams over HTTP/1 leave 64 sockets to other requests, or a quarter if there are fewer than 256.
    #[arg(long, env = "FANFARE_SOCKETS_MAX", value_name = "N", value_parser = number(1, u64::MAX), help_heading = "Listening")]
    sockets_max: Option<u64>,

    /// This many threads serve connections [default: one for each core].
    #[arg(long, env = "FANFARE_SHARDS", value_name = "N", value_parser = number(1_u16, 1024), help_heading = "Listening")]
    shards: Option<u16>,

    /// Pages that the server serves under this host name may publish.
    ///
    /// IP addresses and localhost need no entry. The setting may be given several times. Commas separate the names in
    /// the environment.
    #[arg(long = "public-host", env = "FANFARE_PUBLIC_HOST", value_name = "NAME", value_delimiter = ',', action = ArgAction::Append, value_parser = host, help_heading = "Listening")]
    public_hosts: Vec<String>,

    /// Publishers must send this key, as `Authorization: Bearer KEY`.
    ///
    /// FANFARE_PUBLISH_KEY and the file are better places than the flag, because other users of the machine can read
    /// flags.
    #[arg(long, env = "FANFARE_PUBLISH_KEY", value_name = "KEY", hide_env_values = true, help_heading = "Publishing")]
    publish_key: Option<String>,

    /// Everybody who can connect may publish, also from other machines.
    #[arg(long, env = "FANFARE_ALLOW_ANONYMOUS_PUBLISH", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_default_value = true, hide_possible_values = true, action = ArgAction::Set, value_parser = BoolishValueParser::new(), help_heading = "Publishing")]
    allow_anonymous_publish: bool,

    /// Pages of this origin may publish from a browser, as in `https://example.org`.
    ///
    /// `*` is every origin. Pages of any origin may read. The setting may be given several times. Commas separate the
    /// origins in the environment.
    #[arg(long = "cors-origin", env = "FANFARE_CORS_ORIGIN", value_name = "ORIGIN", value_delimiter = ',', action = ArgAction::Append, value_parser = origin, help_heading = "Publishing")]
    cors_origins: Vec<String>,

    /// A published body, or a line of a batch, may have at most this size.
    #[arg(long, env = "FANFARE_BODY_BYTES", value_name = "SIZE", default_value = "1MiB", value_parser = size(1, GIB), help_heading = "Publishing")]
    body_bytes: usize,

    /// A body, or a line of a batch, may pause for at most this time between two pieces.
    #[arg(long, env = "FANFARE_BODY_IDLE_TIMEOUT", value_name = "DURATION", default_value = "30s", value_parser = duration(MS, YEAR), help_heading = "Publishing")]
    body_idle_timeout: Duration,

    /// A body, or a line of a batch, may take at most this time in all.
    ///
    /// Each 16 KiB of it add one second.
    #[arg(long, env = "FANFARE_BODY_TIMEOUT", value_name = "DURATION", default_value = "60s", value_parser = duration(MS, YEAR), help_heading = "Publishing")]
    body_timeout: Duration,

    /// A batch may pause for at most this time between two lines.
    ///
    /// An empty line counts as a line.
    #[arg(long, env = "FANFARE_BATCH_IDLE_TIMEOUT", value_name = "DURATION", default_value = "10m", value_parser = duration(MS, YEAR), help_heading = "Publishing")]
    batch_idle_timeout: Duration,

    /// All bodies that are being received may take at most this memory together.
    ///
    /// Further bodies wait or are refused. Pages of history that are being sent may take as much again.
    #[arg(long, env = "FANFARE_BODIES_BYTES", value_name = "SIZE", default_value = "64MiB", value_parser = size(1, usize::MAX), help_heading = "Publishing")]
    bodies_bytes: usize,

    /// The server remembers an Idempotency-Key for this time.
    ///
    /// A publish that repeats a remembered key gets the first answer again and publishes nothing.
    #[arg(long, env = "FANFARE_IDEMPOTENCY_WINDOW", value_name = "DURATION", default_value = "10m", value_parser = duration(MS, YEAR), help_heading = "Publishing")]
    idempotency_window: Duration,

    /// The server remembers at most this many Idempotency-Keys.
    ///
    /// The oldest key makes room for a new one. With 0 the server remembers no keys, and every repeat publishes again.
    #[arg(long, env = "FANFARE_IDEMPOTENCY_KEYS", value_name = "N", default_value = "100000", value_parser = number(0, u32::MAX), help_heading = "Publishing")]
    idempotency_keys: u32,

    /// The server broadcasts the time at this interval, for instance 2s [default: never].
    #[arg(long, env = "FANFARE_CLOCK", value_name = "DURATION", value_parser = duration(MS, YEAR), help_heading = "Publishing")]
    clock: Option<Duration>,

    /// A stream gets a comment line after this time of silence.
    ///
    /// A stream that has asked for its position gets the position instead. Many proxies cut streams that are silent for
    /// 30s or longer.
    #[arg(long, env = "FANFARE_HEARTBEAT", value_name = "DURATION", default_value = "15s", value_parser = duration(MS, YEAR), help_heading = "Streams")]
    heartbeat: Duration,

    /// The server tells clients to wait for at least this time before they reconnect.
    ///
    /// Each stream gets a time of its own.
    #[arg(long, env = "FANFARE_RETRY_MIN", value_name = "DURATION", default_value = "1s", value_parser = duration(MS, DAY), help_heading = "Streams")]
    retry_min: Duration,

    /// The server tells clients to wait for at most this time before they reconnect.
    #[arg(long, env = "FANFARE_RETRY_MAX", value_name = "DURATION", default_value = "3s", value_parser = duration(MS, DAY), help_heading = "Streams")]
    retry_max: Duration,

    /// The server closes a connection that takes no byte for this time while bytes wait for it.
    #[arg(long, env = "FANFARE_WRITE_TIMEOUT", value_name = "DURATION", default_value = "30s", value_parser = duration(MS, YEAR), help_heading = "Streams")]
    write_timeout: Duration,

    /// The policy decides what happens to a connection that has too much waiting.
    #[arg(long, env = "FANFARE_POLICY", value_enum, default_value = "repair", help_heading = "Streams")]
    policy: PolicyArg,

    /// The outlet decides how the bytes of HTTP/1.1 streams leave the server.
    #[arg(long, env = "FANFARE_H1_OUTLET", value_enum, default_value = "socket", help_heading = "Streams")]
    h1_outlet: H1OutletArg,

    #[command(flatten)]
    history: History,

    #[command(flatten)]
    journal: Journal,

    #[command(flatten)]
    redis: Redis,

    #[command(flatten)]
    limits: Limits,

    /// After the signal to stop, the server goes on as before for this time, while `/readyz` answers 503.
    ///
    /// A load balancer needs this time to learn of it. A second signal ends the server at once.
    #[arg(long, env = "FANFARE_DRAIN_DELAY", value_name = "DURATION", default_value = "0s", value_parser = duration(Duration::ZERO, DAY), help_heading = "Draining")]
    drain_delay: Duration,

    /// A drain may take at most this time.
    ///
    /// After this time the server cuts the connections that are left.
    #[arg(long, env = "FANFARE_DRAIN_TIMEOUT", value_name = "DURATION", default_value = "10s", value_parser = duration(Duration::ZERO, YEAR), help_heading = "Draining")]
    drain_timeout: Duration,

    /// The server spreads the return of drained clients over this time.
    ///
    /// Each client is told a time of its own, between 1s and 1s plus this value.
    #[arg(long, env = "FANFARE_DRAIN_SPREAD", value_name = "DURATION", default_value = "10s", value_parser = duration(Duration::ZERO, DAY), help_heading = "Draining")]
    drain_spread: Duration,

    /// The log on standard error has the lines of this level and of those above it.
    ///
    /// The levels are off, error, warn, info and debug. One target may have a level of its own, as in
    /// `warn,fanfare_http=debug`.
    #[arg(long, env = "FANFARE_LOG", value_name = "FILTER", default_value = "info", value_parser = filter, help_heading = "Logging")]
    pub(crate) log: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PolicyArg {
    /// The connection takes what waits, and then gets from history what came meanwhile. A gap tells how many events are
    /// no longer kept.
    Repair,
    /// New messages are dropped until the connection has taken what waits. A gap tells how many.
    DropNewest,
    /// The oldest waiting messages are dropped. A gap in their place tells how many.
    DropOldest,
    /// The connection is closed. The client comes back and resumes from history.
    Close,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum H1OutletArg {
    /// The server writes straight to the socket.
    Socket,
    /// The server writes through an HTTP body, as it does over HTTP/2.
    Body,
}
