//! [`Directory`]: the opened directory of a journal. Its format is known, and no other process writes to it.
//! [`OpenError`] says what to do if a directory cannot be opened.

#[cfg(unix)]
use std::os::unix::fs::DirBuilderExt as _;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    thread::sleep,
    time::{Duration, Instant},
};

use thiserror::Error;

use crate::{
    boot::Boot,
    chain::{Chain, ChainError},
    files::{DiskFiles, Files, Listed, open_plain},
    names::{LOCK, NEWEST, RESERVE, STATE, is_journal},
    newest::{Newest, NewestError},
    state::{State, StateError},
};

/// Time that another process may hold the lock. A killed process lets go a moment later, and tools take the lock for a
/// moment.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);
const LOCK_INTERVAL: Duration = Duration::from_millis(10);
/// Names that may be in a directory without a journal: of a fresh file system, or of an interrupted start.
const IGNORED: [&str; 5] = ["lost+found", LOCK, RESERVE, "newest.tmp", "state.tmp"];

/// The directory of a journal, opened for writing. The lock is held until this value and everything made from it is
/// gone.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) files: Arc<dyn Files>,
    pub(crate) boot: Boot,
    pub(crate) chain: Chain,
    /// None if the file is missing or damaged.
    pub(crate) state: Option<State>,
    /// None if the file is missing or damaged.
    pub(crate) newest: Option<Newest>,
    pub(crate) is_newest_damaged: bool,
}

/// The reason for which a directory cannot be opened.
///
/// [`DiskJournal::check`](crate::DiskJournal::check) has an example.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The path is not a directory.
    #[error("{0} is not a directory")]
    NotADirectory(PathBuf),
    /// The path does not exist.
    #[error("{0} does not exist")]
    Missing(PathBuf),
    /// The directory could not be created.
    #[error("{path} cannot be created: {source}")]
    Create {
        /// The directory.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// Writing is not allowed, or the file system is read-only.
    #[error("{path} cannot be written to: {source}")]
    NotWritable {
        /// The directory.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// Another process has the journal open. Two writers would destroy each other's order.
    #[error("{0} is in use by another process")]
    Locked(PathBuf),
    /// The directory has files, and none of them belongs to a journal.
    #[error("{0} is not empty and holds no journal")]
    Foreign(PathBuf),
    /// The directory holds no journal to read.
    #[error("{0} holds no journal")]
    NoJournal(PathBuf),
    /// A newer program has written the journal.
    #[error("{file} has format {format}: this program is too old for it")]
    Newer {
        /// The file.
        file: String,
        /// Format of the file.
        format: u16,
    },
    /// A file cannot be read.
    #[error("{file} cannot be read: {source}")]
    Io {
        /// The file.
        file: String,
        /// The error of the system.
        source: io::Error,
    },
}

impl Directory {
    /// Opens a journal for writing. Creates the directory if it is missing; its parent has to exist.
    ///
    /// # Errors
    /// [`OpenError`]. The directory is as before, except for an empty file `lock`.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        if let Err(OpenError::Missing(_)) = check_kind(path) {
            create(path).map_err(|source| OpenError::Create { path: path.to_owned(), source })?;
        }
        check_files(path)?;
        let lock = lock(path)?;
        Self::with_files(Arc::new(DiskFiles::new(path, Some(lock))), Boot::now())
    }

    /// Opens a journal in these files, in this run of the machine: the part of [`Directory::open`] behind the lock.
    ///
    /// # Errors
    /// [`OpenError::Newer`] and [`OpenError::Io`].
    pub(crate) fn with_files(files: Arc<dyn Files>, boot: Boot) -> Result<Self, OpenError> {
        let found = Self::read(Arc::clone(&files), boot)?;
        // A first start may have written the missing file a moment ago.
        if found.is_newest_lost() { Self::read(files, boot) } else { Ok(found) }
    }

    fn read(files: Arc<dyn Files>, boot: Boot) -> Result<Self, OpenError> {
        let io_error = |file: &str, source| OpenError::Io { file: file.to_owned(), source };
        // A server may be writing meanwhile. The file that is read first may be behind the files read later, and is
        // never ahead.
        let (newest, is_newest_damaged) = match Newest::read(&*files) {
            Ok(newest) => (Some(newest), false),
            Err(NewestError::Missing) => (None, false),
            Err(NewestError::Damaged) => (None, true),
            Err(NewestError::Newer { format }) => return Err(OpenError::Newer { file: NEWEST.to_owned(), format }),
            Err(NewestError::Io(source)) => return Err(io_error(NEWEST, source)),
        };
        let listed = files.list().map_err(|source| io_error("the directory", source))?;
        let state = match State::read(&*files) {
            Ok(state) => Some(state),
            Err(StateError::None) => None,
            Err(StateError::Newer { format }) => return Err(OpenError::Newer { file: STATE.to_owned(), format }),
            Err(StateError::Io(source)) => return Err(io_error(STATE, source)),
        };
        let removed_upto = state.as_ref().map_or(0, |state| state.removed_upto);
        let chain = Chain::read(&*files, removed_upto, &listed).map_err(|error| match error {
            ChainError::Newer { file, format } => OpenError::Newer { file, format },
            ChainError::Io { file, source } => OpenError::Io { file, source },
        })?;
        Ok(Self { files, boot, chain, state, newest, is_newest_damaged })
    }
}

fn check_kind(path: &Path) -> Result<(), OpenError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(OpenError::NotADirectory(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(OpenError::Missing(path.to_owned())),
        Err(source) => Err(OpenError::Io { file: path.display().to_string(), source }),
    }
}

/// Checks all that [`Directory::open`] finds out before it writes. The directory need not exist, and another process
/// may have it open.
pub(crate) fn check(path: &Path) -> Result<(), OpenError> {
    match check_files(path) {
        Err(OpenError::Missing(_)) => Ok(()),
        checked => checked,
    }
}

/// Checks that the directory holds a journal, or no files of anybody else.
fn check_files(path: &Path) -> Result<(), OpenError> {
    let listed = list(path)?;
    if !is_journal(&listed) && listed.iter().any(|file| !IGNORED.contains(&file.name.as_str())) {
        return Err(OpenError::Foreign(path.to_owned()));
    }
    Ok(())
}

pub(crate) fn list(path: &Path) -> Result<Vec<Listed>, OpenError> {
    check_kind(path)?;
    let listed = DiskFiles::new(path, None).list();
    listed.map_err(|source| OpenError::Io { file: path.display().to_string(), source })
}

/// Creates the directory for its owner alone: the journal has messages for single clients.
fn create(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(path)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    fs::File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

/// Locks the directory. The file is never removed: another process could have it open and lock a file that nobody sees
/// any more.
fn lock(path: &Path) -> Result<fs::File, OpenError> {
    let not_writable = |source| OpenError::NotWritable { path: path.to_owned(), source };
    let opened = open_plain(fs::File::options().write(true).create(true).truncate(false), &path.join(LOCK));
    let file = opened.map_err(|error| not_writable(io::Error::new(error.kind(), format!("{LOCK}: {error}"))))?;
    let end = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(fs::TryLockError::WouldBlock) if Instant::now() < end => sleep(LOCK_INTERVAL),
            Err(fs::TryLockError::WouldBlock) => return Err(OpenError::Locked(path.to_owned())),
            Err(fs::TryLockError::Error(source)) => return Err(not_writable(source)),
        }
    }
}
