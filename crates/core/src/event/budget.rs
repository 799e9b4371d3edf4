//! [`RingBudget`]: the bytes that the rings of one hub hold, each message counted once.
//!
//! A message counts from its entry into the first ring until it leaves the last one ([`super::charged::Charged`]). Nothing
//! waits for the budget.

use crate::sync::{AtomicUsize, Ordering};

/// The bytes that rings hold, and their limit.
///
/// [`Ring`](crate::engine::Ring) has an example.
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
        // Relaxed: only a figure. Each change is one atomic step, so the sum is right once nothing changes.
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
        debug_assert!(self.held_bytes() >= bytes, "every thread sees the addition before the subtraction");
        self.held_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}
