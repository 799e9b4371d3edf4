//! [`Files`] and [`File`]: the few things the journal asks of a file system, so that tests can make each of them fail.
//! [`DiskFiles`] is the real one: one directory.

use std::{
    fmt::Debug,
    fs, io,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

/// The files of one directory.
pub trait Files: Debug + Send + Sync {
    /// What is in the directory, in any order.
    ///
    /// # Errors
    /// As the system says.
    fn list(&self) -> io::Result<Vec<Listed>>;

    /// The first bytes of a file: all, if it has not more than `bytes_max`.
    ///
    /// # Errors
    /// As the system says.
    fn read(&self, name: &str, bytes_max: u64) -> io::Result<Vec<u8>>;

    /// Waits until what is in a file is on the disk.
    ///
    /// # Errors
    /// As the system says.
    fn sync(&self, name: &str) -> io::Result<()>;

    /// A new, empty file; one of this name loses what it holds.
    ///
    /// # Errors
    /// As the system says.
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>>;

    /// Gives a file another name, at once; a file that had it is gone.
    ///
    /// # Errors
    /// As the system says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// As the system says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Waits until the names in the directory are on the disk.
    ///
    /// # Errors
    /// As the system says.
    fn sync_names(&self) -> io::Result<()>;
}

/// A file that is appended to.
pub trait File: Debug + Send + Sync {
    /// Appends some of `bytes` and says how many.
    ///
    /// # Errors
    /// As the system says.
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Cuts the file to this length; the next write goes there.
    ///
    /// # Errors
    /// As the system says.
    fn set_len(&self, bytes: u64) -> io::Result<()>;

    /// Waits until what was written is on the disk.
    ///
    /// # Errors
    /// As the system says.
    fn sync_data(&self) -> io::Result<()>;
}

/// A file of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
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

/// A directory of the real file system, locked for as long as this lives if it was opened for writing.
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
            // Ours are ASCII; those of others are only there to be seen.
            let name = entry.file_name().to_string_lossy().into_owned();
            match entry.metadata() {
                Ok(metadata) => files.push(Listed { name, bytes: metadata.len() }),
                // A server has just renamed or removed it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(files)
    }

    fn read(&self, name: &str, bytes_max: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        fs::File::open(self.path.join(name))?.take(bytes_max).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        fs::File::open(self.path.join(name))?.sync_data()
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let path = self.path.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // Appending, so that a write goes to the end after it was cut too.
        let file = fs::File::options().append(true).create_new(true).open(path)?;
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
