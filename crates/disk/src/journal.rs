//! [`DiskJournal`]: the journal on disk as a hub uses it. At the start the journal reads all events. Then it writes on
//! the thread that runs it, with one thread beside it that syncs and one that gives space back.

use std::{
    io,
    path::Path,
    sync::Arc,
    thread::{self, Scope, ScopedJoinHandle},
    time::Instant,
};

use fanfare_core::journal::{Desk, Journal, Kept, Past};
use tracing::{info, warn};

use crate::{
    clock::unix_ms,
    config::{Config, Fsync},
    directory::{self, Directory, OpenError},
    keeper::Keeper,
    log::Log,
    record::Stored,
    recovery::Recovered,
    reserve::Reserve,
    room::Room,
    shutdown::Shutdown,
    syncer::Syncer,
    writer::Writer,
};

/// Share of a segment's length that the reserve holds: one in so many bytes.
const RESERVE_SHARE: u64 = 16;

/// A journal in a directory of its own, which nobody else writes to.
#[derive(Debug)]
pub struct DiskJournal {
    directory: Directory,
    config: Config,
    recovered: Option<Recovered>,
}

impl DiskJournal {
    /// Opens the journal in `path`, or makes one if there is none.
    ///
    /// A hub behind the journal has its events again after a restart:
    ///
    /// ```
    /// use fanfare_core::{
    ///     Config,
    ///     engine::Hub,
    ///     journal::Journal as _,
    /// };
    /// use fanfare_disk::DiskJournal;
    ///
    /// # use std::{io::{self, IoSlice}, task::Poll};
    /// # struct NoSocket;
    /// # impl fanfare_core::engine::Socket for NoSocket {
    /// #     fn poll_write(&mut self, _: &[IoSlice<'_>]) -> Poll<io::Result<usize>> { Poll::Pending }
    /// #     fn poll_discard(&mut self) -> Poll<io::Result<usize>> { Poll::Pending }
    /// #     fn shut_write(&mut self) {}
    /// # }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let directory = tempfile::tempdir()?;
    /// let mut journal = DiskJournal::open(directory.path(), fanfare_disk::Config::default())?;
    /// let (hub, _shards) = Hub::<NoSocket>::behind_journal(Config::default(), Box::new(|| 1_000));
    /// journal.restore(hub.desk())?;
    /// assert!(hub.is_ready());
    /// // `journal.run(hub.desk())` on a thread of its own takes events from here on.
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`OpenError`] says what to do.
    pub fn open(path: &Path, config: Config) -> Result<Self, OpenError> {
        Directory::open(path).map(|directory| Self::with(directory, config))
    }

    /// Checks whether [`DiskJournal::open`] takes `path`. Nothing is written or locked, and the path need not exist.
    ///
    /// # Errors
    /// [`OpenError::NotADirectory`], [`OpenError::Foreign`] and [`OpenError::Io`].
    ///
    /// ```
    /// use fanfare_disk::{DiskJournal, OpenError};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let directory = tempfile::tempdir()?;
    /// DiskJournal::check(&directory.path().join("none yet"))?;
    ///
    /// std::fs::write(directory.path().join("notes.txt"), "somebody's own")?;
    /// assert!(matches!(DiskJournal::check(directory.path()), Err(OpenError::Foreign(_))));
    /// # Ok(())
    /// # }
    /// ```
    pub fn check(path: &Path) -> Result<(), OpenError> {
        directory::check(path)
    }

    /// A journal in a directory that is open already.
    pub(crate) fn with(directory: Directory, config: Config) -> Self {
        Self { directory, config, recovered: None }
    }

    fn recover(&self, desk: &dyn Desk) -> io::Result<Recovered> {
        let began = Instant::now();
        info!("reading the journal");
        let mut recovery = self.directory.recover(unix_ms(), self.config.log.fsync)?;
        let mut events = 0_u64;
        for stored in &mut recovery {
            let Stored { id, event, key } = stored?;
            events += u64::from(event.is_some());
            desk.restore(Kept { id, event, key });
        }
        let recovered = recovery.finish()?;
        for finding in recovered.findings() {
            warn!("journal: {finding}");
        }
        if let Some(error) = &recovered.not_upgraded {
            warn!(%error, "journal: it stays in its older format until the next start");
        }
        let marks = recovered.marks();
        desk.restore_past(Past {
            born: recovered.born(),
            last: recovered.ids_upto(),
            lost: recovered.lost(),
            given_up: marks.forgotten,
            marks: marks.targets.iter().map(|(target, mark)| (target.clone(), *mark)).collect(),
            is_shared: false,
        });
        let (bytes, ms) = (recovered.segments().bytes(), began.elapsed().as_millis());
        info!(events, bytes, last = %recovered.ids_upto(), ms, "journal read");
        Ok(recovered)
    }

    /// Writes until the desk is closed, with the two other threads beside.
    fn write(&self, recovered: &Recovered, desk: &dyn Desk) -> io::Result<()> {
        let log = Log::new(recovered, self.config.log);
        let syncer = Syncer::new(log.unsynced(), self.config.fsync_interval);
        let reserve = Reserve::new(Arc::clone(&recovered.files), self.config.log.segment_bytes_max / RESERVE_SHARE);
        let room = Arc::new(Room::new(reserve));
        let keeper = Keeper::new(recovered, self.config, Arc::clone(&room), desk);
        let mut writer = Writer::new(log, syncer.syncs(), room);
        let shutdown = Shutdown::default();
        thread::scope(|scope| {
            // Each thread that ends, also by a panic, ends all.
            let _stopped = shutdown.on_drop();
            if self.config.log.fsync == Fsync::Interval {
                spawn(scope, "journal-sync", || {
                    let _stopped = shutdown.on_drop();
                    syncer.run(&shutdown);
                })?;
            }
            spawn(scope, "journal-keep", || {
                let _stopped = shutdown.on_drop();
                keeper.run(&shutdown, desk);
            })?;
            writer.run(desk, &shutdown);
            Ok::<_, io::Error>(())
        })?;
        writer.close()
    }
}

impl Journal for DiskJournal {
    fn restore(&mut self, desk: &dyn Desk) -> io::Result<()> {
        self.recovered = Some(self.recover(desk)?);
        Ok(())
    }

    fn run(mut self: Box<Self>, desk: &dyn Desk) -> io::Result<()> {
        match self.recovered.take() {
            Some(recovered) => self.write(&recovered, desk),
            None => Err(io::Error::other("the journal was not read before it was run")),
        }
    }
}

fn spawn<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    name: &str,
    run: impl FnOnce() + Send + 'scope,
) -> io::Result<ScopedJoinHandle<'scope, ()>> {
    thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, run)
}
