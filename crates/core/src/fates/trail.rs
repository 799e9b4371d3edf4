//! [`Trail`]: what happened to the events of one connection out of the ordinary: they waited, came from the history, or were lost.

use std::collections::VecDeque;

use crate::event::{event_id::EventId, gap::Gap};

/// Entries of one trail.
const ENTRIES_MAX: usize = 32;
/// Ids that are kept of one hole in the history.
const GIVEN_MAX: usize = 16;
/// Two waits that are closer than this are one entry, so that a busy connection does not push out all that was before.
const APART_MS_MIN: u64 = 1_000;
/// The longest that such an entry grows.
const SPAN_MS_MAX: u64 = 10_000;

/// A span of ids and of time. Open while its end is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// Events above this id.
    pub(crate) after: EventId,
    /// Events up to this id. None: all that have come since.
    pub(crate) upto: Option<EventId>,
    /// Monotonic time.
    pub(crate) from_ms: u64,
    pub(crate) to_ms: Option<u64>,
}

impl Span {
    fn begin(after: EventId, from_ms: u64) -> Self {
        Self { after, upto: None, from_ms, to_ms: None }
    }

    pub(crate) fn covers(&self, id: EventId) -> bool {
        self.after < id && self.upto.is_none_or(|upto| id <= upto)
    }
}

/// Events that the history did not have any more.
#[derive(Clone, Debug)]
pub(crate) struct Missed {
    /// The hole: events above this id.
    pub(crate) after: EventId,
    /// Events up to this id.
    pub(crate) upto: EventId,
    /// The gaps that the stream was told: of events from before it opened, and of others.
    pub(crate) gaps: [Option<Gap>; 2],
    /// Events in the hole that the history had all the same.
    pub(crate) given: Vec<EventId>,
    /// Whether `given` has all of them.
    pub(crate) is_whole: bool,
}

/// Something out of the ordinary.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// Events waited for the outlet, and have left by the end of the span.
    Waited(Span),
    /// Events came from the history.
    Repaired(Span),
    /// Events in this gap were dropped: all of them, or those that the history does not keep.
    Dropped { gap: Gap, is_all: bool },
    /// Events that the history did not have.
    Missed(Box<Missed>),
    /// Events in this gap were lost before they came to the shard.
    Lost(Gap),
}

impl Entry {
    /// The newest id that the entry is about, if it is over.
    fn newest(&self) -> EventId {
        match self {
            Self::Waited(span) | Self::Repaired(span) => span.upto.unwrap_or(span.after),
            Self::Dropped { gap, .. } | Self::Lost(gap) => gap.to.unwrap_or(EventId::ZERO),
            Self::Missed(missed) => missed.upto,
        }
    }

    /// Whether the entry says that events were lost.
    fn is_loss(&self) -> bool {
        matches!(self, Self::Dropped { .. } | Self::Missed(_) | Self::Lost(_))
    }

    /// Whether the entry may still change.
    fn is_open(&self) -> bool {
        matches!(self, Self::Waited(span) | Self::Repaired(span) if span.to_ms.is_none())
    }
}

/// The room for entries of all trails of one shard.
#[derive(Debug)]
pub(crate) struct TrailRoom(usize);

impl TrailRoom {
    /// Entries of all trails of a shard, besides the newest of each: 3 MB, or 17 MB if each is a hole.
    const ENTRIES_MAX: usize = 32_768;
}

impl Default for TrailRoom {
    fn default() -> Self {
        Self(Self::ENTRIES_MAX)
    }
}

/// What happened to the events of one connection out of the ordinary, newest last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trail {
    older: VecDeque<Entry>,
    /// Apart, so that a connection has one entry even while there is no room.
    newest: Option<Entry>,
    /// Entries about events up to this id were forgotten.
    forgotten: EventId,
    /// Losses of events up to this id were forgotten. A span that covers such an event may have been without it.
    losses_forgotten: EventId,
    /// The history gives events now.
    is_repairing: bool,
}

impl Trail {
    /// The entries, newest first.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.newest.iter().chain(self.older.iter().rev())
    }

    /// The gap of the event with this id, if it was lost before it came to the shard.
    pub(crate) fn lost(&self, id: EventId) -> Option<Gap> {
        self.entries().find_map(|entry| match entry {
            Entry::Lost(gap) if gap.covers(id) => Some(*gap),
            _ => None,
        })
    }

    /// Entries about events up to this id were forgotten.
    pub(crate) fn forgotten(&self) -> EventId {
        self.forgotten
    }

    /// Losses of events up to this id were forgotten.
    pub(crate) fn losses_forgotten(&self) -> EventId {
        self.losses_forgotten
    }

    /// An event begins to wait. Everything up to `position` has left.
    pub(crate) fn wait(&mut self, position: EventId, now_ms: u64, room: &mut TrailRoom) {
        if self.is_repairing() {
            return;
        }
        if let Some(Entry::Waited(span)) = &mut self.newest {
            // Nobody has seen when a body had taken everything.
            span.upto.get_or_insert(position);
            let ended_ms = *span.to_ms.get_or_insert(now_ms);
            if now_ms - ended_ms < APART_MS_MIN && now_ms - span.from_ms < SPAN_MS_MAX {
                (span.upto, span.to_ms) = (None, None);
                return;
            }
        }
        self.push(Entry::Waited(Span::begin(position, now_ms)), room);
    }

    /// Everything that waited has left, up to `position`.
    pub(crate) fn empty(&mut self, position: EventId, now_ms: u64) {
        let entries = self.newest.iter_mut().chain(self.older.iter_mut().rev());
        for entry in entries {
            if let Entry::Waited(span) = entry {
                if span.to_ms.is_none() {
                    span.upto.get_or_insert(position);
                    span.to_ms = Some(now_ms);
                }
                return;
            }
        }
    }

    /// Whether the history gives events now.
    pub(crate) fn is_repairing(&self) -> bool {
        self.is_repairing
    }

    /// The history is to give the events above `after`.
    pub(crate) fn repair(&mut self, after: EventId, now_ms: u64, room: &mut TrailRoom) {
        self.is_repairing = true;
        match &mut self.newest {
            Some(Entry::Repaired(span)) if span.to_ms.is_none() => {
                span.after = span.after.min(after);
                return;
            }
            Some(Entry::Waited(span)) if span.upto.is_none_or(|upto| upto > after) => span.upto = Some(after),
            _ => {}
        }
        self.push(Entry::Repaired(Span::begin(after, now_ms)), room);
    }

    /// The history has given everything up to `upto`.
    pub(crate) fn repaired(&mut self, upto: EventId, now_ms: u64) {
        self.is_repairing = false;
        for entry in self.newest.iter_mut().chain(self.older.iter_mut().rev()) {
            if let Entry::Repaired(span) = entry {
                if span.to_ms.is_none() {
                    (span.upto, span.to_ms) = (Some(upto), Some(now_ms));
                }
                return;
            }
        }
    }

    /// Events in `gap` were dropped. A gap that has grown takes the place of the one before.
    pub(crate) fn drop_all(&mut self, gap: Gap, is_all: bool, room: &mut TrailRoom) {
        match &mut self.newest {
            Some(Entry::Dropped { gap: last, is_all: of_last }) if last.from == gap.from && *of_last == is_all => {
                *last = gap;
            }
            _ => self.push(Entry::Dropped { gap, is_all }, room),
        }
    }

    /// The history does not have all events above `after` and up to `upto`. The stream is told `gaps`.
    pub(crate) fn miss(&mut self, after: EventId, upto: EventId, gaps: [Option<Gap>; 2], room: &mut TrailRoom) {
        let missed = Missed { after, upto, gaps, given: Vec::new(), is_whole: true };
        self.push(Entry::Missed(Box::new(missed)), room);
    }

    /// The history has given an event in spite of a hole.
    pub(crate) fn give(&mut self, id: EventId) {
        for entry in self.newest.iter_mut().chain(self.older.iter_mut().rev()) {
            if let Entry::Missed(missed) = entry {
                if missed.after < id && id <= missed.upto {
                    missed.is_whole &= missed.given.len() < GIVEN_MAX;
                    if missed.is_whole {
                        missed.given.push(id);
                    }
                }
                return;
            }
        }
    }

    /// What the history has given above `after` has not left, and is not given any more.
    pub(crate) fn take_back(&mut self, after: EventId) {
        for entry in self.newest.iter_mut().chain(&mut self.older) {
            if let Entry::Missed(missed) = entry {
                missed.given.retain(|id| *id <= after);
            }
        }
    }

    /// Events in `gap` were lost before they came to the shard.
    pub(crate) fn lose(&mut self, gap: Gap, room: &mut TrailRoom) {
        self.push(Entry::Lost(gap), room);
    }

    fn push(&mut self, entry: Entry, room: &mut TrailRoom) {
        let Some(before) = self.newest.replace(entry) else { return };
        // What is open stays: it has the newest events.
        let is_full = self.older.len() + 1 >= ENTRIES_MAX || room.0 == 0;
        if !is_full {
            room.0 -= 1;
            self.older.push_back(before);
            return;
        }
        let forgotten = match self.older.pop_front() {
            Some(oldest) => {
                self.older.push_back(before);
                oldest
            }
            None => before,
        };
        let newest = if forgotten.is_open() { self.after_newest() } else { forgotten.newest() };
        self.forgotten = self.forgotten.max(newest);
        if forgotten.is_loss() {
            self.losses_forgotten = self.losses_forgotten.max(newest);
        }
    }

    /// The id above which the newest entry is.
    fn after_newest(&self) -> EventId {
        match &self.newest {
            Some(Entry::Waited(span) | Entry::Repaired(span)) => span.after,
            Some(entry) => entry.newest(),
            None => EventId::ZERO,
        }
    }

    /// Bytes of memory besides the trail itself, about.
    pub(crate) fn bytes(&self) -> usize {
        let missed = |entry: &Entry| match entry {
            Entry::Missed(missed) => size_of::<Missed>() + missed.given.capacity() * size_of::<EventId>(),
            _ => 0,
        };
        self.older.capacity() * size_of::<Entry>() + self.entries().map(missed).sum::<usize>()
    }

    /// Gives the room back: the connection has ended.
    pub(crate) fn give_room(&self, room: &mut TrailRoom) {
        room.0 += self.older.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u64) -> EventId {
        EventId::new(1, n)
    }

    fn given(trail: &Trail) -> Vec<EventId> {
        let given = trail.entries().filter_map(|entry| match entry {
            Entry::Missed(missed) => Some(missed.given.clone()),
            _ => None,
        });
        given.flatten().collect()
    }

    #[test]
    fn what_is_taken_back_is_not_given() {
        let (mut trail, mut room) = (Trail::default(), TrailRoom::default());
        trail.miss(id(1), id(9), [None; 2], &mut room);
        [3, 5, 8].into_iter().for_each(|n| trail.give(id(n)));
        assert_eq!(given(&trail), [id(3), id(5), id(8)]);
        trail.wait(id(8), 1, &mut room);
        trail.take_back(id(4));
        assert_eq!(given(&trail), [id(3)]);
    }

    #[test]
    fn a_loss_that_is_forgotten_is_told_apart_from_a_wait() {
        let (mut trail, mut room) = (Trail::default(), TrailRoom::default());
        trail.miss(id(1), id(2), [None; 2], &mut room);
        for n in 0..ENTRIES_MAX as u64 {
            assert_eq!(trail.losses_forgotten(), EventId::ZERO, "{n}");
            // Far from each other, so each is an entry.
            trail.wait(id(10 + n), 10_000 * n, &mut room);
            trail.empty(id(10 + n), 10_000 * n);
        }
        assert_eq!((trail.losses_forgotten(), trail.forgotten()), (id(2), id(2)));
        trail.wait(id(100), 10_000_000, &mut room);
        assert_eq!((trail.losses_forgotten(), trail.forgotten()), (id(2), id(10)));
    }
}
