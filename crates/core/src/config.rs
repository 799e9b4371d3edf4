//! [`Config`]: all limits of the engine, with unit, default and reason. Read once, when the hub is made.

use crate::history::retention::Retentions;

/// The limits of one hub. A number of shards, messages, slots or reads of 0 counts as 1. A limit of 0 bytes lets one message
/// through at a time.
///
/// ```
/// use fanfare_core::Config;
///
/// let config = Config { shards: 4, connections_max: 50_000, ..Config::default() };
/// let most = config.connections_max * config.ring_bytes_max;
/// assert!(config.hub_ring_bytes_max < most, "the rings of slow connections have a limit together, far below the sum");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Shards. Each has one owner that writes to its slots. Default 1.
    pub shards: usize,
    /// Connections that may be open at once. Default: no limit.
    pub connections_max: usize,
    /// Messages that may wait for one connection because its socket does not take them. Default 64.
    pub ring_messages_max: usize,
    /// Bytes that may wait for one connection. An empty ring takes one message of any size. Default 256 KiB.
    pub ring_bytes_max: usize,
    /// Bytes that the rings of all connections may hold together, each message counted once. Default 256 MiB.
    pub hub_ring_bytes_max: usize,
    /// Messages that may wait for one shard. Above this, publishers wait. Default 1,024.
    pub inbox_messages_max: usize,
    /// Bytes that may wait for one shard. Above this, publishers wait. Default 16 MiB.
    pub inbox_bytes_max: usize,
    /// Silence after which a connection gets a heartbeat, in milliseconds. Proxies cut after 30 s and more. Default 15,000.
    pub heartbeat_ms: u64,
    /// Time that a connection may take no byte while some wait, in milliseconds. Default 30,000.
    pub write_timeout_ms: u64,
    /// Time that a client may take to close its side after the end of its stream, in milliseconds. Default 2,000.
    pub linger_ms: u64,
    /// Bytes that a client may send after its request. The bytes are thrown away. Default 4 KiB.
    pub input_bytes_max: usize,
    /// Spread of the last `retry:` of drained streams, which is 1 s to 1 s + this, in milliseconds. Default 10,000.
    pub drain_spread_ms: u64,
    /// The last `retry:` of a stream whose time is over ([`crate::engine::Subscribe::expires_ms`]), in milliseconds. Default 100: the
    /// client is to come back at once, and a client library that takes 0 for no value has a number.
    pub expired_retry_ms: u64,
    /// Different patterns with a star elsewhere than at the end that all connections may follow together. Default 256: the name of
    /// each event is compared with all of them that have its beginning, and 256 of them take 20 to 50 microseconds (half a millisecond
    /// if names and patterns are as long as they may be). Patterns whose only star is at the end have no limit, because they cost one
    /// lookup however many they are.
    pub inner_patterns_max: usize,
    /// Limits of the history. Default: 1,000 events, 4 MiB and 1 h for each target, 256 MiB and 100,000 targets in all.
    pub history: Retentions,
    /// Connections of one shard that may read the history at a time. Default 4: the events that these get take half as long as
    /// the writes of one turn, so that catching up does not delay live events.
    pub reads_max: usize,
    /// Time that an idempotency key is remembered, in milliseconds. Default 600,000.
    pub idempotency_ms: u64,
    /// Idempotency keys that are remembered. Above this the oldest is forgotten. Default 100,000.
    pub idempotency_keys_max: usize,
    /// Longest pause of a shard in a flood of publishes for connections whose rings are nearly full, in milliseconds. After it
    /// their rings overflow. All pauses of a shard together take at most a fifth of the time, or half while an eighth of its
    /// connections have no room. Pauses for newcomers take a twentieth more, and none of that if all of them come round.
    ///
    /// Without pauses, a flood overruns clients that otherwise keep up. 0: no pauses. Default 1,000: on a busy machine, a
    /// reader among many comes round sooner than that.
    pub patience_ms: u64,
    /// Connections that have ended and are remembered for those who ask what became of an event, for each shard. Default 4,096: about
    /// half a KiB each, and more with many channels. They take 16 MiB at most, and there are fewer if they need more.
    pub closed_max: usize,
    /// Connections that a shard looks at before it lets other tasks run. Default 64: less than half a millisecond of writes.
    pub turn_slots_max: usize,
}

impl Config {
    /// Raises limits of 0 that would let nothing through to 1.
    pub(crate) fn at_least_one(mut self) -> Self {
        for limit in [
            &mut self.shards,
            &mut self.ring_messages_max,
            &mut self.inbox_messages_max,
            &mut self.turn_slots_max,
            &mut self.reads_max,
        ] {
            *limit = (*limit).max(1);
        }
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            shards: 1,
            connections_max: usize::MAX,
            ring_messages_max: 64,
            ring_bytes_max: 256 << 10,
            hub_ring_bytes_max: 256 << 20,
            inbox_messages_max: 1_024,
            inbox_bytes_max: 16 << 20,
            heartbeat_ms: 15_000,
            write_timeout_ms: 30_000,
            linger_ms: 2_000,
            input_bytes_max: 4 << 10,
            drain_spread_ms: 10_000,
            expired_retry_ms: 100,
            inner_patterns_max: 256,
            history: Retentions::default(),
            reads_max: 4,
            idempotency_ms: 600_000,
            idempotency_keys_max: 100_000,
            patience_ms: 1_000,
            closed_max: 4_096,
            turn_slots_max: 64,
        }
    }
}
