//! Relief: how a shard empties rings while those of the whole hub hold too much.

use std::cmp::Reverse;

use crate::{
    event::notice::CloseReason,
    queue::{inbox::SlotRef, outlet::Socket},
    shard::{Shard, slot::Slot},
};

impl<S: Socket> Shard<S> {
    /// While rings hold more than the hub allows, empties the fullest of this shard into catch-up. If that is not enough, closes the
    /// connections that keep the largest messages half written.
    pub(super) fn relieve(&mut self, now_ms: u64) {
        if !self.budget.is_exceeded() {
            return;
        }
        let mut fullest = self.slots_by(|slot| if slot.is_closing() { 0 } else { slot.waiting_bytes() });
        for (_, at) in fullest.drain(..) {
            if !self.budget.is_exceeded() {
                return;
            }
            let Some(slot) = self.slots.get_mut(at) else { continue };
            let ends = slot.empty_ring(&mut self.ledger, now_ms);
            slot.patience_mut().relax();
            if !slot.is_full() {
                self.inbox.wake_slot(at);
            }
            if let Err(reason) = ends {
                self.remove(at, reason, now_ms);
            }
        }
        for (_, at) in self.slots_by(|slot| slot.rest_bytes()) {
            if !self.budget.is_exceeded() {
                return;
            }
            self.remove(at, CloseReason::Busy, now_ms);
        }
    }

    /// The slots with the most of some bytes, most first. None if all of them together are less than this shard's share of the
    /// hub's limit, because other shards have more.
    fn slots_by(&self, bytes: impl Fn(&Slot<S>) -> usize) -> Vec<(usize, SlotRef)> {
        let config = &self.config;
        let each = self.slots.names().filter_map(|at| Some((bytes(self.slots.get(at)?), at)));
        let mut most: Vec<_> = each.filter(|(bytes, _)| *bytes > 0).collect();
        if most.iter().map(|(bytes, _)| bytes).sum::<usize>() <= config.hub_ring_bytes_max / config.shards {
            return Vec::new();
        }
        most.sort_unstable_by_key(|(bytes, at)| Reverse((*bytes, at.index)));
        most
    }
}
