//! [`Past`]: the facts besides events that an external journal knows of the time before the hub began.

use crate::event::{event_id::EventId, target::Target};

/// The past of a journal, without the events.
///
/// [`Desk`](crate::journal::Desk) has an example.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// The beginning of the journal: all its events have ids above this one.
    pub born: EventId,
    /// An id at or above every one that anybody may have seen, as far as that can be known. The next id is above it.
    pub last: EventId,
    /// Acknowledged events up to this id may be lost, of any target.
    pub lost: EventId,
    /// Events up to this id may have been evicted, of any target.
    pub given_up: EventId,
    /// Targets whose events up to an id were evicted.
    pub marks: Vec<(Target, EventId)>,
    /// Whether others write to the journal as well. Then a client may have an id above `last` from one of them.
    pub is_shared: bool,
}
