//! [`Pulse`]: asks the clients of the HTTP/2 connections of a thread, one after the other, whether they are still there. A client that
//! vanished behind a proxy is found in no other way, and a timer for each connection would cost more than the connection.

use std::sync::Arc;

use parking_lot::Mutex;
use slab::Slab;

/// A connection that can be asked.
pub(crate) trait Asked {
    /// Asks a peer that has shown no life since the last call whether it is there, which it has to answer in `interval_ms`.
    fn ask_for_life(&self, interval_ms: u64, now_ms: u64);

    /// The connection has to end once nothing is under way.
    fn stop(&self);
}

/// The HTTP/2 connections of one thread, each a `C`. The lock is never contended.
#[derive(Debug)]
pub(crate) struct Pulse<C> {
    /// Time between two questions to a connection, and for an answer.
    interval_ms: u64,
    round: Mutex<Round<C>>,
}

/// The place of one of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(u32);

#[derive(Debug)]
struct Round<C> {
    carriers: Slab<Arc<C>>,
    /// The place of the next one to be asked, or of none.
    next: usize,
    /// Connections to be asked since the last one was, times the beats of an interval.
    owed: usize,
    is_stopped: bool,
}

impl<C: Asked> Pulse<C> {
    pub(crate) fn new(interval_ms: u64) -> Self {
        let round = Round { carriers: Slab::new(), next: 0, owed: 0, is_stopped: false };
        Self { interval_ms, round: Mutex::new(round) }
    }

    /// Adds a connection. Returns its place, for [`Pulse::leave`].
    pub(crate) fn enter(&self, carrier: Arc<C>) -> Place {
        let mut round = self.round.lock();
        if round.is_stopped {
            carrier.stop();
        }
        // A thread has not as many descriptors.
        Place(round.carriers.insert(carrier) as u32)
    }

    /// The connection at `place` is over.
    pub(crate) fn leave(&self, Place(place): Place) {
        let gone = self.round.lock().carriers.try_remove(place as usize);
        // After the lock: its end may be that of others.
        drop(gone);
    }

    /// Stops all connections, and those that come.
    pub(crate) fn stop(&self) {
        let mut round = self.round.lock();
        round.is_stopped = true;
        round.carriers.iter().for_each(|(_, carrier)| carrier.stop());
    }

    /// Asks as many connections as it takes to come round in the interval, if this is called every `tick_ms`.
    pub(crate) fn beat(&self, tick_ms: u64, now_ms: u64) {
        let mut round = self.round.lock();
        let round = &mut *round;
        let beats = usize::try_from(self.interval_ms / tick_ms.max(1)).unwrap_or(usize::MAX).max(1);
        // Whole connections only: one that is alone is asked once in an interval, and not at every beat.
        round.owed += round.carriers.len();
        let asked = round.owed / beats;
        round.owed %= beats;
        for _ in 0..asked {
            let Some((at, carrier)) = round.at_or_after(round.next).or_else(|| round.at_or_after(0)) else { return };
            carrier.ask_for_life(self.interval_ms, now_ms);
            round.next = at + 1;
        }
    }
}

impl<C> Round<C> {
    fn at_or_after(&self, place: usize) -> Option<(usize, &Arc<C>)> {
        (place..self.carriers.capacity()).find_map(|at| self.carriers.get(at).map(|carrier| (at, carrier)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default)]
    struct Peer(Mutex<(usize, bool)>);

    impl Asked for Peer {
        fn ask_for_life(&self, _: u64, _: u64) {
            self.0.lock().0 += 1;
        }

        fn stop(&self) {
            self.0.lock().1 = true;
        }
    }

    #[test]
    fn each_is_asked_once_in_an_interval_while_others_come_and_go() {
        let pulse = Pulse::new(1_000);
        let peers: Vec<_> = (0..7).map(|_| Arc::new(Peer::default())).collect();
        let places: Vec<_> = peers.iter().map(|peer| pulse.enter(Arc::clone(peer))).collect();
        for place in [0, 3, 6] {
            pulse.leave(places[place]);
        }
        (0..50).for_each(|_| pulse.beat(100, 0));
        let asked: Vec<_> = peers.iter().map(|peer| peer.0.lock().0).collect();
        assert_eq!(asked, [0, 5, 5, 0, 5, 5, 0]);
        assert_eq!(Arc::strong_count(&peers[0]), 1, "nothing is kept of one that has gone");
    }

    #[test]
    fn all_stop_and_so_do_those_who_come_later() {
        let (pulse, peers) = (Pulse::new(1_000), [Arc::new(Peer::default()), Arc::new(Peer::default())]);
        pulse.enter(Arc::clone(&peers[0]));
        pulse.stop();
        pulse.enter(Arc::clone(&peers[1]));
        assert!(peers.iter().all(|peer| peer.0.lock().1));
    }
}
