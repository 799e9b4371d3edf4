//! The steps in which a shard tells every stream something: that events were lost, or that the stream ends.

use std::{hash::BuildHasher as _, sync::Arc};

use crate::{
    event::{gap::Gap, message::Message, notice::CloseReason},
    queue::{inbox::SlotRef, outlet::Socket},
    shard::{Shard, index::slot_index, state::State},
};

impl<S: Socket> Shard<S> {
    /// Tells a few more connections what everybody has missed; true while there are connections to tell.
    pub(super) fn go_on_telling(&mut self, now_ms: u64) -> bool {
        let Some((gap, from)) = self.telling else { return false };
        let to = (from + self.config.turn_slots_max).min(self.slots.len());
        for at in from..to {
            // One that another hub has told of later events has missed nothing up to there.
            let Some(slot) = &mut self.slots[at] else { continue };
            if gap.to.is_some_and(|to| slot.seen() >= to) {
                continue;
            }
            slot.tell(Gap { from: gap.from.max(Some(slot.seen())), ..gap }, now_ms);
            let slot = SlotRef { index: slot_index(at), connection: slot.connection() };
            self.flush(slot, now_ms);
        }
        self.telling = (to < self.slots.len()).then_some((gap, to));
        self.telling.is_some()
    }

    /// Ends a few more streams; true while there are streams to tell.
    pub(super) fn go_on_draining(&mut self, now_ms: u64) -> bool {
        let Some(from) = self.drained else { return false };
        let to = (from + self.config.turn_slots_max).min(self.slots.len());
        for at in from..to {
            let Some(slot) = &self.slots[at] else { continue };
            let slot = SlotRef { index: slot_index(at), connection: slot.connection() };
            self.begin_closing(slot.index);
            self.flush(slot, now_ms);
        }
        self.drained = Some(to);
        to < self.slots.len()
    }

    /// Its stream ends after what waits, with a time to come back drawn for it alone.
    pub(super) fn begin_closing(&mut self, index: u32) {
        let Some(slot) = &mut self.slots[index as usize] else { return };
        if !slot.is_attached() || !matches!(slot.state(), State::Live) {
            return;
        }
        let spread_ms = self.config.drain_spread_ms;
        let retry_ms = 1_000 + self.jitter.hash_one(slot.connection()) % spread_ms.saturating_add(1);
        slot.begin_closing(Message::last_retry(retry_ms, Arc::clone(&self.budget)));
    }

    /// Ends what is left at once; returns how many had not taken everything they were due.
    pub fn cut(&mut self, now_ms: u64) -> usize {
        let mut cut = 0;
        for at in 0..self.slots.len() {
            let Some(slot) = &self.slots[at] else { continue };
            let is_whole = slot.was_told() && slot.is_flushed();
            cut += usize::from(!is_whole);
            let reason = if is_whole { CloseReason::Drained } else { CloseReason::Cut };
            self.remove(slot_index(at), reason, now_ms);
        }
        cut
    }
}
