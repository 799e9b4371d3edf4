//! [`Purges`]: the purges that a journal has to keep, because it may still have events that they threw away.

use std::collections::VecDeque;

use crate::event::event_id::EventId;

/// Purges that are remembered. Beyond them the oldest are forgotten.
const PURGES_MAX: usize = 4_096;

/// The ids of purges, in their order. A journal gives back what is older than the oldest kept event, so a purge is needed until that
/// is newer.
#[derive(Debug, Default)]
pub(super) struct Purges(VecDeque<EventId>);

impl Purges {
    /// Remembers a purge. Its id is the newest. `oldest` is the oldest kept event.
    pub(super) fn push(&mut self, id: EventId, oldest: Option<EventId>) {
        self.forget(oldest);
        if self.0.len() >= PURGES_MAX {
            self.0.pop_front();
        }
        self.0.push_back(id);
    }

    /// Forgets those that are older than the oldest kept event.
    pub(super) fn forget(&mut self, oldest: Option<EventId>) {
        while self.0.front().is_some_and(|id| oldest.is_none_or(|oldest| *id < oldest)) {
            self.0.pop_front();
        }
    }

    pub(super) fn holds(&self, id: EventId) -> bool {
        self.0.binary_search(&id).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(ms: u64) -> EventId {
        EventId::new(ms, 0)
    }

    #[test]
    fn a_purge_is_held_until_the_oldest_kept_event_is_newer() {
        let mut purges = Purges::default();
        purges.push(id(5), Some(id(1)));
        purges.push(id(7), Some(id(1)));
        assert!(purges.holds(id(5)) && purges.holds(id(7)) && !purges.holds(id(6)));
        purges.forget(Some(id(6)));
        assert!(!purges.holds(id(5)) && purges.holds(id(7)));
        purges.forget(None);
        assert!(!purges.holds(id(7)));
    }

    #[test]
    fn many_purges_take_bounded_memory() {
        let mut purges = Purges::default();
        for ms in 2..=PURGES_MAX as u64 + 2 {
            purges.push(id(ms), Some(id(1)));
        }
        assert_eq!(purges.0.len(), PURGES_MAX);
        assert!(!purges.holds(id(2)) && purges.holds(id(3)));
    }
}
