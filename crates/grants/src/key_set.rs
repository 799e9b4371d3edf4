//! [`KeySet`]: the keys behind an address. They change while the server runs, and somebody else fetches them.

use std::{fmt, sync::Arc};

use fanfare_core::engine::Milestone;
use parking_lot::Mutex;

use crate::{
    algorithm::Algorithm,
    jwks::{Jwks, JwksError},
};

/// The keys behind an address.
///
/// One task fetches: it waits for [`KeySet::wanted`], calls [`KeySet::begin_fetch`], and gives the outcome to the [`Fetch`]. A new
/// set wants its first fetch already. Whoever meets a token with an unknown key calls [`KeySet::ask`], and waits for
/// [`KeySet::fetched`] as long as it likes. Clones of the milestones are the same.
///
/// ```
/// use std::sync::Arc;
///
/// use fanfare_grants::{Algorithm, KeySet};
///
/// let set = Arc::new(KeySet::new(Algorithm::ASYMMETRIC.to_vec(), KeySet::PAUSE_MS));
/// let fetch = set.begin_fetch();
/// drop(fetch); // It failed. The keys stay as they are.
/// assert!(set.fetched().has_reached(1));
/// assert_eq!(set.ask(1_000), Some(2), "the second fetch will tell");
/// set.begin_fetch();
/// assert_eq!(set.ask(60_999), None, "not sooner than a minute later");
/// ```
pub struct KeySet {
    algorithms: Vec<Algorithm>,
    pause_ms: u64,
    keys: Mutex<Arc<Jwks>>,
    /// When somebody was last given a fetch of their own.
    asked_ms: Mutex<Option<u64>>,
    /// The number of fetches that were asked for.
    wanted: Milestone,
    /// The number of the last of these that has ended.
    fetched: Milestone,
}

impl KeySet {
    /// The usual pause between two fetches for unknown keys.
    pub const PAUSE_MS: u64 = 60_000;

    /// A set without keys. `algorithms` are those of the issuer. Unknown keys are fetched at most once in `pause_ms`.
    pub fn new(algorithms: Vec<Algorithm>, pause_ms: u64) -> Self {
        let set = Self {
            algorithms,
            pause_ms,
            keys: Mutex::default(),
            asked_ms: Mutex::default(),
            wanted: Milestone::default(),
            fetched: Milestone::default(),
        };
        set.wanted.reach(1);
        set
    }

    /// The algorithms of the issuer.
    pub fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// The keys as of now.
    pub fn keys(&self) -> Arc<Jwks> {
        Arc::clone(&self.keys.lock())
    }

    /// Asks for a fetch, because a key is unknown. Returns the number that [`KeySet::fetched`] reaches when it has ended, or `None`:
    /// the last one was asked for too short a time ago. A fetch that is still under way serves everybody who asks. `now_ms` is of
    /// any clock, but always of the same.
    pub fn ask(&self, now_ms: u64) -> Option<u64> {
        let mut asked_ms = self.asked_ms.lock();
        let wanted = self.wanted.at();
        if !self.fetched.has_reached(wanted) {
            return Some(wanted);
        }
        // A clock that was set back asks too: else it would be mute for as long as it was ahead.
        if asked_ms.is_some_and(|asked_ms| now_ms.abs_diff(asked_ms) < self.pause_ms) {
            return None;
        }
        *asked_ms = Some(now_ms);
        self.wanted.reach(wanted + 1);
        Some(wanted + 1)
    }

    /// The number of fetches that were asked for. The first is 1.
    pub fn wanted(&self) -> &Milestone {
        &self.wanted
    }

    /// The number of the last fetch that has ended, well or not.
    pub fn fetched(&self) -> &Milestone {
        &self.fetched
    }

    /// Begins a fetch, which answers everybody who has asked by now. Also for a fetch that nobody has asked for.
    pub fn begin_fetch(self: &Arc<Self>) -> Fetch {
        Fetch { set: Arc::clone(self), number: self.wanted.at() }
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet").field("algorithms", &self.algorithms).finish_non_exhaustive()
    }
}

/// A fetch under way. If it is dropped it has failed: the set stays as it was, and those who wait are let go all the same.
#[derive(Debug)]
pub struct Fetch {
    set: Arc<KeySet>,
    number: u64,
}

impl Fetch {
    /// The fetch has brought `bytes`. If they are a set, its keys are those of the issuer from now on, and are returned.
    ///
    /// # Errors
    /// [`JwksError`]: the fetch has failed.
    pub fn finish(self, bytes: &[u8]) -> Result<Arc<Jwks>, JwksError> {
        let keys = Arc::new(Jwks::parse(bytes, &self.set.algorithms)?);
        *self.set.keys.lock() = Arc::clone(&keys);
        Ok(keys)
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        // Behind the change of the keys: whoever is woken finds the new ones.
        self.set.fetched.reach(self.number);
    }
}
