//! [`Files`]: certificate files, read at the start, and again when they change.
//!
//! A thread reads them every few seconds. They are small, and content alone tells every kind of change: a file that was
//! written in place, one that was renamed over it, and a link that leads elsewhere, as certbot and Kubernetes change them.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, SystemTime},
};

use tracing::{info, warn};

use super::{certificates::Certificates, clients::Clients, pair::Pair};

/// Time between two looks. A change counts when two looks in a row see it: by then all files are written that belong
/// together.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);
const DAY: Duration = Duration::from_secs(86_400);
/// Time before its end at which a certificate is worth a warning, if that is no more than a third of its time.
const EXPIRY_NOTICE: Duration = Duration::from_secs(14 * 86_400);

/// Files that are watched.
#[derive(Debug)]
pub(crate) struct Files {
    watched: Vec<Watched>,
    told_expiry: Option<SystemTime>,
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

#[derive(Debug)]
enum What {
    Pair { chain: PathBuf, key: PathBuf, place: usize, certificates: Arc<Certificates>, pair: Pair },
    Clients { file: PathBuf, clients: Arc<Clients> },
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
    /// Reads `pairs`, each a chain and its key, into the first places of `certificates`.
    ///
    /// # Errors
    /// A sentence with the file that cannot be used.
    pub(crate) fn read(
        pairs: Vec<(PathBuf, PathBuf)>,
        certificates: &Arc<Certificates>,
        clients: Option<(PathBuf, Arc<Clients>)>,
    ) -> Result<Self, String> {
        let mut watched = Vec::new();
        for (place, (chain, key)) in pairs.into_iter().enumerate() {
            // Before the content is used, so that a change meanwhile is seen later.
            let known = digest(&[&chain, &key]);
            let pair = Pair::read(&chain, &key)?;
            certificates.install(place, pair.clone());
            let what = What::Pair { chain, key, place, certificates: Arc::clone(certificates), pair };
            watched.push(Watched { what, known, changed: None });
        }
        if let Some((file, clients)) = clients {
            let known = digest(&[&file]);
            watched.push(Watched { what: What::Clients { file, clients }, known, changed: None });
        }
        Ok(Self { watched, told_expiry: None })
    }

    /// Logs what was read.
    pub(crate) fn tell(&self) {
        for watched in &self.watched {
            if let What::Pair { chain, pair, .. } = &watched.what {
                info!("certificate {}: {}", chain.display(), pair.told());
            }
        }
    }

    /// Watches the files on a thread of its own, because a file system may be slow, until the process ends.
    ///
    /// # Errors
    /// No thread can be started.
    pub(crate) fn watch(self) -> std::io::Result<Reload> {
        let (sender, receiver) = channel();
        thread::Builder::new().name("certificates".to_owned()).spawn(move || self.run(&receiver))?;
        Ok(Reload(sender))
    }

    fn run(mut self, asked: &Receiver<()>) {
        loop {
            self.tell_expiry(SystemTime::now());
            let is_asked = match asked.recv_timeout(LOOK_INTERVAL) {
                Ok(()) => true,
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            for watched in &mut self.watched {
                watched.look(is_asked);
            }
        }
    }

    /// Warns of certificates that end soon, once a day.
    fn tell_expiry(&mut self, now: SystemTime) {
        let is_told = self.told_expiry.is_some_and(|told| now.duration_since(told).is_ok_and(|since| since < DAY));
        let soon: Vec<_> = self.watched.iter().filter_map(|watched| watched.what.ends_soon(now)).collect();
        if is_told || soon.is_empty() {
            return;
        }
        self.told_expiry = Some(now);
        soon.iter().for_each(|sentence| warn!("{sentence}"));
    }
}

impl Watched {
    /// Looks at the files. With `is_asked` a change counts at once, and no change is worth a line as well.
    fn look(&mut self, is_asked: bool) {
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
        match self.what.read() {
            Ok(told) => info!("{}: read again: {told}", self.what.told()),
            Err(reason) => warn!("{}: not changed: {reason}; the old one stays in use", self.what.told()),
        }
    }
}

impl What {
    fn files(&self) -> Vec<&PathBuf> {
        match self {
            Self::Pair { chain, key, .. } => vec![chain, key],
            Self::Clients { file, .. } => vec![file],
        }
    }

    /// The name in the log.
    fn told(&self) -> String {
        match self {
            Self::Pair { chain, .. } => format!("certificate {}", chain.display()),
            Self::Clients { file, .. } => format!("authorities of clients {}", file.display()),
        }
    }

    /// Reads the files and uses them. Returns what they are now.
    fn read(&mut self) -> Result<String, String> {
        match self {
            Self::Pair { chain, key, place, certificates, pair } => {
                let new = Pair::read(chain, key)?;
                certificates.install(*place, new.clone());
                *pair = new;
                let expired = if pair.is_expired(SystemTime::now()) { ", which is over" } else { "" };
                Ok(format!("{}{expired}", pair.told()))
            }
            Self::Clients { file, clients } => clients.read(file).map(|count| format!("authorities: {count}")),
        }
    }

    /// A warning, if the certificate has ended or ends soon.
    fn ends_soon(&self, now: SystemTime) -> Option<String> {
        let Self::Pair { chain, pair, .. } = self else { return None };
        let span = pair.not_after.duration_since(pair.not_before).unwrap_or_default();
        let notice = EXPIRY_NOTICE.min(span / 3);
        let chain = chain.display();
        match pair.not_after.duration_since(now) {
            Ok(left) if left > notice => None,
            Ok(left) => {
                let hours = left.as_secs() / 3_600;
                Some(format!("certificate {chain} ends in {} days and {} hours: {}", hours / 24, hours % 24, pair.told()))
            }
            Err(_) => Some(format!("certificate {chain} has ended, and clients refuse it: {}", pair.told())),
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

    use super::*;
    use crate::tls::pair::tests::pem;

    fn write(directory: &Path, (chain, key): &(String, String)) {
        fs::write(directory.join("chain"), chain).unwrap();
        fs::write(directory.join("key"), key).unwrap();
    }

    fn read(directory: &Path) -> (Files, Arc<Certificates>) {
        let certificates = Arc::new(Certificates::new(1));
        let pairs = vec![(directory.join("chain"), directory.join("key"))];
        (Files::read(pairs, &certificates, None).unwrap(), certificates)
    }

    fn name(certificates: &Certificates) -> String {
        certificates.pairs()[0].names.join(" ")
    }

    #[test]
    fn a_change_counts_when_two_looks_have_seen_it_or_at_once_when_asked_for() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &pem(&["a.example"]));
        let (mut files, certificates) = read(directory.path());
        write(directory.path(), &pem(&["b.example"]));
        files.watched[0].look(false);
        assert_eq!(name(&certificates), "a.example");
        files.watched[0].look(false);
        assert_eq!(name(&certificates), "b.example");
        write(directory.path(), &pem(&["c.example"]));
        files.watched[0].look(true);
        assert_eq!(name(&certificates), "c.example");
    }

    #[test]
    fn a_bad_file_is_refused_once_and_the_old_pair_stays() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &pem(&["a.example"]));
        let (mut files, certificates) = read(directory.path());
        let (chain, key) = pem(&["b.example"]);
        write(directory.path(), &(chain[..200].to_owned(), key.clone()));
        files.watched[0].look(true);
        let refused = files.watched[0].known;
        files.watched[0].look(false);
        assert_eq!((files.watched[0].known, files.watched[0].changed), (refused, None), "told once");
        assert_eq!(name(&certificates), "a.example");
        write(directory.path(), &(chain, key));
        files.watched[0].look(true);
        assert_eq!(name(&certificates), "b.example");
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
        let (mut files, certificates) = read(&now);
        std::os::unix::fs::symlink("2", directory.path().join("next")).unwrap();
        fs::rename(directory.path().join("next"), &now).unwrap();
        files.watched[0].look(true);
        assert_eq!(name(&certificates), "v2.example");
    }

    #[test]
    fn the_end_is_told_fourteen_days_before_or_in_the_last_third() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &pem(&["a.example"]));
        let (mut files, _) = read(directory.path());
        let what = &mut files.watched[0].what;
        let begin = SystemTime::UNIX_EPOCH;
        let mut at = |days: u32, span: u32| {
            let What::Pair { pair, .. } = what else { panic!("no pair") };
            (pair.not_before, pair.not_after) = (begin, begin + DAY * span);
            what.ends_soon(begin + DAY * days)
        };
        assert_eq!(at(75, 90), None);
        assert!(at(76, 90).unwrap().contains("ends in 14 days and 0 hours"));
        assert!(at(90, 90).unwrap().contains("ends in 0 days"));
        assert!(at(91, 90).unwrap().contains("has ended"));
        assert_eq!((at(3, 6), at(4, 6).is_some()), (None, true));
    }
}
