//! [`Past`]: what a journal knows of the time before the hub.

use crate::event::{event_id::EventId, target::Target};

/// What a journal knows of its past, besides the events.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// Where it begins: no event of it has an id at or below this one.
    pub born: EventId,
    /// At or above every id that anybody may have seen, as far as that can be known; the next one is above it.
    pub last: EventId,
    /// Events up to here may have been acknowledged and are lost, whatever their targets.
    pub lost: EventId,
    /// Events up to here may have been given up, whatever their targets.
    pub given_up: EventId,
    /// Events of a target up to an id were given up.
    pub marks: Vec<(Target, EventId)>,
    /// Others write to it as well: an id above the last may be one that they have told already.
    pub is_shared: bool,
}
