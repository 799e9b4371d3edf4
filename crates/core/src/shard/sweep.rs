//! The periodic work of a shard: heartbeats, write timeouts, empty rings given back, and notices of dropped events. One look at
//! all slots replaces a timer for each. It is spread over several ticks.

use std::sync::Arc;

use crate::{
    event::{
        message::Message,
        notice::{CloseReason, Notice},
    },
    queue::{
        outlet::{Outlet, Socket},
        subscriber::Heartbeat,
    },
    shard::{SWEEP_TICKS, Shard, index::slot_index, state::State},
};

impl<S: Socket> Shard<S> {
    /// Begins to look at the next part of the slots; call it every tick. Every slot is looked at once in [`SWEEP_TICKS`] calls, so
    /// timeouts are kept to within that time. More than one turn's work is left to the next turns.
    ///
    /// [`Shard`] has an example.
    pub fn sweep(&mut self, now_ms: u64) {
        self.to_sweep = self.slots.len().div_ceil(SWEEP_TICKS);
        self.go_on_sweeping(now_ms);
        self.relieve(now_ms);
        self.tell_accounts();
        if self.number == 0 {
            self.order.expire();
        }
    }

    /// Tells the registry what became of each channel's events since the last sweep, and the log how many were dropped.
    fn tell_accounts(&mut self) {
        for (target, news) in self.accounts.take() {
            self.registry.add_news(&target, &news);
            if news.dropped > 0 {
                self.notices.push(Notice::Busy { target, dropped: news.dropped });
            }
        }
    }

    /// Looks at a few more slots; true while there are some left.
    pub(super) fn go_on_sweeping(&mut self, now_ms: u64) -> bool {
        let count = self.slots.len();
        let now = self.to_sweep.min(self.config.turn_slots_max);
        self.to_sweep -= now;
        for _ in 0..now {
            self.swept = if self.swept + 1 < count { self.swept + 1 } else { 0 };
            if let Err(reason) = self.look_at(self.swept, now_ms) {
                self.remove(slot_index(self.swept), reason, now_ms);
            }
        }
        self.to_sweep > 0
    }

    fn look_at(&mut self, at: usize, now_ms: u64) -> Result<(), CloseReason> {
        let config = Arc::clone(&self.config);
        let Some(slot) = &mut self.slots[at] else { return Ok(()) };
        if !slot.is_attached() {
            return Ok(());
        }
        if slot.is_stalled(config.write_timeout_ms, now_ms) {
            return Err(CloseReason::WriteTimeout);
        }
        if let State::Closing(closing) = slot.state() {
            // A body has to be finished by hyper, and leaves when it is.
            if matches!(slot.outlet(), Outlet::Body { .. }) {
                return Ok(());
            }
            let is_over = closing.told_ms.is_some_and(|told_ms| now_ms.saturating_sub(told_ms) >= config.linger_ms);
            return if is_over && slot.is_flushed() { Err(CloseReason::Drained) } else { Ok(()) };
        }
        if slot.is_flushed() && !slot.is_full() {
            slot.shrink();
            if slot.silent_ms(now_ms) >= config.heartbeat_ms {
                let line = self.heartbeat(at);
                if let (Some(line), Some(slot)) = (line, &mut self.slots[at]) {
                    return slot.heartbeat(line, &mut self.scratch, &self.budget, now_ms);
                }
            }
        }
        Ok(())
    }

    /// The line for a slot that has been silent for long; none if a message is on its way to it.
    fn heartbeat(&mut self, at: usize) -> Option<Message> {
        let slot = self.slots[at].as_mut()?;
        if slot.subscriber().heartbeat == Heartbeat::Comment {
            return Some(self.heartbeat.clone());
        }
        // A part of the pass is still to come.
        if matches!(slot.state(), State::Live) && self.pass.is_due(&self.masks, slot_index(at), slot.seen()) {
            return None;
        }
        let cursor = slot.tell_cursor(self.position)?;
        if self.cursor.0 != cursor {
            self.cursor = (cursor, Message::cursor(cursor, Arc::clone(&self.budget)));
        }
        Some(self.cursor.1.clone())
    }
}
