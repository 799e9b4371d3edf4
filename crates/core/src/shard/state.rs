//! [`State`]: what a slot is due next, and what it has to remember for that.

use crate::event::{charged::Charged, event_id::EventId, message::Message, notice::CloseReason};

/// What a slot is due next. While its outlet is not attached, what it is due waits or is left to the journal.
#[derive(Debug)]
pub(super) enum State {
    /// Gets every message as it comes.
    Live,
    /// Gets nothing live; is fed from the journal whenever its ring is empty.
    CatchUp(CatchUp),
    /// Its ring was full and nothing is repaired: gets nothing until it has taken what waits, then a gap, then all.
    Dropping,
    /// Gets what waits, then its last line, then the end.
    Closing(Closing),
}

#[derive(Debug)]
pub(super) struct Closing {
    /// Still to be written, when all else is.
    pub(super) last: Option<Message>,
    /// When it was told the end, if it was: it may now close its side, until the linger time is over.
    pub(super) told_ms: Option<u64>,
}

/// The message that is partly in the socket, and how many bytes of it.
#[derive(Debug)]
pub(super) struct Rest {
    pub(super) held: Charged,
    pub(super) written_bytes: usize,
}

/// Events that are lost, and that it is told of once it has taken what waits.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Loss {
    pub(super) missed: u64,
    pub(super) to: EventId,
}

/// The connection cannot go on.
pub(super) type Ends = Result<(), CloseReason>;

/// Where a slot stands that is fed from the journal.
#[derive(Debug)]
pub(super) struct CatchUp {
    /// It has, or has been told of, everything up to here.
    pub(super) cursor: EventId,
    /// Because its ring was full; else because it asked for what is older than itself.
    pub(super) is_busy: bool,
    pub(super) asked: Asked,
}

/// Whether the journal was asked for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Something waits still.
    No,
    /// It has its place in the queue of those who want to ask.
    Soon,
    /// For everything up to the shard's position then. The journal owed it so many events, up to there.
    Yes {
        /// Of those published since it was open.
        owed: u64,
    },
}

impl CatchUp {
    /// It begins at `cursor`, before now.
    pub(super) fn resume(cursor: EventId) -> Self {
        Self { cursor, is_busy: false, asked: Asked::No }
    }

    /// What comes after `cursor` found no room.
    pub(super) fn repair(cursor: EventId) -> Self {
        Self { cursor, is_busy: true, asked: Asked::No }
    }
}
