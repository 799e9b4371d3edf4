//! [`Phase`]: the state of the hub: it takes events, or it drains.

use crate::sync::{AtomicBool, Ordering};

/// The phase, shared by the order and all inboxes. A drain never ends.
#[derive(Debug)]
pub(crate) struct Phase(AtomicBool);

impl Phase {
    /// A phase in which events are taken.
    pub(crate) fn open() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Begins the drain. Only called under the order lock.
    pub(crate) fn drain(&self) {
        // Relaxed here and below: publishers look under the order lock, and a shard sees it by the wake that follows.
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the drain has begun.
    pub(crate) fn is_draining(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
