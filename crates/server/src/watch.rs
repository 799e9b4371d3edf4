//! [`Watched`]: files that are read again when they change, each kind with what uses it.
//!
//! A thread reads them every few seconds. They are small, and content alone tells every kind of change: a file that was
//! written in place, one that was renamed over it, and a link that leads elsewhere, as certbot and Kubernetes change them.
//! What a look has read is what is used: nothing opens the files a second time.

use std::{
    hash::{DefaultHasher, Hash, Hasher as _},
    io,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, SystemTime},
};

use tracing::{error, info, warn};

/// Time between two looks. A change counts when two looks in a row see it: by then all files are written that belong
/// together.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// Files that belong together, and what uses them.
pub(crate) trait Files: Send {
    /// What stands in them, not yet parsed.
    type Content: Hash;

    /// Reads the files, each once.
    ///
    /// # Errors
    /// A sentence with the file.
    fn content(&self) -> Result<Self::Content, String>;

    /// Uses `content` from now on. Returns what is worth telling of it.
    ///
    /// # Errors
    /// The content is not used, and the old one stays.
    fn replace(&mut self, content: Self::Content, at: SystemTime) -> Result<String, Refused>;

    /// The name in the log.
    fn told(&self) -> String;
}

/// The reason why a content is not used.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) reason: String,
    /// The moment from which the same content can be used.
    pub(crate) until: Option<SystemTime>,
}

impl Refused {
    pub(crate) fn new(reason: impl ToString) -> Self {
        Self { reason: reason.to_string(), until: None }
    }
}

/// Files that are watched.
#[derive(Debug)]
pub(crate) struct Watched<F> {
    pub(crate) files: F,
    /// The digest of the content that is in use, or that was refused.
    pub(crate) known: u64,
    /// The digest of another content that the last look has seen.
    pub(crate) changed: Option<u64>,
    /// The reason why the known content is not in use.
    pub(crate) refused: Option<Refused>,
}

/// Something to look at again and again.
pub(crate) trait Look: Send {
    /// Looks at the files at the moment `at`. With `is_asked` a change counts at once, a content that was refused is tried
    /// again, and no change is worth a line as well.
    fn look(&mut self, is_asked: bool, at: SystemTime);
}

/// What the thread is told.
enum Order {
    /// Read the files at once.
    Look,
    /// Watch these keys instead of those before.
    Keys(Vec<Box<dyn Look>>),
}

/// Files that are watched on a thread of their own. All clones are the same.
#[derive(Clone)]
pub(crate) struct Watch(Sender<Order>);

impl Watch {
    /// Watches files of certificates and of keys until the process ends, because a file system may be slow.
    ///
    /// # Errors
    /// No thread can be started.
    pub(crate) fn start(certificates: Vec<Box<dyn Look>>, keys: Vec<Box<dyn Look>>) -> io::Result<Self> {
        let (orders, receiver) = channel();
        thread::Builder::new().name("files".to_owned()).spawn(move || look_for_ever(certificates, keys, &receiver))?;
        Ok(Self(orders))
    }

    /// Has the files read at once.
    pub(crate) fn look(&self) {
        self.tell(Order::Look);
    }

    /// Watches these files of keys from now on instead of those before.
    pub(crate) fn replace_keys(&self, keys: Vec<Box<dyn Look>>) {
        self.tell(Order::Keys(keys));
    }

    fn tell(&self, order: Order) {
        if self.0.send(order).is_err() {
            error!("files are not read again, because the thread that watches them has panicked; restart");
        }
    }
}

fn look_for_ever(mut certificates: Vec<Box<dyn Look>>, mut keys: Vec<Box<dyn Look>>, orders: &Receiver<Order>) {
    loop {
        let is_idle = certificates.is_empty() && keys.is_empty();
        let order = match is_idle {
            true => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
            false => orders.recv_timeout(LOOK_INTERVAL),
        };
        let is_asked = match order {
            Ok(Order::Keys(others)) => {
                keys = others;
                continue;
            }
            Ok(Order::Look) => true,
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        for watched in certificates.iter_mut().chain(&mut keys) {
            watched.look(is_asked, SystemTime::now());
        }
    }
}

impl<F: Files> Watched<F> {
    /// Files whose content is in use already.
    pub(crate) fn new(files: F, content: &F::Content) -> Self {
        Self { files, known: digest(&Ok(content)), changed: None, refused: None }
    }
}

impl<F: Files> Look for Watched<F> {
    fn look(&mut self, is_asked: bool, at: SystemTime) {
        let content = self.files.content();
        let digest = digest(&content.as_ref());
        let is_known = digest == self.known;
        let has_come = |refused: &Refused| is_asked || refused.until.is_some_and(|until| until <= at);
        if is_known && !self.refused.as_ref().is_some_and(has_come) {
            self.changed = None;
            if is_asked {
                info!("{}: unchanged", self.files.told());
            }
            return;
        }
        if !is_known && !is_asked && self.changed != Some(digest) {
            self.changed = Some(digest);
            return;
        }
        self.changed = None;
        self.known = digest;
        match content.map_err(Refused::new).and_then(|content| self.files.replace(content, at)) {
            Ok(told) => {
                self.refused = None;
                info!("{}: read again{told}", self.files.told());
            }
            Err(refused) => {
                let (what, reason) = (self.files.told(), &refused.reason);
                match is_known {
                    true => warn!("{what}: still refused: {reason}; the old one stays in use"),
                    false => warn!("{what}: not changed: {reason}; the old one stays in use"),
                }
                self.refused = Some(refused);
            }
        }
    }
}

/// A number that is another one when the content is, or the reason why it cannot be read.
fn digest<C: Hash>(content: &Result<&C, &String>) -> u64 {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    hasher.finish()
}
