//! [`ReadOnlyDirectory`]: a journal as tools see it. Nothing is written, and a server may have the journal open
//! meanwhile.

use std::{fs, path::Path, sync::Arc};

use crate::{
    boot::Boot,
    directory::{Directory, OpenError, list},
    files::{DiskFiles, open_plain},
    names::{LOCK, is_journal},
    walk::Walk,
};

/// The directory of a journal, opened for reading only.
///
/// ```
/// use fanfare_core::{Event, EventId, Target};
/// use fanfare_disk::ReadOnlyDirectory;
///
/// # use std::{io, sync::Arc, task::{Context, Poll, Wake, Waker}, thread::{self, Thread}};
/// # use fanfare_core::{Wait, engine::{Hub, Socket}, journal::Journal as _};
/// # struct NoSocket;
/// # impl Socket for NoSocket {
/// #     fn poll_write(&mut self, _: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> { Poll::Pending }
/// #     fn poll_discard(&mut self) -> Poll<io::Result<usize>> { Poll::Pending }
/// #     fn shut_write(&mut self) {}
/// # }
/// # struct Unpark(Thread);
/// # impl Wake for Unpark { fn wake(self: Arc<Self>) { self.0.unpark(); } }
/// # fn keep(path: &std::path::Path, event: Event) -> Result<EventId, Box<dyn std::error::Error>> {
/// #     let mut journal = Box::new(fanfare_disk::DiskJournal::open(path, fanfare_disk::Config::default())?);
/// #     let (hub, _shards) = Hub::<NoSocket>::behind_journal(fanfare_core::Config::default(), Box::new(|| 1_000));
/// #     journal.restore(hub.desk())?;
/// #     thread::scope(|scope| {
/// #         let running = scope.spawn(|| journal.run(hub.desk()));
/// #         let (mut publish, waker) = (Box::pin(hub.publish(event, Wait::Journal)), Waker::from(Arc::new(Unpark(thread::current()))));
/// #         let receipt = loop {
/// #             if let Poll::Ready(receipt) = publish.as_mut().poll(&mut Context::from_waker(&waker)) { break receipt }
/// #             thread::park();
/// #         };
/// #         hub.close_journal();
/// #         running.join().map_err(|_| "the journal panicked")??;
/// #         Ok(receipt?.id)
/// #     })
/// # }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path();
/// // `keep` runs a hub behind the journal in `path`, and publishes the event.
/// let id = keep(path, Event::new(Target::All, "hello"))?;
///
/// let journal = ReadOnlyDirectory::open(path)?;
/// assert!(!journal.is_open(), "the hub has ended");
/// let events = journal.events(EventId::ZERO).collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(events, [(id, Event::new(Target::All, "hello"))]);
///
/// let report = journal.check()?;
/// assert_eq!((report.events, report.findings.len()), (1, 0));
/// assert_eq!(report.segments[0].range, Some((id, id)));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ReadOnlyDirectory {
    directory: Directory,
    is_open: bool,
}

impl ReadOnlyDirectory {
    /// Opens the journal in `path`.
    ///
    /// ```
    /// use fanfare_disk::ReadOnlyDirectory;
    ///
    /// let directory = tempfile::tempdir().unwrap();
    /// assert!(ReadOnlyDirectory::open(directory.path()).is_err(), "no journal is there");
    /// ```
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        if !is_journal(&list(path)?) {
            return Err(OpenError::NoJournal(path.to_owned()));
        }
        let is_open = is_locked(path);
        let directory = Directory::with_files(Arc::new(DiskFiles::new(path, None)), Boot::now())?;
        Ok(Self::new(directory, is_open))
    }

    /// The journal in an opened directory. `is_open` says that a server has it open too.
    pub(crate) fn new(directory: Directory, is_open: bool) -> Self {
        Self { directory, is_open }
    }

    /// Whether a server had the journal open when it was opened here.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    pub(crate) fn walk(&self) -> Walk<'_> {
        Walk::new(&*self.directory.files, &self.directory.chain, self.directory.boot)
    }
}

/// Whether another process has the lock. The question takes a shared lock for a moment.
fn is_locked(path: &Path) -> bool {
    let file = open_plain(fs::File::options().read(true), &path.join(LOCK));
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(fs::TryLockError::WouldBlock)))
}
