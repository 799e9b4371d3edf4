//! [`RingBudget`]: how many bytes are held by rings in the whole hub, each message counted once.
//!
//! Messages report to it when the first ring takes them and the last lets go. Nothing waits for it.

use crate::sync::{AtomicUsize, Ordering};

/// Bytes that only rings keep alive, and the most there may be.
#[derive(Debug)]
pub struct RingBudget {
    held_bytes: AtomicUsize,
    held_bytes_max: usize,
}

impl RingBudget {
    /// A budget of `held_bytes_max` bytes for all rings of a hub.
    pub fn new(held_bytes_max: usize) -> Self {
        Self { held_bytes: AtomicUsize::new(0), held_bytes_max }
    }

    /// Bytes of the messages that at least one ring holds now.
    pub fn held_bytes(&self) -> usize {
        // Relaxed: a figure; every add and sub is an atomic step of its own, so the sum is right at rest.
        self.held_bytes.load(Ordering::Relaxed)
    }

    /// Whether rings hold more than they may.
    pub fn is_exceeded(&self) -> bool {
        self.held_bytes() > self.held_bytes_max
    }

    pub(crate) fn add(&self, bytes: usize) {
        self.held_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn sub(&self, bytes: usize) {
        debug_assert!(self.held_bytes() >= bytes, "what is taken off was added before, for whoever looks");
        self.held_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}
