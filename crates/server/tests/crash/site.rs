//! [`Site`]: the servers that die and come back. Clients ask it for the address of one that is up, and get each in
//! turn.

use std::{
    net::SocketAddr,
    sync::{
        Condvar, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{ledger::Outcome, support::PATIENCE};

#[derive(Debug, Default)]
struct State {
    /// Addresses. None: the server is down.
    servers: Vec<Option<SocketAddr>>,
    /// Number of times that a server has come up.
    lives: u64,
    /// The server that was given out last.
    turn: usize,
    /// Publishers are to end.
    is_closing: bool,
    /// All clients are to end.
    is_over: bool,
}

impl State {
    fn next(&mut self) -> Option<SocketAddr> {
        let servers = self.servers.len();
        let turns = (1..=servers).map(|more| (self.turn + more) % servers);
        let turn = turns.into_iter().find(|turn| self.servers[*turn].is_some())?;
        self.turn = turn;
        self.servers[turn]
    }
}

/// The addresses of the servers.
pub(crate) struct Site {
    state: Mutex<State>,
    changed: Condvar,
    acknowledged: AtomicU64,
    refused: AtomicU64,
}

impl Site {
    /// Begins with all servers down.
    pub(crate) fn new(servers: usize) -> Self {
        let state = Mutex::new(State { servers: vec![None; servers], ..State::default() });
        Self { state, changed: Condvar::new(), acknowledged: AtomicU64::new(0), refused: AtomicU64::new(0) }
    }

    /// Notes that a server is ready.
    pub(crate) fn announce(&self, server: usize, address: SocketAddr) {
        let mut state = self.state.lock().unwrap();
        state.servers[server] = Some(address);
        state.lives += 1;
        self.changed.notify_all();
    }

    /// Notes that a server is about to end, or has ended.
    pub(crate) fn retract(&self, server: usize) {
        self.state.lock().unwrap().servers[server] = None;
    }

    /// The address of a server that is up. Waits while all are down, and until servers have come up more than `lives`
    /// times. None: the run is over.
    pub(crate) fn address(&self, lives: u64) -> Option<(SocketAddr, u64)> {
        let is_away =
            |state: &mut State| !state.is_over && (state.servers.iter().all(Option::is_none) || state.lives <= lives);
        let (mut state, waited) =
            self.changed.wait_timeout_while(self.state.lock().unwrap(), PATIENCE, is_away).unwrap();
        assert!(!waited.timed_out(), "no server comes");
        if state.is_over {
            return None;
        }
        let lives = state.lives;
        state.next().map(|address| (address, lives))
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.state.lock().unwrap().is_closing
    }

    pub(crate) fn is_over(&self) -> bool {
        self.state.lock().unwrap().is_over
    }

    /// Makes each publisher end as soon as all its publishes are answered.
    pub(crate) fn close(&self) {
        self.state.lock().unwrap().is_closing = true;
    }

    /// Ends all clients when the guard is dropped, so that a panic is no deadlock.
    pub(crate) fn over_on_drop(&self) -> impl Drop {
        OverOnDrop(self)
    }

    pub(crate) fn count(&self, outcome: Outcome) {
        match outcome {
            Outcome::Acknowledged(_) => self.acknowledged.fetch_add(1, Ordering::Relaxed),
            Outcome::Refused => self.refused.fetch_add(1, Ordering::Relaxed),
            Outcome::Unknown => 0,
        };
    }

    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

struct OverOnDrop<'a>(&'a Site);

impl Drop for OverOnDrop<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        (state.is_over, state.is_closing) = (true, true);
        self.0.changed.notify_all();
    }
}
