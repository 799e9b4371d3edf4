//! The periodic work of a shard: heartbeats, write timeouts, streams whose time is over, empty rings given back, and notices of dropped events. One look at
//! all slots replaces a timer for each. It is spread over several ticks.

use crate::{
    event::notice::{CloseReason, Notice},
    queue::{
        inbox::SlotRef,
        outlet::{Outlet, Socket},
        subscriber::Heartbeat,
    },
    shard::{
        SWEEP_TICKS, Shard,
        state::{GoesOn, State},
    },
};

impl<S: Socket> Shard<S> {
    /// Begins to look at the next part of the slots; call it every tick. Every slot is looked at once in [`SWEEP_TICKS`] calls, so
    /// timeouts are kept to within that time. More than one turn's work is left to the next turns.
    ///
    /// [`Shard`] has an example.
    pub fn sweep(&mut self, now_ms: u64) {
        self.sweep.begin_tick(self.slots.len().div_ceil(SWEEP_TICKS));
        self.go_on_sweeping(now_ms);
        self.relieve(now_ms);
        self.tell_accounts();
        if self.number == 0 {
            self.order.expire();
        }
    }

    /// Tells the registry what became of each channel's events since the last sweep, and the log how many were dropped.
    fn tell_accounts(&mut self) {
        for (target, news) in self.ledger.accounts.take() {
            self.registry.add_news(&target, &news);
            if news.dropped > 0 {
                self.notices.push(Notice::Busy { target, dropped: news.dropped });
            }
        }
    }

    /// Looks at a few more slots; true while there are some left.
    pub(super) fn go_on_sweeping(&mut self, now_ms: u64) -> bool {
        for _ in 0..self.config.turn_slots_max {
            let Some(at) = self.sweep.next(self.slots.len()) else { break };
            let Some(at) = self.slots.name(at) else { continue };
            if let Err(reason) = self.look_at(at, now_ms) {
                self.remove(at, reason, now_ms);
            }
        }
        !self.sweep.is_over()
    }

    fn look_at(&mut self, at: SlotRef, now_ms: u64) -> GoesOn {
        let config = &self.config;
        let Some(slot) = self.slots.get_mut(at).filter(|slot| slot.is_attached()) else { return Ok(()) };
        if slot.look_whether_stalled(config.write_timeout_ms, now_ms) {
            return Err(CloseReason::WriteTimeout);
        }
        if let State::Closing(closing) = slot.state() {
            // A body has to be finished by hyper, and leaves when it is.
            if matches!(slot.outlet(), Outlet::Body { .. }) {
                return Ok(());
            }
            let is_over = closing.out_ms.is_some_and(|out_ms| now_ms.saturating_sub(out_ms) >= config.linger_ms);
            return slot.end().filter(|_| is_over && slot.is_flushed()).map_or(Ok(()), Err);
        }
        if self.end_expired(at, now_ms) {
            return Ok(());
        }
        let Some(slot) = self.slots.get_mut(at) else { return Ok(()) };
        if slot.is_flushed() && !slot.is_full() {
            slot.shrink();
            if slot.silent_ms(now_ms) >= self.config.heartbeat_ms {
                return self.send_heartbeat(at, now_ms);
            }
        }
        Ok(())
    }

    /// Sends a line to a slot that has been silent for long, unless a message is on its way to it.
    fn send_heartbeat(&mut self, at: SlotRef, now_ms: u64) -> GoesOn {
        let Some(slot) = self.slots.get_mut(at) else { return Ok(()) };
        let line = match slot.subscriber().heartbeat {
            Heartbeat::Comment => self.heartbeats.comment(),
            Heartbeat::Cursor => {
                // A part of the pass is still to come.
                if matches!(slot.state(), State::Live) && self.pass.is_due(at.index, slot.seen()) {
                    return Ok(());
                }
                let Some(cursor) = slot.tell_cursor(self.position) else { return Ok(()) };
                self.heartbeats.cursor(cursor)
            }
        };
        slot.heartbeat(line, &mut self.scratch, &self.budget, &mut self.ledger, now_ms)
    }
}
