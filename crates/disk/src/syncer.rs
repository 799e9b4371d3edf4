//! [`Syncer`]: syncs periodically, beside the thread that writes. So publishes do not wait for a disk that is slow to
//! sync, unless it is slower than promised. [`Syncs`] is the writer's view of the syncs.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use tracing::{error, field::display};

use crate::{
    shutdown::Shutdown,
    unsynced::{IdRange, SyncError, Unsynced},
};

/// Time that publishes wait for a disk that does not sync. Then they are refused.
const PATIENCE: Duration = Duration::from_secs(5);

/// The thread that syncs.
#[derive(Debug)]
pub(crate) struct Syncer(Syncs);

/// The state of the syncs, for the writer.
#[derive(Clone, Debug)]
pub(crate) struct Syncs {
    unsynced: Arc<Unsynced>,
    /// Age that an event may have before it is on the disk (`--fsync-interval`).
    age_max: Duration,
}

impl Syncer {
    /// A syncer that keeps the events that may be lost at most `age_max` old.
    pub(crate) fn new(unsynced: Arc<Unsynced>, age_max: Duration) -> Self {
        Self(Syncs { unsynced, age_max })
    }

    pub(crate) fn syncs(&self) -> Syncs {
        self.0.clone()
    }

    pub(crate) fn run(&self, shutdown: &Shutdown) {
        // Counted from beginning to beginning: an event that comes just after a sync begins is on the disk within two
        // periods.
        let period = self.0.age_max / 2;
        let mut left = period;
        while !shutdown.wait(left) {
            let began = Instant::now();
            if let Err(error) = self.0.unsynced.sync() {
                report(&error);
            }
            left = period.saturating_sub(began.elapsed());
        }
    }
}

fn report(SyncError { range, source }: &SyncError) {
    let (after, upto) = range.map(|IdRange { after, upto }| (display(after), display(upto))).unzip();
    error!(error = %source, after, upto, "journal: what was written may not be on the disk");
}

impl Syncs {
    /// Whether the disk does not sync.
    pub(crate) fn are_failing(&self) -> bool {
        self.unsynced.is_failing()
    }

    /// Syncs the last writes now. Success ends the failure.
    ///
    /// # Errors
    /// The sync failed, or the syncer has just tried in vain.
    pub(crate) fn retry(&self) -> io::Result<()> {
        self.unsynced.sync().map_err(|error| error.source)?;
        if self.are_failing() { Err(io::Error::other("what was written could not be synced")) } else { Ok(()) }
    }

    /// Waits until no event that is not on the disk is older than `age_max`.
    ///
    /// # Errors
    /// The disk does not sync in time.
    pub(crate) fn wait_until_young(&self) -> io::Result<()> {
        if self.unsynced.wait_until_younger(self.age_max, PATIENCE) {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, "the disk does not sync what was written"))
    }
}
