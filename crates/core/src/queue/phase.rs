//! [`Phase`]: whether the hub still takes events, or drains.

use crate::sync::{AtomicBool, Ordering};

/// Shared by the order and all inboxes. Draining never ends.
#[derive(Debug)]
pub(crate) struct Phase(AtomicBool);

impl Phase {
    /// A phase in which events are taken.
    pub(crate) fn open() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Begins the drain. Only called under the order lock.
    pub(crate) fn drain(&self) {
        // Relaxed here and below: publishers look under the order lock, and the wake that follows makes a shard see it.
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the drain has begun.
    pub(crate) fn is_draining(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
