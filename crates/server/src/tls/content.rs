//! [`Content`]: what stands in files that belong together. Each file is read once, so what was looked at is what is used.

use std::path::Path;

use fanfare_http::{Pem, TlsPair};

/// The content of files, not yet parsed.
#[derive(Debug, Hash)]
pub(super) enum Content {
    /// A chain and its key, for this place among the certificates.
    Pair { pair: TlsPair, place: usize },
    /// Authorities of clients.
    Clients(Pem),
}

impl Content {
    /// Reads a chain and its key.
    ///
    /// # Errors
    /// A sentence with the file that cannot be read.
    pub(super) fn of_pair(chain: &Path, key: &Path, place: usize) -> Result<Self, String> {
        Ok(Self::Pair { pair: TlsPair { certificate: pem(chain)?, key: pem(key)? }, place })
    }

    /// Reads authorities of clients.
    ///
    /// # Errors
    /// As of [`Content::of_pair`].
    pub(super) fn of_clients(file: &Path) -> Result<Self, String> {
        pem(file).map(Self::Clients)
    }
}

fn pem(file: &Path) -> Result<Pem, String> {
    Pem::load(file).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        hash::{DefaultHasher, Hash as _, Hasher as _},
        path::PathBuf,
        process::Command,
    };

    use super::*;

    #[test]
    fn the_digest_is_another_one_when_bytes_are_or_move_to_the_next_file() {
        let directory = tempfile::tempdir().unwrap();
        let (a, b) = (directory.path().join("a"), directory.path().join("b"));
        let of = |content: &Result<Content, String>| {
            let mut hasher = DefaultHasher::new();
            content.hash(&mut hasher);
            hasher.finish()
        };
        let digest = |of_a: &str, of_b: &str| {
            fs::write(&a, of_a).unwrap();
            fs::write(&b, of_b).unwrap();
            of(&Content::of_pair(&a, &b, 0))
        };
        let first = digest("xy", "z");
        assert_eq!(digest("xy", "z"), first);
        assert_ne!(digest("x", "yz"), first);
        fs::remove_file(&b).unwrap();
        assert_ne!(of(&Content::of_pair(&a, &b, 0)), first);
    }

    #[test]
    fn a_file_has_a_mebibyte_at_most() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a");
        fs::write(&file, vec![b'x'; 1 << 20]).unwrap();
        assert!(Content::of_clients(&file).is_ok());
        fs::write(&file, vec![b'x'; (1 << 20) + 1]).unwrap();
        let fault = Content::of_clients(&file).unwrap_err();
        assert!(fault.starts_with(&format!("{}: it is larger than 1MiB", file.display())), "{fault}");
    }

    #[test]
    fn a_pipe_and_a_device_are_refused_and_nobody_waits_for_them() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for file in [pipe, PathBuf::from("/dev/zero")] {
            let fault = Content::of_clients(&file).unwrap_err();
            assert!(fault.contains("give a regular file"), "{fault}");
        }
    }
}
