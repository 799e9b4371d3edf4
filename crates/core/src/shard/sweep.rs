//! What a shard does by the clock and not for a message: heartbeats, write deadlines, rings given back, busy
//! notices; the steps of a drain; and relief when rings hold too much.
//!
//! One pass over all slots instead of a timer for each, spread over several ticks.

use std::{hash::BuildHasher as _, sync::Arc};

use crate::{
    gap::Gap,
    inbox::SlotRef,
    message::Message,
    notice::{CloseReason, Notice},
    outlet::{Outlet, Socket},
    shard::Shard,
    slot::{Slot, State},
    subscription::Heartbeat,
};

/// Ticks that one look at every slot takes.
pub const SWEEP_TICKS: usize = 4;

impl<S: Socket> Shard<S> {
    /// Begins to look at the next part of the slots; call it every tick. Every slot is looked at once in
    /// [`SWEEP_TICKS`] calls, so deadlines are kept to within that time. What is more than one turn's work is left to
    /// the next turns.
    pub fn sweep(&mut self, now_ms: u64) {
        self.to_sweep = self.slots.len().div_ceil(SWEEP_TICKS);
        self.go_on_sweeping(now_ms);
        self.relieve(now_ms);
        self.tell_accounts();
        if self.number == 0 {
            self.hub.expire();
        }
    }

    /// What channels had since the last sweep goes to the registry, and what was dropped to the log.
    fn tell_accounts(&mut self) {
        for (target, news) in self.accounts.take() {
            self.hub.registry().add_news(&target, &news);
            if news.dropped > 0 {
                self.notices.push(Notice::Busy { target, dropped: news.dropped });
            }
        }
    }

    /// Looks at a few more slots; true while there are some left.
    pub(super) fn go_on_sweeping(&mut self, now_ms: u64) -> bool {
        let count = self.slots.len();
        let now = self.to_sweep.min(self.hub.config().turn_slots_max);
        self.to_sweep -= now;
        for _ in 0..now {
            self.swept = if self.swept + 1 < count { self.swept + 1 } else { 0 };
            if let Err(reason) = self.look_at(self.swept, now_ms) {
                self.remove(index(self.swept), reason, now_ms);
            }
        }
        self.to_sweep > 0
    }

    fn look_at(&mut self, at: usize, now_ms: u64) -> Result<(), CloseReason> {
        let hub = Arc::clone(&self.hub);
        let config = hub.config();
        let Some(slot) = &mut self.slots[at] else { return Ok(()) };
        if !slot.is_attached() {
            return Ok(());
        }
        if slot.is_stalled(config.write_timeout_ms, now_ms) {
            return Err(CloseReason::WriteTimeout);
        }
        if let State::Closing(closing) = &slot.state {
            // A body has to be finished by hyper, and leaves when it is.
            if matches!(slot.outlet, Outlet::Body { .. }) {
                return Ok(());
            }
            let is_over = closing.told_ms.is_some_and(|told_ms| now_ms.saturating_sub(told_ms) >= config.linger_ms);
            return if is_over && slot.is_flushed() { Err(CloseReason::Drained) } else { Ok(()) };
        }
        if slot.is_flushed() && !slot.is_full {
            slot.shrink();
            if now_ms.saturating_sub(slot.progress_ms) >= config.heartbeat_ms {
                let line = self.heartbeat(at);
                if let (Some(line), Some(slot)) = (line, &mut self.slots[at]) {
                    return slot.heartbeat(line, &mut self.scratch, hub.budget(), now_ms);
                }
            }
        }
        Ok(())
    }

    /// The line for a slot that had nothing for long; none if something is on its way to it.
    fn heartbeat(&mut self, at: usize) -> Option<Message> {
        let slot = self.slots[at].as_mut()?;
        if slot.subscriber.heartbeat == Heartbeat::Comment {
            return Some(self.heartbeat.clone());
        }
        let cursor = match &slot.state {
            State::CatchUp(catch_up) => catch_up.cursor,
            // It has yet to be told what it lost.
            State::Dropping => return None,
            // The shard's own position, unless a part of the pass is still to come.
            _ if self.pass.is_due(&self.marks, index(at), slot.seen) => return None,
            _ => self.position.max(slot.seen),
        };
        slot.account.position = slot.account.position.max(cursor);
        if self.cursor.0 != cursor {
            self.cursor = (cursor, Message::cursor(cursor, Arc::clone(self.hub.budget())));
        }
        Some(self.cursor.1.clone())
    }

    /// While rings hold more than the hub allows, the fullest of this shard are emptied into catch-up. If that is
    /// not enough, connections that keep the largest message half written are closed.
    pub(super) fn relieve(&mut self, now_ms: u64) {
        if !self.hub.budget().is_exceeded() {
            return;
        }
        let mut fullest = self.slots_by(|slot| if slot.is_closing() { 0 } else { slot.waiting_bytes() });
        for (_, at) in fullest.drain(..) {
            if !self.hub.budget().is_exceeded() {
                return;
            }
            let Some(slot) = &mut self.slots[at] else { continue };
            let ends = slot.empty_ring(&mut self.accounts);
            slot.patience.relax();
            if !slot.is_full {
                self.inbox.ready(SlotRef { index: index(at), connection: slot.connection });
            }
            if let Err(reason) = ends {
                self.remove(index(at), reason, now_ms);
            }
        }
        for (_, at) in self.slots_by(|slot| slot.rest_bytes()) {
            if !self.hub.budget().is_exceeded() {
                return;
            }
            self.remove(index(at), CloseReason::Busy, now_ms);
        }
    }

    /// The slots with the most of some bytes, most first. None if all of them together are less than this shard's
    /// share of the hub's limit: then others are to be relieved.
    fn slots_by(&self, bytes: impl Fn(&Slot<S>) -> usize) -> Vec<(usize, usize)> {
        let config = self.hub.config();
        let each = self.slots.iter().enumerate().filter_map(|(at, slot)| Some((bytes(slot.as_ref()?), at)));
        let mut most: Vec<_> = each.filter(|(bytes, _)| *bytes > 0).collect();
        if most.iter().map(|(bytes, _)| bytes).sum::<usize>() <= config.hub_ring_bytes_max / config.shards {
            return Vec::new();
        }
        most.sort_unstable_by(|a, b| b.cmp(a));
        most
    }

    /// Tells a few more connections what everybody has missed; true while there are connections to tell.
    pub(super) fn go_on_telling(&mut self, now_ms: u64) -> bool {
        let Some((gap, from)) = self.telling else { return false };
        let to = (from + self.hub.config().turn_slots_max).min(self.slots.len());
        for at in from..to {
            // One that another hub has told of later events has missed nothing up to there.
            let Some(slot) = &mut self.slots[at] else { continue };
            if gap.to.is_some_and(|to| slot.seen >= to) {
                continue;
            }
            slot.tell(Gap { from: gap.from.max(Some(slot.seen)), ..gap }, now_ms);
            let slot = SlotRef { index: index(at), connection: slot.connection };
            self.flush(slot, now_ms);
        }
        self.telling = (to < self.slots.len()).then_some((gap, to));
        self.telling.is_some()
    }

    /// Ends a few more streams; true while there are streams to tell.
    pub(super) fn go_on_draining(&mut self, now_ms: u64) -> bool {
        let Some(from) = self.drained else { return false };
        let to = (from + self.hub.config().turn_slots_max).min(self.slots.len());
        for at in from..to {
            let Some(slot) = &self.slots[at] else { continue };
            let slot = SlotRef { index: index(at), connection: slot.connection };
            self.begin_closing(slot.index);
            self.flush(slot, now_ms);
        }
        self.drained = Some(to);
        to < self.slots.len()
    }

    /// Its stream ends after what waits, with a time to come back drawn for it alone.
    pub(super) fn begin_closing(&mut self, index: u32) {
        let Some(slot) = &mut self.slots[index as usize] else { return };
        if !slot.is_attached() || !matches!(slot.state, State::Live) {
            return;
        }
        let spread_ms = self.hub.config().drain_spread_ms;
        let retry_ms = 1_000 + self.jitter.hash_one(slot.connection) % spread_ms.saturating_add(1);
        slot.begin_closing(Message::last_retry(retry_ms, self.hub.budget().clone()));
    }

    /// Ends what is left at once; returns how many had not taken everything they were due.
    pub fn cut(&mut self, now_ms: u64) -> usize {
        let mut cut = 0;
        for at in 0..self.slots.len() {
            let Some(slot) = &self.slots[at] else { continue };
            let is_whole = slot.was_told() && slot.is_flushed();
            cut += usize::from(!is_whole);
            let reason = if is_whole { CloseReason::Drained } else { CloseReason::Cut };
            self.remove(index(at), reason, now_ms);
        }
        cut
    }
}

/// Slot indexes are handed out as `u32`.
fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
