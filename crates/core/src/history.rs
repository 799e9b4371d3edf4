//! The memory of past events: the events that a hub keeps, and the part of them that a stream with a cursor gets.
//!
//! A `History` is used under the order lock only, so that numbering, keeping and handing over are one step. This folder knows
//! events and nothing else: no subscriber, no queue, no journal.
//!
//! # Nouns
//!
//! - [`History`]: all kept events of a hub, and the newest id.
//! - Mark: the newest event that a target has given up.
//! - [`read::Hole`]: events that a read cannot give, because they were given up or lost. The connection gets a gap for it.
//!
//! # Walk
//!
//! Each published event is appended to the tracks of its targets, and each track gives up its oldest events. A stream has its
//! `Start` turned into a cursor, then reads batch after batch. A read by pattern goes over the entries of all tracks.

mod by_age;
mod by_id;
mod merge;
mod own_ids;
pub(crate) mod past;
mod purges;
pub(crate) mod read;
pub(crate) mod recent;
pub(crate) mod retention;
mod track;
mod tracks;

use crate::{
    event::{
        draft::Draft,
        event_id::EventId,
        gap::{Gap, GapReason},
        message::Message,
        name::Channel,
        pattern::Pattern,
        target::Target,
    },
    history::{
        past::Past,
        purges::Purges,
        read::{Batch, Beginning, Query, Start},
        recent::{Recent, Remembered},
        retention::Retentions,
        tracks::Tracks,
    },
};

/// The furthest that a client's cursor from another hub may be ahead of the clock and of the newest id here (in milliseconds).
const AHEAD_MS_MAX: u64 = 10_000;

/// The kept events of a hub in their order.
#[derive(Debug)]
pub(crate) struct History {
    last: EventId,
    /// An id below those of all events.
    born: EventId,
    /// Any event up to this id may be lost. At least `born`.
    lost: EventId,
    is_shared: bool,
    tracks: Tracks,
    recent: Recent,
    purges: Purges,
}

impl History {
    /// An empty history that begins at `now_ms` (Unix time).
    pub(crate) fn new(retentions: Retentions, now_ms: u64) -> Self {
        let born = EventId::new(now_ms, 0);
        Self {
            last: born,
            born,
            lost: born,
            is_shared: false,
            tracks: Tracks::new(retentions),
            recent: Recent::default(),
            purges: Purges::default(),
        }
    }

    /// Whether the hub shares its journal with others.
    pub(crate) fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Whether an event with one of these publisher's own ids went to one of `targets`, or to a channel that matches a pattern.
    pub(crate) fn knows(&self, own_ids: &[String], targets: &[Target], patterns: &[Pattern]) -> bool {
        self.tracks.find_own(own_ids, targets, patterns).is_some()
    }

    /// The newest id, or the beginning of the history if there is none. Only rises.
    pub(crate) fn last(&self) -> EventId {
        self.last
    }

    /// Bytes of memory that the history takes.
    pub(crate) fn bytes(&self) -> usize {
        self.tracks.bytes()
    }

    /// Takes over the past of an external journal.
    pub(crate) fn restore_past(&mut self, past: Past) {
        let Past { born, last, lost, given_up, marks, is_shared } = past;
        self.is_shared = is_shared;
        (self.born, self.last, self.lost) = (born, last.max(born), lost.max(born));
        self.tracks.restore_marks(given_up, marks);
    }

    /// Notes that any event up to `upto` may be missing. `reason` is expired or restart.
    pub(crate) fn lose(&mut self, upto: EventId, reason: GapReason) {
        self.last = self.last.max(upto);
        self.recent.forget_up_to(upto);
        match reason {
            GapReason::Expired => self.tracks.restore_marks(upto, Vec::new()),
            _ => self.lost = self.lost.max(upto),
        }
    }

    /// Finishes `draft` with `id`, the newest, and keeps the message if it may be kept. `now_ms` is Unix time.
    pub(crate) fn append(&mut self, id: EventId, draft: Draft, now_ms: u64) -> Message {
        self.last = self.last.max(id);
        let message = draft.finish(id);
        self.tracks.push(&message, now_ms);
        self.recent.push(&message);
        message
    }

    /// Evicts some of the events that are too old.
    pub(crate) fn expire(&mut self, now_ms: u64) {
        self.tracks.expire(now_ms);
    }

    /// The oldest event that is kept.
    pub(crate) fn oldest(&mut self) -> Option<EventId> {
        let oldest = self.tracks.oldest();
        self.purges.forget(oldest);
        oldest
    }

    /// The event with this id, without its data. `Err` if there may have been one that is forgotten.
    pub(crate) fn find(&self, id: EventId) -> Result<Option<Remembered>, ()> {
        self.recent.find(id).or_else(|()| {
            self.tracks
                .find(id)
                .map(|message| {
                    let (targets, is_kept) = (message.shared_targets(), message.is_kept());
                    Some(Remembered { id, targets, is_kept })
                })
                .ok_or(())
        })
    }

    /// Events that are kept, and targets with a history.
    pub(crate) fn counts(&self) -> (usize, usize) {
        self.tracks.counts()
    }

    /// Evicts all events of `channel`, for a purge with this id, the newest. Returns how many there were.
    pub(crate) fn purge(&mut self, id: EventId, channel: &Channel) -> usize {
        self.last = self.last.max(id);
        let purged = self.tracks.purge(channel);
        self.purges.push(id, self.tracks.oldest());
        purged
    }

    /// The number of kept events of `channel`, and their bytes.
    pub(crate) fn kept_of(&self, channel: &Channel) -> (usize, usize) {
        self.tracks.kept_of(channel)
    }

    /// The limits.
    pub(crate) fn retentions(&self) -> &Retentions {
        self.tracks.retentions()
    }

    /// Sets other limits. Events beyond them are evicted with the next ones that come, or as they are found.
    pub(crate) fn set_retentions(&mut self, retentions: Retentions) {
        self.tracks.set_retentions(retentions);
    }

    /// Whether the event with this id is kept for any of these targets, or is a purge that a journal still needs.
    pub(crate) fn holds(&self, id: EventId, targets: &[Target]) -> bool {
        self.tracks.holds(id, targets) || self.purges.holds(id)
    }

    /// Answers `query` from the kept events.
    pub(crate) fn read(&mut self, query: &Query<'_>, now_ms: u64) -> Batch {
        self.tracks.read(query, self.lost, now_ms)
    }

    /// The beginning of a stream that receives `targets` and all channels that match `patterns`.
    pub(crate) fn beginning(
        &mut self,
        start: &Start,
        targets: &[Target],
        patterns: &[Pattern],
        now_ms: u64,
    ) -> Beginning {
        let at = |cursor: EventId| Beginning { cursor, known: EventId::ZERO, gap: None };
        let unknown = Beginning { gap: Some(Gap::UNKNOWN_ID), ..at(self.last) };
        match start {
            Start::Now => at(self.last),
            // Another hub gave the client this cursor. Events up to it come here later, and the client must not get them again.
            Start::After(id)
                if self.is_shared && id.ms() <= now_ms.max(self.last.ms()).saturating_add(AHEAD_MS_MAX) =>
            {
                at(*id)
            }
            Start::After(id) if *id > self.last => unknown,
            Start::After(id) => at(*id),
            // No event is missing between the beginning of the history and that of its millisecond.
            Start::Since { ms } if *ms == self.born.ms() => at(self.born),
            Start::Since { ms } => at(EventId::new(*ms, 0).before().min(self.last)),
            Start::Earliest => Beginning { known: self.tracks.known_mark(targets, patterns, now_ms), ..at(self.born) },
            Start::AfterOwn(own_ids) => self.tracks.find_own(own_ids, targets, patterns).map_or(unknown, at),
        }
    }
}
