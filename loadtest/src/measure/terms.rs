//! What publishers and receivers of a run agree on: how much one event says, and which series it belongs to.
//!
//! Plain numbers, so that both sides can work out the same from a stamp. Travels to other processes.

use serde::{Deserialize, Serialize};

/// What a receiver must know of what is published.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Terms {
    /// Tells this run's events from those of a run before or beside it.
    pub(crate) run: u32,
    pub(crate) size_bytes: u32,
    /// How many channels, or clients, are published to.
    pub(crate) addressees: u32,
    /// Each numbers its events to each addressee by itself: a series.
    pub(crate) publishers: u32,
    /// Between two events of the run; 0: they come as fast as they are answered.
    pub(crate) interval_ns: u64,
}

impl Terms {
    pub(crate) fn series(self, addressee: u32, publisher: u32) -> u32 {
        addressee * self.publishers + publisher
    }

    pub(crate) fn series_count(self) -> usize {
        self.addressees as usize * self.publishers as usize
    }
}
