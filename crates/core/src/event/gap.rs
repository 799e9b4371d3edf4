//! [`Gap`]: events that one connection has lost, and the reason. Streams and pages of history tell it.

use std::fmt;

use crate::event::event_id::EventId;

/// The reason for which events are lost.
///
/// [`Gap`] has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GapReason {
    /// The connection was open and did not take the events in time.
    Busy,
    /// The history does not keep the events any more.
    Expired,
    /// The events are older than the history.
    Restart,
    /// The history does not know the cursor, so the events after it are not known either.
    UnknownId,
}

impl GapReason {
    /// All of them, in their order.
    pub const ALL: [Self; 4] = [Self::Busy, Self::Expired, Self::Restart, Self::UnknownId];

    /// The word of the wire contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Expired => "expired",
            Self::Restart => "restart",
            Self::UnknownId => "unknown-id",
        }
    }
}

/// A hole in a stream. Events above `from` and up to `to` that the connection should have got, and did not, are lost.
///
/// ```
/// use fanfare_core::{EventId, Gap, GapReason};
///
/// let gap = Gap { from: Some(EventId::new(1, 0)), to: Some(EventId::new(2, 3)), missed: Some(4), reason: GapReason::Busy };
/// // The data of the `fanfare.gap` event that the stream gets.
/// assert_eq!(gap.to_string(), r#"{"from":"1-0","to":"2-3","missed":4,"reason":"busy"}"#);
/// assert_eq!(Gap::UNKNOWN_ID.reason.as_str(), "unknown-id");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The last id the client had (exclusive).
    pub from: Option<EventId>,
    /// The last id lost (inclusive).
    pub to: Option<EventId>,
    /// The number of lost events, if it is known. Exact for events published while the connection was open.
    pub missed: Option<u64>,
    /// The reason.
    pub reason: GapReason,
}

impl Gap {
    /// The gap for a cursor that the history does not know.
    pub const UNKNOWN_ID: Self = Self { from: None, to: None, missed: None, reason: GapReason::UnknownId };

    /// Whether the event with this id is among those that the gap tells.
    pub(crate) fn covers(&self, id: EventId) -> bool {
        self.from.is_none_or(|from| from < id) && self.to.is_none_or(|to| id <= to)
    }
}

/// Writes JSON in the form of the wire contract.
impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = |id: Option<EventId>| id.map_or_else(|| "null".to_owned(), |id| format!("\"{id}\""));
        let missed = self.missed.map_or_else(|| "null".to_owned(), |missed| missed.to_string());
        let (from, to, reason) = (id(self.from), id(self.to), self.reason.as_str());
        write!(f, r#"{{"from":{from},"to":{to},"missed":{missed},"reason":"{reason}"}}"#)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_as_the_contract_says() {
        assert_eq!(Gap::UNKNOWN_ID.to_string(), r#"{"from":null,"to":null,"missed":null,"reason":"unknown-id"}"#);
        let gap = Gap {
            from: Some(EventId::new(1, 0)),
            to: Some(EventId::new(2, 3)),
            missed: Some(4),
            reason: GapReason::Busy,
        };
        assert_eq!(gap.to_string(), r#"{"from":"1-0","to":"2-3","missed":4,"reason":"busy"}"#);
    }
}
