//! [`Tracks`]: the kept events by target, within the limits, and the ids up to which events were evicted.
//!
//! An event is kept once and stands in the track of each of its targets. Each eviction raises the mark of its target, so that a
//! read can tell a hole. A read may tell a hole where nothing is missing, but never the reverse.

mod by_pattern;
mod evictions;

use std::collections::{BTreeMap, HashMap};

use crate::{
    event::{event_id::EventId, gap::GapReason, message::Message, name::Channel, pattern::Pattern, target::Target},
    history::by_age::ByAge,
    history::by_id::{ById, Entry},
    history::merge::merge,
    history::own_ids::OwnIds,
    history::{
        read::{Batch, Hole, Query},
        retention::Retentions,
        track::{Track, is_shared},
        tracks::evictions::Evictions,
    },
};

/// Tracks that one call of [`Tracks::expire`] looks at, and events that it evicts: a few hundred microseconds of work.
const EXPIRE_TRACKS_MAX: usize = 2_048;
const EXPIRE_EVENTS_MAX: usize = 1_024;
/// Bytes of history for each evicted publisher's own id that is remembered. An id takes about 128 bytes, so the ids add about an
/// eighth to the history.
const BYTES_PER_GIVEN_UP_ID: usize = 1_024;

/// Events by target.
#[derive(Debug)]
pub(crate) struct Tracks {
    tracks: Vec<Track>,
    numbers: HashMap<Target, usize>,
    /// The tracks of channels by name, for patterns.
    channels: BTreeMap<Channel, usize>,
    by_id: ById,
    /// Tracks by their oldest event, for the limit in bytes. `is_listed` says for each track whether it has an entry.
    by_oldest: ByAge,
    is_listed: Vec<bool>,
    /// Tracks by their newest event, for the limit of targets.
    by_newest: ByAge,
    /// The number of tracks in which an event with several targets still stands.
    shared: HashMap<EventId, usize>,
    own_ids: OwnIds,
    bytes: usize,
    /// The newest mark of a forgotten target.
    forgotten: EventId,
    /// The newest mark of all channels.
    newest_mark: EventId,
    evictions: Evictions,
    expire_at: usize,
    retentions: Retentions,
}

impl Tracks {
    pub(crate) fn new(retentions: Retentions) -> Self {
        Self {
            tracks: Vec::new(),
            numbers: HashMap::new(),
            channels: BTreeMap::new(),
            by_id: ById::default(),
            by_oldest: ByAge::default(),
            is_listed: Vec::new(),
            by_newest: ByAge::default(),
            shared: HashMap::new(),
            own_ids: OwnIds::new(retentions.bytes_max / BYTES_PER_GIVEN_UP_ID),
            bytes: 0,
            forgotten: EventId::ZERO,
            newest_mark: EventId::ZERO,
            evictions: Evictions::new(),
            expire_at: 0,
            retentions,
        }
    }

    /// Bytes of memory that events take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Events that are kept, one for each of their targets, and targets that have a track.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.by_id.kept(), self.numbers.len())
    }

    /// The event with this id.
    pub(crate) fn find(&self, id: EventId) -> Option<&Message> {
        self.by_id.range(id.before(), id).find_map(|entry| self.tracks[entry.track].get(id))
    }

    /// Evicts all events of `channel`. Returns how many there were.
    pub(crate) fn purge(&mut self, channel: &Channel) -> usize {
        let Some(number) = self.channels.get(channel).copied() else { return 0 };
        let mut purged = 0;
        while self.evict(number) {
            purged += 1;
        }
        purged
    }

    /// The number of kept events of `channel`, and their bytes.
    pub(crate) fn kept_of(&self, channel: &Channel) -> (usize, usize) {
        self.channels.get(channel).map_or((0, 0), |number| self.tracks[*number].kept())
    }

    pub(crate) fn retentions(&self) -> &Retentions {
        &self.retentions
    }

    /// Sets other limits, also for the tracks that there are.
    pub(crate) fn set_retentions(&mut self, retentions: Retentions) {
        for track in &mut self.tracks {
            track.set_retention(retentions.of(&track.target));
        }
        self.retentions = retentions;
    }

    /// Keeps `message`, which is the newest, and evicts events above the limits. A live-only message is not kept. If its
    /// publisher gave it an id, its position is remembered.
    pub(crate) fn push(&mut self, message: &Message, now_ms: u64) {
        self.own_ids.push(message);
        if !message.is_kept() {
            return;
        }
        self.bytes += message.kept_bytes();
        if is_shared(message) {
            self.shared.insert(message.id(), message.targets().len());
        }
        for target in message.targets() {
            let number = self.track(target, message.id());
            self.tracks[number].push(message.clone());
            if !self.is_listed[number] {
                self.is_listed[number] = true;
                self.by_oldest.push(message.id(), number);
            }
            let tracks = &self.tracks;
            self.by_id.push(Entry { id: message.id(), track: number }, |entry| tracks[entry.track].is_kept(entry.id));
            self.trim(number, now_ms);
        }
        while self.bytes > self.retentions.bytes_max && self.evict_oldest() {}
    }

    /// The number of the track of `target`. Makes a track if there is none.
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
        if let Target::Channel(channel) = target {
            self.channels.insert(channel.clone(), number);
        }
        self.by_newest.push(newest, number);
        number
    }

    /// Forgets the target that was silent for longest, to make room for another one. Its mark then counts for all targets
    /// without a track.
    fn forget_oldest(&mut self) -> usize {
        let tracks = &self.tracks;
        let number = self.by_newest.pop(|number| Some(tracks[number].newest), |_| {}).unwrap_or_default();
        while self.evict(number) {}
        let track = &self.tracks[number];
        self.forgotten = self.forgotten.max(track.mark);
        self.evictions.forget();
        self.numbers.remove(&track.target);
        if let Target::Channel(channel) = &track.target {
            self.channels.remove(channel);
        }
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

    /// Evicts the oldest event of a track. False if there is none.
    fn evict(&mut self, number: usize) -> bool {
        let track = &mut self.tracks[number];
        let Some(message) = track.pop() else { return false };
        if matches!(track.target, Target::Channel(_)) {
            self.newest_mark = self.newest_mark.max(track.mark);
        }
        self.evictions.push(number);
        self.by_id.evicted();
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
        self.own_ids.remove(&message);
        true
    }

    /// Evicts some of the events that are too old. All tracks have their turn.
    pub(crate) fn expire(&mut self, now_ms: u64) {
        let tracks = &self.tracks;
        self.by_id.clean(EXPIRE_EVENTS_MAX, |entry| tracks[entry.track].is_kept(entry.id));
        self.by_id.shrink();
        let mut mark = 0;
        for _ in 0..EXPIRE_TRACKS_MAX.min(self.tracks.len()) {
            while self.tracks[self.expire_at].is_over(now_ms) && self.evict(self.expire_at) {
                mark += 1;
                if mark == EXPIRE_EVENTS_MAX {
                    return;
                }
            }
            self.tracks[self.expire_at].shrink();
            self.expire_at = if self.expire_at + 1 < self.tracks.len() { self.expire_at + 1 } else { 0 };
        }
    }

    /// The position after which a client begins whose last event has one of `own_ids` and went to one of `targets`, or to a channel
    /// that matches one of `patterns`.
    pub(crate) fn find_own(&self, own_ids: &[String], targets: &[Target], patterns: &[Pattern]) -> Option<EventId> {
        own_ids.iter().filter_map(|own_id| self.own_ids.find(own_id, targets, patterns)).min()
    }

    /// The newest id that was evicted for sure from one of `targets`, or from a channel that matches one of `patterns`. Evicts first
    /// what is too old.
    pub(crate) fn known_mark(&mut self, targets: &[Target], patterns: &[Pattern], now_ms: u64) -> EventId {
        self.trim_all(targets, now_ms);
        let of_patterns =
            if patterns.is_empty() { EventId::ZERO } else { self.pattern_mark(patterns, now_ms).at_least };
        self.mark(targets).map_or(EventId::ZERO, |(mark, _)| mark).max(of_patterns)
    }

    /// The newest id that may have been evicted from one of `targets`, with that target.
    fn mark<'a>(&self, targets: &'a [Target]) -> Option<(EventId, &'a Target)> {
        let mark = |target| self.numbers.get(target).map_or(self.forgotten, |number| self.tracks[*number].mark);
        targets.iter().map(|target| (mark(target), target)).max_by_key(|(mark, _)| *mark)
    }

    /// Takes over evictions of an earlier time: of any target up to `forgotten`, and of the targets in `marks`.
    pub(crate) fn restore_marks(&mut self, forgotten: EventId, mut marks: Vec<(Target, EventId)>) {
        self.forgotten = self.forgotten.max(forgotten);
        for track in &mut self.tracks {
            track.mark = track.mark.max(forgotten);
        }
        // The newest come last. If there are too many, the oldest are forgotten.
        marks.sort_unstable_by_key(|(_, mark)| *mark);
        for (target, mark) in marks {
            let number = self.track(&target, mark);
            // A journal may still have events that were given up. A purge must not let them come back.
            while self.tracks[number].oldest().is_some_and(|oldest| oldest <= mark) && self.evict(number) {}
            self.tracks[number].mark = self.tracks[number].mark.max(mark);
            self.newest_mark = self.newest_mark.max(mark);
        }
        self.evictions.forget();
    }

    /// The oldest event.
    pub(crate) fn oldest(&mut self) -> Option<EventId> {
        let Self { tracks, by_oldest, is_listed, .. } = self;
        let number = by_oldest.pop(|number| tracks[number].oldest(), |number| is_listed[number] = false)?;
        let oldest = tracks[number].oldest()?;
        by_oldest.push(oldest, number);
        Some(oldest)
    }

    /// Whether the event with this id stands in the track of any of `targets`.
    pub(crate) fn holds(&self, id: EventId, targets: &[Target]) -> bool {
        let holds = |target| self.numbers.get(target).is_some_and(|number| self.tracks[*number].holds(id));
        targets.iter().any(holds)
    }

    /// Evicts events of `targets` that are above the limits.
    fn trim_all(&mut self, targets: &[Target], now_ms: u64) {
        for target in targets {
            if let Some(number) = self.numbers.get(target) {
                self.trim(*number, now_ms);
            }
        }
    }

    /// The kept events that `query` asks for, and the hole before them. Any event up to `lost` may be missing.
    pub(crate) fn read(&mut self, query: &Query<'_>, lost: EventId, now_ms: u64) -> Batch {
        self.trim_all(query.targets, now_ms);
        if !query.patterns.is_empty() {
            return self.read_by_pattern(query, lost, now_ms);
        }
        let numbers: Vec<_> = query.targets.iter().filter_map(|target| self.numbers.get(target).copied()).collect();
        let hole = self.hole(query, &numbers, lost);
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
        Batch { messages, next, hole, checked: query.checked }
    }

    fn hole(&self, query: &Query<'_>, numbers: &[usize], lost: EventId) -> Option<Hole> {
        let (mark, target) = self.mark(query.targets)?;
        let to = mark.max(lost).min(query.upto);
        (to > query.after).then(|| Hole {
            to,
            reason: if query.after < lost { GapReason::Restart } else { GapReason::Expired },
            kept: self.count(numbers, query.after.max(query.opened), query.upto),
            target: target.clone(),
        })
    }

    /// The number of events of these tracks above `after` and up to `upto`, each counted once.
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
        merge(numbers.iter().map(|number| self.tracks[*number].after(after)).collect())
    }
}
