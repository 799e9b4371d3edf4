//! [`Readers`]: the slots that catch up, in the order in which the history serves them.
//!
//! A few slots at a time ask, first come, first served. However many slots catch up, they take no more than their share of the
//! shard's time. In a flood the shard takes no publishes before every slot that could take more has been given a batch.

use std::{collections::VecDeque, mem};

use crate::queue::{inbox::SlotRef, read_request::ReadRequest};

/// The longest time for which publishes wait for readers, in milliseconds. Behind it, some readers may lose events that the
/// history does not keep until it is their turn.
const ROUND_MS_MAX: u64 = 50;

/// The queue of readers, and how far it has come.
#[derive(Debug, Default)]
pub(super) struct Readers {
    /// Slots that wait for their turn to ask. Some may have left.
    waiting: VecDeque<SlotRef>,
    requests: Vec<ReadRequest>,
    /// The number of slots that have ever lined up, and the number of those that have got a batch or have left.
    lined_up: u64,
    served: u64,
    /// `lined_up` when publishes were last taken, and the time of that.
    round: u64,
    round_ms: u64,
    /// Requests without a batch.
    asking: usize,
}

impl Readers {
    /// Puts a slot that wants to ask at the end of the queue.
    pub(super) fn line_up(&mut self, slot: SlotRef) {
        self.lined_up += 1;
        self.waiting.push_back(slot);
    }

    /// The next slot that may ask, while fewer than `asking_max` requests have no batch. It may have left.
    pub(super) fn next(&mut self, asking_max: usize) -> Option<SlotRef> {
        if self.asking < asking_max { self.waiting.pop_front() } else { None }
    }

    /// The next slot has left, or does not catch up any more.
    pub(super) fn give_up(&mut self) {
        self.served += 1;
    }

    /// The next slot asks.
    pub(super) fn ask(&mut self, request: ReadRequest) {
        self.asking += 1;
        self.requests.push(request);
    }

    /// A request has its batch.
    pub(super) fn serve(&mut self) {
        self.asking -= 1;
        self.served += 1;
    }

    pub(super) fn take_requests(&mut self) -> Vec<ReadRequest> {
        mem::take(&mut self.requests)
    }

    /// Publishes are taken: every slot that has lined up by now has its turn before the next publishes.
    pub(super) fn begin_round(&mut self, now_ms: u64) {
        (self.round, self.round_ms) = (self.lined_up, now_ms);
    }

    /// Until when publishes wait for a slot that has not had its turn.
    pub(super) fn round_until_ms(&self, now_ms: u64) -> Option<u64> {
        let until_ms = self.round_ms.saturating_add(ROUND_MS_MAX);
        (self.served < self.round && now_ms < until_ms).then_some(until_ms)
    }
}
