//! The queue of slots that catch up: the next few ask the history, and its batches go to their rings.

use crate::{
    config::Config,
    history::read::{Batch, ReadLimit},
    queue::{inbox::SlotRef, outlet::Socket, read_request::ReadRequest},
    shard::{
        Shard,
        ledger::Ledger,
        pass::{Pass, bits},
        slot::Slot,
    },
};

impl<S: Socket> Shard<S> {
    /// Lets the next few slots ask for everything up to the shard's position. The part of the pass under way that is still to
    /// come to them is left to the history, so a batch means the same whenever it is taken.
    pub(super) fn ask_history(&mut self) {
        while let Some(at) = self.readers.next(self.config.reads_max) {
            let Some(slot) = self.slots.get_mut(at).filter(|slot| slot.is_to_ask()) else {
                self.readers.give_up();
                continue;
            };
            leave_to_history(slot, &mut self.pass, &mut self.ledger, at.index);
            slot.see(self.position);
            let (upto, shard, limit) = (self.position, self.number, read_limit(&self.config));
            let Some((after, checked)) = slot.ask() else { continue };
            let subscriber = slot.subscriber();
            let (opened, targets, patterns) =
                (subscriber.opened, subscriber.all_targets(), subscriber.patterns.clone());
            self.readers.ask(ReadRequest { shard, slot: at, after, upto, targets, patterns, limit, opened, checked });
        }
    }

    /// Takes the batches of the history.
    pub(super) fn take_batches(&mut self, now_ms: u64) {
        while let Some((at, batch)) = self.inbox.pop_batch() {
            self.readers.serve();
            self.take_batch(at, batch, now_ms);
        }
    }

    fn take_batch(&mut self, at: SlotRef, batch: Batch, now_ms: u64) {
        let Some(slot) = self.slots.get_mut(at) else { return };
        slot.take_batch(batch, &self.config, &mut self.ledger, now_ms);
        self.flush(at, now_ms);
    }
}

/// Takes the messages of the pass from the slot at `index`: the history is to give them.
fn leave_to_history<S: Socket>(slot: &mut Slot<S>, pass: &mut Pass, ledger: &mut Ledger, index: u32) {
    let mask = pass.take_mask(index, slot.seen());
    slot.count_matched(mask.count_ones());
    for bit in bits(mask) {
        let fate = slot.skip(pass.message(bit), ledger);
        pass.count(bit, fate);
    }
}

/// A batch should fit into an empty ring, and be as much as a pass.
fn read_limit(config: &Config) -> ReadLimit {
    ReadLimit { messages_max: config.ring_messages_max, bytes_max: Pass::bytes_max(config) }
}
