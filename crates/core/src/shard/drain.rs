//! The end of streams in good order. In a drain the shard ends every stream, a few in each turn. Without one it ends those whose
//! time is over.

use std::{hash::BuildHasher as _, sync::Arc};

use crate::{
    event::{message::Message, notice::CloseReason},
    queue::{inbox::SlotRef, outlet::Socket},
    shard::{Shard, slot::Slot, state::State, walk::Walk},
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

    /// Ends a stream whose time is over. True if that is done. A stream that is behind ends in [`Shard::flush`] instead, once its
    /// outlet has taken what waits.
    pub(super) fn end_expired(&mut self, at: SlotRef, now_ms: u64) -> bool {
        let may_end = |slot: &Slot<S>| slot.is_expired(now_ms) && slot.is_attached() && !slot.is_behind();
        let is_over = self.slots.get(at).is_some_and(|slot| may_end(slot) && !slot.is_closing());
        if is_over {
            self.go_live(at, now_ms);
        }
        is_over
    }

    /// Ends one stream behind its ring: the hub drains, or the time of the stream is over. In a drain the time to come back is drawn
    /// for it alone.
    pub(super) fn begin_closing(&mut self, at: SlotRef) {
        let Some(slot) = self.slots.get_mut(at) else { return };
        if !slot.is_attached() || !matches!(slot.state(), State::Live) {
            return;
        }
        let spread_ms = self.config.drain_spread_ms;
        let spread = |connection: u64| 1_000 + self.jitter.hash_one(connection) % spread_ms.saturating_add(1);
        let (reason, retry_ms) = match slot.is_disconnected() {
            _ if self.drain.is_some() => (CloseReason::Drained, spread(slot.connection())),
            // Perhaps one of many.
            true => (CloseReason::Disconnected, spread(slot.connection())),
            false => (CloseReason::Expired, self.config.expired_retry_ms),
        };
        // It gets nothing more, so no flood has to wait for it.
        slot.patience_mut().let_off();
        slot.begin_closing(Message::last_retry(retry_ms, Arc::clone(&self.budget)), reason);
    }

    /// Ends all streams that are left at once; returns how many had not taken everything.
    ///
    /// [`Shard`] has an example.
    pub fn cut(&mut self, now_ms: u64) -> usize {
        let mut cut = 0;
        for at in 0..self.slots.len() {
            let Some(at) = self.slots.name(at) else { continue };
            let Some(slot) = self.slots.get(at) else { continue };
            let reason = slot.end().filter(|_| slot.is_flushed()).unwrap_or(CloseReason::Cut);
            cut += usize::from(reason == CloseReason::Cut);
            self.remove(at, reason, now_ms);
        }
        cut
    }
}
