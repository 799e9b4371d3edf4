//! [`Record`]: one connection, open or closed, as it stands when somebody asks for the fate of an event.

use crate::{
    event::{
        event_id::EventId,
        gap::Gap,
        name::{Channel, ClientId},
        notice::CloseReason,
        pattern::Pattern,
        target::Target,
    },
    fates::trail::Trail,
};

/// Bytes of memory of a name besides its text.
const NAME_BYTES: usize = 32;

/// The end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Monotonic time.
    pub ms: u64,
    /// The reason.
    pub reason: CloseReason,
}

/// What a connection gets next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Every event as it comes.
    Live,
    /// Events above `cursor` from the history. Some of them are on their way if `is_reading`.
    Behind { cursor: EventId, is_reading: bool },
    /// Nothing: events above `after` are dropped until the ring is empty.
    Dropping { after: EventId },
    /// Nothing above `after`: its end has begun.
    Closing { after: EventId },
}

/// One connection.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) connection: u64,
    pub(crate) client: ClientId,
    pub(crate) channels: Box<[Channel]>,
    pub(crate) patterns: Box<[Pattern]>,
    /// The stream began behind this id.
    pub(crate) cursor: EventId,
    /// The newest id when the connection was opened.
    pub(crate) opened: EventId,
    /// Events up to this id may be missing without a gap.
    pub(crate) known: EventId,
    /// Monotonic time.
    pub(crate) opened_ms: u64,
    pub(crate) ended: Option<Ended>,
    /// The newest id that was written or waits.
    pub(crate) position: EventId,
    /// The newest id that was considered for the connection.
    pub(crate) seen: EventId,
    pub(crate) progress: Progress,
    /// The event that is partly in the socket.
    pub(crate) begun: Option<EventId>,
    /// The events that wait in the ring.
    pub(crate) waiting: Vec<EventId>,
    /// Gaps that the stream has not been told.
    pub(crate) untold: Vec<Gap>,
    pub(crate) trail: Trail,
}

impl Record {
    /// Bytes of memory, about.
    pub(crate) fn bytes(&self) -> usize {
        let names = self.channels.iter().map(Channel::as_str).chain(self.patterns.iter().map(Pattern::as_str));
        let names: usize = names.chain([self.client.as_str()]).map(|name| NAME_BYTES + name.len()).sum();
        size_of::<Self>()
            + names
            + self.waiting.capacity() * size_of::<EventId>()
            + self.untold.capacity() * size_of::<Gap>()
            + self.trail.bytes()
    }

    /// Whether the connection follows one of the targets.
    pub(crate) fn follows(&self, targets: &[Target]) -> bool {
        targets.iter().any(|target| match target {
            Target::All => true,
            Target::Client(client) => *client == self.client,
            Target::Channel(channel) => {
                self.channels.binary_search(channel).is_ok()
                    || self.patterns.iter().any(|pattern| pattern.matches(channel.as_str()))
            }
        })
    }

    /// Whether the connection was there when the event with this id was published, or has asked for it from the history.
    pub(crate) fn was_there(&self, id: EventId) -> bool {
        id > self.cursor && (self.ended.is_none() || id <= self.seen)
    }
}
