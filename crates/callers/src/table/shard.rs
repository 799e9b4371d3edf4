//! [`Shard`]: a part of the keys of a table, under one lock.

use hashbrown::HashTable;
use slab::Slab;

use crate::{
    line::Line,
    share::{Share, Terms},
};

/// Entries that a newcomer looks at to forget them. More than one, so a table that nobody sweeps shrinks too.
const FORGOTTEN_FOR_NEWCOMER_MAX: usize = 2;

/// Keys, their shares, and the order in which they became idle.
#[derive(Debug)]
pub(super) struct Shard<K> {
    /// Slots by the hash of their key.
    slots: HashTable<usize>,
    entries: Slab<Entry<K>>,
    /// Slots of entries without users.
    idle: Line,
    entries_max: usize,
    /// The limits of each key.
    terms: Terms,
}

#[derive(Debug)]
struct Entry<K> {
    key: K,
    hash: u64,
    share: Share,
    /// Accounts and seats. An entry with one stays where it is.
    users: usize,
}

impl<K: Eq> Shard<K> {
    pub(super) fn new(entries_max: usize, terms: Terms) -> Self {
        Self { slots: HashTable::new(), entries: Slab::new(), idle: Line::new(), entries_max, terms }
    }

    /// The slot of `key`, with one user more. `None` if it is new and all entries are in use.
    pub(super) fn enter(&mut self, key: K, hash: u64, now_ms: u64) -> Option<usize> {
        let has_key = |slot: &usize| self.entries.get(*slot).is_some_and(|entry| entry.key == key);
        if let Some(&slot) = self.slots.find(hash, has_key) {
            self.add_user(slot);
            return Some(slot);
        }
        self.forget(FORGOTTEN_FOR_NEWCOMER_MAX, now_ms);
        if self.entries.len() >= self.entries_max {
            self.remove(self.idle.oldest()?);
        }
        let slot = self.entries.insert(Entry { key, hash, share: Share::default(), users: 1 });
        let entries = &self.entries;
        self.slots.insert_unique(hash, slot, |slot| entries.get(*slot).map_or(0, |entry| entry.hash));
        Some(slot)
    }

    /// Forgets what is as good as new among the `looked_at_max` entries that have been idle for longest.
    pub(super) fn forget(&mut self, looked_at_max: usize, now_ms: u64) {
        let mut next = self.idle.oldest();
        for _ in 0..looked_at_max {
            let Some(slot) = next else { return };
            next = self.idle.newer(slot);
            if self.entries.get_mut(slot).is_some_and(|entry| entry.share.is_as_new(now_ms)) {
                self.remove(slot);
            }
        }
    }

    /// Number of keys.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Removes an idle entry.
    fn remove(&mut self, slot: usize) {
        self.idle.remove(slot);
        let Some(entry) = self.entries.try_remove(slot) else { return };
        if let Ok(found) = self.slots.find_entry(entry.hash, |other| *other == slot) {
            found.remove();
        }
    }
}

impl<K> Shard<K> {
    /// The share of an entry that has a user, and its limits.
    pub(super) fn share(&mut self, slot: usize) -> Option<(&mut Share, &Terms)> {
        self.entries.get_mut(slot).map(|entry| (&mut entry.share, &self.terms))
    }

    /// Sets other limits.
    pub(super) fn set_terms(&mut self, terms: Terms) {
        self.terms = terms;
        self.entries.iter_mut().for_each(|(_, entry)| entry.share.fit(&terms));
    }

    /// Counts one user more.
    pub(super) fn add_user(&mut self, slot: usize) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        if entry.users == 0 {
            self.idle.remove(slot);
        }
        entry.users += 1;
    }

    /// Counts one user less. The last one leaves the entry idle.
    pub(super) fn remove_user(&mut self, slot: usize) {
        let Some(entry) = self.entries.get_mut(slot) else { return };
        entry.users -= 1;
        if entry.users == 0 {
            self.idle.push(slot);
        }
    }
}
