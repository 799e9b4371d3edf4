//! [`Told`]: a gap as its receiver reads it, in the types of the core.

use fanfare_core::{EventId, GapReason};
use fanfare_judge::Gap;

/// The lost events that a stream names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) from: Option<EventId>,
    pub(crate) to: Option<EventId>,
    pub(crate) missed: Option<u64>,
    pub(crate) reason: GapReason,
}

impl Told {
    pub(crate) fn parse(data: &str) -> Self {
        let Gap { from, to, missed, reason } = Gap::read(data);
        let id = |text: Option<String>| text.map(|text| text.parse().expect("an id"));
        let reasons = [GapReason::Busy, GapReason::Expired, GapReason::Restart, GapReason::UnknownId];
        let reason = reasons.into_iter().find(|known| known.as_str() == reason).expect("a reason");
        Self { from: id(from), to: id(to), missed, reason }
    }

    /// Whether the gap says that `id` may be lost.
    pub(crate) fn covers(&self, id: EventId) -> bool {
        self.from.is_some_and(|from| from < id) && self.to.is_some_and(|to| id <= to)
    }
}
