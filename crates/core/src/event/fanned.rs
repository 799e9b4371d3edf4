//! [`Fanned`]: deliveries that were just made, for a shell that measures how long they took.

/// Deliveries that a shard has just made, of a publish whose beginning is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fanned {
    /// The time at which the publish began ([`crate::engine::Hub::begin_at`]).
    pub stamp: u64,
    /// Deliveries that sockets have taken whole, but for those that a stream has asked for from before it opened. Those of one write
    /// count for its oldest event.
    pub written: u64,
    /// Whether this was the last shard: all connections have the event, or it waits for them.
    pub is_last: bool,
}
