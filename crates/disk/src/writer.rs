//! [`Writer`]: takes what waits at the desk, writes it in one piece, and brings it back. Whatever comes while it writes is
//! the next group.
//!
//! When the disk fails it says so to publishers and goes on trying, with what comes and by itself.

use std::{
    io,
    sync::Arc,
    task::{Context, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use fanfare_core::{Desk, EventId, Refusal, Submission};
use tracing::{error, info};

use crate::{active::AppendError, journal::unix_ms, log::Log, record::Entry, syncer::SyncFailures};

/// How often a disk that fails is tried again while nobody publishes.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// The thread that writes.
#[derive(Debug)]
pub(crate) struct Writer {
    log: Log,
    failures: SyncFailures,
    trouble: Option<Trouble>,
}

/// What keeps it from writing.
#[derive(Debug)]
struct Trouble {
    reason: String,
    /// Events that were refused for it.
    refused: u64,
    tried: Instant,
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Writer {
    pub(crate) fn new(log: Log, failures: SyncFailures) -> Self {
        Self { log, failures, trouble: None }
    }

    /// Until the desk is closed.
    pub(crate) fn run(&mut self, desk: &dyn Desk) {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut group = Vec::new();
        // Whether the disk takes anything shows at the start, and there is a segment from then on.
        self.try_again(desk);
        loop {
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

    /// What was written is on the disk when this returns.
    ///
    /// # Errors
    /// It may not be.
    pub(crate) fn close(self) -> io::Result<()> {
        self.log.close()
    }

    fn write(&mut self, group: &mut Vec<Submission>, desk: &dyn Desk) {
        match self.append(group) {
            Ok(ids) => {
                self.recovered(desk);
                desk.commit(&mut ids.into_iter().zip(group.drain(..)));
            }
            Err(AppendError { is_unknown, source }) => {
                let refusal = if is_unknown { Refusal::Unknown } else { Refusal::NotPublished };
                self.failed(&source, group.len(), desk);
                desk.refuse(&mut group.drain(..), refusal);
            }
        }
    }

    fn append(&mut self, group: &[Submission]) -> Result<Vec<EventId>, AppendError> {
        self.prove()?;
        let entries: Vec<_> = group.iter().map(entry).collect();
        self.log.append(unix_ms(), &entries)
    }

    /// After a sync that failed: that one works, before anything more is promised.
    fn prove(&mut self) -> Result<(), AppendError> {
        if !self.failures.is_any() {
            return Ok(());
        }
        self.log.probe(unix_ms())?;
        self.failures.retry().map_err(|error| AppendError { is_unknown: false, source: error.source })
    }

    /// Sleeps until something comes; in trouble, looks whether it is over.
    fn wait(&mut self, desk: &dyn Desk) {
        match &self.trouble {
            None if self.failures.is_any() => self.try_again(desk),
            // A sync that fails does not wake it.
            None => thread::park_timeout(PROBE_INTERVAL),
            Some(trouble) => match PROBE_INTERVAL.checked_sub(trouble.tried.elapsed()) {
                Some(left) => thread::park_timeout(left),
                None => self.try_again(desk),
            },
        }
    }

    fn try_again(&mut self, desk: &dyn Desk) {
        match self.prove().and_then(|()| self.log.probe(unix_ms())) {
            Ok(()) => self.recovered(desk),
            Err(error) => self.failed(&error.source, 0, desk),
        }
    }

    fn failed(&mut self, error: &io::Error, refused: usize, desk: &dyn Desk) {
        let (reason, tried) = (error.to_string(), Instant::now());
        let before = self.trouble.take();
        if before.as_ref().is_none_or(|before| before.reason != reason) {
            error!("journal unavailable: {reason}; publishes are refused, streams go on");
            desk.set_trouble(Some(reason.clone()));
        }
        let refused = before.map_or(0, |before| before.refused) + u64::try_from(refused).unwrap_or(u64::MAX);
        self.trouble = Some(Trouble { reason, refused, tried });
    }

    fn recovered(&mut self, desk: &dyn Desk) {
        if let Some(Trouble { refused, .. }) = self.trouble.take() {
            info!(refused, "journal available again");
            desk.set_trouble(None);
        }
    }
}

fn entry(submission: &Submission) -> Entry<'_> {
    let matched = u64::try_from(submission.matched()).unwrap_or(u64::MAX);
    Entry { event: submission.event(), key: submission.key(), matched }
}
