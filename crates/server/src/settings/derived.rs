//! [`Derived`]: the limits in bytes that follow from the memory unless they are set.

use std::fmt::{self, Display};

use super::{
    limits::Limits,
    memory::{BODIES, HISTORY, INBOXES, Memory, RINGS, SEND_BUFFERS},
    value::size_text,
};

/// Limits in bytes, as set or as computed from the memory.
pub(super) struct Derived {
    pub(super) history: usize,
    /// For events that wait for slow streams.
    pub(super) rings: usize,
    /// For events that wait for one thread.
    pub(super) inbox: usize,
    pub(super) bodies: usize,
    pub(super) send_buffers: usize,
}

impl Derived {
    /// The limits for this number of shards and this size of bodies.
    pub(super) fn new(memory: Memory, limits: &Limits, body_bytes: usize, shards: usize) -> Self {
        let Limits { events, requests, connections, .. } = limits;
        Self {
            history: events.hub_history_bytes.unwrap_or_else(|| HISTORY.of(memory)),
            rings: events.hub_ring_bytes.unwrap_or_else(|| RINGS.of(memory)),
            inbox: events.inbox_bytes.unwrap_or_else(|| INBOXES.of_each(memory, shards)),
            // At least one body of the largest allowed size.
            bodies: requests.bodies_bytes.unwrap_or_else(|| BODIES.of(memory).max(body_bytes)),
            send_buffers: connections.send_buffers_bytes.unwrap_or_else(|| SEND_BUFFERS.of(memory)),
        }
    }
}

impl Display for Derived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { history, rings, inbox, bodies, send_buffers } = *self;
        let [history, rings, inbox, bodies, send_buffers] =
            [history, rings, inbox, bodies, send_buffers].map(size_text);
        write!(
            f,
            "history {history}, slow streams {rings}, bodies {bodies}, {inbox} for each thread, {send_buffers} in the kernel"
        )
    }
}
