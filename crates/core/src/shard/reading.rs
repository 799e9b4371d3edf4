//! [`Reading`]: whose turn it is to be fed from the journal, so that those who catch up, however many, neither take more
//! than their share of the shard's time nor wait for ever.
//!
//! A few at a time ask, first come, first served, a few between two looks at the slots. In a flood no publishes are taken
//! before everybody who could take more has been given some.

use std::{collections::VecDeque, mem, sync::Arc};

use crate::{
    event_id::EventId,
    inbox::SlotRef,
    memory_journal::{Batch, Query, ReadLimit},
    outlet::Socket,
    pass,
    shard::Shard,
    slot::{Asked, State},
    target::Target,
};

/// A round takes no longer, however many want to read: then publishes have their turn, and some readers lose what the
/// history does not keep until theirs.
const ROUND_MS_MAX: u64 = 50;

/// A slot that catches up wants to know what the journal has. The shell passes it to [`crate::Hub::read`], away from
/// the shard's loop.
#[derive(Debug)]
pub struct ReadRequest {
    pub(crate) shard: usize,
    pub(crate) slot: SlotRef,
    after: EventId,
    upto: EventId,
    targets: Vec<Target>,
    limit: ReadLimit,
    opened: EventId,
}

impl ReadRequest {
    pub(crate) fn query(&self) -> Query<'_> {
        let Self { after, upto, limit, opened, .. } = *self;
        Query { after, upto, targets: &self.targets, limit, opened }
    }
}

/// Who wants to read, and how many have asked.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// Some may have left.
    wanting: VecDeque<SlotRef>,
    requests: Vec<ReadRequest>,
    /// How many ever wanted to, and how many of those have been answered or have left.
    wanted: u64,
    served: u64,
    /// So many had wanted to when publishes were last taken, and when that was.
    round: u64,
    round_ms: u64,
    asking: usize,
}

impl Reading {
    pub(super) fn want(&mut self, slot: SlotRef) {
        self.wanted += 1;
        self.wanting.push_back(slot);
    }

    pub(super) fn take_requests(&mut self) -> Vec<ReadRequest> {
        mem::take(&mut self.requests)
    }

    /// Publishes are taken: who wants to read by now has its turn before the next.
    pub(super) fn begin_round(&mut self, now_ms: u64) {
        (self.round, self.round_ms) = (self.wanted, now_ms);
    }

    /// Until when publishes may have to wait for somebody who has not had its turn.
    pub(super) fn round_until_ms(&self, now_ms: u64) -> Option<u64> {
        let until_ms = self.round_ms.saturating_add(ROUND_MS_MAX);
        (self.served < self.round && now_ms < until_ms).then_some(until_ms)
    }
}

impl<S: Socket> Shard<S> {
    /// Lets the next few ask. From there on the journal owes them what the shard has taken so far.
    pub(super) fn ask_journal(&mut self) {
        while self.reading.asking < self.hub.config().reads_max
            && let Some(at) = self.reading.wanting.pop_front()
        {
            if !self.slot(at).is_some_and(|slot| matches!(&slot.state, State::CatchUp(c) if c.asked == Asked::Soon)) {
                self.reading.served += 1;
                continue;
            }
            self.leave_to_journal(at.index);
            let (upto, shard, limit) = (self.position, self.number, self.hub.read_limit());
            let Some(slot) = self.slot(at) else { continue };
            let State::CatchUp(catch_up) = &mut slot.state else { continue };
            catch_up.asked = Asked::Yes { owed: slot.account.owed };
            let (after, opened) = (catch_up.cursor, slot.subscriber.opened);
            let targets = slot.subscriber.all_targets();
            self.reading.asking += 1;
            self.reading.requests.push(ReadRequest { shard, slot: at, after, upto, targets, limit, opened });
        }
    }

    /// The messages of the pass are the journal's to give to this slot.
    fn leave_to_journal(&mut self, index: u32) {
        let Some(slot) = &mut self.slots[index as usize] else { return };
        let mark = self.pass.take_mark(&mut self.marks, index, slot.seen);
        slot.account.matched += u64::from(mark.count_ones());
        for bit in pass::bits(mark) {
            let fate = slot.skip(&self.pass.messages[bit]);
            self.pass.count(bit, fate);
        }
        slot.seen = slot.seen.max(self.position);
    }

    /// Takes what the journal has answered.
    pub(super) fn take_answers(&mut self, now_ms: u64) {
        while let Some((at, batch)) = self.inbox.pop_answer() {
            self.reading.asking -= 1;
            self.reading.served += 1;
            self.take_batch(at, batch, now_ms);
        }
    }

    fn take_batch(&mut self, at: SlotRef, batch: Batch, now_ms: u64) {
        let hub = Arc::clone(&self.hub);
        let Some(slot) = self.slots.get_mut(at.index as usize).and_then(Option::as_mut) else { return };
        if slot.connection == at.connection {
            slot.take_batch(batch, hub.config(), &mut self.accounts, now_ms);
            self.flush(at, now_ms);
        }
    }
}
