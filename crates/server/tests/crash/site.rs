//! [`Site`]: a server with a journal that is killed and comes back, on its port or another, and where clients learn its
//! address.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Condvar, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{
    ledger::Outcome,
    support::{PATIENCE, Process, fanfare},
};

/// Enough that nothing is given up but for the number of events.
const FLAGS: [&str; 9] = [
    "--history-bytes=1GiB",
    "--hub-history-bytes=2GiB",
    "--history-age=1d",
    "--heartbeat=20ms",
    "--retry-min=1ms",
    "--retry-max=1ms",
    "--drain-spread=0s",
    "--shards=2",
    "--fsync-interval=20ms",
];

/// What only damage makes a server say; a write that was not finished is none.
const COMPLAINTS: [&str; 4] = ["damaged", "missing", "may be lost", "panicked"];

#[derive(Debug, Default)]
struct State {
    /// None while it is down.
    address: Option<SocketAddr>,
    /// How often it has come up.
    lives: u64,
    /// Whoever publishes is to end.
    is_closing: bool,
    /// Everybody is to end.
    is_over: bool,
}

/// Where the server is.
pub(crate) struct Site {
    pub(crate) journal: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
    acknowledged: AtomicU64,
    refused: AtomicU64,
}

impl Site {
    pub(crate) fn new(journal: PathBuf) -> Self {
        let (acknowledged, refused) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { journal, state: Mutex::default(), changed: Condvar::new(), acknowledged, refused }
    }

    /// Starts a server and does not wait for it.
    pub(crate) fn start(&self, listen: SocketAddr, flags: &[&str]) -> Process {
        let listen = listen.to_string();
        let mut command = fanfare();
        command.args(["serve", "--listen", &listen]).args(FLAGS).args(flags).arg("--journal").arg(&self.journal);
        Process::start(&mut command)
    }

    /// Waits until it listens, and tells everybody where. None: the port was taken meanwhile.
    pub(crate) fn announce(&self, server: &mut Process) -> Option<SocketAddr> {
        let line = server.line_with("listen");
        if line.contains("cannot listen") {
            assert!(line.contains("in use"), "{line}");
            return None;
        }
        let address = line.split("http://").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap();
        let mut state = self.state.lock().unwrap();
        state.address = Some(address);
        state.lives += 1;
        self.changed.notify_all();
        Some(address)
    }

    /// Kills it in the middle of whatever it does; it must be alive.
    pub(crate) fn kill(&self, server: Process) {
        self.state.lock().unwrap().address = None;
        check(&server.kill());
    }

    /// Kills it while it ends in order, or a moment too late; whether it was alive.
    pub(crate) fn kill_at_end(&self, server: Process, delay: Duration) -> bool {
        server.signal("TERM");
        thread::sleep(delay);
        self.state.lock().unwrap().address = None;
        let (ended, lines) = server.kill_unless_ended();
        check(&lines);
        assert!(ended.is_none_or(|status| status.success()), "{lines:#?}");
        ended.is_none()
    }

    /// Lets it end in order.
    pub(crate) fn stop(&self, mut server: Process) {
        server.signal("TERM");
        let lines = server.remaining_lines();
        self.state.lock().unwrap().address = None;
        check(&lines);
        assert_eq!(server.exit().code(), Some(0), "{lines:#?}");
    }

    /// Where it is; waits while it is down, and until it has come up more than `lives` times. None: it is over.
    pub(crate) fn address(&self, lives: u64) -> Option<(SocketAddr, u64)> {
        let is_away = |state: &mut State| !state.is_over && (state.address.is_none() || state.lives <= lives);
        let (state, waited) = self.changed.wait_timeout_while(self.state.lock().unwrap(), PATIENCE, is_away).unwrap();
        assert!(!waited.timed_out(), "no server comes");
        state.address.filter(|_| !state.is_over).map(|address| (address, state.lives))
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

fn check(lines: &[String]) {
    let complaint = lines.iter().find(|line| COMPLAINTS.iter().any(|complaint| line.contains(complaint)));
    assert_eq!(complaint, None, "{lines:#?}");
}
