//! Counts that the main thread looks at while a run goes on: how many are open, and how much has come.
//!
//! Only looked at: nothing is published with them, so every ordering is relaxed.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use serde::{Deserialize, Serialize};

/// The counts of one receiving thread or process.
#[derive(Debug, Default)]
pub(crate) struct Live {
    pub(crate) open: AtomicU32,
    pub(crate) back: AtomicU32,
    pub(crate) closed: AtomicU32,
    pub(crate) closed_awaited: AtomicU32,
    pub(crate) closed_behind: AtomicU32,
    pub(crate) refused_again: AtomicU32,
    pub(crate) away: AtomicU32,
    pub(crate) deliveries: AtomicU64,
    pub(crate) told: AtomicU64,
    pub(crate) storm: AtomicU64,
    pub(crate) activity_ns: AtomicU64,
}

/// The counts at one moment.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Streams that have been opened for the first time.
    pub(crate) open: u32,
    /// Times that a stream was opened again.
    pub(crate) back: u32,
    /// Streams that the target closed although they read all.
    pub(crate) closed: u32,
    /// The part of `closed` that every event had to reach.
    pub(crate) closed_awaited: u32,
    /// Streams that the target closed while they held it up.
    pub(crate) closed_behind: u32,
    /// Streams that could not be opened again.
    pub(crate) refused_again: u32,
    /// Streams of a storm that have left.
    pub(crate) away: u32,
    /// Distinct events received by those that must receive all.
    pub(crate) deliveries: u64,
    /// Events that they have not received, and were told so.
    pub(crate) told: u64,
    /// The part of the deliveries to streams of a storm that was due before they were told to come back.
    pub(crate) storm: u64,
    /// The time at which the last of these came. 0: none has come.
    pub(crate) activity_ns: u64,
}

impl Live {
    pub(crate) fn counts(&self) -> Counts {
        Counts {
            open: self.open.load(Relaxed),
            back: self.back.load(Relaxed),
            closed: self.closed.load(Relaxed),
            closed_awaited: self.closed_awaited.load(Relaxed),
            closed_behind: self.closed_behind.load(Relaxed),
            refused_again: self.refused_again.load(Relaxed),
            away: self.away.load(Relaxed),
            deliveries: self.deliveries.load(Relaxed),
            told: self.told.load(Relaxed),
            storm: self.storm.load(Relaxed),
            activity_ns: self.activity_ns.load(Relaxed),
        }
    }

    /// Stores counts that another process has sent.
    pub(crate) fn store(&self, counts: Counts) {
        self.open.store(counts.open, Relaxed);
        self.back.store(counts.back, Relaxed);
        self.closed.store(counts.closed, Relaxed);
        self.closed_awaited.store(counts.closed_awaited, Relaxed);
        self.closed_behind.store(counts.closed_behind, Relaxed);
        self.refused_again.store(counts.refused_again, Relaxed);
        self.away.store(counts.away, Relaxed);
        self.deliveries.store(counts.deliveries, Relaxed);
        self.told.store(counts.told, Relaxed);
        self.storm.store(counts.storm, Relaxed);
        self.activity_ns.store(counts.activity_ns, Relaxed);
    }
}

impl Counts {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            open: self.open + other.open,
            back: self.back + other.back,
            closed: self.closed + other.closed,
            closed_awaited: self.closed_awaited + other.closed_awaited,
            closed_behind: self.closed_behind + other.closed_behind,
            refused_again: self.refused_again + other.refused_again,
            away: self.away + other.away,
            deliveries: self.deliveries + other.deliveries,
            told: self.told + other.told,
            storm: self.storm + other.storm,
            activity_ns: self.activity_ns.max(other.activity_ns),
        }
    }
}
