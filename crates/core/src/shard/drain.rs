//! The steps of a drain: the shard ends every stream, a few in each turn.

use std::{hash::BuildHasher as _, sync::Arc};

use crate::{
    event::{message::Message, notice::CloseReason},
    queue::{inbox::SlotRef, outlet::Socket},
    shard::{Shard, index::slot_index, state::State},
};

impl<S: Socket> Shard<S> {
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

    /// Ends one stream behind its ring. Its time to come back is drawn for it alone.
    pub(super) fn begin_closing(&mut self, index: u32) {
        let Some(slot) = &mut self.slots[index as usize] else { return };
        if !slot.is_attached() || !matches!(slot.state(), State::Live) {
            return;
        }
        let spread_ms = self.config.drain_spread_ms;
        let retry_ms = 1_000 + self.jitter.hash_one(slot.connection()) % spread_ms.saturating_add(1);
        slot.begin_closing(Message::last_retry(retry_ms, Arc::clone(&self.budget)));
    }

    /// Ends all streams that are left at once; returns how many had not taken everything.
    ///
    /// [`Shard`] has an example.
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
