//! [`Pace`]: how a flood of publishes waits for readers that it would overrun, and [`Patience`]: how long for each.
//!
//! A connection is pressed when its ring has no room for another pass. In a flood the shard then takes no publishes
//! until nobody is pressed. What one connection may hold up is bounded: it has a little patience, which only its share
//! of the time restores; when that is used up it is let off, and its ring overflows as its policy says. Waits in vain
//! are charged to the whole shard besides: when it has had many, connections that never came round get little. And all
//! waits together take half of the time in the long run, however many slow readers there are; beyond that each has
//! only a small part of its patience.

use crate::{config::Config, inbox::SlotRef, pass::Pass};

/// A connection's share of the time is what is restored to it, times this: when readers take turns in being pressed,
/// several are at a time. So it takes one in sixteen of all connections, acting together, to hold floods up for good.
const SHARES: u64 = 16;

/// However few connections there are, none gets more than one part in this of the time.
const PARTS_MIN: u64 = 4;

/// Publishes come in a flood when they would fill an empty ring within this time, in milliseconds.
const FLOOD_MS: u64 = 100;

/// The shard may have waited in vain for this many patiences at once, and for one part in [`PARTS_MIN`] of the time.
const IN_VAIN: u64 = 4;

/// All waits together get one part in this of the time.
const ALL_PARTS: u64 = 2;

/// After that, one that never came round is waited for one part in this of a patience.
const UNPROVEN_PART: u64 = 16;

/// Time that may be spent, in microseconds, and that comes back.
#[derive(Debug)]
struct Allowance {
    left_us: u64,
    at_ms: u64,
}

impl Allowance {
    const FULL: Self = Self { left_us: u64::MAX, at_ms: 0 };

    /// One part in `parts` of the time since the last call comes back, up to `max_ms`.
    fn restore(&mut self, parts: u64, max_ms: u64, now_ms: u64) {
        let restored_us = now_ms.saturating_sub(self.at_ms).saturating_mul(1_000) / parts;
        self.left_us = self.left_us.saturating_add(restored_us).min(max_ms.saturating_mul(1_000));
        self.at_ms = now_ms;
    }

    fn spend(&mut self, ms: u64) {
        self.left_us = self.left_us.saturating_sub(ms.saturating_mul(1_000));
    }

    fn left_ms(&self) -> u64 {
        self.left_us / 1_000
    }
}

/// How long one connection may hold its shard up.
#[derive(Debug)]
pub(crate) struct Patience {
    allowance: Allowance,
    state: State,
    /// It was pressed before, and came round.
    is_proven: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It has room.
    Calm,
    /// Since the shard had been paused for so long, all pauses together.
    Pressed { paused_ms: u64 },
    /// Its patience was used up; it is not waited for until it has drained.
    LetOff,
}

impl Patience {
    pub(crate) fn new() -> Self {
        Self { allowance: Allowance::FULL, state: State::Calm, is_proven: false }
    }

    /// It has room for another pass.
    pub(crate) fn relax(&mut self, pace: &Pace, now_ms: u64) {
        if let State::Pressed { paused_ms } = self.state {
            self.allowance.spend(pace.paused_ms(now_ms).saturating_sub(paused_ms));
            self.state = State::Calm;
            self.is_proven = true;
        }
    }

    /// Whether it has no room for another pass, and has not been let off.
    pub(crate) fn is_pressed(&self) -> bool {
        matches!(self.state, State::Pressed { .. })
    }

    /// Everything that waited has left.
    pub(crate) fn drained(&mut self, pace: &Pace, now_ms: u64) {
        self.relax(pace, now_ms);
        self.state = State::Calm;
    }
}

/// Publishes, and their bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Amount {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

/// Whether there is a flood, who is pressed, and how long the shard has waited.
#[derive(Debug)]
pub(crate) struct Pace {
    /// What was taken in the [`FLOOD_MS`] from `since_ms` on, and in those before. Pauses do not count as time.
    taken: Amount,
    taken_before: Amount,
    since_ms: u64,
    /// Some may have room again, or be gone.
    pressed: Vec<SlotRef>,
    /// All pauses together, without the one that is under way since then.
    paused_ms: u64,
    pause: Option<u64>,
    /// What is left for waits of any kind.
    all: Allowance,
    /// What is left for waits in vain.
    account: Allowance,
    /// Up to where pauses are charged to it.
    charged_ms: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            taken: Amount::default(),
            taken_before: Amount::default(),
            since_ms: 0,
            pressed: Vec::new(),
            paused_ms: 0,
            pause: None,
            all: Allowance::FULL,
            account: Allowance::FULL,
            charged_ms: 0,
        }
    }
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

    /// The ring of the connection in `slot`, one of `open`, has no room for another pass.
    pub(crate) fn press(&mut self, slot: SlotRef, patience: &mut Patience, open: usize, config: &Config, now_ms: u64) {
        if patience.state != State::Calm {
            return;
        }
        let parts = (u64::try_from(open).unwrap_or(u64::MAX) / SHARES).max(PARTS_MIN);
        patience.allowance.restore(parts, config.patience_ms, now_ms);
        patience.state = State::Pressed { paused_ms: self.paused_ms(now_ms) };
        self.pressed.push(slot);
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

    /// Until when a pause for the connection with this patience lasts. `None`: there is none, or it was let off.
    pub(crate) fn wait_for(&mut self, patience: &mut Patience, config: &Config, now_ms: u64) -> Option<u64> {
        let State::Pressed { paused_ms } = patience.state else { return None };
        let waited_ms = self.paused_ms(now_ms).saturating_sub(paused_ms);
        self.account.restore(PARTS_MIN, config.patience_ms.saturating_mul(IN_VAIN), now_ms);
        let mut most_ms = patience.allowance.left_ms();
        if !patience.is_proven {
            most_ms = most_ms.min(self.account.left_ms().max(config.patience_ms / UNPROVEN_PART));
        }
        self.all.restore(ALL_PARTS, config.patience_ms.saturating_mul(IN_VAIN), now_ms);
        let left_ms = self.all.left_ms().saturating_sub(self.pause_ms(now_ms));
        most_ms = most_ms.min((waited_ms + left_ms).max(config.patience_ms / UNPROVEN_PART));
        if waited_ms < most_ms {
            return Some(now_ms + (most_ms - waited_ms));
        }
        patience.allowance.spend(waited_ms);
        patience.state = State::LetOff;
        self.charge(paused_ms, now_ms);
        None
    }

    /// Takes a wait in vain from the account: but not twice what several were waited for together.
    fn charge(&mut self, since_paused_ms: u64, now_ms: u64) {
        let paused_ms = self.paused_ms(now_ms);
        self.account.spend(paused_ms.saturating_sub(since_paused_ms.max(self.charged_ms)));
        self.charged_ms = paused_ms;
    }

    /// The shard waits from now on, or still.
    pub(crate) fn pause(&mut self, now_ms: u64) {
        self.pause.get_or_insert(now_ms);
    }

    /// It does not wait any more.
    pub(crate) fn resume(&mut self, now_ms: u64) {
        self.all.spend(self.pause_ms(now_ms));
        self.paused_ms = self.paused_ms(now_ms);
        self.pause = None;
    }

    /// How long the pause has been that is under way.
    fn pause_ms(&self, now_ms: u64) -> u64 {
        self.pause.map_or(0, |since_ms| now_ms.saturating_sub(since_ms))
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

    /// Pressed at `now_ms`; until when it is waited for.
    fn press(pace: &mut Pace, patience: &mut Patience, open: usize, now_ms: u64) -> Option<u64> {
        pace.press(SLOT, patience, open, &config(), now_ms);
        let until_ms = pace.wait_for(patience, &config(), now_ms);
        pace.pause(now_ms);
        until_ms
    }

    #[test]
    fn patience_is_used_up_by_pauses_and_restored_by_a_share_of_the_time() {
        let (mut pace, mut patience) = (Pace::default(), Patience::new());
        assert_eq!(press(&mut pace, &mut patience, 1_600, 1_000), Some(1_100));
        patience.relax(&pace, 1_090);
        pace.resume(1_090);
        // A hundredth of the 590 ms since it was pressed, on top of the 10 that were left.
        assert_eq!(press(&mut pace, &mut patience, 1_600, 1_590), Some(1_605));
        assert_eq!(pace.wait_for(&mut patience, &config(), 1_605), None);
        assert!(!patience.is_pressed());
        assert_eq!(press(&mut pace, &mut patience, 1_600, 9_000), None, "it has not drained");
        patience.drained(&pace, 9_000);
        pace.resume(9_000);
        assert_eq!(press(&mut pace, &mut patience, 1_600, 9_000), Some(9_075));
    }

    #[test]
    fn time_without_a_pause_costs_nothing() {
        let (mut pace, mut patience) = (Pace::default(), Patience::new());
        pace.press(SLOT, &mut patience, 1, &config(), 0);
        assert_eq!(pace.wait_for(&mut patience, &config(), 5_000), Some(5_100));
    }

    /// The shard waits for one in vain.
    fn wait_in_vain(pace: &mut Pace, now_ms: u64) -> u64 {
        let mut patience = Patience::new();
        let mut until_ms = press(pace, &mut patience, 1_600, now_ms).expect("everybody is waited for a little");
        while let Some(later_ms) = pace.wait_for(&mut patience, &config(), until_ms) {
            until_ms = later_ms;
        }
        pace.resume(until_ms);
        until_ms - now_ms
    }

    #[test]
    fn many_waits_in_vain_leave_little_for_those_who_never_came_round() {
        let mut pace = Pace::default();
        let mut proven = Patience::new();
        press(&mut pace, &mut proven, 1_600, 0);
        proven.relax(&pace, 0);
        pace.resume(0);
        let waits: Vec<_> = (0..20).map(|n| wait_in_vain(&mut pace, n * 100)).collect();
        assert_eq!(waits[..4], [100; 4]);
        assert!(waits[10..].iter().all(|wait_ms| (20..=34).contains(wait_ms)), "a quarter of the time: {waits:?}");
        assert_eq!(press(&mut pace, &mut proven, 1_600, 2_000), Some(2_100), "who came round has its own");
    }

    #[test]
    fn what_several_are_waited_for_together_is_charged_once() {
        let mut pace = Pace::default();
        let mut all: [Patience; 20] = std::array::from_fn(|_| Patience::new());
        for one in &mut all {
            assert_eq!(press(&mut pace, one, 1_600, 0), Some(100));
        }
        assert!(all.iter_mut().all(|one| pace.wait_for(one, &config(), 100).is_none()));
        pace.resume(100);
        assert_eq!(wait_in_vain(&mut pace, 100), 100);
    }

    #[test]
    fn of_few_connections_none_gets_more_than_a_quarter_of_the_time() {
        let (mut pace, mut patience) = (Pace::default(), Patience::new());
        press(&mut pace, &mut patience, 1, 0);
        patience.relax(&pace, 99);
        pace.resume(99);
        assert_eq!(press(&mut pace, &mut patience, 1, 140), Some(176));
    }

    #[test]
    fn all_waits_together_take_their_part_of_the_time_and_little_more() {
        let mut pace = Pace::default();
        let (mut now_ms, mut waited_ms) = (0, 0);
        // A new one comes round after 90 of its 100 ms each time, and 10 ms later there is the next.
        for _ in 0..200 {
            let mut patience = Patience::new();
            patience.is_proven = true;
            let until_ms = press(&mut pace, &mut patience, 1_600, now_ms).unwrap_or(now_ms).min(now_ms + 90);
            patience.relax(&pace, until_ms);
            pace.resume(until_ms);
            waited_ms += until_ms - now_ms;
            now_ms = until_ms + 10;
        }
        let burst_ms = IN_VAIN * config().patience_ms;
        assert!(waited_ms <= now_ms / ALL_PARTS + burst_ms + 200 * 6, "{waited_ms} of {now_ms}");
        assert!(waited_ms < 200 * 40, "{waited_ms}");
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
        pace.pause(199);
        assert!(pace.is_flooded(none, &config(), 5_000));
        pace.resume(5_000);
        assert!(!pace.is_flooded(none, &config(), 5_100));
        assert!(!pace.is_flooded(took(16), &config(), 5_100));
        assert!(pace.is_flooded(took(17), &config(), 5_100), "more than a pass");
    }
}
