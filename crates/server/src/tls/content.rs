//! [`Content`]: what stands in files that belong together.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use fanfare_http::{Pem, TlsCertificate};

/// Bytes of a file at most, far more than a chain or a key needs.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The bytes of each file, or the reason why one cannot be read. It has no `Debug`, because a key is among the bytes.
pub(super) struct Content {
    files: Result<Vec<Vec<u8>>, String>,
}

impl Content {
    /// Reads each file once.
    pub(super) fn read(files: &[&PathBuf]) -> Self {
        let read = |file: &&PathBuf| bytes_of(file).map_err(|error| format!("{}: {error}", file.display()));
        Self { files: files.iter().map(read).collect() }
    }

    /// A number that is another one when the bytes of a file are, or the reason.
    pub(super) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.files.hash(&mut hasher);
        hasher.finish()
    }

    /// The reason why a file cannot be read, with the file.
    pub(super) fn fault(&self) -> Option<&str> {
        self.files.as_ref().err().map(String::as_str)
    }

    /// Whether `certificate` is the first one of the first file.
    pub(super) fn has(&self, certificate: &TlsCertificate) -> bool {
        let chain = self.files.iter().flatten().next().cloned().map(Pem::Bytes);
        let chain = chain.and_then(|chain| chain.certificates().ok());
        chain.is_some_and(|chain| chain.first().is_some_and(|first| first.as_ref() == certificate.der()))
    }
}

fn bytes_of(file: &Path) -> io::Result<Vec<u8>> {
    let kind = fs::metadata(file)?.file_type();
    // The system itself refuses to read a directory. Whoever opens a pipe waits for its writer.
    if !kind.is_file() && !kind.is_dir() {
        return Err(io::Error::other("it is a pipe, a socket or a device; give a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(file)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other("it is larger than 1MiB, far more than a certificate or a key needs"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_digest_is_another_one_when_bytes_are_or_move_to_the_next_file() {
        let directory = tempfile::tempdir().unwrap();
        let (a, b) = (directory.path().join("a"), directory.path().join("b"));
        let digest = |of_a: &str, of_b: &str| {
            fs::write(&a, of_a).unwrap();
            fs::write(&b, of_b).unwrap();
            Content::read(&[&a, &b]).digest()
        };
        let first = digest("xy", "z");
        assert_eq!(digest("xy", "z"), first);
        assert_ne!(digest("x", "yz"), first);
        fs::remove_file(&b).unwrap();
        assert_ne!(Content::read(&[&a, &b]).digest(), first);
    }

    #[test]
    fn a_file_has_a_mebibyte_at_most() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a");
        fs::write(&file, vec![b'x'; 1 << 20]).unwrap();
        assert_eq!(Content::read(&[&file]).fault(), None);
        fs::write(&file, vec![b'x'; (1 << 20) + 1]).unwrap();
        let content = Content::read(&[&file]);
        let fault = content.fault().unwrap();
        assert!(fault.starts_with(&format!("{}: it is larger than 1MiB", file.display())), "{fault}");
    }

    #[test]
    fn a_pipe_and_a_device_are_refused_and_nobody_waits_for_them() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for file in [pipe, PathBuf::from("/dev/zero")] {
            let content = Content::read(&[&file]);
            assert!(content.fault().unwrap().contains("give a regular file"), "{}", file.display());
        }
    }
}
