//! [`Pace`]: how a flood of publishes waits for readers that it would overrun, and [`Patience`]: which of them it waits for.
//!
//! A connection is pressed when its ring has no room for another pass. In a flood the shard then takes no publishes until
//! nobody is pressed that has kept up before. All pauses of a shard have one budget: a fifth of the time, and a second at a
//! stretch ([`Config::patience_ms`]). When it is used up, everybody who is pressed is let off until it has drained: its ring
//! overflows as its policy says. So publishers keep four fifths of the time, whoever the readers are and however often they
//! come. Only where an eighth of all connections is pressed at once, because the machine is short of time for its readers, a
//! pause costs a fourth, and publishers keep half.

use crate::{config::Config, inbox::SlotRef, pass::Pass};

/// Publishes come in a flood when they would fill an empty ring within this time, in milliseconds.
const FLOOD_MS: u64 = 100;

/// So many milliseconds have to follow for each of a pause, before as much may be paused again: a fifth of all time,
const COST: u64 = 4;
/// or half of it after a pause for a crowd.
const COST_FOR_CROWD: u64 = 1;

/// One part in so many of all connections is a crowd.
const CROWD_PART: usize = 8;

/// Whether one connection is waited for.
#[derive(Debug)]
pub(crate) struct Patience {
    state: State,
    /// It was behind before, and came round. One that never did is not waited for: it may be one that only connects.
    is_proven: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It has room.
    Calm,
    Pressed,
    /// The budget was used up; it is not waited for until it has drained.
    LetOff,
}

impl Patience {
    pub(crate) fn new() -> Self {
        Self { state: State::Calm, is_proven: false }
    }

    /// It has room for another pass.
    pub(crate) fn relax(&mut self) {
        if self.state == State::Pressed {
            self.state = State::Calm;
            self.is_proven = true;
        }
    }

    /// Everything that waited has left.
    pub(crate) fn drained(&mut self) {
        self.state = State::Calm;
        self.is_proven = true;
    }

    /// Whether it has no room for another pass, and has not been let off.
    pub(crate) fn is_pressed(&self) -> bool {
        self.state == State::Pressed
    }

    /// Whether a pause would be for it.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.is_pressed() && self.is_proven
    }

    /// There is no time left for it.
    pub(crate) fn let_off(&mut self) {
        if self.is_waited_for() {
            self.state = State::LetOff;
        }
    }
}

/// Publishes, and their bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Amount {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

/// Whether there is a flood, who is pressed, and how long the shard may still wait.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// What was taken in the [`FLOOD_MS`] from `since_ms` on, and in those before. Pauses do not count as time.
    taken: Amount,
    taken_before: Amount,
    since_ms: u64,
    /// Some may have room again, or be gone.
    pressed: Vec<SlotRef>,
    /// All pauses together, without the one that is under way.
    paused_ms: u64,
    pause: Option<Pause>,
    /// Milliseconds that have to follow the last pause before the whole patience is there again, and since when they run.
    owed_ms: u64,
    owed_since_ms: u64,
    /// Of the last pause.
    cost: u64,
}

/// A pause that is under way.
#[derive(Clone, Copy, Debug)]
struct Pause {
    since_ms: u64,
    /// What had been spent of the patience when it began.
    spent_ms: u64,
    cost: u64,
}

impl Pace {
    /// So much was taken from the inbox.
    pub(crate) fn took(&mut self, amount: Amount, now_ms: u64) {
        self.roll(now_ms);
        self.taken.messages += amount.messages;
        self.taken.bytes += amount.bytes;
    }

    /// Whether publishes come in a flood: more wait than one pass takes, or a ring's worth was taken within a moment.
    pub(crate) fn is_flooded(&mut self, waiting: Amount, config: &Config, now_ms: u64) -> bool {
        self.roll(now_ms);
        let fills_a_ring =
            |taken: Amount| taken.messages >= config.ring_messages_max.max(2) || taken.bytes > config.ring_bytes_max;
        let is_piled = waiting.messages > Pass::messages_max(config) || waiting.bytes > Pass::bytes_max(config);
        is_piled || fills_a_ring(self.taken) || fills_a_ring(self.taken_before)
    }

    fn roll(&mut self, now_ms: u64) {
        let running_ms = now_ms.saturating_sub(self.paused_ms(now_ms));
        let passed_ms = running_ms.saturating_sub(self.since_ms);
        if passed_ms >= FLOOD_MS {
            self.taken_before = if passed_ms < 2 * FLOOD_MS { self.taken } else { Amount::default() };
            (self.taken, self.since_ms) = (Amount::default(), running_ms);
        }
    }

    /// The ring of the connection in `slot` has no room for another pass.
    pub(crate) fn press(&mut self, slot: SlotRef, patience: &mut Patience) {
        if patience.state == State::Calm {
            patience.state = State::Pressed;
            self.pressed.push(slot);
        }
    }

    /// One that may be pressed.
    pub(crate) fn last(&self) -> Option<SlotRef> {
        self.pressed.last().copied()
    }

    /// That one is not, or not any more.
    pub(crate) fn pop(&mut self) {
        self.pressed.pop();
    }

    /// How many entries there are, stale ones too.
    pub(crate) fn pressed(&self) -> usize {
        self.pressed.len()
    }

    /// Drops the entries that `is_pressed` does not hold for.
    pub(crate) fn retain(&mut self, is_pressed: impl FnMut(&SlotRef) -> bool) {
        self.pressed.retain(is_pressed);
    }

    /// Whether it waits already.
    pub(crate) fn is_paused(&self) -> bool {
        self.pause.is_some()
    }

    /// Waits from now on, or still, for those who are pressed, all of whom are waited for: until this time. `None` if there is
    /// no time left.
    pub(crate) fn wait(&mut self, open: usize, config: &Config, now_ms: u64) -> Option<u64> {
        let pause = self.pause.unwrap_or_else(|| {
            let owed_ms = self.owed_ms.saturating_sub(now_ms.saturating_sub(self.owed_since_ms));
            let is_crowd = self.pressed.len().saturating_mul(CROWD_PART) >= open;
            let cost = if is_crowd { COST_FOR_CROWD } else { COST };
            Pause { since_ms: now_ms, spent_ms: owed_ms.div_ceil(self.cost.max(1)), cost }
        });
        let until_ms = pause.since_ms.saturating_add(config.patience_ms.saturating_sub(pause.spent_ms));
        let is_over = until_ms <= now_ms;
        if !is_over {
            self.pause = Some(pause);
        }
        (!is_over).then_some(until_ms)
    }

    /// It does not wait any more.
    pub(crate) fn resume(&mut self, now_ms: u64) {
        let pause_ms = self.pause_ms(now_ms);
        if let Some(Pause { spent_ms, cost, .. }) = self.pause.take() {
            self.paused_ms += pause_ms;
            (self.owed_ms, self.owed_since_ms) = ((spent_ms + pause_ms).saturating_mul(cost), now_ms);
            self.cost = cost;
        }
    }

    /// How long the pause has been that is under way.
    fn pause_ms(&self, now_ms: u64) -> u64 {
        self.pause.map_or(0, |pause| now_ms.saturating_sub(pause.since_ms))
    }

    fn paused_ms(&self, now_ms: u64) -> u64 {
        self.paused_ms + self.pause_ms(now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config { patience_ms: 100, ..Config::default() }
    }

    const SLOT: SlotRef = SlotRef { index: 0, connection: 0 };

    /// Waits from `now_ms` on for as long as it may for one of many, at most `ms`; for how long that was.
    fn wait(pace: &mut Pace, now_ms: u64, ms: u64) -> u64 {
        wait_among(pace, 9, now_ms, ms)
    }

    /// The same, for one of `open`.
    fn wait_among(pace: &mut Pace, open: usize, now_ms: u64, ms: u64) -> u64 {
        pace.pressed = vec![SLOT];
        let Some(until_ms) = pace.wait(open, &config(), now_ms) else { return 0 };
        assert_eq!(pace.wait(open, &config(), until_ms - 1), Some(until_ms), "the end stands");
        assert_eq!(pace.wait(open, &config(), until_ms), None);
        let end_ms = until_ms.min(now_ms + ms);
        pace.resume(end_ms);
        end_ms - now_ms
    }

    #[test]
    fn a_pause_lasts_for_the_patience_and_not_a_millisecond_longer() {
        let mut pace = Pace::default();
        assert_eq!(wait(&mut pace, 1_000, u64::MAX / 2), 100);
        assert_eq!(wait(&mut pace, 1_100, 1_000), 0, "there is nothing left");
    }

    #[test]
    fn of_the_time_without_a_pause_a_fourth_comes_back_up_to_the_patience() {
        let mut pace = Pace::default();
        wait(&mut pace, 0, 1_000);
        assert_eq!(wait(&mut pace, 103, 1_000), 0);
        assert_eq!(wait(&mut pace, 104, 1_000), 1);
        assert_eq!(wait(&mut pace, 505, 1_000), 100);
        assert_eq!(wait(&mut pace, 1_000_000, 1_000), 100, "no more than that at a time");
    }

    #[test]
    fn what_is_not_used_is_kept() {
        let mut pace = Pace::default();
        assert_eq!([0, 30, 60, 90].map(|now_ms| wait(&mut pace, now_ms, 30)), [30, 30, 30, 10]);
    }

    #[test]
    fn all_waits_together_take_a_fifth_of_the_time_or_half_of_it_for_an_eighth_of_all() {
        for (open, part) in [(9, 5), (8, 2)] {
            for ms in [1, 7, 90, 1_000] {
                let (mut pace, mut now_ms, mut waited_ms) = (Pace::default(), 0, 0);
                while now_ms < 100_000 {
                    let waited = wait_among(&mut pace, open, now_ms, ms);
                    waited_ms += waited;
                    now_ms += waited + 1;
                }
                let most_ms = now_ms / part;
                assert!(waited_ms <= most_ms + 100, "{waited_ms} of {now_ms}");
                assert!(waited_ms >= most_ms - 100, "and not less: {waited_ms} of {now_ms}");
            }
        }
    }

    #[test]
    fn who_never_came_round_is_not_waited_for_and_who_was_let_off_not_until_it_has_drained() {
        let (mut pace, mut patience) = (Pace::default(), Patience::new());
        pace.press(SLOT, &mut patience);
        assert!(patience.is_pressed() && !patience.is_waited_for());
        patience.relax();
        pace.press(SLOT, &mut patience);
        assert!(patience.is_waited_for());
        patience.let_off();
        patience.relax();
        pace.press(SLOT, &mut patience);
        assert!(!patience.is_pressed());
        patience.drained();
        pace.press(SLOT, &mut patience);
        assert!(patience.is_waited_for());
    }

    #[test]
    fn a_flood_is_a_rings_worth_within_its_time_and_pauses_are_no_time() {
        let mut pace = Pace::default();
        let took = |messages| Amount { messages, bytes: 0 };
        let none = Amount::default();
        pace.took(took(63), 0);
        assert!(!pace.is_flooded(none, &config(), 99));
        pace.took(took(1), 99);
        assert!(pace.is_flooded(none, &config(), 99));
        assert!(pace.is_flooded(none, &config(), 199), "those before count for as long again");
        pace.pause = Some(Pause { since_ms: 199, spent_ms: 0, cost: COST });
        assert!(pace.is_flooded(none, &config(), 5_000));
        pace.resume(5_000);
        assert!(!pace.is_flooded(none, &config(), 5_100));
        assert!(!pace.is_flooded(took(16), &config(), 5_100));
        assert!(pace.is_flooded(took(17), &config(), 5_100), "more than a pass");
    }
}
