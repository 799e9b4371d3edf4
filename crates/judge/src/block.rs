//! [`Block`]: an event with the lines that it came in; [`Dispatched`]: the part of it that a page sees.

use crate::gap::{GAP, Gap};

/// One event as a browser would dispatch it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatched {
    /// The type; `message` if none was given.
    pub kind: String,
    /// The data.
    pub data: String,
    /// `lastEventId` of the event.
    pub last_id: String,
}

/// The lines up to a blank one, if they make an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The event.
    pub event: Dispatched,
    /// The id that the block itself has.
    pub id: Option<String>,
    /// The lines as they came, each with its LF, without comments and all that stood before these.
    pub lines: String,
}

impl Block {
    /// The loss that the block tells of, if it is a gap.
    pub fn gap(&self) -> Option<Gap> {
        (self.event.kind == GAP).then(|| Gap::read(&self.event.data))
    }
}
