//! Reads of the history. The beginning of a stream: [`Start`], [`Beginning`]. One read: [`Query`], [`ReadLimit`], [`Batch`],
//! [`Hole`]. A read for an HTTP client: [`Page`].

use crate::event::{
    event_id::EventId,
    gap::{Gap, GapReason},
    message::Message,
    target::Target,
};

/// The place where a client wants its stream to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// The next event.
    Now,
    /// The kept events after this position (exclusive), then live.
    After(EventId),
    /// The kept events after the oldest event for the connection with one of these publisher's own ids. Several ids are several
    /// readings of one text that a client sent. An empty list is an id that nobody knows.
    AfterOwn(Vec<String>),
    /// The kept events from a time on (inclusive).
    Since {
        /// Unix time in milliseconds.
        ms: u64,
    },
    /// The oldest kept event.
    Earliest,
}

/// The result of one read, from one state of the history.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The matching events in the order of their ids, each once.
    pub(crate) messages: Vec<Message>,
    /// The id after which the next read goes on. `messages` has all matching events up to it (inclusive).
    pub(crate) next: EventId,
    /// The events that may be missing.
    pub(crate) hole: Option<Hole>,
}

/// Events above the cursor of a read and up to `to` that may have existed and are not kept any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hole {
    /// The last id that may be missing (inclusive).
    pub(crate) to: EventId,
    /// The reason: expired or restart.
    pub(crate) reason: GapReason,
    /// The number of kept events that the query asks for above [`Query::opened`].
    pub(crate) kept: u64,
    /// The target of the query with the shortest history.
    pub(crate) target: Target,
}

/// The most that one read may give. The first event comes whatever its size.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimit {
    /// The limit of events.
    pub messages_max: usize,
    /// The limit of bytes.
    pub bytes_max: usize,
}

/// The events that a read asks for.
pub(crate) struct Query<'a> {
    /// The id below the first one (exclusive).
    pub(crate) after: EventId,
    /// The last id (inclusive), not above the newest one of the history.
    pub(crate) upto: EventId,
    /// The targets. An event has to go to one of them.
    pub(crate) targets: &'a [Target],
    pub(crate) limit: ReadLimit,
    /// The newest id when the connection was opened, for [`Hole::kept`].
    pub(crate) opened: EventId,
}

/// The place where a stream begins, resolved to a cursor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Beginning {
    /// The stream gets the events above this id.
    pub(crate) cursor: EventId,
    /// Events up to this id may be missing without a gap.
    pub(crate) known: EventId,
    /// The gap to tell first.
    pub(crate) gap: Option<Gap>,
}

/// A page of a channel's history.
#[derive(Debug)]
pub struct Page {
    /// The events in the order of their ids.
    pub messages: Vec<Message>,
    /// The events that are missing before or among them.
    pub gap: Option<Gap>,
    /// The id after which the next page begins.
    pub next: EventId,
}
