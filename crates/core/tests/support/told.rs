//! [`Told`]: a gap as its receiver reads it, by the text of the wire contract.

use fanfare_core::{EventId, GapReason};

/// The type of the event.
pub(crate) const GAP: &str = "fanfare.gap";
/// The type of an event that only moves the last event id of its client.
pub(crate) const CURSOR: &str = "fanfare.cursor";

/// What a stream says is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) from: Option<EventId>,
    pub(crate) to: Option<EventId>,
    pub(crate) missed: Option<u64>,
    pub(crate) reason: GapReason,
}

impl Told {
    /// Strict: the four members, in this order, without space.
    pub(crate) fn parse(data: &str) -> Self {
        let body = data.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).expect("an object");
        let members: Vec<_> = body.split(',').map(|member| member.split_once(':').expect("a member")).collect();
        let names: Vec<_> = members.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["\"from\"", "\"to\"", "\"missed\"", "\"reason\""], "{data}");
        let text = |at: usize| members[at].1.trim_matches('"');
        let id = |at| (text(at) != "null").then(|| text(at).parse().expect("an id"));
        let reasons = [GapReason::Busy, GapReason::Expired, GapReason::Restart, GapReason::UnknownId];
        Self {
            from: id(0),
            to: id(1),
            missed: (text(2) != "null").then(|| text(2).parse().expect("a number")),
            reason: reasons.into_iter().find(|reason| reason.as_str() == text(3)).expect("a reason"),
        }
    }

    /// Whether it says that `id` may be lost.
    pub(crate) fn covers(&self, id: EventId) -> bool {
        self.from.is_some_and(|from| from < id) && self.to.is_some_and(|to| id <= to)
    }
}
