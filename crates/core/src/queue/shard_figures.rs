//! [`ShardFigures`]: the totals of one shard, for everybody to read.

use crate::{
    event::totals::Totals,
    sync::{AtomicU64, Mutex, Ordering},
};

/// The totals of one shard. The shard puts them here at the end of each turn, so that a reader sees those of one moment and no
/// delivery touches them. Bodies count what leaves by themselves.
#[derive(Debug)]
pub(crate) struct ShardFigures {
    totals: Mutex<Totals>,
    /// Deliveries that have left through bodies, and their bytes.
    bodies: AtomicU64,
    bodies_bytes: AtomicU64,
}

impl ShardFigures {
    pub(crate) fn new() -> Self {
        Self { totals: Mutex::new(Totals::default()), bodies: AtomicU64::new(0), bodies_bytes: AtomicU64::new(0) }
    }

    /// Puts the figures of the shard here.
    pub(crate) fn set(&self, totals: &Totals) {
        *self.totals.lock() = *totals;
    }

    /// Counts a delivery that has left through a body.
    pub(crate) fn count_body(&self, bytes: usize) {
        // Relaxed: figures for people.
        self.bodies.fetch_add(1, Ordering::Relaxed);
        self.bodies_bytes.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The figures of the shard, with those of its bodies.
    pub(crate) fn get(&self) -> Totals {
        let mut totals = *self.totals.lock();
        totals.written += self.bodies.load(Ordering::Relaxed);
        totals.written_bytes += self.bodies_bytes.load(Ordering::Relaxed);
        totals
    }
}
