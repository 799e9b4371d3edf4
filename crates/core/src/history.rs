//! [`History`]: what the journal keeps, by target, within its limits; and what it can no longer tell.
//!
//! An event is kept once and stands in the track of each of its targets. Whatever is evicted leaves its mark, so that
//! a read knows what may be missing: a hole too many is allowed, a missing one is not.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BinaryHeap, HashMap, binary_heap::PeekMut},
};

use crate::{
    event_id::EventId,
    gap::GapReason,
    journal::{Batch, Hole, Query},
    message::Message,
    retention::Retentions,
    target::Target,
    track::{Track, is_shared},
};

/// Tracks that one call of [`History::expire`] looks at.
const EXPIRED_PER_CALL: usize = 2_048;

/// Track numbers by an id that only grows. One entry each; one that lags behind is corrected when it comes up.
#[derive(Debug, Default)]
struct Oldest(BinaryHeap<Reverse<(EventId, usize)>>);

impl Oldest {
    fn push(&mut self, id: EventId, number: usize) {
        self.0.push(Reverse((id, number)));
    }

    /// Takes out the number whose `id_of` is the lowest. Numbers without an id are taken out on the way and handed to
    /// `is_out`.
    fn pop(&mut self, id_of: impl Fn(usize) -> Option<EventId>, mut is_out: impl FnMut(usize)) -> Option<usize> {
        while let Some(Reverse((id, number))) = self.0.pop() {
            match id_of(number) {
                None => is_out(number),
                Some(now) if now > id => self.push(now, number),
                Some(_) => return Some(number),
            }
        }
        None
    }
}

/// Events by target.
#[derive(Debug)]
pub(crate) struct History {
    tracks: Vec<Track>,
    numbers: HashMap<Target, usize>,
    /// By their oldest event: for the limit in bytes. `is_listed` says for each track whether it has an entry.
    by_oldest: Oldest,
    is_listed: Vec<bool>,
    /// By their newest event: for the limit of targets.
    by_newest: Oldest,
    /// In how many tracks an event with several targets still stands.
    shared: HashMap<EventId, usize>,
    /// Events with an id of their publisher's own, oldest first.
    own_ids: HashMap<Box<str>, Vec<Message>>,
    bytes: usize,
    /// The newest mark of a target that was forgotten.
    forgotten: EventId,
    expired: usize,
    retentions: Retentions,
}

impl History {
    pub(crate) fn new(retentions: Retentions) -> Self {
        Self {
            tracks: Vec::new(),
            numbers: HashMap::new(),
            by_oldest: Oldest::default(),
            is_listed: Vec::new(),
            by_newest: Oldest::default(),
            shared: HashMap::new(),
            own_ids: HashMap::new(),
            bytes: 0,
            forgotten: EventId::ZERO,
            expired: 0,
            retentions,
        }
    }

    /// Bytes of memory that events take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Keeps `message`, the newest there is, and evicts what is too much.
    pub(crate) fn push(&mut self, message: &Message, now_ms: u64) {
        self.bytes += message.kept_bytes();
        if is_shared(message) {
            self.shared.insert(message.id(), message.targets().len());
        }
        if let Some(own_id) = message.own_id() {
            self.own_ids.entry(own_id.into()).or_default().push(message.clone());
        }
        for target in message.targets() {
            let number = self.track(target, message.id());
            self.tracks[number].push(message.clone());
            if !self.is_listed[number] {
                self.is_listed[number] = true;
                self.by_oldest.push(message.id(), number);
            }
            self.trim(number, now_ms);
        }
        while self.bytes > self.retentions.bytes_max && self.evict_oldest() {}
    }

    /// The number of the track of `target`; of a new one if it has none.
    fn track(&mut self, target: &Target, newest: EventId) -> usize {
        if let Some(number) = self.numbers.get(target) {
            return *number;
        }
        let track = Track::new(target.clone(), self.retentions.of(target), self.forgotten);
        let number = if self.numbers.len() < self.retentions.targets_max.max(1) {
            self.tracks.push(track);
            self.is_listed.push(false);
            self.tracks.len() - 1
        } else {
            let number = self.forget_oldest();
            self.tracks[number] = Track::new(target.clone(), self.retentions.of(target), self.forgotten);
            number
        };
        self.numbers.insert(target.clone(), number);
        self.by_newest.push(newest, number);
        number
    }

    /// Makes room for another target: the one that was silent for longest goes, and its mark becomes everybody's.
    fn forget_oldest(&mut self) -> usize {
        let tracks = &self.tracks;
        let number = self.by_newest.pop(|number| Some(tracks[number].newest), |_| {}).unwrap_or_default();
        while self.evict(number) {}
        let track = &self.tracks[number];
        self.forgotten = self.forgotten.max(track.evicted);
        self.numbers.remove(&track.target);
        number
    }

    fn trim(&mut self, number: usize, now_ms: u64) {
        while self.tracks[number].is_over(now_ms) && self.evict(number) {}
    }

    fn evict_oldest(&mut self) -> bool {
        let Self { tracks, by_oldest, is_listed, .. } = self;
        let Some(number) = by_oldest.pop(|number| tracks[number].oldest(), |number| is_listed[number] = false) else {
            return false;
        };
        self.evict(number);
        let oldest = self.tracks[number].oldest();
        self.is_listed[number] = oldest.is_some();
        if let Some(oldest) = oldest {
            self.by_oldest.push(oldest, number);
        }
        true
    }

    /// Evicts the oldest event of a track; false if there is none.
    fn evict(&mut self, number: usize) -> bool {
        let Some(message) = self.tracks[number].pop() else { return false };
        if is_shared(&message)
            && let Some(tracks) = self.shared.get_mut(&message.id())
        {
            *tracks -= 1;
            if *tracks > 0 {
                return true;
            }
            self.shared.remove(&message.id());
        }
        self.bytes -= message.kept_bytes();
        if let Some(own_id) = message.own_id()
            && let Some(same) = self.own_ids.get_mut(own_id)
        {
            same.retain(|one| one.id() != message.id());
            if same.is_empty() {
                self.own_ids.remove(own_id);
            }
        }
        true
    }

    /// Evicts what is too old from some of the tracks; they all have their turn.
    pub(crate) fn expire(&mut self, now_ms: u64) {
        for _ in 0..EXPIRED_PER_CALL.min(self.tracks.len()) {
            self.expired = if self.expired + 1 < self.tracks.len() { self.expired + 1 } else { 0 };
            self.trim(self.expired, now_ms);
            self.tracks[self.expired].shrink();
        }
    }

    /// The newest event with this id of its publisher's own that goes to one of `targets`.
    pub(crate) fn find_own(&self, own_id: &str, targets: &[Target]) -> Option<EventId> {
        let is_for_them = |message: &&Message| message.targets().iter().any(|target| targets.contains(target));
        self.own_ids.get(own_id)?.iter().rev().find(is_for_them).map(Message::id)
    }

    /// The newest id that may have been evicted from one of `targets`, and from which.
    pub(crate) fn mark<'a>(&self, targets: &'a [Target]) -> Option<(EventId, &'a Target)> {
        let mark = |target| self.numbers.get(target).map_or(self.forgotten, |number| self.tracks[*number].evicted);
        targets.iter().map(|target| (mark(target), target)).max_by_key(|(mark, _)| *mark)
    }

    /// What is kept above `query.after`, and what may be missing there; `born` is where the journal begins.
    pub(crate) fn read(&mut self, query: &Query<'_>, born: EventId, now_ms: u64) -> Batch {
        let numbers: Vec<_> = query.targets.iter().filter_map(|target| self.numbers.get(target).copied()).collect();
        for number in &numbers {
            self.trim(*number, now_ms);
        }
        let hole = self.hole(query, &numbers, born);
        let (mut messages, mut bytes) = (Vec::new(), 0_usize);
        let is_asked = |(id, _): &&(EventId, Message)| *id <= query.upto;
        let mut kept = self.merge(&numbers, query.after).take_while(is_asked).peekable();
        while let Some((_, message)) = kept.next_if(|(_, message)| {
            bytes = bytes.saturating_add(message.bytes());
            messages.is_empty() || (messages.len() < query.limit.messages_max && bytes <= query.limit.bytes_max)
        }) {
            messages.push(message.clone());
        }
        let last = messages.last().map(Message::id);
        let next = last.filter(|_| kept.peek().is_some()).unwrap_or(query.upto.max(query.after));
        Batch { messages, next, hole }
    }

    fn hole(&self, query: &Query<'_>, numbers: &[usize], born: EventId) -> Option<Hole> {
        let (mark, target) = self.mark(query.targets)?;
        let to = mark.max(born).min(query.upto);
        (to > query.after).then(|| Hole {
            to,
            reason: if query.after < born { GapReason::Restart } else { GapReason::Expired },
            kept: self.count(numbers, query.after.max(query.opened), query.upto),
            target: target.clone(),
        })
    }

    /// How many events stand in any of these tracks above `after`, up to `upto`.
    fn count(&self, numbers: &[usize], after: EventId, upto: EventId) -> u64 {
        let tracks = || numbers.iter().map(|number| &self.tracks[*number]);
        let count = if tracks().all(|track| track.shared == 0) {
            tracks().map(|track| track.count(after, upto)).sum()
        } else {
            self.merge(numbers, after).take_while(|(id, _)| *id <= upto).count()
        };
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    /// The events of these tracks above `after` in the order of their ids, each once.
    fn merge(&self, numbers: &[usize], after: EventId) -> impl Iterator<Item = &(EventId, Message)> {
        let mut rests: Vec<_> = numbers.iter().map(|number| self.tracks[*number].after(after)).collect();
        let heads = rests.iter_mut().enumerate().filter_map(|(at, rest)| Some(Head { event: rest.next()?, at }));
        let mut heads: BinaryHeap<_> = heads.collect();
        let mut last = None;
        std::iter::from_fn(move || {
            loop {
                let mut head = heads.peek_mut()?;
                let event = head.event;
                match rests[head.at].next() {
                    Some(next) => head.event = next,
                    None => drop(PeekMut::pop(head)),
                }
                // One that stands in several tracks comes several times in a row.
                if last.replace(event.0) != Some(event.0) {
                    return Some(event);
                }
            }
        })
    }
}

/// The next event of one track. The greatest of them is the oldest event.
struct Head<'a> {
    event: &'a (EventId, Message),
    at: usize,
}

impl Ord for Head<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.event.0.cmp(&self.event.0)
    }
}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.event.0 == other.event.0
    }
}

impl Eq for Head<'_> {}
