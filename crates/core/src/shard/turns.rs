//! [`Turns`]: whose turn it is to be fed from the journal, so that those who catch up, however many, neither take more
//! than their share of the shard's time nor wait for ever.
//!
//! A few at a time ask, first come, first served, a few between two looks at the slots. In a flood no publishes are taken
//! before everybody who could take more has been given some.

use std::{collections::VecDeque, mem};

use crate::queue::{inbox::SlotRef, read_request::ReadRequest};

/// A round takes no longer, however many want to read: then publishes have their turn, and some readers lose what the
/// history does not keep until theirs.
const ROUND_MS_MAX: u64 = 50;

/// Who wants to read, and how many have asked.
#[derive(Debug, Default)]
pub(super) struct Turns {
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

impl Turns {
    pub(super) fn want(&mut self, slot: SlotRef) {
        self.wanted += 1;
        self.wanting.push_back(slot);
    }

    /// The next who may ask, while fewer than `asking_max` are not answered. It may have left.
    pub(super) fn next(&mut self, asking_max: usize) -> Option<SlotRef> {
        if self.asking < asking_max { self.wanting.pop_front() } else { None }
    }

    /// The next does not want to any more.
    pub(super) fn give_up(&mut self) {
        self.served += 1;
    }

    /// The next asks.
    pub(super) fn ask(&mut self, request: ReadRequest) {
        self.asking += 1;
        self.requests.push(request);
    }

    /// One that has asked has its answer.
    pub(super) fn answered(&mut self) {
        self.asking -= 1;
        self.served += 1;
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
