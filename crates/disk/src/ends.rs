//! The two ends of a journal: segments that should stand before the oldest one or behind the newest one, by the files
//! `state` and `newest`, and are missing. Inside a journal the numbers of the segments tell which ones are missing.

use fanfare_core::EventId;

use crate::{
    chain::Link,
    directory::Directory,
    finding::{Finding, UNKNOWN_SEGMENTS},
};

impl Directory {
    /// The fault of the state file, as far as the segments tell.
    pub(crate) fn state_finding(&self) -> Option<Finding> {
        match (&self.state, self.chain.links.first()) {
            (None, Some(_)) => Some(Finding::NoState),
            (Some(state), Some(oldest)) if oldest.number.saturating_sub(1) > state.removed_upto => {
                Some(Finding::Unmarked { file: oldest.name() })
            }
            _ => None,
        }
    }

    /// The segments and files that are missing at the end of the journal, whose last id is `last`.
    pub(crate) fn end_findings(&self, last: EventId) -> Vec<Finding> {
        let no_newest = self.is_newest_lost().then_some(Finding::NoNewest);
        self.lost_at_the_end(last).into_iter().chain(no_newest).collect()
    }

    fn lost_at_the_end(&self, last: EventId) -> Option<Finding> {
        let Some(link) = self.chain.links.last() else {
            // Without the file `newest` nobody knows whether a segment was begun. A segment is begun a moment after the
            // first start.
            let has_begun = self.newest.map_or(self.state.is_some(), |newest| newest.number > 0);
            return has_begun.then_some(Finding::NoSegments);
        };
        let (first, last_number) = (link.through().saturating_add(1), self.newest?.number);
        (first <= last_number).then_some(Finding::Missing { first, last: last_number, after: last })
    }

    /// Whether the file `newest` is lost: missing now, though it was there or nothing tells that it was not.
    pub(crate) fn is_newest_lost(&self) -> bool {
        let is_due = || match &self.state {
            Some(state) => state.has_newest,
            None => !self.chain.links.is_empty(),
        };
        self.newest.is_none() && (self.is_newest_damaged || is_due())
    }

    /// The number of the next segment. No segment that is there, was given up or is lost had this number.
    pub(crate) fn next_number(&self, is_end_missing: bool) -> u64 {
        let removed_upto = self.state.as_ref().map_or(0, |state| state.removed_upto);
        let last = self.chain.links.last().map_or(0, Link::through).max(removed_upto);
        let last = match self.newest {
            Some(newest) => last.max(newest.number),
            None if is_end_missing => last.saturating_add(UNKNOWN_SEGMENTS),
            None => last,
        };
        last.saturating_add(1)
    }
}
