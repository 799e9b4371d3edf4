//! [`Site`]: several nodes of which some may be down, and where clients learn the address of one: each time of another.
//! Publishers and subscribers of the crash test ask it as they ask theirs.

use std::{
    net::SocketAddr,
    sync::{
        Condvar, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    ledger::Outcome,
    support::{PATIENCE, server::Server},
};

#[derive(Debug, Default)]
struct State {
    /// None: it is down.
    nodes: Vec<Option<SocketAddr>>,
    /// How often one has come up.
    lives: u64,
    /// Who was asked for last.
    turn: usize,
    /// Whoever publishes is to end.
    is_closing: bool,
    /// Everybody is to end.
    is_over: bool,
}

impl State {
    fn next(&mut self) -> Option<SocketAddr> {
        let nodes = self.nodes.len();
        let turns = (1..=nodes).map(|more| (self.turn + more) % nodes);
        let turn = turns.into_iter().find(|turn| self.nodes[*turn].is_some())?;
        self.turn = turn;
        self.nodes[turn]
    }
}

/// Where the nodes are.
pub(crate) struct Site {
    state: Mutex<State>,
    changed: Condvar,
    acknowledged: AtomicU64,
    refused: AtomicU64,
}

impl Site {
    /// All nodes are down.
    pub(crate) fn new(nodes: usize) -> Self {
        let state = Mutex::new(State { nodes: vec![None; nodes], ..State::default() });
        Self { state, changed: Condvar::new(), acknowledged: AtomicU64::new(0), refused: AtomicU64::new(0) }
    }

    /// A node is ready.
    pub(crate) fn announce(&self, node: usize, server: &Server) {
        let mut state = self.state.lock().unwrap();
        state.nodes[node] = Some(server.address);
        state.lives += 1;
        self.changed.notify_all();
    }

    /// A node is about to go.
    pub(crate) fn retract(&self, node: usize) {
        self.state.lock().unwrap().nodes[node] = None;
    }

    /// One that is up; waits while all are down, and until one has come up more than `lives` times. None: it is over.
    pub(crate) fn address(&self, lives: u64) -> Option<(SocketAddr, u64)> {
        let is_away =
            |state: &mut State| !state.is_over && (state.nodes.iter().all(Option::is_none) || state.lives <= lives);
        let (mut state, waited) =
            self.changed.wait_timeout_while(self.state.lock().unwrap(), PATIENCE, is_away).unwrap();
        assert!(!waited.timed_out(), "no node comes");
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

    /// Whoever publishes ends when all it has published is answered.
    pub(crate) fn close(&self) {
        self.state.lock().unwrap().is_closing = true;
    }

    /// Ends everybody when the guard is dropped, so that a panic is no deadlock.
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
}

struct OverOnDrop<'a>(&'a Site);

impl Drop for OverOnDrop<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        (state.is_over, state.is_closing) = (true, true);
        self.0.changed.notify_all();
    }
}
