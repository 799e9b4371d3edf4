//! Reads of the history: where one begins ([`Start`], [`Beginning`]), what it asks for ([`Query`], [`ReadLimit`]) and what it
//! gives back ([`Batch`], [`Hole`], [`Page`]).

use crate::event::{
    event_id::EventId,
    gap::{Gap, GapReason},
    message::Message,
    target::Target,
};

/// Where a stream begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the next event.
    Now,
    /// With what is kept after this position (exclusive), then live.
    After(EventId),
    /// With what is kept after an event whose publisher gave it one of these ids: after the oldest such event that the
    /// connection would have received. Several are several readings of what a client sent; none is an id that nobody knows.
    AfterOwn(Vec<String>),
    /// With what is kept from this Unix time on, in milliseconds (inclusive).
    Since {
        /// Unix time.
        ms: u64,
    },
    /// With the oldest that is kept.
    Earliest,
}

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
pub(crate) struct Beginning {
    /// It is due what is above this.
    pub(crate) cursor: EventId,
    /// What is missing up to here it need not be told.
    pub(crate) told: EventId,
    /// What it has to be told first.
    pub(crate) gap: Option<Gap>,
}

/// A page of a channel's history.
#[derive(Debug)]
pub struct Page {
    /// Events in id order.
    pub messages: Vec<Message>,
    /// What is missing before or among them.
    pub gap: Option<Gap>,
    /// Where the next page begins (exclusive).
    pub next: EventId,
}
