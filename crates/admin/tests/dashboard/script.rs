//! [`Script`]: a scenario of `page.js` in a browser.

use std::{
    env,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::support::parts::package;

/// Long, because a browser starts slowly on a busy machine.
const LINE_TIME_MAX: Duration = Duration::from_secs(60);
const HOW_TO_INSTALL: &str = "run `cargo xtask test -p fanfare-admin`, which installs what the tests need";

/// A scenario that drives a browser and prints what it sees.
pub(crate) struct Script {
    child: Child,
    lines: Receiver<String>,
}

impl Script {
    /// Starts a scenario with the page of this address.
    pub(crate) fn start(scenario: &str, url: &str) -> Self {
        let parts = env::var_os("FANFARE_TEST_PARTS").map(PathBuf::from);
        let parts = parts.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("parts"));
        let modules = parts.join("node_modules");
        for part in [Path::new("/usr/bin/chromium"), &modules.join("playwright-core"), &modules.join("axe-core")] {
            assert!(part.exists(), "{} is missing: {HOW_TO_INSTALL}", part.display());
        }
        let mut command = Command::new("node");
        command.env("NODE_PATH", modules).env("NO_PROXY", "*").env("no_proxy", "*");
        command.arg(package().join("tests/dashboard/page.js")).args([scenario, url]);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("node: {error}: {HOW_TO_INSTALL}"));
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines }
    }

    /// What the scenario reports next. None once it has ended well. Faults of the page fail the test.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Option<Value> {
        match self.lines.recv_timeout(LINE_TIME_MAX) {
            Ok(line) => {
                let line: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
                assert!(line["fault"].is_null(), "the page has a fault: {line}");
                Some(line)
            }
            Err(RecvTimeoutError::Timeout) => {
                let _ = self.child.kill();
                panic!("the scenario reported nothing for {LINE_TIME_MAX:?}: {}", self.complaint());
            }
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.child.wait().unwrap();
                assert!(status.success(), "the scenario failed: {}", self.complaint());
                None
            }
        }
    }

    #[track_caller]
    pub(crate) fn report(&mut self) -> Value {
        self.next().expect("the scenario ended too early")
    }

    /// Lets the scenario go on.
    pub(crate) fn go_on(&mut self) {
        self.tell("");
    }

    /// The same, with something that it has to know.
    pub(crate) fn tell(&mut self, what: &str) {
        // Where the scenario has failed, its next report says why.
        let _ = writeln!(self.child.stdin.as_mut().unwrap(), "{what}");
    }

    /// Waits for the scenario to end well, with nothing more to report.
    #[track_caller]
    pub(crate) fn end(mut self) {
        assert_eq!(self.next(), None);
    }

    fn complaint(&mut self) -> String {
        let mut complaint = String::new();
        let _ = self.child.stderr.take().unwrap().read_to_string(&mut complaint);
        complaint
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // The script closes its browser at the end of its input, and ends.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
