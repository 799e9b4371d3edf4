//! [`Killer`]: owns the server, kills it, and starts the next one.

use std::{net::SocketAddr, thread, time::Duration};

use crate::{
    home::Home,
    ledger::{Target, View},
    subscriber::{END, pages, replay},
    support::{Process, rng::Rng, until, wire::Requests},
};

/// Percentage of kills that come when the server has begun to end in order.
const LATE_KILLS_PERCENT: usize = 10;
/// Percentage of starts that are killed before their address is announced, most while they read the journal.
const EARLY_KILLS_PERCENT: usize = 15;

/// State of the server at a kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Alive,
    /// The server had ended in order a moment before.
    Ended,
}

/// Owner of the running server.
pub(crate) struct Killer<'a> {
    home: &'a Home,
    pub(crate) rng: Rng,
    history_events: String,
    server: Option<Process>,
    address: SocketAddr,
}

impl<'a> Killer<'a> {
    /// A killer of servers that keep `history_events` events of each target.
    pub(crate) fn new(home: &'a Home, seed: u64, history_events: usize) -> Self {
        let (address, history_events) = ("127.0.0.1:0".parse().unwrap(), history_events.to_string());
        Self { home, rng: Rng::new(seed), history_events, server: None, address }
    }

    /// Starts a server, mostly on the same port, and with any --fsync.
    pub(crate) fn start(&mut self) {
        loop {
            let fsync = self.rng.pick(&["always", "interval", "never"]);
            // With few, streams fall behind and are given what they missed from the history.
            let ring_messages = self.rng.pick(&[4, 64]);
            let events = self.history_events.as_str();
            let flags = ["--fsync", fsync, "--history-events", events];
            let mut server = self.home.start(self.address, &flags, ring_messages);
            if self.rng.chance(EARLY_KILLS_PERCENT) {
                thread::sleep(Duration::from_micros(self.rng.number(50_000)));
                self.home.kill(server);
            } else if let Some(address) = self.home.announce(&mut server) {
                self.address = address;
                self.server = Some(server);
                return;
            } else {
                self.address.set_port(0);
            }
        }
    }

    /// Waits for a random number of answers, `answers_max` at most, and a random moment more.
    pub(crate) fn wait_for_answers(&mut self, answers_max: u64) {
        let answers = self.rng.number(answers_max);
        let answered = || self.home.site.acknowledged() + self.home.site.refused();
        let enough = answered() + answers;
        until("publishes are answered", || answered() >= enough);
        thread::sleep(Duration::from_micros(self.rng.number(3_000)));
    }

    /// Kills the server at any moment, or during its end if `may_end`.
    pub(crate) fn kill(&mut self, may_end: bool) -> Found {
        let server = self.taken();
        let is_late = may_end && self.rng.chance(LATE_KILLS_PERCENT);
        let delay = Duration::from_micros(self.rng.number(5_000));
        let mut found = Found::Alive;
        if !is_late {
            self.home.kill(server);
        } else if !self.home.kill_at_end(server, delay) {
            found = Found::Ended;
        }
        self.start();
        found
    }

    /// Ends the server in order.
    pub(crate) fn stop(&mut self) {
        let server = self.taken();
        self.home.stop(server);
        self.start();
    }

    pub(crate) fn stop_for_good(&mut self) {
        let server = self.taken();
        self.home.stop(server);
    }

    /// Takes the server out. The next one is sometimes on another port.
    fn taken(&mut self) -> Process {
        if self.rng.chance(25) {
            self.address.set_port(0);
        }
        self.server.take().unwrap()
    }

    /// Publishes the end event. Repeats it, because a filled disk may be full for a moment more.
    pub(crate) fn publish_end(&self) {
        let mut requests = Requests::open(self.address).unwrap();
        let mut publish = || requests.post(&format!("/broadcast?event={END}"), &[], "").unwrap().status;
        until("the end is published", || publish() == 202);
    }

    /// Reads the history as it is on the disk, after one more kill.
    pub(crate) fn read_after_one_more_kill(&mut self, targets: &[Target], channels: &[&'static str]) -> Vec<View> {
        self.home.kill(self.server.take().unwrap());
        self.start();
        let mut views = vec![replay(self.address, targets)];
        views.extend(channels.iter().map(|channel| pages(self.address, channel)));
        views
    }
}
