//! [`Walk`] and [`Sweep`]: the two ways of a shard over all its slots, a few of them in each turn. Both know only numbers of slots.

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

/// The endless walk of the sweep, round after round. Each tick makes a part of it.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// The slot that was looked at last.
    at: usize,
    /// The number of slots that are left in this tick.
    left: usize,
}

impl Sweep {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_goes_over_each_slot_once_and_over_those_behind_one_that_it_goes_back_to() {
        let mut walk = Walk::default();
        assert_eq!([walk.step(2, 3), walk.step(2, 3)], [0..2, 2..3]);
        assert!(walk.is_over(3) && !walk.is_over(4), "a slot has come at the end");
        walk.go_back_to(9);
        assert_eq!(walk.step(9, 4), 3..4);
        walk.go_back_to(1);
        assert_eq!(walk.step(9, 4), 1..4);
    }

    #[test]
    fn a_sweep_goes_over_all_slots_as_ticks_allow() {
        let mut sweep = Sweep::default();
        let mut seen = Vec::new();
        for _ in 0..3 {
            assert!(sweep.is_over());
            sweep.begin_tick(2);
            seen.extend(std::iter::from_fn(|| sweep.next(3)));
        }
        assert_eq!(seen, [1, 2, 0, 1, 2, 0]);
        sweep.begin_tick(0);
        assert_eq!(sweep.next(0), None);
    }
}
