//! [`Redis`]: the settings of several nodes that share a Stream.

use std::time::Duration;

use clap::ArgAction;
use fanfare_core::Pattern;
use fanfare_redis::{Address, AddressError, Config, StreamName};

use super::{
    DAY, MS,
    value::{duration, number, size},
};

/// Settings of `fanfare serve` on several nodes.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Redis {
    /// All nodes that name the same Redis or Valkey, 6.2 or newer, share the order, the history and all events
    /// [default: one node].
    ///
    /// The forms are `redis://USER:PASSWORD@HOST:6379/DB` (only HOST is needed), `rediss://` for TLS,
    /// `redis-sentinel://HOST:26379,HOST:26379?master=NAME` and `redis-cluster://HOST:6379,HOST:6379`. FANFARE_REDIS
    /// and the file are better places for a password than the flag, because other users of the machine can read flags.
    #[arg(
        long,
        env = "FANFARE_REDIS",
        value_name = "URL",
        hide_env_values = true,
        help_heading = "Several nodes (Redis)"
    )]
    redis: Option<String>,

    /// The keys in Redis begin with this name, as in `{fanfare}:events`.
    ///
    /// Nodes that share a Stream have the same name.
    #[arg(
        long,
        env = "FANFARE_REDIS_STREAM",
        value_name = "NAME",
        default_value = "fanfare",
        help_heading = "Several nodes (Redis)"
    )]
    redis_stream: StreamName,

    /// The Stream keeps about this many events.
    ///
    /// A node that starts, or comes back, can still read these. The number must be much larger than the number of
    /// events on their way at a time, or events are gone before they are read. Give all nodes the same number, because
    /// the lowest counts.
    #[arg(long, env = "FANFARE_REDIS_EVENTS", value_name = "N", default_value = "1000000", value_parser = number(2_000_u64, 1_000_000_000), help_heading = "Several nodes (Redis)")]
    redis_events: u64,

    /// The events of the Stream may take about this much memory of Redis.
    ///
    /// The bound holds again within seconds. Give all nodes the same size, because the lowest counts.
    #[arg(long, env = "FANFARE_REDIS_BYTES", value_name = "SIZE", default_value = "256MiB", value_parser = size(1 << 20, usize::MAX), help_heading = "Several nodes (Redis)")]
    redis_bytes: usize,

    /// A publish waits for at most this time for an answer of Redis.
    ///
    /// After this time nobody knows whether the event was published, and the answer says so.
    #[arg(long, env = "FANFARE_REDIS_TIMEOUT", value_name = "DURATION", default_value = "5s", value_parser = duration(100 * MS, DAY), help_heading = "Several nodes (Redis)")]
    redis_timeout: Duration,

    /// An event must be at this many replicas of Redis before the server acknowledges it.
    ///
    /// An acknowledged event then survives a failover. The replicas have half of --redis-timeout for it.
    #[arg(long, env = "FANFARE_REDIS_WAIT_REPLICAS", value_name = "N", default_value = "0", value_parser = number(0, u8::MAX), help_heading = "Several nodes (Redis)")]
    redis_wait_replicas: u8,

    /// Messages that others PUBLISH in Redis on channels of this name become events on the channel of the same name.
    ///
    /// `*` is any run of characters. One node at a time does this for all nodes, so give all of them the same patterns.
    /// The setting may be given several times. Commas separate the patterns in the environment.
    #[arg(long = "redis-subscribe", env = "FANFARE_REDIS_SUBSCRIBE", value_name = "PATTERN", value_delimiter = ',', action = ArgAction::Append, value_parser = pattern, help_heading = "Several nodes (Redis)")]
    redis_subscribe: Vec<Pattern>,
}

fn pattern(text: &str) -> Result<Pattern, String> {
    Pattern::new(text).map_err(|error| error.to_string())
}

impl Redis {
    /// Where it is, if there is to be one.
    ///
    /// # Errors
    /// What is wrong with the URL, without its password.
    pub(super) fn address(&self) -> Result<Option<Address>, AddressError> {
        self.redis.as_deref().map(str::parse).transpose()
    }

    /// Whether anything is to be taken from Pub/Sub.
    pub(super) fn subscribes(&self) -> bool {
        !self.redis_subscribe.is_empty()
    }

    /// How it is used. So many bytes one event may have, and so many idempotency keys are remembered for so many
    /// milliseconds.
    pub(super) fn config(&self, address: Address, message_bytes_max: usize, keys_max: usize, keys_ms: u64) -> Config {
        Config {
            address,
            name: self.redis_stream.clone(),
            events_max: self.redis_events,
            bytes_max: u64::try_from(self.redis_bytes).unwrap_or(u64::MAX),
            timeout: self.redis_timeout,
            replicas: usize::from(self.redis_wait_replicas),
            subscribe: self.redis_subscribe.clone(),
            message_bytes_max,
            keys_max,
            keys_ms,
        }
    }
}
