//! [`RingBudget`]: the bytes that wait for the connections of one hub, each message counted once.
//!
//! A message counts from its entry into the first ring until it leaves the last one ([`super::charged::Charged`]). Bytes that a socket
//! keeps back count as well ([`Kept`]). Nothing waits for the budget.

use std::sync::Arc;

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

    /// Bytes of the messages that at least one ring holds now, and of those that sockets keep back.
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

/// Bytes that a socket has taken and keeps back, because its peer takes none. They count against the budget until they are gone.
///
/// ```
/// use std::sync::Arc;
///
/// use fanfare_core::engine::{Kept, RingBudget};
///
/// let budget = Arc::new(RingBudget::new(1 << 20));
/// let mut kept = Kept::new(Arc::clone(&budget));
/// kept.set(16 << 10);
/// assert_eq!(budget.held_bytes(), 16 << 10);
/// drop(kept);
/// assert_eq!(budget.held_bytes(), 0);
/// ```
#[derive(Debug)]
pub struct Kept {
    budget: Arc<RingBudget>,
    bytes: usize,
}

impl Kept {
    /// Nothing is kept back yet.
    pub fn new(budget: Arc<RingBudget>) -> Self {
        Self { budget, bytes: 0 }
    }

    /// Changes the number of bytes that are kept back.
    pub fn set(&mut self, bytes: usize) {
        // Added first: another thread never sees less than is held.
        self.budget.add(bytes);
        self.budget.sub(self.bytes);
        self.bytes = bytes;
    }

    /// Whether the budget of the hub is exceeded.
    pub fn is_budget_exceeded(&self) -> bool {
        self.budget.is_exceeded()
    }

    /// The number of bytes that are kept back.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.budget.sub(self.bytes);
    }
}
