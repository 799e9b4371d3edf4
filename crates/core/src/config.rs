//! [`Config`]: every limit of the engine, with its unit, default and reason. Read once, when the hub is made.

use crate::history::retention::Retentions;

/// Limits of one hub. Numbers of shards, messages or slots that are 0 are taken as 1; a limit of 0 bytes lets one
/// message through at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How many shards; each has one owner that writes to its slots. Default 1.
    pub shards: usize,
    /// Connections that may be open at once. Default: no limit.
    pub connections_max: usize,
    /// Messages a connection may have waiting: what its socket would not take. Default 64.
    pub ring_messages_max: usize,
    /// Bytes a connection may have waiting; an empty ring takes one message of any size. Default 256 KiB.
    pub ring_bytes_max: usize,
    /// Bytes that rings of all connections may hold together, each message once. Default 256 MiB.
    pub hub_ring_bytes_max: usize,
    /// Messages a shard may have waiting before publishers wait for it. Default 1,024.
    pub inbox_messages_max: usize,
    /// Bytes a shard may have waiting before publishers wait for it. Default 16 MiB.
    pub inbox_bytes_max: usize,
    /// Silence after which a connection is sent a comment line, in milliseconds: proxies cut at 30 s and more.
    /// Default 15,000.
    pub heartbeat_ms: u64,
    /// How long a connection may take no byte while some wait, in milliseconds. Default 30,000.
    pub write_timeout_ms: u64,
    /// How long a connection that was told the end may take to close its side, in milliseconds. Default 2,000.
    pub linger_ms: u64,
    /// Bytes a subscriber may send after its request; they are thrown away. Default 4 KiB.
    pub input_bytes_max: usize,
    /// The last `retry:` of a drained stream lies in 1 s to 1 s + this, in milliseconds. Default 10,000.
    pub drain_spread_ms: u64,
    /// How much history is kept. Default: 1,000 events, 4 MiB and 1 h of each target; 256 MiB and 100,000 targets in all.
    pub history: Retentions,
    /// Connections of one shard that may ask the journal at a time. Default 4: what they are given takes half as long as
    /// the writes of one turn, so that those who catch up do not hold up live events.
    pub reads_max: usize,
    /// How long an idempotency key is remembered, in milliseconds. Default 600,000.
    pub idempotency_ms: u64,
    /// Idempotency keys that are remembered; above it the oldest is forgotten. Default 100,000.
    pub idempotency_keys_max: usize,
    /// How long connections whose rings are nearly full may hold up a flood of publishes at a stretch, in milliseconds, before
    /// their rings overflow; all pauses of a shard together take a fifth of the time. Without it, a flood overruns readers
    /// that keep up otherwise. 0: never. Default 1,000: on a busy machine a reader that is one of many comes round sooner.
    pub patience_ms: u64,
    /// Connections a shard looks at before it lets others run. Default 64: below half a millisecond of writes.
    pub turn_slots_max: usize,
}

impl Config {
    /// Limits of 0 that would let nothing through are taken as 1.
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
            history: Retentions::default(),
            reads_max: 4,
            idempotency_ms: 600_000,
            idempotency_keys_max: 100_000,
            patience_ms: 1_000,
            turn_slots_max: 64,
        }
    }
}
