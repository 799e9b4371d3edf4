//! [`Home`]: the journal of the one server that is killed and comes back, on the same port or another.

use std::{net::SocketAddr, path::PathBuf, thread, time::Duration};

use crate::{
    site::Site,
    support::{Process, fanfare, run, settings::limits},
};

/// Limits high enough that only the number of events makes the server give some up.
const FLAGS: [&str; 5] =
    ["--history-bytes=1GiB", "--history-age=1d", "--heartbeat=20ms", "--shards=2", "--fsync-interval=20ms"];
const LIMITS: [&str; 4] =
    ["hub-history-bytes = '2GiB'", "retry-min = '1ms'", "retry-max = '1ms'", "drain-spread = '0s'"];

/// Words that a server logs only for damage. An unfinished write is no damage.
const COMPLAINTS: [&str; 4] = ["damaged", "missing", "may be lost", "panicked"];

/// The server's journal and site.
pub(crate) struct Home {
    pub(crate) journal: PathBuf,
    pub(crate) site: Site,
}

impl Home {
    pub(crate) fn new(journal: PathBuf) -> Self {
        Self { journal, site: Site::new(1) }
    }

    /// Starts a server and does not wait for it.
    pub(crate) fn start(&self, listen: SocketAddr, flags: &[&str], ring_messages: usize) -> Process {
        let listen = listen.to_string();
        let limits = limits(&[&LIMITS[..], &[&format!("ring-messages = {ring_messages}")]].concat());
        let mut command = fanfare();
        command
            .args(["serve", "--listen", &listen])
            .args(FLAGS)
            .arg(limits)
            .args(flags)
            .arg("--journal")
            .arg(&self.journal);
        Process::start(&mut command)
    }

    /// Waits until the server listens, and announces its address. None: the port was taken meanwhile.
    pub(crate) fn announce(&self, server: &mut Process) -> Option<SocketAddr> {
        let line = server.line_with("listen");
        if line.contains("cannot listen") {
            assert!(line.contains("in use"), "{line}");
            return None;
        }
        let address = line.split("http://").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap();
        self.site.announce(0, address);
        Some(address)
    }

    /// Kills the server, which must be alive, at any moment. Then checks that the journal has no loss.
    pub(crate) fn kill(&self, server: Process) {
        self.site.retract(0);
        check(&server.kill());
        self.check_journal();
    }

    /// Kills the server while it ends in order, or a moment too late. Returns whether it was alive.
    pub(crate) fn kill_at_end(&self, server: Process, delay: Duration) -> bool {
        server.signal("TERM");
        thread::sleep(delay);
        self.site.retract(0);
        let (ended, lines) = server.kill_unless_ended();
        check(&lines);
        assert!(ended.is_none_or(|status| status.success()), "{lines:#?}");
        self.check_journal();
        ended.is_none()
    }

    fn check_journal(&self) {
        let (code, text) = run(fanfare().args(["journal", "check"]).arg(&self.journal));
        let is_none = ["does not exist", "holds no journal"].iter().any(|none| text.contains(none));
        assert!(code == 0 || is_none, "{text}");
    }

    /// Lets the server end in order.
    pub(crate) fn stop(&self, mut server: Process) {
        server.signal("TERM");
        let lines = server.remaining_lines();
        self.site.retract(0);
        check(&lines);
        assert_eq!(server.exit().code(), Some(0), "{lines:#?}");
    }
}

fn check(lines: &[String]) {
    let complaint = lines.iter().find(|line| COMPLAINTS.iter().any(|complaint| line.contains(complaint)));
    assert_eq!(complaint, None, "{lines:#?}");
}
