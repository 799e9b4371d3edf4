//! [`ById`]: the entries of all tracks in the order of ids, for reads that find their events by pattern.
//!
//! An entry names the track and holds no event, so a publish only appends one and an eviction only counts. Entries of evicted
//! events are taken out later, a few with each publish, so that they are about as many as the others at most.

use std::{collections::VecDeque, mem};

use crate::event::event_id::EventId;

/// Entries that one publish looks at for those to take out. More than one, so that they do not pile up.
const STEPS: usize = 4;
/// Entries of evicted events that may stay in any case.
const STALE_MIN: usize = 64;

/// An event in one track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: EventId,
    /// The number of the track.
    pub(super) track: usize,
}

/// Entries in the order of their ids. An event with several targets has several.
#[derive(Debug, Default)]
pub(super) struct ById {
    /// The entries that the present round has looked at. All of them are older than those in `newer`.
    older: VecDeque<Entry>,
    newer: VecDeque<Entry>,
    /// The number of entries whose events are kept.
    kept: usize,
}

impl ById {
    /// Appends an entry, which is the newest, and takes out a few entries of evicted events.
    pub(super) fn push(&mut self, entry: Entry, is_kept: impl Fn(&Entry) -> bool) {
        self.newer.push_back(entry);
        self.kept += 1;
        self.clean(STEPS, is_kept);
    }

    /// Notes that the event of one entry was evicted.
    pub(super) fn evicted(&mut self) {
        self.kept -= 1;
    }

    /// Looks at a few entries, and takes out those of evicted events.
    pub(super) fn clean(&mut self, steps: usize, is_kept: impl Fn(&Entry) -> bool) {
        for _ in 0..steps {
            if self.len() == self.kept {
                return;
            }
            // Most events are evicted in the order of their ids.
            let oldest = if self.older.is_empty() { &mut self.newer } else { &mut self.older };
            if oldest.front().is_some_and(|entry| !is_kept(entry)) {
                oldest.pop_front();
            } else if self.len() > 2 * self.kept + STALE_MIN {
                if let Some(entry) = self.newer.pop_front().filter(&is_kept) {
                    self.older.push_back(entry);
                }
                if self.newer.is_empty() {
                    mem::swap(&mut self.older, &mut self.newer);
                }
            } else {
                return;
            }
        }
    }

    /// Gives back memory that a busier time needed.
    pub(super) fn shrink(&mut self) {
        for entries in [&mut self.older, &mut self.newer] {
            if entries.capacity() > 4 * entries.len().max(STALE_MIN) {
                entries.shrink_to(2 * entries.len());
            }
        }
    }

    /// The entries above `after` and up to `upto`. Some may be of evicted events.
    pub(super) fn range(&self, after: EventId, upto: EventId) -> impl DoubleEndedIterator<Item = &Entry> {
        let part = |entries: &VecDeque<Entry>| {
            let to = entries.partition_point(|entry| entry.id <= upto);
            entries.partition_point(|entry| entry.id <= after).min(to)..to
        };
        self.older.range(part(&self.older)).chain(self.newer.range(part(&self.newer)))
    }

    /// The number of entries whose events are kept.
    pub(super) fn kept(&self) -> usize {
        self.kept
    }

    /// The number of entries, also of those to be taken out.
    fn len(&self) -> usize {
        self.older.len() + self.newer.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u64) -> EventId {
        EventId::new(1, n)
    }

    fn ids(by_id: &ById, after: u64, upto: u64) -> Vec<u64> {
        by_id.range(id(after), id(upto)).map(|entry| entry.id.n()).collect()
    }

    #[test]
    fn entries_are_found_between_two_ids_and_stale_ones_leave_whichever_they_are() {
        let mut by_id = ById::default();
        // Every eighth event is kept for ever, and the oldest as well.
        let is_kept = |newest: u64| move |entry: &Entry| entry.id.n().is_multiple_of(8) || entry.id.n() + 10 > newest;
        for n in 0..10_000 {
            by_id.push(Entry { id: id(n), track: 0 }, is_kept(n));
            if n >= 10 && !(n - 10).is_multiple_of(8) {
                by_id.evicted();
            }
            let kept: Vec<_> = (0..=n).filter(|one| is_kept(n)(&Entry { id: id(*one), track: 0 })).collect();
            assert_eq!(by_id.kept, kept.len());
            assert!(by_id.len() <= 3 * by_id.kept + 2 * STALE_MIN, "{} of {}", by_id.len(), by_id.kept);
            if n % 97 == 0 {
                let found = ids(&by_id, 0, n);
                assert!(found.is_sorted() && kept[1..].iter().all(|one| found.contains(one)));
            }
        }
        assert_eq!(ids(&by_id, 9_990, 9_993), [9_991, 9_992, 9_993]);
        assert_eq!((ids(&by_id, 9_993, 9_990), ids(&by_id, 20_000, 30_000)), (vec![], vec![]));
    }
}
