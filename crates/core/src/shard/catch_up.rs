//! How slots catch up: the next few ask the history, and the answers go to their rings.

use std::sync::Arc;

use crate::{
    config::Config,
    history::read::{Batch, ReadLimit},
    queue::{inbox::SlotRef, outlet::Socket, read_request::ReadRequest},
    shard::{
        Shard,
        pass::{Pass, bits},
        state::{Asked, State},
    },
};

impl<S: Socket> Shard<S> {
    /// Lets the next few ask. From there on the journal owes them what the shard has taken so far.
    pub(super) fn ask_journal(&mut self) {
        while let Some(at) = self.turns.next(self.config.reads_max) {
            if !self.slot(at).is_some_and(|slot| matches!(&slot.state, State::CatchUp(c) if c.asked == Asked::Soon)) {
                self.turns.give_up();
                continue;
            }
            self.leave_to_journal(at.index);
            let (upto, shard, limit) = (self.position, self.number, read_limit(&self.config));
            let Some(slot) = self.slot(at) else { continue };
            let State::CatchUp(catch_up) = &mut slot.state else { continue };
            catch_up.asked = Asked::Yes { owed: slot.account.owed };
            let (after, opened) = (catch_up.cursor, slot.subscriber.opened);
            let targets = slot.subscriber.all_targets();
            self.turns.ask(ReadRequest { shard, slot: at, after, upto, targets, limit, opened });
        }
    }

    /// The messages of the pass are the journal's to give to this slot.
    fn leave_to_journal(&mut self, index: u32) {
        let Some(slot) = &mut self.slots[index as usize] else { return };
        let mark = self.pass.take_mark(&mut self.marks, index, slot.seen);
        slot.account.matched += u64::from(mark.count_ones());
        for bit in bits(mark) {
            let fate = slot.skip(&self.pass.messages[bit]);
            self.pass.count(bit, fate);
        }
        slot.seen = slot.seen.max(self.position);
    }

    /// Takes what the journal has answered.
    pub(super) fn take_answers(&mut self, now_ms: u64) {
        while let Some((at, batch)) = self.inbox.pop_answer() {
            self.turns.answered();
            self.take_batch(at, batch, now_ms);
        }
    }

    fn take_batch(&mut self, at: SlotRef, batch: Batch, now_ms: u64) {
        let config = Arc::clone(&self.config);
        let Some(slot) = self.slots.get_mut(at.index as usize).and_then(Option::as_mut) else { return };
        if slot.connection == at.connection {
            slot.take_batch(batch, &config, &mut self.accounts, now_ms);
            self.flush(at, now_ms);
        }
    }
}

/// An answer should fit into an empty ring, and be as much as a pass.
fn read_limit(config: &Config) -> ReadLimit {
    ReadLimit { messages_max: config.ring_messages_max, bytes_max: Pass::bytes_max(config) }
}
