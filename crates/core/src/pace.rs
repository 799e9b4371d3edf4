//! [`Pace`]: whether a shard is busy as a whole: so many of its connections have just fallen behind that taking more
//! publishes would overrun readers that keep up otherwise.
//!
//! A connection counts from the moment its socket takes no more until it has drained, but never longer than
//! `pace_ms`: one that does not read, or reads slowly, holds nobody up. Only a flood of publishes asks.

use std::collections::VecDeque;

use crate::inbox::SlotRef;

/// The shard is busy when more than one in so many of its connections count. Few enough that a minority of slow
/// readers is no reason, many enough that those who fell behind first still have room in their rings.
const ONE_IN: usize = 64;

/// The connections of a shard that have just fallen behind.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// In the order in which they stop to count, with that time.
    behind: VecDeque<(SlotRef, u64)>,
    count: usize,
}

impl Pace {
    /// This one has fallen behind, and counts until `until_ms` at most; no earlier than those before it.
    pub(crate) fn fell_behind(&mut self, slot: SlotRef, until_ms: u64) {
        self.behind.push_back((slot, until_ms));
        self.count += 1;
    }

    /// One that counted does not any more.
    pub(crate) fn caught_up(&mut self) {
        self.count -= 1;
    }

    /// The one whose time is up next, and that time. The caller drops it if it does not count any more.
    pub(crate) fn next(&self) -> Option<(SlotRef, u64)> {
        self.behind.front().copied()
    }

    pub(crate) fn drop_next(&mut self) {
        self.behind.pop_front();
    }

    /// Whether a shard with `open` connections should take no more publishes.
    pub(crate) fn is_busy(&self, open: usize) -> bool {
        self.count * ONE_IN > open
    }
}
