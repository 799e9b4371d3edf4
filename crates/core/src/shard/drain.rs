//! The steps of a drain: the shard ends every stream, a few in each turn.

use std::{hash::BuildHasher as _, sync::Arc};

use crate::{
    event::{message::Message, notice::CloseReason},
    queue::{inbox::SlotRef, outlet::Socket},
    shard::{Shard, state::State, walk::Walk},
};

impl<S: Socket> Shard<S> {
    /// Begins the drain: from now on every stream ends.
    pub(super) fn begin_draining(&mut self) {
        self.drain = Some(Walk::default());
    }

    /// Notes that the drain may have come to this slot too early.
    pub(super) fn drain_again(&mut self, at: SlotRef) {
        if let Some(drain) = &mut self.drain {
            drain.go_back_to(at.index);
        }
    }

    /// Ends a few more streams; true while there are streams to end.
    pub(super) fn go_on_draining(&mut self, now_ms: u64) -> bool {
        let slots = self.slots.len();
        let Some(drain) = &mut self.drain else { return false };
        for at in drain.step(self.config.turn_slots_max, slots) {
            let Some(at) = self.slots.name(at) else { continue };
            self.begin_closing(at);
            self.flush(at, now_ms);
        }
        self.drain.as_ref().is_some_and(|drain| !drain.is_over(slots))
    }

    /// Ends one stream behind its ring. Its time to come back is drawn for it alone.
    pub(super) fn begin_closing(&mut self, at: SlotRef) {
        let Some(slot) = self.slots.get_mut(at) else { return };
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
            let Some(at) = self.slots.name(at) else { continue };
            let Some(slot) = self.slots.get(at) else { continue };
            let is_whole = slot.end_is_out() && slot.is_flushed();
            cut += usize::from(!is_whole);
            let reason = if is_whole { CloseReason::Drained } else { CloseReason::Cut };
            self.remove(at, reason, now_ms);
        }
        cut
    }
}
