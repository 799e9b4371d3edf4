//! [`MemoryJournal`]: the events of a hub in their order, and the answers for what is kept of them. A hub without another
//! journal numbers its events by it; in a hub behind one it repeats what that one says.
//!
//! Used under the hub's order lock only, so that numbering, keeping, the check of an idempotency key and handing over
//! are one step. It carries events, never subscribers.

use crate::{
    event_id::EventId,
    gap::{Gap, GapReason},
    history::History,
    journal::Past,
    message::{Draft, Message},
    retention::Retentions,
    subscription::Start,
    target::Target,
};

/// What one read gives back, all from one snapshot of the journal.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Matching events in id order, each once.
    pub(crate) messages: Vec<Message>,
    /// Everything kept that matches up to here (inclusive) is in `messages`: where the next read goes on.
    pub(crate) next: EventId,
    /// What may be missing.
    pub(crate) hole: Option<Hole>,
}

/// Events above the cursor of a read, up to `to`, may have been there and are not kept any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hole {
    /// The last id that may be missing (inclusive).
    pub(crate) to: EventId,
    /// Expired or restart.
    pub(crate) reason: GapReason,
    /// How many events the journal still has of those asked for that are above [`Query::opened`].
    pub(crate) kept: u64,
    /// Of all targets asked for the one that reaches back the least.
    pub(crate) target: Target,
}

/// How much one read may give back. The first event comes whatever its size.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimit {
    /// At most so many events.
    pub messages_max: usize,
    /// At most so many bytes.
    pub bytes_max: usize,
}

/// What a read asks for.
pub(crate) struct Query<'a> {
    /// Events above this id,
    pub(crate) after: EventId,
    /// up to this one, which is not above the journal's newest,
    pub(crate) upto: EventId,
    /// that go to any of these.
    pub(crate) targets: &'a [Target],
    pub(crate) limit: ReadLimit,
    /// For [`Hole::kept`].
    pub(crate) opened: EventId,
}

/// Where a stream begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// It is due what is above this.
    pub(crate) cursor: EventId,
    /// What is missing up to here it need not be told.
    pub(crate) told: EventId,
    /// What it has to be told first.
    pub(crate) gap: Option<Gap>,
}

/// How far an id may be ahead of the clock, and of the newest here, that another hub has told.
const AHEAD_MS_MAX: u64 = 10_000;

/// Order and history in memory.
#[derive(Debug)]
pub(crate) struct MemoryJournal {
    last: EventId,
    /// No event has an id at or below this one.
    born: EventId,
    /// Any event up to here may be lost since; at least `born`.
    lost: EventId,
    is_shared: bool,
    history: History,
}

impl MemoryJournal {
    /// An empty journal that begins at `now_ms`, Unix time.
    pub(crate) fn new(retentions: Retentions, now_ms: u64) -> Self {
        let born = EventId::new(now_ms, 0);
        Self { last: born, born, lost: born, is_shared: false, history: History::new(retentions) }
    }

    /// Whether others write to the journal outside as well.
    pub(crate) fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Whether an event with one of these ids of its publisher's own went to one of `targets`.
    pub(crate) fn knows(&self, own_ids: &[String], targets: &[Target]) -> bool {
        self.history.find_own(own_ids, targets).is_some()
    }

    /// The newest id given, or the place where the journal begins; never goes back.
    pub(crate) fn last(&self) -> EventId {
        self.last
    }

    /// Bytes of memory that the history takes.
    pub(crate) fn bytes(&self) -> usize {
        self.history.bytes()
    }

    /// Takes over what another journal knows from before.
    pub(crate) fn restore_past(&mut self, past: Past) {
        let Past { born, last, lost, given_up, marks, is_shared } = past;
        self.is_shared = is_shared;
        (self.born, self.last, self.lost) = (born, last.max(born), lost.max(born));
        self.history.restore_marks(given_up, marks);
    }

    /// Events up to `upto` may have been there and are not: expired or restart.
    pub(crate) fn lose(&mut self, upto: EventId, reason: GapReason) {
        self.last = self.last.max(upto);
        match reason {
            GapReason::Expired => self.history.restore_marks(upto, Vec::new()),
            _ => self.lost = self.lost.max(upto),
        }
    }

    /// Gives `draft` its place, the newest, and keeps it, if it may be kept. `now_ms` is Unix time.
    pub(crate) fn append(&mut self, id: EventId, draft: Draft, now_ms: u64) -> Message {
        self.last = self.last.max(id);
        let message = draft.finish(id);
        self.history.push(&message, now_ms);
        message
    }

    /// Lets go of some of what is too old.
    pub(crate) fn expire(&mut self, now_ms: u64) {
        self.history.expire(now_ms);
    }

    /// The oldest that is kept.
    pub(crate) fn oldest(&mut self) -> Option<EventId> {
        self.history.oldest()
    }

    /// Whether the event with this id is kept of any of its targets.
    pub(crate) fn holds(&self, id: EventId, targets: &[Target]) -> bool {
        self.history.holds(id, targets)
    }

    /// Answers `query` from what is kept.
    pub(crate) fn read(&mut self, query: &Query<'_>, now_ms: u64) -> Batch {
        self.history.read(query, self.lost, now_ms)
    }

    /// Where a stream that receives `targets` begins.
    pub(crate) fn place(&mut self, start: &Start, targets: &[Target], now_ms: u64) -> Place {
        let at = |cursor: EventId| Place { cursor, told: EventId::ZERO, gap: None };
        let unknown = Place { gap: Some(Gap::UNKNOWN_ID), ..at(self.last) };
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
                self.history.trim_all(targets, now_ms);
                let told = self.history.mark(targets).map_or(EventId::ZERO, |(mark, _)| mark);
                Place { told, ..at(self.born) }
            }
            Start::AfterOwn(own_ids) => self.history.find_own(own_ids, targets).map_or(unknown, at),
        }
    }
}
