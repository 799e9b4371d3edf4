//! [`Syncer`]: syncs what was written, at intervals, beside the thread that writes; so publishes do not wait for a disk that
//! is slow to sync, unless it is slower than was promised. [`Syncs`] is what the writer knows of it.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use tracing::{error, field::display};

use crate::{
    stop::Stop,
    unsynced::{IdRange, SyncError, Unsynced},
};

/// For so long publishes wait for a disk that does not sync. Then they are refused.
const PATIENCE: Duration = Duration::from_secs(5);

/// The thread that syncs.
#[derive(Debug)]
pub(crate) struct Syncer(Syncs);

/// How the syncs go, for the writer.
#[derive(Clone, Debug)]
pub(crate) struct Syncs {
    unsynced: Arc<Unsynced>,
    /// What is older has to be on the disk before more is promised.
    age_max: Duration,
}

impl Syncer {
    /// For what may be lost to be at most `age_max` old.
    pub(crate) fn new(unsynced: Arc<Unsynced>, age_max: Duration) -> Self {
        Self(Syncs { unsynced, age_max })
    }

    pub(crate) fn syncs(&self) -> Syncs {
        self.0.clone()
    }

    pub(crate) fn run(&self, stop: &Stop) {
        // From beginning to beginning: what comes in just after one begins is on the disk within twice this.
        let period = self.0.age_max / 2;
        let mut left = period;
        while !stop.wait(left) {
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

    /// Syncs now what was written last; if that works all is well again.
    ///
    /// # Errors
    /// It did not work, or the syncer has just tried in vain.
    pub(crate) fn retry(&self) -> io::Result<()> {
        self.unsynced.sync().map_err(|error| error.source)?;
        if self.are_failing() { Err(io::Error::other("what was written could not be synced")) } else { Ok(()) }
    }

    /// Waits until nothing that is not on the disk is older than it may be.
    ///
    /// # Errors
    /// The disk does not come to it.
    pub(crate) fn wait_until_young(&self) -> io::Result<()> {
        if self.unsynced.wait_until_younger(self.age_max, PATIENCE) {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, "the disk does not sync what was written"))
    }
}
