//! [`Files`] and [`File`]: the few operations that the journal needs of a file system, so that tests can make each of
//! them fail. [`DiskFiles`] is the real one: one directory.

#[cfg(unix)]
use std::os::unix::fs::OpenOptionsExt as _;
use std::{
    fmt::Debug,
    fs, io,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

/// The files of one directory.
pub(crate) trait Files: Debug + Send + Sync {
    /// Lists the files of the directory, in any order.
    ///
    /// # Errors
    /// Errors of the system.
    fn list(&self) -> io::Result<Vec<Listed>>;

    /// Reads the first bytes of a file, at most `bytes_max`.
    ///
    /// # Errors
    /// Errors of the system.
    fn read(&self, name: &str, bytes_max: u64) -> io::Result<Vec<u8>>;

    /// Waits until the contents of a file are on the disk.
    ///
    /// # Errors
    /// Errors of the system.
    fn sync(&self, name: &str) -> io::Result<()>;

    /// Creates an empty file. A file with the name loses its contents.
    ///
    /// # Errors
    /// Errors of the system.
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>>;

    /// Gives a file another name, at once. A file that had the name is gone.
    ///
    /// # Errors
    /// Errors of the system.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// Errors of the system.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Waits until the names in the directory are on the disk.
    ///
    /// # Errors
    /// Errors of the system.
    fn sync_names(&self) -> io::Result<()>;
}

/// A file that is appended to.
pub(crate) trait File: Debug + Send + Sync {
    /// Appends some of `bytes` and returns how many.
    ///
    /// # Errors
    /// Errors of the system.
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Cuts the file to this length. The next write goes to the new end.
    ///
    /// # Errors
    /// Errors of the system.
    fn set_len(&self, bytes: u64) -> io::Result<()>;

    /// Waits until the written bytes are on the disk.
    ///
    /// # Errors
    /// Errors of the system.
    fn sync_data(&self) -> io::Result<()>;
}

/// A file of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Name of the file.
    pub(crate) name: String,
    /// Length of the file.
    pub(crate) bytes: u64,
}

/// Appends all of `bytes`.
pub(crate) fn write_all(file: &dyn File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Opens a file of a journal.
///
/// A new file is for its owner alone: it has messages for single clients, and others may look into the directory. A
/// symbolic link or a pipe is not opened: whoever may write to the directory could put one in the place of a file.
///
/// # Errors
/// Errors of the system. The file is a symbolic link, or no regular file.
pub(crate) fn open_plain(options: &mut fs::OpenOptions, path: &Path) -> io::Result<fs::File> {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        // Opening a pipe does not wait for its other end.
        options.mode(0o600).custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    }
    let opened = options.open(path).and_then(|file| {
        let is_file = file.metadata()?.is_file();
        is_file.then_some(file).ok_or_else(|| io::Error::other("it is no file"))
    });
    opened.map_err(|error| match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_symlink() => {
            io::Error::other("it is a symbolic link, and no link is followed here: remove it, or put the file there")
        }
        _ => error,
    })
}

/// A directory of the real file system. If it was opened for writing, the lock is held for as long as this value lives.
#[derive(Debug)]
pub(crate) struct DiskFiles {
    path: PathBuf,
    _lock: Option<fs::File>,
}

impl DiskFiles {
    pub(crate) fn new(path: &Path, lock: Option<fs::File>) -> Self {
        Self { path: path.to_owned(), _lock: lock }
    }
}

impl Files for DiskFiles {
    fn list(&self) -> io::Result<Vec<Listed>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            // Names of a journal are ASCII. Other names are only compared.
            let name = entry.file_name().to_string_lossy().into_owned();
            match entry.metadata() {
                Ok(metadata) => files.push(Listed { name, bytes: metadata.len() }),
                // A server has just renamed or removed the file.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(files)
    }

    fn read(&self, name: &str, bytes_max: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let file = open_plain(fs::File::options().read(true), &self.path.join(name))?;
        file.take(bytes_max).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        open_plain(fs::File::options().read(true), &self.path.join(name))?.sync_data()
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let path = self.path.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // Appending, so that a write goes to the end after the file was cut too. The file is new: a link with its name
        // is not followed.
        let file = open_plain(fs::File::options().append(true).create_new(true), &path)?;
        Ok(Arc::new(DiskFile(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync_names(&self) -> io::Result<()> {
        fs::File::open(&self.path)?.sync_all()
    }
}

#[derive(Debug)]
struct DiskFile(fs::File);

impl File for DiskFile {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        (&self.0).write(bytes)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers each write with the next of these.
    #[derive(Debug)]
    struct Answers(parking_lot::Mutex<Vec<io::Result<usize>>>);

    impl File for Answers {
        fn write(&self, _: &[u8]) -> io::Result<usize> {
            self.0.lock().remove(0)
        }

        fn set_len(&self, _: u64) -> io::Result<()> {
            Ok(())
        }

        fn sync_data(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn write_five(answers: Vec<io::Result<usize>>) -> (io::Result<()>, usize) {
        let file = Answers(answers.into());
        let result = write_all(&file, b"12345");
        (result, file.0.into_inner().len())
    }

    #[test]
    fn short_and_interrupted_writes_go_on_and_one_of_nothing_is_an_error() {
        let interrupted = || Err(io::ErrorKind::Interrupted.into());
        let (result, unasked) = write_five(vec![interrupted(), Ok(2), interrupted(), Ok(3), Ok(1)]);
        assert!(result.is_ok() && unasked == 1);
        let (result, _) = write_five(vec![Ok(2), Ok(0)]);
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::WriteZero);
    }

    #[cfg(unix)]
    #[test]
    fn new_files_are_for_their_owner_alone_and_links_and_pipes_are_not_opened() {
        use std::os::unix::fs::{MetadataExt as _, symlink};
        let (directory, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let files = DiskFiles::new(directory.path(), None);
        let victim = elsewhere.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        symlink(&victim, directory.path().join("a")).unwrap();
        for error in [files.read("a", u64::MAX).unwrap_err(), files.sync("a").unwrap_err()] {
            assert!(error.to_string().contains("symbolic link"), "{error}");
        }
        let file = files.create("a").unwrap();
        write_all(&*file, b"ours").unwrap();
        assert_eq!(fs::symlink_metadata(directory.path().join("a")).unwrap().mode() & 0o7777, 0o600);
        // The name of a segment leads elsewhere while the segment is written under another name.
        symlink(&victim, directory.path().join("b")).unwrap();
        files.rename("a", "b").unwrap();
        assert_eq!(files.read("b", u64::MAX).unwrap(), b"ours");
        symlink(&victim, directory.path().join("c")).unwrap();
        files.remove("c").unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
        fs::create_dir(directory.path().join("d")).unwrap();
        assert!(files.read("d", u64::MAX).is_err());
        let pipe = directory.path().join("e");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(files.read("e", u64::MAX).unwrap_err().to_string().contains("no file"));
        let opened = open_plain(fs::File::options().write(true).create(true).truncate(false), &pipe);
        assert!(opened.is_err(), "nobody waits for a reader");
    }

    #[test]
    fn after_a_cut_writes_go_to_the_new_end_and_a_created_file_is_empty() {
        let directory = tempfile::tempdir().unwrap();
        let files = DiskFiles::new(directory.path(), None);
        let file = files.create("a").unwrap();
        write_all(&*file, b"good bad").unwrap();
        file.set_len(5).unwrap();
        write_all(&*file, b"again").unwrap();
        assert_eq!(files.read("a", u64::MAX).unwrap(), b"good again");
        assert_eq!(files.read("a", 4).unwrap(), b"good");
        files.create("a").unwrap();
        assert_eq!(files.list().unwrap(), [Listed { name: "a".into(), bytes: 0 }]);
    }
}
