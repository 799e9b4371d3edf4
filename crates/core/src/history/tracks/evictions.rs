//! [`Evictions`]: the tracks that have evicted events of late, so that a read need not look at all tracks for new holes.

use std::collections::VecDeque;

/// Entries that are remembered.
const ENTRIES_MAX: usize = 1_024;

/// The newest eviction of a track among some in a row.
#[derive(Debug)]
struct Entry {
    /// The number of the track.
    track: usize,
    /// The number of the eviction.
    number: u64,
}

/// The last evictions, in their order. Evictions in a row of one track are one entry.
#[derive(Debug)]
pub(super) struct Evictions {
    entries: VecDeque<Entry>,
    /// The number of the last eviction. At least 1, so that nobody has seen all who has seen none.
    last: u64,
    /// Evictions up to this number are not remembered.
    forgotten: u64,
}

impl Evictions {
    pub(super) fn new() -> Self {
        Self { entries: VecDeque::new(), last: 1, forgotten: 1 }
    }

    /// The number of the last eviction.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// A track has evicted an event.
    pub(super) fn push(&mut self, track: usize) {
        self.last += 1;
        let number = self.last;
        if let Some(newest) = self.entries.back_mut().filter(|newest| newest.track == track) {
            newest.number = number;
            return;
        }
        if self.entries.len() == ENTRIES_MAX
            && let Some(oldest) = self.entries.pop_front()
        {
            self.forgotten = oldest.number;
        }
        self.entries.push_back(Entry { track, number });
    }

    /// Events may have been evicted that no track tells of any more.
    pub(super) fn forget(&mut self) {
        self.last += 1;
        self.forgotten = self.last;
        self.entries.clear();
    }

    /// The tracks that have evicted events behind the eviction `number`, with repeats. None if not all of them are remembered, or if
    /// they are more than `max`.
    pub(super) fn since(&self, number: u64, max: usize) -> Option<impl Iterator<Item = usize>> {
        let from = self.entries.partition_point(|entry| entry.number <= number);
        let is_known = number >= self.forgotten && self.entries.len() - from <= max;
        is_known.then(|| self.entries.range(from..).map(|entry| entry.track))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn since(evictions: &Evictions, number: u64, max: usize) -> Option<Vec<usize>> {
        evictions.since(number, max).map(Iterator::collect)
    }

    #[test]
    fn tracks_are_named_that_evicted_since_and_those_in_a_row_once() {
        let mut evictions = Evictions::new();
        assert_eq!((since(&evictions, 0, 9), since(&evictions, 1, 9)), (None, Some(vec![])));
        [7, 7, 8, 7].into_iter().for_each(|track| evictions.push(track));
        let found = [1, 2, 3, 4, 5].map(|number| since(&evictions, number, 9).unwrap());
        assert_eq!(found, [vec![7, 8, 7], vec![7, 8, 7], vec![8, 7], vec![7], vec![]]);
        assert_eq!(since(&evictions, 3, 1), None, "one too many");
        assert_eq!(since(&evictions, 3, 2), Some(vec![8, 7]));
    }

    #[test]
    fn nobody_is_told_of_some_evictions_only() {
        let mut evictions = Evictions::new();
        let seen = evictions.last();
        (0..ENTRIES_MAX).for_each(|track| evictions.push(track));
        assert_eq!(since(&evictions, seen, usize::MAX).map(|tracks| tracks.len()), Some(ENTRIES_MAX));
        evictions.push(ENTRIES_MAX);
        assert_eq!(since(&evictions, seen, usize::MAX), None);
        assert_eq!(since(&evictions, seen + 1, usize::MAX).map(|tracks| tracks.len()), Some(ENTRIES_MAX));
        let seen = evictions.last();
        evictions.forget();
        assert_eq!(since(&evictions, seen, usize::MAX), None);
        assert_eq!(since(&evictions, evictions.last(), 0), Some(vec![]));
    }
}
