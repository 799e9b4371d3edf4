//! [`Redis`]: the settings of several nodes that share a Stream.

use std::time::Duration;

use clap::ArgAction;
use fanfare_core::Pattern;
use fanfare_redis::{Address, AddressError, Config, StreamName};

use super::{
    units::{DAY, MIB, MS},
    value::{duration, number, pattern, size},
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

    /// The events of the Stream may take about this much memory of Redis.
    ///
    /// The bound holds again within seconds. Give all nodes the same size, because the lowest counts.
    #[arg(long, env = "FANFARE_REDIS_BYTES", value_name = "SIZE", default_value = "256MiB", value_parser = size(MIB, usize::MAX), help_heading = "Several nodes (Redis)")]
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

/// Limits of other settings that also hold for the Stream.
pub(super) struct Within {
    /// The approximate number of events that the Stream keeps.
    pub(super) events_max: u64,
    /// Largest size of one event.
    pub(super) message_bytes_max: usize,
    /// Number of idempotency keys that are remembered. `keys_ms` says for how long.
    pub(super) keys_max: usize,
    pub(super) keys_ms: u64,
}

impl Redis {
    /// The address of Redis, if one was given.
    ///
    /// # Errors
    /// The reason why the URL is wrong, without its password.
    pub(super) fn address(&self) -> Result<Option<Address>, AddressError> {
        self.redis.as_deref().map(str::parse).transpose()
    }

    /// Whether messages are taken from Pub/Sub.
    pub(super) fn subscribes(&self) -> bool {
        !self.redis_subscribe.is_empty()
    }

    /// The settings of the Stream, with the limits of other settings.
    pub(super) fn config(&self, address: Address, within: Within) -> Config {
        let Within { events_max, message_bytes_max, keys_max, keys_ms } = within;
        Config {
            address,
            name: self.redis_stream.clone(),
            events_max,
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
