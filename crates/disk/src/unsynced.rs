//! [`Unsynced`]: what was written and is not on the disk yet, for a thread that syncs from time to time.
//!
//! The lock that the log takes is held for moments only and never during a sync, so it does not wait for the disk.

use std::{
    io, mem,
    sync::Arc,
    time::{Duration, Instant},
};

use fanfare_core::EventId;
use parking_lot::{Condvar, Mutex};
use thiserror::Error;

use crate::files::{File, Files};

/// Shared by the log and the thread that syncs.
#[derive(Debug)]
pub(crate) struct Unsynced {
    files: Arc<dyn Files>,
    pending: Mutex<Pending>,
    synced: Condvar,
    /// Held during a sync: who asks for another wants to know how this one ends.
    turn: Mutex<()>,
}

#[derive(Debug, Default)]
struct Pending {
    written: Vec<Written>,
    /// A file is new in the directory.
    is_named: bool,
    range: Option<IdRange>,
    /// When the oldest of it was written;
    oldest: Option<Instant>,
    /// and of what a sync is under way for.
    syncing: Option<Instant>,
    /// The newest segment that could not be synced.
    failed: Option<u64>,
    /// Since then nothing could be.
    is_failing: bool,
}

#[derive(Debug)]
struct Written {
    number: u64,
    file: Arc<dyn File>,
}

/// Some ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IdRange {
    /// Those above this one,
    pub(crate) after: EventId,
    /// up to and with this one.
    pub(crate) upto: EventId,
}

/// A sync failed: nobody knows what is on the disk. What the kernel could not write is not tried again; the log begins a
/// new segment.
#[derive(Debug, Error)]
#[error("events may not be on the disk: {source}")]
pub(crate) struct SyncError {
    /// The events, if there are any.
    pub(crate) range: Option<IdRange>,
    /// What the system says.
    pub(crate) source: io::Error,
}

impl Unsynced {
    pub(crate) fn new(files: Arc<dyn Files>) -> Self {
        Self { files, pending: Mutex::default(), synced: Condvar::new(), turn: Mutex::default() }
    }

    /// Syncs what was written since the last time and says which ids that were.
    ///
    /// # Errors
    /// [`SyncError`].
    pub(crate) fn sync(&self) -> Result<Option<IdRange>, SyncError> {
        let _turn = self.turn.lock();
        let Pending { written, is_named, range, .. } = {
            let mut pending = self.pending.lock();
            let Pending { failed, is_failing, oldest: syncing, .. } = *pending;
            mem::replace(&mut *pending, Pending { failed, is_failing, syncing, ..Pending::default() })
        };
        let (is_proof, mut failed, mut result) = (!written.is_empty(), None, Ok(()));
        for Written { number, file } in written {
            if let Err(error) = file.sync_data() {
                (failed, result) = (Some(number), Err(error));
            }
        }
        let names = if is_named { self.files.sync_names() } else { Ok(()) };
        let mut pending = self.pending.lock();
        pending.syncing = None;
        pending.failed = failed.max(pending.failed);
        pending.is_named |= names.is_err();
        let result = result.and(names);
        pending.is_failing = result.is_err() || pending.is_failing && !is_proof;
        drop(pending);
        self.synced.notify_all();
        result.map(|()| range).map_err(|source| SyncError { range, source })
    }

    /// Whether a sync has failed, and none that had something to do has worked since.
    pub(crate) fn is_failing(&self) -> bool {
        self.pending.lock().is_failing
    }

    /// Waits until nothing that is not synced was written longer than `age` ago; false if `patience` was over before.
    pub(crate) fn wait_until_younger(&self, age: Duration, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        let mut pending = self.pending.lock();
        while pending.syncing.or(pending.oldest).is_some_and(|oldest| oldest.elapsed() > age) {
            if self.synced.wait_until(&mut pending, end).timed_out() {
                return false;
            }
        }
        true
    }

    /// A file was created: segment `number`, or the one that names it.
    pub(crate) fn created(&self, number: u64, file: &Arc<dyn File>) {
        let mut pending = self.pending.lock();
        pending.is_named = true;
        pending.written.push(Written { number, file: Arc::clone(file) });
    }

    /// These ids were written to a segment.
    pub(crate) fn wrote(&self, number: u64, file: &Arc<dyn File>, range: IdRange) {
        let mut pending = self.pending.lock();
        if pending.written.last().is_none_or(|written| !Arc::ptr_eq(&written.file, file)) {
            pending.written.push(Written { number, file: Arc::clone(file) });
        }
        pending.oldest.get_or_insert_with(Instant::now);
        let after = pending.range.map_or(range.after, |earlier| earlier.after);
        pending.range = Some(IdRange { after, upto: range.upto });
    }

    /// Whether nothing may be written behind what is in this segment.
    pub(crate) fn has_failed(&self, number: u64) -> bool {
        self.pending.lock().failed == Some(number)
    }
}
