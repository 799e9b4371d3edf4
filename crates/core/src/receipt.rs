//! [`Receipt`]: the answer to one publish, and [`Tally`], which shards add to when it was asked to be exact.

use std::{
    future::poll_fn,
    sync::atomic::{AtomicUsize, Ordering},
    task::Poll,
};

use atomic_waker::AtomicWaker;

use crate::event_id::EventId;

/// What became of one publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The place in the hub's order.
    pub id: EventId,
    /// How many connections it reaches: exact if `outcome` is there, else an estimate from counters.
    pub matched: usize,
    /// What every shard did with it, if the publisher waited for that.
    pub outcome: Option<Outcome>,
}

/// How a message fared with the connections it matched; the three add up to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The socket took all of it at once.
    pub written: usize,
    /// It waits: in a ring, partly in a socket, or in the journal for a connection that is catching up.
    pub queued: usize,
    /// The ring was full and the policy gave it up.
    pub dropped: usize,
}

impl Outcome {
    /// How many connections there were.
    pub fn matched(self) -> usize {
        self.written + self.queued + self.dropped
    }
}

/// Collects the outcome of one message from all shards.
#[derive(Debug)]
pub(crate) struct Tally {
    shards_left: AtomicUsize,
    written: AtomicUsize,
    queued: AtomicUsize,
    dropped: AtomicUsize,
    waker: AtomicWaker,
}

impl Tally {
    pub(crate) fn new(shards: usize) -> Self {
        Self {
            shards_left: AtomicUsize::new(shards),
            written: AtomicUsize::new(0),
            queued: AtomicUsize::new(0),
            dropped: AtomicUsize::new(0),
            waker: AtomicWaker::new(),
        }
    }

    /// One shard is done with the message.
    pub(crate) fn add(&self, outcome: Outcome) {
        self.written.fetch_add(outcome.written, Ordering::Relaxed);
        self.queued.fetch_add(outcome.queued, Ordering::Relaxed);
        self.dropped.fetch_add(outcome.dropped, Ordering::Relaxed);
        // AcqRel: who sees 0 sees the sums of every shard that counted down before.
        if self.shards_left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.waker.wake();
        }
    }

    /// Waits for the last shard.
    pub(crate) async fn outcome(&self) -> Outcome {
        poll_fn(|cx| {
            self.waker.register(cx.waker());
            // Acquire: pairs with the AcqRel above.
            if self.shards_left.load(Ordering::Acquire) == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        Outcome {
            written: self.written.load(Ordering::Relaxed),
            queued: self.queued.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }
}
