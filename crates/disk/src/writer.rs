//! [`Writer`]: takes the submissions that wait at the desk, writes them in one piece, and commits them. Submissions
//! that come meanwhile are the next group.
//!
//! When the disk fails, the writer refuses publishes and goes on trying, with each group and periodically.

use std::{
    io, mem,
    sync::Arc,
    task::{Context, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use fanfare_core::{
    EventId,
    journal::{Desk, KeptKey, Refusal, Settled, Submission},
};
use tracing::{error, info, warn};

use crate::{
    active::AppendError,
    clock::unix_ms,
    log::Log,
    record::Entry,
    room::{Room, is_about_room},
    shutdown::Shutdown,
    syncer::Syncs,
};

/// Time between two attempts on a failing disk while nobody publishes.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);
/// Bytes that such an attempt may leave on the disk.
const PROBE_BYTES_MAX: usize = 1 << 20;

/// The thread that writes.
#[derive(Debug)]
pub(crate) struct Writer {
    log: Log,
    syncs: Syncs,
    room: Arc<Room>,
    trouble: Option<Trouble>,
}

/// The reason for which nothing can be written, and the cost so far.
#[derive(Debug)]
struct Trouble {
    reason: String,
    /// Number of events that were refused.
    refused: usize,
    /// Room that the largest refused group needs, about. The trouble is not over with less.
    bytes: usize,
    tried: Instant,
}

fn refuse(desk: &dyn Desk, group: Vec<Submission>, refusal: Refusal) {
    settle(desk, group.into_iter().map(|submission| Settled::Refused(submission, refusal)));
}

/// Only submissions, none of which waits for room.
fn settle(desk: &dyn Desk, settled: impl Iterator<Item = Settled>) {
    desk.settle(&mut settled.collect(), &Context::from_waker(Waker::noop()));
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Writer {
    pub(crate) fn new(log: Log, syncs: Syncs, room: Arc<Room>) -> Self {
        Self { log, syncs, room, trouble: None }
    }

    /// Writes until the desk is closed, or a thread beside is gone.
    pub(crate) fn run(&mut self, desk: &dyn Desk, shutdown: &Shutdown) {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut group = Vec::new();
        // The first attempt shows whether the disk works, and begins a segment.
        self.try_again(desk);
        while !shutdown.is_set() {
            desk.take(&mut group, &Context::from_waker(&waker));
            if !group.is_empty() {
                self.write(&mut group, desk);
            } else if desk.is_closed() {
                return;
            } else {
                self.wait(desk);
            }
        }
    }

    /// Ends the log. After success everything is on the disk.
    ///
    /// # Errors
    /// Appended events may not be on the disk.
    pub(crate) fn close(self) -> io::Result<()> {
        self.log.close()
    }

    fn write(&mut self, group: &mut Vec<Submission>, desk: &dyn Desk) {
        if let Some(trouble) = &mut self.trouble
            && self.syncs.are_failing()
            && trouble.tried.elapsed() < PROBE_INTERVAL
        {
            // Each attempt costs a segment, which cannot be given back while nothing can be synced.
            trouble.refused += group.len();
            return refuse(desk, mem::take(group), Refusal::NotPublished);
        }
        match self.append(group) {
            Ok(ids) => {
                self.recovered(desk);
                let committed = ids.into_iter().zip(mem::take(group));
                settle(desk, committed.map(|(id, submission)| Settled::Own(id, submission)));
            }
            Err(AppendError { is_unknown, source }) => {
                let refusal = if is_unknown { Refusal::Unknown } else { Refusal::NotPublished };
                self.failed(&source, group, desk);
                refuse(desk, mem::take(group), refusal);
            }
        }
    }

    fn append(&mut self, group: &[Submission]) -> Result<Vec<EventId>, AppendError> {
        let refused = |source| AppendError { is_unknown: false, source };
        // An unknown result of these attempts is not about the group.
        self.prove().map_err(|error| refused(error.source))?;
        let entries: Vec<_> = group.iter().map(entry).collect();
        let _turn = self.room.take_turn();
        self.log.append(unix_ms(), &entries)
    }

    /// Proves that the disk keeps up with the syncs; after a sync that failed, that the next one works.
    fn prove(&mut self) -> Result<(), AppendError> {
        self.syncs.wait_until_young().map_err(|source| AppendError { is_unknown: false, source })?;
        if !self.syncs.are_failing() {
            return Ok(());
        }
        self.log.probe(unix_ms(), 0)?;
        self.syncs.retry().map_err(|source| AppendError { is_unknown: false, source })
    }

    /// Sleeps until something comes. In trouble, looks whether it is over.
    fn wait(&mut self, desk: &dyn Desk) {
        match &self.trouble {
            None if self.syncs.are_failing() => self.try_again(desk),
            // A failing sync does not wake this thread.
            None => thread::park_timeout(PROBE_INTERVAL),
            Some(trouble) => match PROBE_INTERVAL.checked_sub(trouble.tried.elapsed()) {
                Some(left) => thread::park_timeout(left),
                None => self.try_again(desk),
            },
        }
    }

    fn try_again(&mut self, desk: &dyn Desk) {
        let bytes = self.trouble.as_ref().map_or(0, |trouble| trouble.bytes);
        let tried = self.prove().and_then(|()| {
            let _turn = self.room.take_turn();
            self.log.probe(unix_ms(), bytes)
        });
        match tried {
            Ok(()) => self.recovered(desk),
            Err(error) => self.failed(&error.source, &[], desk),
        }
    }

    /// Makes room on a full disk that may be full of dead events of the active segment. Begins another segment in the
    /// room of the reserve, so that the old one can be given back.
    fn make_room(&mut self, desk: &dyn Desk) {
        let held_bytes = u64::try_from(desk.held_bytes()).unwrap_or(u64::MAX);
        let mut reserve = self.room.take_turn();
        // Live events take more in memory than on the disk, so at least half of the segment is dead.
        if !reserve.is_made() || self.log.active_bytes() / 2 <= held_bytes {
            return;
        }
        if reserve.release().is_ok()
            && let Err(error) = self.log.roll()
        {
            warn!(%error, "journal: cannot begin another segment on a full disk");
        }
        reserve.make();
    }

    fn failed(&mut self, error: &io::Error, group: &[Submission], desk: &dyn Desk) {
        self.room.set_full(is_about_room(error));
        if is_about_room(error) {
            self.make_room(desk);
        }
        let reason = error.to_string();
        let before = self.trouble.take();
        if before.as_ref().is_none_or(|before| before.reason != reason) {
            error!("journal unavailable: {reason}; publishes are refused, streams go on");
            desk.set_trouble(Some(reason.clone()));
        }
        let (refused, bytes) = before.map_or((0, 0), |before| (before.refused, before.bytes));
        let needed = match error.kind() {
            // An event that is too large for any file says nothing of the others.
            io::ErrorKind::FileTooLarge => 0,
            _ => group.iter().map(|submission| submission.event().data().len()).sum(),
        };
        self.trouble = Some(Trouble {
            reason,
            refused: refused + group.len(),
            bytes: bytes.max(needed.min(PROBE_BYTES_MAX)),
            tried: Instant::now(),
        });
    }

    fn recovered(&mut self, desk: &dyn Desk) {
        if let Some(Trouble { refused, .. }) = self.trouble.take() {
            self.room.set_full(false);
            info!(refused, "journal available again");
            desk.set_trouble(None);
        }
    }
}

fn entry(submission: &Submission) -> Entry<'_> {
    let matched = submission.matched();
    Entry { event: submission.event(), key: submission.claim().map(|claim| KeptKey { claim, matched }) }
}
