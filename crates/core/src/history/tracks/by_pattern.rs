//! Reads by pattern. They walk over the entries of all tracks ([`ById`](crate::history::by_id::ById)), a bounded number under one
//! lock. A bound may cause a gap too many, but hides no event.
//!
//! A search for marks costs many times what the rest of a read does. So only the first read of a stream searches all channels that
//! match. A later one looks at what was evicted since ([`Evictions`](crate::history::tracks::evictions::Evictions)), and searches again
//! if that has to do with its query, or is too much to look at.

use std::ops::Bound;

use crate::{
    event::{event_id::EventId, gap::GapReason, message::Message, name::Channel, pattern::Pattern, target::Target},
    history::{
        by_id::Entry,
        read::{Batch, Hole, Query},
        tracks::{EXPIRE_EVENTS_MAX, Tracks},
    },
};

/// Times that one read compares a name with a pattern: a few hundred microseconds of work with usual names.
const COMPARED_MAX: usize = 1_024;
/// Entries that a read looks at in any case, so that it goes on however many patterns it has.
const LOOKED_MIN: usize = 16;
/// Channels that a search for marks looks at.
const CHANNELS_MAX: usize = 4_096;
/// A count may look at this many times the entries of a read. A read counts only where it has found a hole.
const COUNTED: usize = 16;

/// The newest mark of the channels that match some patterns.
pub(super) struct PatternMark {
    /// The newest mark of the channels that were looked at, or of a forgotten one.
    pub(super) at_least: EventId,
    /// No mark of a channel that matches is above this.
    pub(super) at_most: EventId,
    /// The track with the newest mark of those that were looked at.
    pub(super) track: Option<usize>,
}

/// Kept events, counted from the newest on.
struct Counted {
    kept: u64,
    /// The event at which there were too many. That one and all older ones are not counted.
    given_up: Option<EventId>,
}

/// The hole before a read, and [`Batch::checked`] behind it.
struct Holes {
    hole: Option<Hole>,
    checked: u64,
}

/// The events of a read.
struct Look {
    batch: Batch,
    /// Whether any of them is too old, and has yet to be evicted.
    has_old: bool,
}

impl Tracks {
    /// Evicts events that are too old, of channels that match, and looks for the newest mark of these.
    pub(super) fn pattern_mark(&mut self, patterns: &[Pattern], now_ms: u64) -> PatternMark {
        let (mut newest, mut over) = (None, Vec::new());
        let mut alike = self.alike(patterns);
        for (pattern, channel, number) in alike.by_ref().take(CHANNELS_MAX) {
            if !pattern.matches(channel.as_str()) {
                continue;
            }
            let track = &self.tracks[number];
            newest = newest.max(Some((track.mark, number)));
            if over.len() < EXPIRE_EVENTS_MAX && track.is_over(now_ms) {
                over.push(number);
            }
        }
        let is_whole = alike.next().is_none();
        drop(alike);
        let mut left = EXPIRE_EVENTS_MAX;
        for number in over {
            while left > 0 && self.tracks[number].is_over(now_ms) && self.evict(number) {
                left -= 1;
            }
            newest = newest.max(Some((self.tracks[number].mark, number)));
        }
        // Any channel that matches may have been forgotten.
        let at_least = newest.map_or(self.forgotten, |(mark, _)| mark.max(self.forgotten));
        let at_most = if is_whole { at_least } else { at_least.max(self.newest_mark) };
        PatternMark { at_least, at_most, track: newest.map(|(_, number)| number) }
    }

    /// Each pattern with the channels whose names begin as it does, and their tracks.
    fn alike<'a>(&'a self, patterns: &'a [Pattern]) -> impl Iterator<Item = (&'a Pattern, &'a Channel, usize)> {
        patterns.iter().flat_map(|pattern| {
            let from = (Bound::Included(pattern.prefix()), Bound::Unbounded);
            let channels = self.channels.range::<str, _>(from);
            channels
                .take_while(|(channel, _)| channel.as_str().starts_with(pattern.prefix()))
                .map(move |(channel, number)| (pattern, channel, *number))
        })
    }

    /// As [`Tracks::read`], for a query with patterns. May end before it has found anything: then [`Batch::next`] is behind the
    /// events that it has looked at.
    pub(super) fn read_by_pattern(&mut self, query: &Query<'_>, lost: EventId, now_ms: u64) -> Batch {
        let looked_max = looked_max(query);
        if self.has_no_new_hole(query, lost) {
            let Look { batch, has_old } = self.look(query, query.after, now_ms);
            // Else there is a hole once that event is evicted.
            if !has_old {
                return Batch { checked: self.evictions.last(), ..batch };
            }
        }
        let mut after = query.after;
        let Holes { mut hole, checked } = self.pattern_holes(query, lost, now_ms);
        if let Some(hole) = &mut hole {
            let counted = self.count_back(query, COUNTED * looked_max);
            hole.kept = counted.kept;
            // Too many to count. What is older is given up, so that the rest of the figures stays exact.
            if let Some(given_up) = counted.given_up {
                hole.to = hole.to.max(given_up);
                after = after.max(given_up);
            }
        }
        Batch { hole, checked, ..self.look(query, after, now_ms).batch }
    }

    /// Whether a look at a few figures shows that there is no hole, or none but those that earlier reads have told. Events that are
    /// too old and not evicted yet are not considered.
    fn has_no_new_hole(&self, query: &Query<'_>, lost: EventId) -> bool {
        if lost > query.after {
            return false;
        }
        let of_channels = self.newest_mark.max(self.forgotten);
        let mark = self.mark(query.targets).map_or(of_channels, |(mark, _)| mark.max(of_channels));
        if mark <= query.after {
            return true;
        }
        let Some(mut evicted) = self.evictions.since(query.checked, looked_max(query)) else { return false };
        !evicted.any(|track| self.is_asked(track, query))
    }

    /// The events of a query with patterns above `after`, without a hole.
    fn look(&self, query: &Query<'_>, after: EventId, now_ms: u64) -> Look {
        let looked_max = looked_max(query);
        let next = query.upto.max(query.after);
        let mut batch = Batch { messages: Vec::new(), next, hole: None, checked: query.checked };
        let (mut looked, mut bytes, mut seen, mut taken) = (0, 0_usize, after, EventId::ZERO);
        let mut has_old = false;
        for entry in self.by_id.range(after, query.upto) {
            if entry.id > seen && looked >= looked_max {
                batch.next = seen;
                break;
            }
            looked += 1;
            if entry.id != taken
                && let Some(message) = self.asked(entry, query)
            {
                bytes = bytes.saturating_add(message.bytes());
                let is_full = batch.messages.len() >= query.limit.messages_max || bytes > query.limit.bytes_max;
                if is_full && !batch.messages.is_empty() {
                    batch.next = taken;
                    break;
                }
                has_old |= self.tracks[entry.track].is_old(entry.id, now_ms);
                taken = entry.id;
                batch.messages.push(message.clone());
            }
            seen = entry.id;
        }
        Look { batch, has_old }
    }

    /// The hole before the events of a query with patterns. Nothing is counted yet.
    fn pattern_holes(&mut self, query: &Query<'_>, lost: EventId, now_ms: u64) -> Holes {
        let of_patterns = self.pattern_mark(query.patterns, now_ms);
        let none = Holes { hole: None, checked: query.checked };
        let Some((mark, target)) = self.mark(query.targets) else { return none };
        let all_to = mark.max(of_patterns.at_most).max(lost);
        let to = all_to.min(query.upto);
        let track = of_patterns.track.filter(|_| of_patterns.at_least > mark);
        let target = track.map_or(target, |track| &self.tracks[track].target).clone();
        let reason = if query.after < lost { GapReason::Restart } else { GapReason::Expired };
        // What is missing above `upto` is told by a later read.
        let checked = if all_to <= query.upto { self.evictions.last() } else { query.checked };
        Holes { hole: (to > query.after).then_some(Hole { to, reason, kept: 0, target }), checked }
    }

    /// Counts the kept events that the query asks for above [`Query::opened`], each once, from the newest on.
    fn count_back(&self, query: &Query<'_>, looked_max: usize) -> Counted {
        let (mut looked, mut seen, mut counted) = (0, None, Counted { kept: 0, given_up: None });
        let mut last = None;
        for entry in self.by_id.range(query.after.max(query.opened), query.upto).rev() {
            if looked >= looked_max && seen != Some(entry.id) {
                counted.given_up = Some(entry.id);
                break;
            }
            looked += 1;
            seen = Some(entry.id);
            if last != seen && self.asked(entry, query).is_some() {
                counted.kept += 1;
                last = seen;
            }
        }
        counted
    }

    /// The message of an entry, if it is kept and the query asks for it.
    fn asked(&self, entry: &Entry, query: &Query<'_>) -> Option<&Message> {
        let track = &self.tracks[entry.track];
        if self.is_asked(entry.track, query) { track.get(entry.id) } else { None }
    }

    /// Whether the query asks for the events of a track.
    fn is_asked(&self, track: usize, query: &Query<'_>) -> bool {
        match &self.tracks[track].target {
            Target::Channel(channel) if query.patterns.iter().any(|pattern| pattern.matches(channel.as_str())) => true,
            target => query.targets.binary_search(target).is_ok(),
        }
    }
}

/// Entries that one read of this query looks at.
fn looked_max(query: &Query<'_>) -> usize {
    (COMPARED_MAX / query.patterns.len()).max(LOOKED_MIN)
}
