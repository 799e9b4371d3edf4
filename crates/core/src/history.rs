//! [`History`]: the events of a hub in their order, and the answers for what is kept of them. A hub without another
//! journal numbers its events by it; in a hub behind one it repeats what that one says.
//!
//! Used under the hub's order lock only, so that numbering, keeping, the check of an idempotency key and handing over
//! are one step. It carries events, never subscribers.
//!
//! # Nouns
//!
//! - Track: the kept events of one target, within its retention.
//! - Mark: the newest event of a target that was given up.
//! - Hole: events of a read that may have been there and are not kept any more. The connection gets a gap for it.

mod by_age;
mod merge;
mod own_ids;
pub(crate) mod past;
pub(crate) mod read;
pub(crate) mod retention;
mod track;
mod tracks;

use crate::{
    event::{
        event_id::EventId,
        gap::{Gap, GapReason},
        message::{Draft, Message},
        target::Target,
    },
    history::{
        past::Past,
        read::{Batch, Beginning, Query, Start},
        retention::Retentions,
        tracks::Tracks,
    },
};

/// How far an id may be ahead of the clock, and of the newest here, that another hub has told.
const AHEAD_MS_MAX: u64 = 10_000;

/// Order and history in memory.
#[derive(Debug)]
pub(crate) struct History {
    last: EventId,
    /// No event has an id at or below this one.
    born: EventId,
    /// Any event up to here may be lost since; at least `born`.
    lost: EventId,
    is_shared: bool,
    tracks: Tracks,
}

impl History {
    /// An empty journal that begins at `now_ms`, Unix time.
    pub(crate) fn new(retentions: Retentions, now_ms: u64) -> Self {
        let born = EventId::new(now_ms, 0);
        Self { last: born, born, lost: born, is_shared: false, tracks: Tracks::new(retentions) }
    }

    /// Whether others write to the journal outside as well.
    pub(crate) fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Whether an event with one of these ids of its publisher's own went to one of `targets`.
    pub(crate) fn knows(&self, own_ids: &[String], targets: &[Target]) -> bool {
        self.tracks.find_own(own_ids, targets).is_some()
    }

    /// The newest id given, or the place where the journal begins; never goes back.
    pub(crate) fn last(&self) -> EventId {
        self.last
    }

    /// Bytes of memory that the history takes.
    pub(crate) fn bytes(&self) -> usize {
        self.tracks.bytes()
    }

    /// Takes over what another journal knows from before.
    pub(crate) fn restore_past(&mut self, past: Past) {
        let Past { born, last, lost, given_up, marks, is_shared } = past;
        self.is_shared = is_shared;
        (self.born, self.last, self.lost) = (born, last.max(born), lost.max(born));
        self.tracks.restore_marks(given_up, marks);
    }

    /// Events up to `upto` may have been there and are not: expired or restart.
    pub(crate) fn lose(&mut self, upto: EventId, reason: GapReason) {
        self.last = self.last.max(upto);
        match reason {
            GapReason::Expired => self.tracks.restore_marks(upto, Vec::new()),
            _ => self.lost = self.lost.max(upto),
        }
    }

    /// Gives `draft` its place, the newest, and keeps it, if it may be kept. `now_ms` is Unix time.
    pub(crate) fn append(&mut self, id: EventId, draft: Draft, now_ms: u64) -> Message {
        self.last = self.last.max(id);
        let message = draft.finish(id);
        self.tracks.push(&message, now_ms);
        message
    }

    /// Lets go of some of what is too old.
    pub(crate) fn expire(&mut self, now_ms: u64) {
        self.tracks.expire(now_ms);
    }

    /// The oldest that is kept.
    pub(crate) fn oldest(&mut self) -> Option<EventId> {
        self.tracks.oldest()
    }

    /// Whether the event with this id is kept of any of its targets.
    pub(crate) fn holds(&self, id: EventId, targets: &[Target]) -> bool {
        self.tracks.holds(id, targets)
    }

    /// Answers `query` from what is kept.
    pub(crate) fn read(&mut self, query: &Query<'_>, now_ms: u64) -> Batch {
        self.tracks.read(query, self.lost, now_ms)
    }

    /// Where a stream that receives `targets` begins.
    pub(crate) fn place(&mut self, start: &Start, targets: &[Target], now_ms: u64) -> Beginning {
        let at = |cursor: EventId| Beginning { cursor, told: EventId::ZERO, gap: None };
        let unknown = Beginning { gap: Some(Gap::UNKNOWN_ID), ..at(self.last) };
        match start {
            Start::Now => at(self.last),
            // Another hub has told it; it comes here too, and is not due a second time.
            Start::After(id)
                if self.is_shared && id.ms() <= now_ms.max(self.last.ms()).saturating_add(AHEAD_MS_MAX) =>
            {
                at(*id)
            }
            Start::After(id) if *id > self.last => unknown,
            Start::After(id) => at(*id),
            // Nothing is missing between the birth and the beginning of its millisecond.
            Start::Since { ms } if *ms == self.born.ms() => at(self.born),
            Start::Since { ms } => at(EventId::new(*ms, 0).before().min(self.last)),
            Start::Earliest => {
                self.tracks.trim_all(targets, now_ms);
                let told = self.tracks.mark(targets).map_or(EventId::ZERO, |(mark, _)| mark);
                Beginning { told, ..at(self.born) }
            }
            Start::AfterOwn(own_ids) => self.tracks.find_own(own_ids, targets).map_or(unknown, at),
        }
    }
}
