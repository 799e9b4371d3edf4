//! [`Figures`]: the figures of a whole hub at one moment.

use crate::{event::totals::Totals, queue::inbox::Amount};

/// The figures of a hub at one moment. No connection is asked for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// The figures of all connections since the hub began.
    pub totals: Totals,
    /// Events that were handed to the shards, and their bytes as chunks of HTTP/1.1.
    pub events: u64,
    /// See [`Figures::events`].
    pub event_bytes: u64,
    /// Open connections.
    pub connections: usize,
    /// Channels that connections follow by name.
    pub channels: usize,
    /// Clients that are connected.
    pub clients: usize,
    /// Bytes that wait in rings and sockets ([`crate::Config::hub_ring_bytes_max`]).
    pub ring_bytes: usize,
    /// Events that the history keeps, each counted for each of its targets.
    pub history_events: usize,
    /// Targets that have a history.
    pub history_targets: usize,
    /// The most of them ([`crate::Retentions::targets_max`]).
    pub history_targets_max: usize,
    /// Bytes of memory that the history takes.
    pub history_bytes: usize,
    /// The most of them ([`crate::Retentions::bytes_max`]).
    pub history_bytes_max: usize,
    /// Publishes that wait in the inbox of each shard.
    pub inboxes: Vec<Amount>,
    /// Publishers that wait for room in an inbox.
    pub waiting_publishers: usize,
    /// Looks at the order that found its lock taken.
    pub lock_contentions: u64,
    /// Publishes that an external journal has not answered.
    pub unanswered: usize,
    /// The time at which the oldest of them came (Unix time in milliseconds).
    pub unanswered_since_ms: Option<u64>,
}
