//! [`Pace`]: how a flood of publishes waits for readers that it would overrun; [`Patience`]: whether it waits for one connection.
//!
//! A connection is pressed while its ring has no room for another pass. In a flood the shard takes no publishes until no
//! connection is pressed. Its pauses have a budget: a fifth of the time, and a second at a stretch ([`Config::patience_ms`]). Once
//! the budget is used up, pressed connections are let off: their rings overflow as their policies say, and the shard waits for
//! them again when they have drained. If an eighth of all connections is pressed at once, the machine is short of time for its
//! readers, and pauses may take half of the time.
//!
//! Newcomers are connections that have never come round. They share a budget of their own: a twentieth of the time, and a fourth
//! of the patience at a stretch. A client that only connects, however often, takes no more. A pause in which all of them come round
//! is not charged to them: they were good readers, and the others pay.

use crate::{
    config::Config,
    queue::inbox::{Amount, SlotRef},
    shard::pass::Pass,
};

/// Publishes come in a flood when they would fill an empty ring within this time, in milliseconds.
const FLOOD_MS: u64 = 100;

/// Milliseconds without a pause that each millisecond of a pause costs: pauses take a fifth of the time.
const COST: u64 = 4;
/// As [`COST`], after a pause for a crowd: half of the time.
const COST_FOR_CROWD: u64 = 1;

/// As [`COST`], for newcomers: a twentieth of the time.
const COST_FOR_NEWCOMERS: u64 = 19;
/// The patience of newcomers is one part in this of [`Config::patience_ms`].
const NEWCOMERS_PART: u64 = 4;

/// Pressed connections are a crowd from one part in this of all.
const CROWD_PART: usize = 8;

/// Whether one connection is waited for.
#[derive(Debug)]
pub(crate) struct Patience {
    pressure: Pressure,
    /// The connection was behind before, and came round. If not, it is a newcomer.
    is_proven: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pressure {
    /// The ring has room.
    Calm,
    Pressed,
    /// The budget was used up: nobody waits until the ring has drained.
    LetOff,
}

impl Patience {
    pub(crate) fn new() -> Self {
        Self { pressure: Pressure::Calm, is_proven: false }
    }

    /// The ring has room for another pass.
    pub(crate) fn relax(&mut self) {
        if self.pressure == Pressure::Pressed {
            self.pressure = Pressure::Calm;
            self.is_proven = true;
        }
    }

    /// Everything in the ring has left.
    pub(crate) fn emptied(&mut self) {
        self.pressure = Pressure::Calm;
        self.is_proven = true;
    }

    /// Whether the ring has no room for another pass, and the connection has not been let off.
    pub(crate) fn is_pressed(&self) -> bool {
        self.pressure == Pressure::Pressed
    }

    /// Whether the connection is pressed, and `payer` pays for pauses.
    pub(crate) fn is_pressed_for(&self, payer: Payer) -> bool {
        self.is_pressed() && self.payer() == payer
    }

    fn payer(&self) -> Payer {
        if self.is_proven { Payer::Proven } else { Payer::Newcomers }
    }

    /// Lets a pressed connection off: there is no time left.
    pub(crate) fn let_off(&mut self) {
        if self.is_pressed() {
            self.pressure = Pressure::LetOff;
        }
    }
}

/// The group of connections whose budget pays for a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payer {
    /// Connections that have come round before.
    Proven,
    Newcomers,
}

impl Payer {
    /// Both groups, in the order in which they pay.
    pub(crate) const ALL: [Self; 2] = [Self::Proven, Self::Newcomers];
}

/// Pressed connections with one budget, and how much of it is spent.
#[derive(Debug, Default)]
struct Group {
    /// Some may have room again, be gone, or belong to the other group.
    pressed: Vec<SlotRef>,
    /// Milliseconds behind the last pause after which the whole patience is there again, and when they began.
    owed_ms: u64,
    owed_since_ms: u64,
    /// The cost of the last pause.
    cost: u64,
}

impl Group {
    fn spent_ms(&self, now_ms: u64) -> u64 {
        let owed_ms = self.owed_ms.saturating_sub(now_ms.saturating_sub(self.owed_since_ms));
        owed_ms.div_ceil(self.cost.max(1))
    }

    fn spend(&mut self, spent_ms: u64, cost: u64, now_ms: u64) {
        (self.owed_ms, self.owed_since_ms, self.cost) = (spent_ms.saturating_mul(cost), now_ms, cost);
    }
}

/// The flood, the pressed connections, and the time for which the shard may still wait.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// Publishes taken in the [`FLOOD_MS`] from `since_ms` on, and in those before. Pauses do not count as time.
    taken: Amount,
    taken_before: Amount,
    since_ms: u64,
    /// All pauses together, without the one that is under way.
    paused_ms: u64,
    pause: Option<Pause>,
    proven: Group,
    newcomers: Group,
}

/// A pause that is under way.
#[derive(Clone, Copy, Debug)]
struct Pause {
    payer: Payer,
    since_ms: u64,
    /// The part of the patience that was spent when the pause began.
    spent_ms: u64,
    cost: u64,
    /// A connection has left in it, or was let off.
    is_in_vain: bool,
}

impl Pace {
    /// Notes publishes that were taken from the inbox.
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
        if patience.pressure == Pressure::Calm {
            patience.pressure = Pressure::Pressed;
            self.group(patience.payer()).pressed.push(slot);
        }
    }

    /// A connection of the group of `payer` that may be pressed.
    pub(crate) fn last(&mut self, payer: Payer) -> Option<SlotRef> {
        self.group(payer).pressed.last().copied()
    }

    /// Takes that connection off: it is not pressed, or not any more. If not because it `has_come_round`, it has left or was let off.
    pub(crate) fn pop(&mut self, payer: Payer, has_come_round: bool) {
        self.group(payer).pressed.pop();
        if let Some(pause) = &mut self.pause {
            pause.is_in_vain |= !has_come_round && pause.payer == payer;
        }
    }

    /// The number of entries, stale ones too.
    pub(crate) fn pressed(&self) -> usize {
        self.proven.pressed.len() + self.newcomers.pressed.len()
    }

    /// Drops entries that are not pressed, by their slot and by who pays for it.
    pub(crate) fn retain(&mut self, mut is_pressed: impl FnMut(&SlotRef, Payer) -> bool) {
        for payer in Payer::ALL {
            self.group(payer).pressed.retain(|at| is_pressed(at, payer));
        }
    }

    /// Whether a pause is under way.
    pub(crate) fn is_paused(&self) -> bool {
        self.pause.is_some()
    }

    /// Begins a pause or goes on with it, at the cost of `payer`, and returns its end; `None` if there is no time left. All entries
    /// of the group are pressed, among `open` connections.
    pub(crate) fn wait(&mut self, payer: Payer, open: usize, config: &Config, now_ms: u64) -> Option<u64> {
        if self.pause.is_some_and(|pause| pause.payer != payer) {
            self.resume(now_ms);
        }
        let pause = self.pause.unwrap_or_else(|| {
            let group = self.group(payer);
            let is_crowd = group.pressed.len().saturating_mul(CROWD_PART) >= open;
            let cost = if is_crowd { COST_FOR_CROWD } else { COST };
            Pause { payer, since_ms: now_ms, spent_ms: group.spent_ms(now_ms), cost, is_in_vain: false }
        });
        let patience_ms = match payer {
            Payer::Proven => config.patience_ms,
            Payer::Newcomers => config.patience_ms / NEWCOMERS_PART,
        };
        let until_ms = pause.since_ms.saturating_add(patience_ms.saturating_sub(pause.spent_ms));
        let is_over = until_ms <= now_ms;
        if !is_over {
            self.pause = Some(pause);
        }
        (!is_over).then_some(until_ms)
    }

    /// Ends the pause.
    pub(crate) fn resume(&mut self, now_ms: u64) {
        let pause_ms = self.pause_ms(now_ms);
        let Some(Pause { payer, spent_ms, cost, is_in_vain, .. }) = self.pause.take() else { return };
        self.paused_ms += pause_ms;
        match payer {
            Payer::Proven => self.proven.spend(spent_ms + pause_ms, cost, now_ms),
            Payer::Newcomers if self.newcomers.pressed.is_empty() && !is_in_vain => {
                self.proven.spend(self.proven.spent_ms(now_ms) + pause_ms, cost, now_ms);
            }
            Payer::Newcomers => self.newcomers.spend(spent_ms + pause_ms, COST_FOR_NEWCOMERS, now_ms),
        }
    }

    fn group(&mut self, payer: Payer) -> &mut Group {
        match payer {
            Payer::Proven => &mut self.proven,
            Payer::Newcomers => &mut self.newcomers,
        }
    }

    /// The length of the pause under way so far.
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
        wait_as(pace, Payer::Proven, open, now_ms, ms)
    }

    fn wait_as(pace: &mut Pace, payer: Payer, open: usize, now_ms: u64, ms: u64) -> u64 {
        pace.group(payer).pressed = vec![SLOT];
        let Some(until_ms) = pace.wait(payer, open, &config(), now_ms) else { return 0 };
        assert_eq!(pace.wait(payer, open, &config(), until_ms - 1), Some(until_ms), "the end stands");
        assert_eq!(pace.wait(payer, open, &config(), until_ms), None);
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
    fn all_waits_together_take_a_fifth_of_the_time_half_of_it_for_a_crowd_and_a_twentieth_for_newcomers() {
        for (payer, open, part) in [(Payer::Proven, 9, 5), (Payer::Proven, 8, 2), (Payer::Newcomers, 1, 20)] {
            for ms in [1, 7, 90, 1_000] {
                let (mut pace, mut now_ms, mut waited_ms) = (Pace::default(), 0, 0);
                while now_ms < 100_000 {
                    let waited = wait_as(&mut pace, payer, open, now_ms, ms);
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
    fn who_comes_round_is_no_newcomer_and_who_was_let_off_is_not_waited_for_until_it_has_drained() {
        let (mut pace, mut patience) = (Pace::default(), Patience::new());
        pace.press(SLOT, &mut patience);
        assert_eq!((patience.is_pressed(), patience.payer()), (true, Payer::Newcomers));
        patience.relax();
        pace.press(SLOT, &mut patience);
        assert_eq!((patience.is_pressed(), patience.payer()), (true, Payer::Proven));
        patience.let_off();
        patience.relax();
        pace.press(SLOT, &mut patience);
        assert!(!patience.is_pressed());
        patience.emptied();
        pace.press(SLOT, &mut patience);
        assert!(patience.is_pressed());
    }

    #[test]
    fn newcomers_spend_nothing_of_what_the_others_have() {
        let mut pace = Pace::default();
        assert_eq!(wait_as(&mut pace, Payer::Newcomers, 9, 0, 1_000), 25);
        assert_eq!(wait_as(&mut pace, Payer::Newcomers, 9, 25, 1_000), 0);
        assert_eq!(pace.wait(Payer::Newcomers, 9, &config(), 1_000), Some(1_025));
        assert_eq!(pace.wait(Payer::Proven, 9, &config(), 1_010), Some(1_110), "another pause begins");
        pace.resume(1_110);
        assert_eq!(pace.wait(Payer::Newcomers, 9, &config(), 1_110), Some(1_130), "10 ms, and 5 of those are back");
    }

    #[test]
    fn newcomers_that_come_round_pay_nothing_and_those_that_leave_do() {
        for (has_come_round, newcomers_ms, proven_ms) in [(true, 0, 20), (false, 20, 0)] {
            let mut pace = Pace::default();
            pace.newcomers.pressed = vec![SLOT];
            assert_eq!(pace.wait(Payer::Newcomers, 9, &config(), 0), Some(25));
            pace.pop(Payer::Newcomers, has_come_round);
            pace.resume(20);
            let spent_ms = [pace.newcomers.spent_ms(20), pace.proven.spent_ms(20)];
            assert_eq!(spent_ms, [newcomers_ms, proven_ms], "{has_come_round}");
        }
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
        pace.pause = Some(Pause { payer: Payer::Proven, since_ms: 199, spent_ms: 0, cost: COST, is_in_vain: false });
        assert!(pace.is_flooded(none, &config(), 5_000));
        pace.resume(5_000);
        assert!(!pace.is_flooded(none, &config(), 5_100));
        assert!(!pace.is_flooded(took(16), &config(), 5_100));
        assert!(pace.is_flooded(took(17), &config(), 5_100), "more than a pass");
    }
}
