//! [`Syncer`]: syncs what was written, at intervals, beside the thread that writes; so publishes do not wait for a disk that
//! is slow to sync. [`SyncFailures`] is how the writer learns that it did not work.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fanfare_core::EventId;
use tracing::error;

use crate::{
    stop::Stop,
    unsynced::{IdRange, SyncError, Unsynced},
};

/// The thread that syncs.
#[derive(Debug)]
pub(crate) struct Syncer {
    unsynced: Arc<Unsynced>,
    has_failed: Arc<AtomicBool>,
}

impl Syncer {
    pub(crate) fn new(unsynced: Arc<Unsynced>) -> Self {
        Self { unsynced, has_failed: Arc::default() }
    }

    pub(crate) fn failures(&self) -> SyncFailures {
        SyncFailures { unsynced: Arc::clone(&self.unsynced), has_failed: Arc::clone(&self.has_failed) }
    }

    pub(crate) fn run(&self, stop: &Stop, interval: Duration) {
        while !stop.wait(interval) {
            if let Err(error) = self.unsynced.sync() {
                report(&error);
                // Release: who sees it sees which segment has failed.
                self.has_failed.store(true, Ordering::Release);
            }
        }
    }
}

fn report(SyncError { range, source }: &SyncError) {
    let none = IdRange { after: EventId::ZERO, upto: EventId::ZERO };
    let IdRange { after, upto } = range.unwrap_or(none);
    error!(error = %source, %after, %upto, "journal: these events may not be on the disk");
}

/// Whether a sync has failed since the writer last proved that one works.
#[derive(Debug)]
pub(crate) struct SyncFailures {
    unsynced: Arc<Unsynced>,
    has_failed: Arc<AtomicBool>,
}

impl SyncFailures {
    pub(crate) fn is_any(&self) -> bool {
        self.has_failed.load(Ordering::Acquire)
    }

    /// Syncs now, what was written since the failure; if that works all is well again.
    pub(crate) fn retry(&self) -> Result<(), SyncError> {
        self.unsynced.sync()?;
        self.has_failed.store(false, Ordering::Release);
        Ok(())
    }
}
