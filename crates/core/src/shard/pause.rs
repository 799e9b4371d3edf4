//! The one question before a pass: may it come now, and if not, when? Readers without room ([`crate::shard::pace`]) and readers
//! that catch up ([`crate::shard::readers`]) may hold it up.

use crate::{
    queue::outlet::Socket,
    shard::{Shard, pace::Payer},
};

/// Number of stale entries that the list of pressed connections may have.
const PRESSED_STALE_MAX: usize = 64;

impl<S: Socket> Shard<S> {
    /// The time until which no publishes are to be taken, if there is a flood and a connection has no room for it. A drain does not
    /// wait.
    pub(super) fn paused_until_ms(&mut self, now_ms: u64) -> Option<u64> {
        let waiting = self.inbox.load();
        let is_flooded = !self.inbox.is_draining() && self.pace.is_flooded(waiting, &self.config, now_ms);
        // A reader that has taken its batch gets the next before more publishes come, or it would never come round.
        let round_until_ms = self.readers.round_until_ms(now_ms).filter(|_| is_flooded && waiting.messages > 0);
        if round_until_ms.is_some() {
            // Pressed connections do not pay for this wait.
            self.pace.resume(now_ms);
            return round_until_ms;
        }
        let until_ms = if is_flooded { self.next_wait(now_ms) } else { None };
        if until_ms.is_none() {
            self.pace.resume(now_ms);
        }
        until_ms
    }

    fn next_wait(&mut self, now_ms: u64) -> Option<u64> {
        if !self.pace.is_paused() {
            // The number of entries decides the cost of a pause.
            self.retain_pressed();
        }
        let Self { pace, slots, config, .. } = self;
        let open = slots.open();
        for payer in Payer::ALL {
            while let Some(at) = pace.last(payer) {
                let slot = slots.get_mut(at);
                let mut has_come_round = slot.is_some();
                if let Some(slot) = slot.filter(|slot| slot.patience().is_pressed_for(payer)) {
                    let until_ms = pace.wait(payer, open, config, now_ms);
                    if until_ms.is_some() {
                        return until_ms;
                    }
                    slot.patience_mut().let_off();
                    has_come_round = false;
                }
                pace.pop(payer, has_come_round);
            }
        }
        None
    }

    /// Takes connections that are not pressed any more off the list, once they are many.
    pub(super) fn forget_relaxed(&mut self) {
        if self.pace.pressed() > 2 * self.slots.open() + PRESSED_STALE_MAX {
            self.retain_pressed();
        }
    }

    fn retain_pressed(&mut self) {
        let Self { pace, slots, .. } = self;
        pace.retain(|at, payer| slots.get(*at).is_some_and(|slot| slot.patience().is_pressed_for(payer)));
    }
}
