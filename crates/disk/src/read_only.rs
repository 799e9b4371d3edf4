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
