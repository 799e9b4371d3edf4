//! [`Unsynced`]: the writes that are not on the disk yet, for a thread that syncs periodically.
//!
//! The lock that the log takes is held for moments only and never during a sync, so the log does not wait for the disk.

use std::{
    io, mem,
    sync::Arc,
    time::{Duration, Instant},
};

use fanfare_core::EventId;
use parking_lot::{Condvar, Mutex};
use thiserror::Error;

use crate::files::{File, Files};

/// The writes that are not on the disk yet, shared by the log and the thread that syncs.
#[derive(Debug)]
pub(crate) struct Unsynced {
    files: Arc<dyn Files>,
    writes: Mutex<Writes>,
    synced: Condvar,
    /// Held during a sync. A second caller waits for the end of the first sync.
    turn: Mutex<()>,
}

#[derive(Debug, Default)]
struct Writes {
    written: Vec<Written>,
    /// Whether a file is new in the directory.
    is_named: bool,
    range: Option<IdRange>,
    /// Time of the oldest unsynced write.
    oldest: Option<Instant>,
    /// Time of the oldest write that a running sync is for.
    syncing: Option<Instant>,
    /// The newest segment that could not be synced.
    failed: Option<u64>,
    /// Whether no sync has worked since a failure.
    is_failing: bool,
}

#[derive(Debug)]
struct Written {
    number: u64,
    file: Arc<dyn File>,
}

/// A range of ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IdRange {
    /// The ids above this one.
    pub(crate) after: EventId,
    /// The last id.
    pub(crate) upto: EventId,
}

/// A failed sync: nobody knows which writes are on the disk. The kernel does not try again, so the log begins a new
/// segment.
#[derive(Debug, Error)]
#[error("events may not be on the disk: {source}")]
pub(crate) struct SyncError {
    /// The events of the sync, if there are any.
    pub(crate) range: Option<IdRange>,
    /// The error of the system.
    pub(crate) source: io::Error,
}

impl Unsynced {
    pub(crate) fn new(files: Arc<dyn Files>) -> Self {
        Self { files, writes: Mutex::default(), synced: Condvar::new(), turn: Mutex::default() }
    }

    /// Syncs the writes since the last sync and returns their ids.
    ///
    /// # Errors
    /// [`SyncError`].
    pub(crate) fn sync(&self) -> Result<Option<IdRange>, SyncError> {
        let _turn = self.turn.lock();
        let Writes { written, is_named, range, .. } = {
            let mut writes = self.writes.lock();
            let Writes { failed, is_failing, oldest: syncing, .. } = *writes;
            mem::replace(&mut *writes, Writes { failed, is_failing, syncing, ..Writes::default() })
        };
        let (is_proof, mut failed, mut result) = (!written.is_empty(), None, Ok(()));
        for Written { number, file } in written {
            if let Err(error) = file.sync_data() {
                (failed, result) = (Some(number), Err(error));
            }
        }
        let names = if is_named { self.files.sync_names() } else { Ok(()) };
        let mut writes = self.writes.lock();
        writes.syncing = None;
        writes.failed = failed.max(writes.failed);
        writes.is_named |= names.is_err();
        let result = result.and(names);
        writes.is_failing = result.is_err() || writes.is_failing && !is_proof;
        drop(writes);
        self.synced.notify_all();
        result.map(|()| range).map_err(|source| SyncError { range, source })
    }

    /// Whether a sync has failed, and no sync with something to do has worked since.
    pub(crate) fn is_failing(&self) -> bool {
        self.writes.lock().is_failing
    }

    /// Waits until no unsynced write is older than `age`. False if `patience` was over before.
    pub(crate) fn wait_until_younger(&self, age: Duration, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        let mut writes = self.writes.lock();
        while writes.syncing.or(writes.oldest).is_some_and(|oldest| oldest.elapsed() > age) {
            if self.synced.wait_until(&mut writes, end).timed_out() {
                return false;
            }
        }
        true
    }

    /// Notes a new file: segment `number`, or the file that names it.
    pub(crate) fn created(&self, number: u64, file: &Arc<dyn File>) {
        let mut writes = self.writes.lock();
        writes.is_named = true;
        writes.written.push(Written { number, file: Arc::clone(file) });
    }

    /// Notes that these ids were written to a segment.
    pub(crate) fn wrote(&self, number: u64, file: &Arc<dyn File>, range: IdRange) {
        let mut writes = self.writes.lock();
        if writes.written.last().is_none_or(|written| !Arc::ptr_eq(&written.file, file)) {
            writes.written.push(Written { number, file: Arc::clone(file) });
        }
        writes.oldest.get_or_insert_with(Instant::now);
        let after = writes.range.map_or(range.after, |earlier| earlier.after);
        writes.range = Some(IdRange { after, upto: range.upto });
    }

    /// Whether nothing may be written behind the contents of this segment.
    pub(crate) fn has_failed(&self, number: u64) -> bool {
        self.writes.lock().failed == Some(number)
    }
}
