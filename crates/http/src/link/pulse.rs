//! [`Pulse`]: asks the clients of the HTTP/2 connections of a thread, one after the other, whether they are still there. A client that
//! vanished behind a proxy is found in no other way, and a timer for each connection would cost more than the connection.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::link::carrier::Carrier;

/// The HTTP/2 connections of one thread. The lock is never contended.
#[derive(Debug)]
pub(crate) struct Pulse {
    /// Time between two questions to a connection, and for an answer.
    interval_ms: u64,
    round: Mutex<Round>,
}

#[derive(Debug, Default)]
struct Round {
    carriers: Vec<Weak<Carrier>>,
    /// The next one to be asked.
    next: usize,
    /// Connections to be asked since the last one was, times the beats of an interval.
    owed: usize,
}

impl Pulse {
    pub(crate) fn new(interval_ms: u64) -> Self {
        Self { interval_ms, round: Mutex::default() }
    }

    pub(crate) fn enter(&self, carrier: &Arc<Carrier>) {
        self.round.lock().carriers.push(Arc::downgrade(carrier));
    }

    /// Asks as many connections as it takes to come round in the interval, if this is called every `tick_ms`. Those that are gone are
    /// forgotten.
    pub(crate) fn beat(&self, tick_ms: u64, now_ms: u64) {
        let mut round = self.round.lock();
        let beats = usize::try_from(self.interval_ms / tick_ms.max(1)).unwrap_or(usize::MAX).max(1);
        // Whole connections only: one that is alone is asked once in an interval, and not at every beat.
        round.owed += round.carriers.len();
        let asked = round.owed / beats;
        round.owed %= beats;
        for _ in 0..asked {
            if round.next >= round.carriers.len() {
                round.next = 0;
            }
            let at = round.next;
            match round.carriers.get(at).map(Weak::upgrade) {
                Some(Some(carrier)) => {
                    carrier.ask_for_life(self.interval_ms, now_ms);
                    round.next += 1;
                }
                Some(None) => drop(round.carriers.swap_remove(at)),
                None => return,
            }
        }
    }
}
