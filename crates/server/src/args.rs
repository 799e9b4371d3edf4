//! What may be typed: every flag and environment variable, and what they mean as settings. Read nowhere else.

use std::{net::SocketAddr, num::NonZero, thread::available_parallelism, time::Duration};

use clap::{Parser, Subcommand, ValueEnum, builder::BoolishValueParser, value_parser};
use fanfare_core::Policy;
use fanfare_http::{Config, H1Outlet};
use tracing_subscriber::EnvFilter;

/// Fanfare: publish an event once over HTTP, and every open event stream gets it.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

const EXAMPLES: &str = "\
Without a subcommand it serves.

  curl -N http://127.0.0.1:3000/                                   receive what is sent to all
  curl -d 'hello' http://127.0.0.1:3000/broadcast                  send to all
  curl -N 'http://127.0.0.1:3000/sse?id=42&channel=news'           receive as client 42, and channel news
  curl -d 'hello' http://127.0.0.1:3000/channels/news/broadcast    send to a channel
  curl -d 'hello' http://127.0.0.1:3000/clients/42                 send to a client";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve event streams and take publishes (the default).
    #[command(after_help = EXAMPLES)]
    Serve(Serve),
}

/// Settings of `fanfare serve`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Serve {
    /// Address and port to listen on.
    #[arg(long, env = "FANFARE_LISTEN", value_name = "ADDR:PORT", default_value = "127.0.0.1:3000")]
    pub(crate) listen: SocketAddr,

    /// Let anybody who can connect publish, also from other machines.
    #[arg(long, env = "FANFARE_ALLOW_ANONYMOUS_PUBLISH", value_parser = BoolishValueParser::new())]
    allow_anonymous_publish: bool,

    /// Threads that serve connections [default: one a core].
    #[arg(long, env = "FANFARE_SHARDS", value_name = "N")]
    shards: Option<NonZero<u16>>,

    /// Broadcast the time at this interval, e.g. 2s.
    #[arg(long, env = "FANFARE_CLOCK", value_name = "DURATION", value_parser = positive)]
    clock: Option<Duration>,

    /// What happens to a connection that has too much waiting.
    #[arg(long, env = "FANFARE_POLICY", value_enum, default_value = "drop-newest")]
    policy: PolicyArg,

    /// Messages that may wait for one connection.
    #[arg(long, env = "FANFARE_RING_MESSAGES", value_name = "N", default_value = "64", value_parser = value_parser!(u16).range(1..=4096))]
    ring_messages: u16,

    /// Bytes that may wait for one connection; one message of any size always may.
    #[arg(long, env = "FANFARE_RING_BYTES", value_name = "BYTES", default_value_t = 256 << 10)]
    ring_bytes: usize,

    /// Bytes of the largest body that may be published.
    #[arg(long, env = "FANFARE_BODY_BYTES", value_name = "BYTES", default_value_t = 1 << 20)]
    body_bytes: usize,

    /// Silence after which a stream is sent a comment line.
    #[arg(long, env = "FANFARE_HEARTBEAT", value_name = "DURATION", value_parser = positive, default_value = "15s")]
    heartbeat: Duration,

    /// How long a connection may take no byte while some wait.
    #[arg(long, env = "FANFARE_WRITE_TIMEOUT", value_name = "DURATION", value_parser = positive, default_value = "30s")]
    write_timeout: Duration,

    /// How long a drain may take before what is left is cut.
    #[arg(long, env = "FANFARE_DRAIN_TIMEOUT", value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "10s")]
    drain_timeout: Duration,

    /// Drained clients are told to come back within 1 s and 1 s + this, each at another time.
    #[arg(long, env = "FANFARE_DRAIN_SPREAD", value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "10s")]
    drain_spread: Duration,

    /// How HTTP/1.1 streams leave: straight to the socket, or through an HTTP body as over HTTP/2.
    #[arg(long, env = "FANFARE_H1_OUTLET", value_enum, default_value = "socket")]
    h1_outlet: H1OutletArg,

    /// What to log: error, warn, info, debug, or off; also as target=level, separated by commas.
    #[arg(long, env = "FANFARE_LOG", value_name = "FILTER", default_value = "info", value_parser = filter)]
    pub(crate) log: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PolicyArg {
    /// Drop the new message.
    DropNewest,
    /// Drop the oldest that wait.
    DropOldest,
    /// Close the connection.
    Close,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum H1OutletArg {
    Socket,
    Body,
}

/// What the log understands.
fn filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

/// A duration like `2s` or `500ms`, above zero.
fn positive(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(duration) if duration.as_millis() == 0 => Err("must be at least 1ms".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!("{error}; write for instance 2s or 500ms")),
    }
}

impl Args {
    /// The settings to serve with.
    pub(crate) fn serve(self) -> Serve {
        match self.command {
            Some(Command::Serve(serve)) => serve,
            None => self.serve,
        }
    }
}

impl Serve {
    /// What no single flag can tell.
    ///
    /// # Errors
    /// A sentence that says what to do.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !self.listen.ip().is_loopback() && !self.allow_anonymous_publish {
            return Err(format!(
                "{} can be reached from other machines and anybody could publish there: \
                 give --allow-anonymous-publish if that is meant, or listen on a loopback address",
                self.listen
            ));
        }
        Ok(())
    }

    /// How many shards there will be.
    pub(crate) fn shards(&self) -> usize {
        let given = self.shards.map(|shards| usize::from(shards.get()));
        given.unwrap_or_else(|| available_parallelism().map_or(1, NonZero::get))
    }

    /// As settings of the server.
    pub(crate) fn config(&self) -> Config {
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Config {
            core: fanfare_core::Config {
                shards: self.shards(),
                ring_messages_max: usize::from(self.ring_messages),
                ring_bytes_max: self.ring_bytes,
                heartbeat_ms: ms(self.heartbeat),
                write_timeout_ms: ms(self.write_timeout),
                drain_spread_ms: ms(self.drain_spread),
                ..fanfare_core::Config::default()
            },
            policy: match self.policy {
                PolicyArg::DropNewest => Policy::DropNewest,
                PolicyArg::DropOldest => Policy::DropOldest,
                PolicyArg::Close => Policy::Close,
            },
            h1_outlet: match self.h1_outlet {
                H1OutletArg::Socket => H1Outlet::Socket,
                H1OutletArg::Body => H1Outlet::Body,
            },
            body_bytes_max: self.body_bytes,
            clock: self.clock,
            drain_timeout: self.drain_timeout,
            ..Config::default()
        }
    }
}
