//! [`Gap`]: events known to be lost to one connection, and why. What a stream and a page of history tell.

use std::fmt;

use crate::event::event_id::EventId;

/// Why events are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GapReason {
    /// The connection was open and did not take them in time.
    Busy,
    /// The journal does not keep them any more.
    Expired,
    /// They are from before the journal's birth.
    Restart,
    /// The cursor is none that the journal knows, so nobody can tell what came after it.
    UnknownId,
}

impl GapReason {
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

/// A hole in a stream: whatever the connection was due above `from`, up to `to`, and did not get is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The last id the client had (exclusive).
    pub from: Option<EventId>,
    /// The last id lost (inclusive).
    pub to: Option<EventId>,
    /// How many were lost, if that is known: exact for what was lost while the connection was open.
    pub missed: Option<u64>,
    /// Why.
    pub reason: GapReason,
}

impl Gap {
    /// For a cursor that says nothing.
    pub const UNKNOWN_ID: Self = Self { from: None, to: None, missed: None, reason: GapReason::UnknownId };
}

/// As JSON, in the form of the wire contract.
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
