//! [`Pace`]: how a flood of publishes waits for readers that it would overrun, and how long it waits for each.
//!
//! A connection is pressed when its ring has no room for another pass. In a flood the shard then takes no publishes
//! until nobody is pressed. So that no reader can hold the others up, each has a little patience, which only its fair
//! share of the time restores; one that has used it up is let off, and its ring overflows as its policy says.

use crate::{config::Config, inbox::SlotRef, pass::Pass};

/// Its share of the time is what is restored to a connection, times this: when readers take turns in being pressed, a
/// few at a time are.
const SHARES: u64 = 16;

/// However few connections there are, one gets no more than one part in this of the time.
const PARTS_MIN: u64 = 4;

/// How long one connection may hold its shard up. Times are monotonic milliseconds.
#[derive(Debug)]
pub(crate) struct Patience {
    /// What was left of it at `at_ms`, in microseconds.
    left_us: u64,
    at_ms: u64,
    state: PatienceState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PatienceState {
    /// It has room.
    Calm,
    Pressed,
    /// Its patience was used up; it is not waited for until it has drained.
    LetOff,
}

impl Patience {
    pub(crate) fn new() -> Self {
        Self { left_us: u64::MAX, at_ms: 0, state: PatienceState::Calm }
    }

    /// It has no room for another pass. True: the shard should wait for it.
    pub(crate) fn press(&mut self, open: usize, patience_ms: u64, now_ms: u64) -> bool {
        if self.state != PatienceState::Calm {
            return false;
        }
        let open = u64::try_from(open).unwrap_or(u64::MAX);
        let restored_us = now_ms.saturating_sub(self.at_ms).saturating_mul(1_000) / (open / SHARES).max(PARTS_MIN);
        self.left_us = self.left_us.saturating_add(restored_us).min(patience_ms.saturating_mul(1_000));
        self.at_ms = now_ms;
        self.state = PatienceState::Pressed;
        true
    }

    /// Until when it is waited for; `None`: it is not, or not any more.
    pub(crate) fn until_ms(&mut self, now_ms: u64) -> Option<u64> {
        if self.state != PatienceState::Pressed {
            return None;
        }
        let until_ms = self.at_ms.saturating_add(self.left_us / 1_000);
        if until_ms > now_ms {
            return Some(until_ms);
        }
        self.spend(now_ms);
        self.state = PatienceState::LetOff;
        None
    }

    /// It has room for another pass.
    pub(crate) fn relax(&mut self, now_ms: u64) {
        if self.state == PatienceState::Pressed {
            self.spend(now_ms);
            self.state = PatienceState::Calm;
        }
    }

    /// Everything that waited has left.
    pub(crate) fn drained(&mut self, now_ms: u64) {
        self.relax(now_ms);
        self.state = PatienceState::Calm;
    }

    fn spend(&mut self, now_ms: u64) {
        let spent_us = now_ms.saturating_sub(self.at_ms).saturating_mul(1_000);
        self.left_us = self.left_us.saturating_sub(spent_us);
        self.at_ms = now_ms;
    }
}

/// Publishes come in a flood when they would fill an empty ring within this time, in milliseconds.
const FLOOD_MS: u64 = 100;

/// Whether there is a flood, and who is pressed.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    is_flooded: bool,
    /// What was taken in the [`FLOOD_MS`] from `since_ms` on, and in those before.
    taken: usize,
    taken_before: usize,
    since_ms: u64,
    /// Some may have room again, or be gone.
    pressed: Vec<SlotRef>,
}

impl Pace {
    /// So many publishes were taken from the inbox.
    pub(crate) fn took(&mut self, messages: usize, now_ms: u64) {
        let passed_ms = now_ms.saturating_sub(self.since_ms);
        if passed_ms >= FLOOD_MS {
            self.taken_before = if passed_ms < 2 * FLOOD_MS { self.taken } else { 0 };
            (self.taken, self.since_ms) = (0, now_ms);
        }
        self.taken += messages;
    }

    /// Whether there is a flood: from when a ring's worth was taken within a moment, or more than a pass takes waits,
    /// until nothing waits.
    pub(crate) fn is_flooded(&mut self, waiting: usize, config: &Config) -> bool {
        let taken = self.taken.max(self.taken_before);
        let is_fast = taken >= config.ring_messages_max || waiting >= Pass::messages_max(config);
        self.is_flooded = waiting > 0 && (self.is_flooded || is_fast);
        self.is_flooded
    }

    pub(crate) fn push(&mut self, slot: SlotRef) {
        self.pressed.push(slot);
    }

    /// One that may be pressed.
    pub(crate) fn last(&self) -> Option<SlotRef> {
        self.pressed.last().copied()
    }

    /// That one is not.
    pub(crate) fn pop(&mut self) {
        self.pressed.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE_MS: u64 = 100;

    #[test]
    fn patience_is_used_up_and_restored_by_a_share_of_the_time() {
        let mut patience = Patience::new();
        assert!(patience.press(1_600, PACE_MS, 1_000));
        assert_eq!(patience.until_ms(1_000), Some(1_100));
        patience.relax(1_090);
        // A hundredth of 500 ms, on top of the 10 that were left.
        assert!(patience.press(1_600, PACE_MS, 1_590));
        assert_eq!(patience.until_ms(1_590), Some(1_605));
        assert_eq!(patience.until_ms(1_605), None);
    }

    #[test]
    fn who_was_let_off_is_waited_for_again_only_after_it_has_drained() {
        let mut patience = Patience::new();
        assert!(patience.press(1, PACE_MS, 0));
        assert_eq!(patience.until_ms(100), None);
        patience.relax(200);
        assert!(!patience.press(1, PACE_MS, 1_000));
        patience.drained(1_000);
        assert!(patience.press(1, PACE_MS, 1_000));
        assert_eq!(patience.until_ms(1_000), Some(1_100));
    }

    #[test]
    fn of_few_connections_none_gets_more_than_a_quarter_of_the_time() {
        let mut patience = Patience::new();
        assert!(patience.press(1, PACE_MS, 0));
        assert_eq!(patience.until_ms(100), None);
        patience.drained(100);
        assert!(patience.press(1, PACE_MS, 140));
        assert_eq!(patience.until_ms(140), Some(150));
    }
}
