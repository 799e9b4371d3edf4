//! [`State`]: which events a slot gets next, and what it remembers for that.

use crate::event::{charged::Charged, event_id::EventId, message::Message, notice::CloseReason};

/// The source of a slot's next events. Until the outlet is attached, they wait in the ring or are left to the history.
///
/// Most slots are live. What the others remember is boxed, because a slot is small.
#[derive(Debug)]
pub(super) enum State {
    /// Every message goes out as it comes.
    Live,
    /// Nothing goes out live. The slot is fed from the history whenever its ring is empty.
    CatchUp(Box<CatchUp>),
    /// The ring was full, and the policy repairs nothing: nothing goes out until the ring is empty; then a gap, then every message.
    Dropping,
    /// The ring goes out, then the last line, then the end.
    Closing(Box<Closing>),
}

/// The end of a stream. Only `slot/flush` writes it.
#[derive(Debug)]
pub(super) struct Closing {
    /// The last line, until it is the next to be written.
    pub(super) last: Option<Message>,
    /// The newest event that was considered for the connection when the end began.
    pub(super) after: EventId,
    /// The time at which the end went out. The client may close its side until the linger time is over.
    pub(super) out_ms: Option<u64>,
}

/// The message that is partly in the socket, and how many bytes of it.
#[derive(Debug)]
pub(super) struct Rest {
    pub(super) charged: Charged,
    pub(super) written_bytes: usize,
}

impl Rest {
    /// A message that is the next to be written.
    pub(super) fn of(message: Message) -> Self {
        Self { charged: Charged::new(message), written_bytes: 0 }
    }
}

/// `Ok` if the connection goes on, or the reason for which it cannot.
pub(super) type GoesOn = Result<(), CloseReason>;

/// The progress of a slot that catches up. Only `slot` and its folder write it.
#[derive(Debug)]
pub(super) struct CatchUp {
    /// The client has everything up to here, or has been told of it.
    pub(super) cursor: EventId,
    /// The ring was full. If not, the client asked for events from before it came.
    pub(super) is_busy: bool,
    /// The last [`Batch::checked`](crate::history::read::Batch::checked).
    pub(super) checked: u64,
    pub(super) asked: Asked,
}

/// Whether the slot has asked the history for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Not yet: the ring is not empty.
    No,
    /// Not yet: the slot waits for its turn ([`crate::shard::readers`]).
    Soon,
    /// Yes, for everything up to the shard's position at that time.
    Yes {
        /// Events that the history owed then, of those published since the connection is open.
        owed: u64,
    },
}

impl CatchUp {
    /// Whether events are on their way from the history.
    pub(super) fn is_reading(&self) -> bool {
        matches!(self.asked, Asked::Yes { .. })
    }

    /// A catch-up from `cursor`, which the client named.
    pub(super) fn resume(cursor: EventId) -> Box<Self> {
        Box::new(Self { cursor, is_busy: false, checked: 0, asked: Asked::No })
    }

    /// A catch-up from `cursor`, because the next message found no room.
    pub(super) fn repair(cursor: EventId) -> Box<Self> {
        Box::new(Self { cursor, is_busy: true, checked: 0, asked: Asked::No })
    }
}
