//! [`Drain`]: whether the drain of a hub has begun.

use crate::sync::{AtomicBool, Ordering};

/// The flag that the order and all inboxes share. A drain never ends.
#[derive(Debug)]
pub(crate) struct Drain(AtomicBool);

impl Drain {
    /// The drain of a hub that takes events.
    pub(crate) fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Begins the drain. Called under the order lock.
    pub(crate) fn begin(&self) {
        // Relaxed here and below: publishers look under the order lock, and the wake that follows makes a shard see it.
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the drain has begun.
    pub(crate) fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
