//! How slots catch up: the next few ask the history, and the answers go to their rings.

use std::sync::Arc;

use crate::{
    config::Config,
    history::read::{Batch, ReadLimit},
    queue::{inbox::SlotRef, outlet::Socket, read_request::ReadRequest},
    shard::{
        Shard,
        pass::{Pass, bits},
    },
};

impl<S: Socket> Shard<S> {
    /// Lets the next few slots ask for everything up to the shard's position. The part of the pass under way that is still to
    /// come to them is left to the history, so an answer means the same whenever it is taken.
    pub(super) fn ask_history(&mut self) {
        while let Some(at) = self.readers.next(self.config.reads_max) {
            if !self.slot(at).is_some_and(|slot| slot.is_to_ask()) {
                self.readers.give_up();
                continue;
            }
            self.leave_to_history(at.index);
            let (upto, shard, limit) = (self.position, self.number, read_limit(&self.config));
            let Some((slot, after)) = self.slot(at).and_then(|slot| slot.ask().map(|after| (slot, after))) else {
                continue;
            };
            let (opened, targets) = (slot.subscriber().opened, slot.subscriber().all_targets());
            self.readers.ask(ReadRequest { shard, slot: at, after, upto, targets, limit, opened });
        }
    }

    /// Takes the messages of the pass from this slot: the history is to give them.
    fn leave_to_history(&mut self, index: u32) {
        let Some(slot) = &mut self.slots[index as usize] else { return };
        let mask = self.pass.take_mask(&mut self.masks, index, slot.seen());
        slot.count_matched(mask.count_ones());
        for bit in bits(mask) {
            let fate = slot.skip(&self.pass.messages[bit]);
            self.pass.count(bit, fate);
        }
        slot.see(self.position);
    }

    /// Takes the answers of the history.
    pub(super) fn take_answers(&mut self, now_ms: u64) {
        while let Some((at, batch)) = self.inbox.pop_answer() {
            self.readers.answered();
            self.take_batch(at, batch, now_ms);
        }
    }

    fn take_batch(&mut self, at: SlotRef, batch: Batch, now_ms: u64) {
        let config = Arc::clone(&self.config);
        let Some(slot) = self.slots.get_mut(at.index as usize).and_then(Option::as_mut) else { return };
        if slot.connection() == at.connection {
            slot.take_batch(batch, &config, &mut self.accounts, now_ms);
            self.flush(at, now_ms);
        }
    }
}

/// An answer should fit into an empty ring, and be as much as a pass.
fn read_limit(config: &Config) -> ReadLimit {
    ReadLimit { messages_max: config.ring_messages_max, bytes_max: Pass::bytes_max(config) }
}
