//! [`Files`]: certificate files, read at the start, and again when they change.
//!
//! A thread reads them every few seconds. They are small, and content alone tells every kind of change: a file that was
//! written in place, one that was renamed over it, and a link that leads elsewhere, as certbot and Kubernetes change them.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    path::PathBuf,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, SystemTime},
};

use fanfare_http::{Pem, TlsAcceptor, TlsPair};
use tracing::{info, warn};

use super::told::told;

/// Time between two looks. A change counts when two looks in a row see it: by then all files are written that belong
/// together.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// Files that are watched.
#[derive(Debug, Default)]
pub(super) struct Files {
    watched: Vec<Watched>,
    acceptor: Option<TlsAcceptor>,
}

/// Files that are read together.
#[derive(Debug)]
struct Watched {
    what: What,
    /// The content that is in use, or that was refused.
    known: u64,
    /// Another content that the last look has seen.
    changed: Option<u64>,
}

#[derive(Clone, Debug)]
enum What {
    Pair { chain: PathBuf, key: PathBuf, place: usize },
    Clients { file: PathBuf },
}

/// Has the files read at once.
#[derive(Clone, Debug)]
pub(crate) struct Reload(Sender<()>);

impl Reload {
    pub(crate) fn now(&self) {
        // Without a watcher the process is about to end.
        let _ = self.0.send(());
    }
}

impl Files {
    /// Looks at the files before they are used, so that a change meanwhile is seen later. The pairs, each a chain and its
    /// key, have the first places among the certificates.
    pub(super) fn new(pairs: &[(PathBuf, PathBuf)], client_ca: Option<&PathBuf>) -> Self {
        let pairs = pairs.iter().cloned().enumerate();
        let pairs = pairs.map(|(place, (chain, key))| What::Pair { chain, key, place });
        let all = pairs.chain(client_ca.cloned().map(|file| What::Clients { file }));
        let watched = all.map(|what| Watched { known: digest(&what.files()), what, changed: None }).collect();
        Self { watched, ..Self::default() }
    }

    /// The same with what uses the files.
    pub(super) fn with(self, acceptor: &TlsAcceptor) -> Self {
        Self { acceptor: Some(acceptor.clone()), ..self }
    }

    /// Watches the files on a thread of its own, because a file system may be slow, until the process ends.
    ///
    /// # Errors
    /// No thread can be started.
    pub(super) fn watch(self) -> io::Result<Reload> {
        let (sender, receiver) = channel();
        thread::Builder::new().name("certificates".to_owned()).spawn(move || self.run(&receiver))?;
        Ok(Reload(sender))
    }

    fn run(mut self, asked: &Receiver<()>) {
        let Some(acceptor) = self.acceptor.clone() else { return };
        loop {
            let is_asked = match asked.recv_timeout(LOOK_INTERVAL) {
                Ok(()) => true,
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            for watched in &mut self.watched {
                watched.look(&acceptor, is_asked);
            }
        }
    }
}

impl Watched {
    /// Looks at the files. With `is_asked` a change counts at once, and no change is worth a line as well.
    fn look(&mut self, acceptor: &TlsAcceptor, is_asked: bool) {
        let now = digest(&self.what.files());
        if now == self.known {
            self.changed = None;
            if is_asked {
                info!("{}: unchanged", self.what.told());
            }
            return;
        }
        if !is_asked && self.changed != Some(now) {
            self.changed = Some(now);
            return;
        }
        (self.known, self.changed) = (now, None);
        match self.what.read(acceptor) {
            Ok(told) => info!("{}: read again{told}", self.what.told()),
            Err(reason) => warn!("{}: not changed: {reason}; the old one stays in use", self.what.told()),
        }
    }
}

impl What {
    fn files(&self) -> Vec<&PathBuf> {
        match self {
            Self::Pair { chain, key, .. } => vec![chain, key],
            Self::Clients { file } => vec![file],
        }
    }

    /// The name in the log.
    fn told(&self) -> String {
        match self {
            Self::Pair { chain, .. } => format!("certificate {}", chain.display()),
            Self::Clients { file } => format!("authorities of clients {}", file.display()),
        }
    }

    /// Reads the files and uses them. Returns what they are now.
    fn read(&self, acceptor: &TlsAcceptor) -> Result<String, String> {
        match self {
            Self::Pair { chain, key, place } => {
                let pair = TlsPair { certificate: Pem::File(chain.clone()), key: Pem::File(key.clone()) };
                let certificate = pair.read().map_err(|error| error.to_string())?;
                let expired = if certificate.not_after() <= SystemTime::now() { ", which is over" } else { "" };
                let told = format!(": {}{expired}", told(&certificate));
                acceptor.certificates().install(*place, certificate);
                Ok(told)
            }
            Self::Clients { .. } => {
                acceptor.reload_client_ca().map_err(|error| error.to_string())?;
                Ok(String::new())
            }
        }
    }
}

/// A number that is another one when the content of one of the files is. A file that cannot be read has its error as content.
fn digest(files: &[&PathBuf]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for file in files {
        fs::read(file).map_err(|error| error.to_string()).hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use fanfare_http::TlsConfig;

    use super::*;
    use crate::tls::samples::pem;

    fn write(directory: &Path, (chain, key): &(String, String)) {
        fs::write(directory.join("chain"), chain).unwrap();
        fs::write(directory.join("key"), key).unwrap();
    }

    /// The watched files, and the acceptor that uses them.
    fn read(directory: &Path) -> (Watched, TlsAcceptor) {
        let (chain, key) = (directory.join("chain"), directory.join("key"));
        let mut files = Files::new(&[(chain.clone(), key.clone())], None);
        let pair = TlsPair { certificate: Pem::File(chain), key: Pem::File(key) };
        let acceptor = TlsAcceptor::new(TlsConfig { pairs: vec![pair], ..TlsConfig::default() }).unwrap();
        (files.watched.remove(0), acceptor)
    }

    fn name(acceptor: &TlsAcceptor) -> String {
        acceptor.certificates().names().join(" ")
    }

    #[test]
    fn a_change_counts_when_two_looks_have_seen_it_or_at_once_when_asked_for() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &pem(&["a.example"]));
        let (mut watched, acceptor) = read(directory.path());
        write(directory.path(), &pem(&["b.example"]));
        watched.look(&acceptor, false);
        assert_eq!(name(&acceptor), "a.example");
        watched.look(&acceptor, false);
        assert_eq!(name(&acceptor), "b.example");
        write(directory.path(), &pem(&["c.example"]));
        watched.look(&acceptor, true);
        assert_eq!(name(&acceptor), "c.example");
    }

    #[test]
    fn a_bad_file_is_refused_once_and_the_old_pair_stays() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &pem(&["a.example"]));
        let (mut watched, acceptor) = read(directory.path());
        let (chain, key) = pem(&["b.example"]);
        write(directory.path(), &(chain[..200].to_owned(), key.clone()));
        watched.look(&acceptor, true);
        let refused = watched.known;
        watched.look(&acceptor, false);
        assert_eq!((watched.known, watched.changed), (refused, None), "told once");
        assert_eq!(name(&acceptor), "a.example");
        write(directory.path(), &(chain, key));
        watched.look(&acceptor, true);
        assert_eq!(name(&acceptor), "b.example");
    }

    #[test]
    fn a_link_that_leads_elsewhere_is_a_change() {
        let directory = tempfile::tempdir().unwrap();
        for version in ["1", "2"] {
            fs::create_dir(directory.path().join(version)).unwrap();
            write(&directory.path().join(version), &pem(&[&format!("v{version}.example")]));
        }
        let now = directory.path().join("now");
        std::os::unix::fs::symlink("1", &now).unwrap();
        let (mut watched, acceptor) = read(&now);
        std::os::unix::fs::symlink("2", directory.path().join("next")).unwrap();
        fs::rename(directory.path().join("next"), &now).unwrap();
        watched.look(&acceptor, true);
        assert_eq!(name(&acceptor), "v2.example");
    }
}
