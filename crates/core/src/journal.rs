//! [`MemoryJournal`]: decides the order of all events of a hub and answers for what it keeps.
//!
//! Used under the hub's order lock only, so that numbering and handing over are one step. It carries events,
//! never subscribers.

use crate::{
    event_id::EventId,
    message::{Draft, Message},
    target::Target,
};

/// What one read gives back, all from one snapshot of the journal.
#[derive(Debug)]
pub struct Batch {
    /// Matching events in id order, each once.
    pub messages: Vec<Message>,
    /// Everything that matches up to here (inclusive) is in `messages`: where the next read goes on.
    pub next: EventId,
}

/// How much one read may give back. The first event comes whatever its size.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimit {
    /// At most so many events.
    pub messages_max: usize,
    /// At most so many bytes.
    pub bytes_max: usize,
}

/// Order in memory. It keeps no history yet: a read finds nothing and says up to where.
#[derive(Debug, Default)]
pub(crate) struct MemoryJournal {
    last: EventId,
}

impl MemoryJournal {
    /// The newest id given; never goes back.
    pub(crate) fn last(&self) -> EventId {
        self.last
    }

    /// Gives `draft` its place. `now_ms` is Unix time.
    pub(crate) fn append(&mut self, now_ms: u64, draft: Draft) -> Message {
        self.last = self.last.next(now_ms);
        draft.finish(self.last)
    }

    /// What is kept for any of `targets` after `after` (exclusive).
    pub(crate) fn read(&self, after: EventId, _targets: &[Target], _limit: ReadLimit) -> Batch {
        Batch { messages: Vec::new(), next: self.last.max(after) }
    }
}
