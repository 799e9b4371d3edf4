//! [`Table`]: the shares of all callers, or of all holders, in bounded memory.

mod shard;

use std::{
    hash::{BuildHasher, Hash, RandomState},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;

use crate::{
    limit::Holding,
    limits::Limits,
    refusals::Refusals,
    share::{Share, Terms},
};
use shard::Shard;

/// Callers that a table keeps at most, unless told otherwise. A full table has 11 MB.
pub const ENTRIES_MAX: usize = 65_536;

/// Shards of a large table. Each has a lock, so threads seldom meet.
const SHARDS_MAX: usize = 64;
/// Entries of a shard at least, so that shards fill about evenly.
const SHARD_ENTRIES_MIN: usize = 64;
/// Entries that one tick looks at in a shard, and the shards that it goes to. 65,536 entries are gone after 64 ticks.
const SWEPT_IN_SHARD_MAX: usize = 64;
const SWEPT_SHARDS: usize = 16;

/// The shares of all keys that hold something, or whose rates are not full.
///
/// A key is entered when somebody asks for its account, and keeps its place for as long as an account of it or a seat lives. From then
/// on it is idle, and forgotten once its rates are full. A full table lets the key go that has been idle for longest, of those in
/// the same shard. If none is idle the newcomer joins the crowd: one share, with the limits of one key, for all who find no place.
#[derive(Debug)]
pub struct Table<K> {
    /// Keyed for this process, so nobody can fill one shard on purpose.
    hashing: RandomState,
    shards: Box<[Mutex<Shard<K>>]>,
    crowd: Mutex<Crowd>,
    refusals: Refusals,
    /// The shard where the next sweep begins. Relaxed: two sweeps at once may go to the same.
    next_swept: AtomicUsize,
}

/// The share of all who found no place, and the limits of it.
#[derive(Debug)]
struct Crowd {
    share: Share,
    terms: Terms,
}

/// Where the share of an account is. Small, because many seats have one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// A share of its own.
    Own { shard: u16, slot: u32 },
    /// The share of all who found no place.
    Crowd,
    /// None: nothing is limited.
    Exempt,
}

impl<K: Eq + Hash> Table<K> {
    /// An empty table, which keeps at most `entries_max` keys (at least 1, at most 2^32 in all) with these limits for each of them.
    #[must_use]
    pub fn new(limits: &Limits, entries_max: usize) -> Arc<Self> {
        let shards = (entries_max / SHARD_ENTRIES_MIN).clamp(1, SHARDS_MAX);
        let of_shard = (entries_max / shards).max(1);
        let terms = Terms::from(limits);
        Arc::new(Self {
            hashing: RandomState::new(),
            shards: (0..shards).map(|_| Mutex::new(Shard::new(of_shard, terms))).collect(),
            crowd: Mutex::new(Crowd { share: Share::default(), terms }),
            refusals: Refusals::default(),
            next_swept: AtomicUsize::new(0),
        })
    }

    /// The place of `key`, which may be new, with one user more.
    pub(crate) fn enter(&self, key: K, now_ms: u64) -> Place {
        let hash = self.hashing.hash_one(&key);
        // Neither the bits that the map takes for places, which are the lowest, nor those for marks, which are the highest.
        let shard = (hash >> 32) as usize % self.shards.len();
        let slot = self.shards[shard].lock().enter(key, hash, now_ms);
        match (u16::try_from(shard), slot.and_then(|slot| u32::try_from(slot).ok())) {
            (Ok(shard), Some(slot)) => Place::Own { shard, slot },
            _ => {
                self.refusals.count_crowded();
                Place::Crowd
            }
        }
    }

    /// Forgets keys that are idle and whose rates are full. Looks at 1,024 at most. Call it once a second.
    pub fn sweep(&self, now_ms: u64) {
        let swept = SWEPT_SHARDS.min(self.shards.len());
        let first = self.next_swept.fetch_add(swept, Ordering::Relaxed);
        for shard in (0..swept).filter_map(|at| self.shards.get(first.wrapping_add(at) % self.shards.len())) {
            shard.lock().forget(SWEPT_IN_SHARD_MAX, now_ms);
        }
    }

    /// Number of keys that are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Whether no key is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K> Table<K> {
    /// Sets other limits for each key. What is held stays, and a key that holds more gets nothing until it holds less. What has been
    /// taken from a rate stays taken, but nobody owes more than the new burst.
    ///
    /// The limits are kept in each shard, under the lock that a share needs anyway, so nobody reads anything more because they can change.
    pub fn set_limits(&self, limits: &Limits) {
        let terms = Terms::from(limits);
        for shard in &self.shards {
            shard.lock().set_terms(terms);
        }
        let Crowd { share, terms: own } = &mut *self.crowd.lock();
        *own = terms;
        share.fit(&terms);
    }

    /// How often each limit has refused somebody.
    #[must_use]
    pub fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// Applies `apply` to the share at `place`. `None` if nothing is limited there.
    pub(crate) fn with_share<R>(&self, place: Place, apply: impl FnOnce(&mut Share, &Terms) -> R) -> Option<R> {
        match place {
            Place::Own { shard, slot } => {
                let mut shard = self.shards[usize::from(shard)].lock();
                shard.share(slot as usize).map(|(share, terms)| apply(share, terms))
            }
            Place::Crowd => {
                let Crowd { share, terms } = &mut *self.crowd.lock();
                Some(apply(share, terms))
            }
            Place::Exempt => None,
        }
    }

    /// Counts one user more of the entry at `place`, which has one already.
    pub(crate) fn add_user(&self, place: Place) {
        if let Place::Own { shard, slot } = place {
            self.shards[usize::from(shard)].lock().add_user(slot as usize);
        }
    }

    /// Counts one user less.
    pub(crate) fn remove_user(&self, place: Place) {
        if let Place::Own { shard, slot } = place {
            self.shards[usize::from(shard)].lock().remove_user(slot as usize);
        }
    }

    /// Counts one holding more at `place`, with a user of its own. False if there are as many as may be.
    pub(crate) fn hold(&self, place: Place, holding: Holding) -> bool {
        match place {
            Place::Own { shard, slot } => {
                let mut shard = self.shards[usize::from(shard)].lock();
                let is_held = shard.share(slot as usize).is_some_and(|(share, terms)| share.hold(holding, terms));
                if is_held {
                    shard.add_user(slot as usize);
                }
                is_held
            }
            Place::Crowd => {
                let Crowd { share, terms } = &mut *self.crowd.lock();
                share.hold(holding, terms)
            }
            Place::Exempt => true,
        }
    }

    /// Counts one holding less, and its user.
    pub(crate) fn release(&self, place: Place, holding: Holding) {
        match place {
            Place::Own { shard, slot } => {
                let mut shard = self.shards[usize::from(shard)].lock();
                if let Some((share, _)) = shard.share(slot as usize) {
                    share.release(holding);
                }
                shard.remove_user(slot as usize);
            }
            Place::Crowd => self.crowd.lock().share.release(holding),
            Place::Exempt => {}
        }
    }
}
