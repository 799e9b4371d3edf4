//! [`Flags`]: the one definition of each setting that an operator chooses. A field is the flag, the environment variable and
//! the key of the file. Those on history, the journal and Redis are parts of their own.

use std::{path::PathBuf, time::Duration};

use clap::{ArgAction, ValueEnum, builder::BoolishValueParser};

use super::{
    access::Access,
    admin::Admin,
    filter::filter,
    history::History,
    journal::Journal,
    listen::Listen,
    memory,
    proxies::Proxies,
    redis::Redis,
    tls::Tls,
    units::{DAY, GIB, MS, YEAR},
    value::{duration, host, number, origin, size},
};

/// Settings of `fanfare serve` that are flags.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Flags {
    /// The server reads settings from this TOML file.
    ///
    /// The key of a setting is the long name of its flag, as in `heartbeat = "15s"`. Environment variables override the
    /// file, and flags override both. The file alone may have limits, under `[limits]`. SIGHUP has the file read again: the log says
    /// what has changed, and what needs a restart.
    #[arg(long, env = "FANFARE_CONFIG", value_name = "FILE", help_heading = "Configuration")]
    pub(super) config: Option<PathBuf>,

    /// The server prints every setting and where it comes from, and exits.
    ///
    /// The exit code is 0 if the server could start with these settings, and 2 if not.
    #[arg(long, help_heading = "Configuration")]
    pub(super) check: bool,

    /// The server listens on this address and port.
    ///
    /// A port alone (`3001` or `:3001`) means 127.0.0.1, where only this machine can connect. Other forms are
    /// `localhost:3001`, `[::1]:3001` and `0.0.0.0:3001`. Port 0 takes a free port. An address that other machines can
    /// reach needs --publish-key or --allow-anonymous-publish. With `off` there is no listener for plain HTTP.
    #[arg(
        long,
        env = "FANFARE_LISTEN",
        value_name = "[ADDR:]PORT",
        default_value = "127.0.0.1:3000",
        help_heading = "Listening"
    )]
    pub(super) listen: Listen,

    /// At most this many event streams may be open, over all versions of HTTP [default: `sockets-max`
    /// and `h2-streams-total` together].
    ///
    /// The server tells further clients to come back later.
    #[arg(long, env = "FANFARE_CONNECTIONS_MAX", value_name = "N", value_parser = number(1, u64::MAX), help_heading = "Listening")]
    pub(super) connections_max: Option<u64>,

    /// This many threads serve connections [default: one for each core].
    #[arg(long, env = "FANFARE_SHARDS", value_name = "N", value_parser = number(1_u16, 1024), help_heading = "Listening")]
    pub(super) shards: Option<u16>,

    /// Events that are kept, wait, or are being received may take about this memory together [default: a quarter of what
    /// the machine or its cgroup has, from 16MiB to 8GiB].
    ///
    /// The limits that are not set follow from it: history gets a half, events that wait for slow streams a quarter,
    /// bodies and pages of history an eighth, and events that wait for a thread an eighth.
    #[arg(long, env = "FANFARE_MEMORY", value_name = "SIZE", value_parser = size(memory::LEAST, usize::MAX), help_heading = "Listening")]
    pub(super) memory: Option<usize>,

    /// Pages that the server serves under this host name may publish.
    ///
    /// IP addresses and localhost need no entry. A server that listens on loopback addresses alone answers no reader under
    /// another name. The setting may be given several times. Commas separate the names in
    /// the environment.
    #[arg(long = "public-host", env = "FANFARE_PUBLIC_HOST", value_name = "NAME", value_delimiter = ',', action = ArgAction::Append, value_parser = host, help_heading = "Listening")]
    pub(super) public_hosts: Vec<String>,

    /// Publishers must send this key, as `Authorization: Bearer KEY`.
    ///
    /// FANFARE_PUBLISH_KEY and the file are better places than the flag, because other users of the machine can read
    /// flags.
    #[arg(long, env = "FANFARE_PUBLISH_KEY", value_name = "KEY", hide_env_values = true, help_heading = "Publishing")]
    pub(super) publish_key: Option<String>,

    #[command(flatten)]
    pub(super) access: Access,

    #[command(flatten)]
    pub(super) proxies: Proxies,

    /// Everybody who can connect may publish, also from other machines.
    #[arg(long, env = "FANFARE_ALLOW_ANONYMOUS_PUBLISH", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_default_value = true, hide_possible_values = true, action = ArgAction::Set, value_parser = BoolishValueParser::new(), help_heading = "Publishing")]
    pub(super) allow_anonymous_publish: bool,

    /// Pages of this origin may publish from a browser, as in `https://example.org`.
    ///
    /// `*` is every origin. These pages may read as well. The setting may be given several times. Commas separate the
    /// origins in the environment.
    #[arg(long = "cors-origin", env = "FANFARE_CORS_ORIGIN", value_name = "ORIGIN", value_delimiter = ',', action = ArgAction::Append, value_parser = origin, help_heading = "Publishing")]
    pub(super) cors_origins: Vec<String>,

    /// Pages of this origin may read from a browser, as in `https://example.org` [default: pages of every origin, or, if the
    /// server listens on loopback addresses alone, pages of this machine].
    ///
    /// `*` is every origin. Pages of --cors-origin and of the server itself may read too. The setting may be given several
    /// times. Commas separate the origins in the environment.
    #[arg(long = "read-origin", env = "FANFARE_READ_ORIGIN", value_name = "ORIGIN", value_delimiter = ',', action = ArgAction::Append, value_parser = origin, help_heading = "Who may do what")]
    pub(super) read_origins: Vec<String>,

    /// A published body, or a line of a batch, may have at most this size.
    #[arg(long, env = "FANFARE_BODY_BYTES", value_name = "SIZE", default_value = "1MiB", value_parser = size(1, GIB), help_heading = "Publishing")]
    pub(super) body_bytes: usize,

    /// The server remembers an Idempotency-Key for this time.
    ///
    /// A publish that repeats a remembered key gets the first answer again and publishes nothing.
    #[arg(long, env = "FANFARE_IDEMPOTENCY_WINDOW", value_name = "DURATION", default_value = "10m", value_parser = duration(MS, YEAR), help_heading = "Publishing")]
    pub(super) idempotency_window: Duration,

    /// The server broadcasts the time at this interval, for instance 2s [default: never].
    #[arg(long, env = "FANFARE_CLOCK", value_name = "DURATION", value_parser = duration(MS, YEAR), help_heading = "Publishing")]
    pub(super) clock: Option<Duration>,

    /// A stream gets a comment line after this time of silence.
    ///
    /// A stream that has asked for its position gets the position instead. Many proxies cut streams that are silent for
    /// 30s or longer.
    #[arg(long, env = "FANFARE_HEARTBEAT", value_name = "DURATION", default_value = "15s", value_parser = duration(MS, YEAR), help_heading = "Streams")]
    pub(super) heartbeat: Duration,

    /// The policy decides what happens to a connection that has too much waiting.
    #[arg(long, env = "FANFARE_POLICY", value_enum, default_value = "repair", help_heading = "Streams")]
    pub(super) policy: PolicyArg,

    #[command(flatten)]
    pub(super) tls: Tls,

    #[command(flatten)]
    pub(super) history: History,

    #[command(flatten)]
    pub(super) journal: Journal,

    #[command(flatten)]
    pub(super) redis: Redis,

    /// After the signal to stop, the server goes on as before for this time, while `/readyz` answers 503.
    ///
    /// A load balancer needs this time to learn of it. A second signal ends the server at once.
    #[arg(long, env = "FANFARE_DRAIN_DELAY", value_name = "DURATION", default_value = "0s", value_parser = duration(Duration::ZERO, DAY), help_heading = "Draining")]
    pub(super) drain_delay: Duration,

    /// A drain may take at most this time.
    ///
    /// After this time the server cuts the connections that are left.
    #[arg(long, env = "FANFARE_DRAIN_TIMEOUT", value_name = "DURATION", default_value = "10s", value_parser = duration(Duration::ZERO, YEAR), help_heading = "Draining")]
    pub(super) drain_timeout: Duration,

    #[command(flatten)]
    pub(super) admin: Admin,

    /// The log on standard error has the lines of this level and of those above it.
    ///
    /// The levels are off, error, warn, info and debug. One target may have a level of its own, as in
    /// `warn,fanfare_http=debug`.
    #[arg(long, env = "FANFARE_LOG", value_name = "FILTER", default_value = "info", value_parser = filter, help_heading = "Logging")]
    pub(super) log: String,

    /// Each line of the log has this form.
    #[arg(long, env = "FANFARE_LOG_FORMAT", value_enum, default_value = "text", help_heading = "Logging")]
    pub(super) log_format: LogFormat,
}

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// A line for people: the time, the level, a sentence, and fields as in `name=value`.
    Text,
    /// An object for programs: `timestamp` (RFC 3339, UTC), `level`, `message`, and each field under its name.
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum PolicyArg {
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
