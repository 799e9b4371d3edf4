//! Pages in a real browser. [`kills`]: a page with nothing but an EventSource, whose server is killed and comes back on
//! its port. [`page`]: the demo page in a user's hands.

mod kills;
mod page;
#[path = "../support/mod.rs"]
mod support;

use std::{
    env,
    io::{BufRead as _, BufReader, Read as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use support::{PATIENCE, Process, ended_within, fanfare, settings::limits};

const FLAGS: [&str; 2] = ["--history-events=100000", "--heartbeat=50ms"];
/// Short, so that a page comes back soon.
const LIMITS: [&str; 2] = ["retry-min = '20ms'", "retry-max = '60ms'"];

/// Long, because a browser starts slowly on a busy machine.
const LINE_TIME_MAX: Duration = Duration::from_secs(30);
/// Longest time for a browser to close and to remove its files.
const END_TIME_MAX: Duration = Duration::from_secs(5);
const HOW_TO_INSTALL: &str = "run `cargo xtask test`, which installs what the tests need";

/// A script that drives a browser and prints what it sees.
struct Script {
    child: Child,
    lines: Receiver<String>,
}

impl Script {
    /// Starts a script below crates/.
    fn start(path: &str, args: &[&str]) -> Self {
        let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into()));
        let crates = package.parent().unwrap();
        // `cargo xtask test` says where it has installed them; without it they are in the target directory.
        let parts = env::var_os("FANFARE_TEST_PARTS").map(PathBuf::from);
        let parts = parts.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("parts"));
        let modules = parts.join("node_modules");
        let needed =
            [Path::new("/usr/bin/chromium"), &modules.join("event-source-polyfill"), &modules.join("playwright-core")];
        for part in needed {
            assert!(part.exists(), "{} is missing: {HOW_TO_INSTALL}", part.display());
        }
        let mut command = Command::new("node");
        command.env("NODE_PATH", modules).env("NO_PROXY", "*").env("no_proxy", "*");
        command.arg(crates.join(path)).args(args);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("node: {error}: {HOW_TO_INSTALL}"));
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines }
    }

    #[track_caller]
    fn line(&mut self) -> Value {
        let Ok(line) = self.lines.recv_timeout(LINE_TIME_MAX) else {
            let _ = self.child.kill();
            let mut complaint = String::new();
            let _ = self.child.stderr.take().unwrap().read_to_string(&mut complaint);
            panic!("the script printed nothing for {LINE_TIME_MAX:?} or has ended; its complaint: {complaint}");
        };
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // The script closes its browser at the end of its input.
        drop(self.child.stdin.take());
        ended_within(&mut self.child, END_TIME_MAX);
    }
}

/// Starts the server on this address, as soon as no other connection happens to use its port.
fn serve(journal: &Path, listen: SocketAddr) -> (Process, SocketAddr) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let listen = listen.to_string();
        let mut command = fanfare();
        command.args(["serve", "--listen", &listen, &limits(&LIMITS)]).args(FLAGS).arg("--journal").arg(journal);
        let mut server = Process::start(&mut command);
        let line = server.line_with("listen");
        if let Some(url) = line.split("http://").nth(1) {
            return (server, url.split_whitespace().next().unwrap().parse().unwrap());
        }
        assert!(line.contains("in use") && Instant::now() < deadline, "{line}");
    }
}
