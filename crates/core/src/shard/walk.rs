//! [`Walk`] and [`Rounds`]: two ways of a shard over all its slots, a few of them in each turn. Both know only numbers of slots.

use std::ops::Range;

/// One walk from the first slot to the last. More slots may come at the end meanwhile.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// The slot that comes next.
    next: usize,
}

impl Walk {
    /// Goes over the next slots of `slots`, at most `slots_max`.
    pub(super) fn step(&mut self, slots_max: usize, slots: usize) -> Range<usize> {
        let from = self.next;
        self.next = from.saturating_add(slots_max).min(slots);
        from..self.next
    }

    /// Goes back to a slot, to go over it and those behind it once more.
    pub(super) fn go_back_to(&mut self, slot: u32) {
        self.next = self.next.min(slot as usize);
    }

    /// Whether all of `slots` have had their turn.
    pub(super) fn is_over(&self, slots: usize) -> bool {
        self.next >= slots
    }
}

/// Walks without end, one after the other, of which each tick makes a part.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    /// The slot that was looked at last.
    at: usize,
    /// The number of slots that are left in this tick.
    left: usize,
}

impl Rounds {
    /// Begins a tick, in which so many slots have their turn.
    pub(super) fn begin_tick(&mut self, slots: usize) {
        self.left = slots;
    }

    /// The next slot of `slots` in this tick.
    pub(super) fn next(&mut self, slots: usize) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        self.at = if self.at + 1 < slots { self.at + 1 } else { 0 };
        Some(self.at)
    }

    /// Whether no slot is left in this tick.
    pub(super) fn is_over(&self) -> bool {
        self.left == 0
    }
}
