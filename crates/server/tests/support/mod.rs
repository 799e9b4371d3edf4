//! Starts the `fanfare` binary on a free port, reads its log, sends it signals, and runs curl against it.
//!
//! Every wait is for the event itself and ends after [`PATIENCE`].
#![allow(dead_code, reason = "each test uses its own part")]

pub(crate) mod peer;
/// Shared with the tests of the core.
#[path = "../../../core/tests/support/rng.rs"]
pub(crate) mod rng;
pub(crate) mod server;
pub(crate) mod settings;
pub(crate) mod small_disk;
#[path = "../../../http/tests/support/steady.rs"]
pub(crate) mod steady;
pub(crate) mod wire;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Mutex,
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread,
    time::{Duration, Instant},
};

/// Limit of every wait. Far longer than any step takes, so a test that reaches it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The name of the newest segment of a journal.
pub(crate) fn newest_segment(journal: &Path) -> Option<String> {
    let entries = fs::read_dir(journal).into_iter().flatten().map_while(Result::ok);
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| name.ends_with(".journal")).max()
}

/// A process whose lines a test can wait for. Its drop kills it.
pub(crate) struct Process {
    child: Child,
    /// In a Mutex that is never locked, so that threads may share a process.
    lines: Mutex<Receiver<String>>,
    seen: Vec<String>,
}

impl Process {
    /// Starts `command` and reads its standard output and standard error line by line.
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::start_with_input(command, Stdio::null())
    }

    /// The same with `input` as its standard input.
    pub(crate) fn start_with_input(command: &mut Command, input: impl Into<Stdio>) -> Self {
        let program = command.get_program().to_owned();
        let child = command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{program:?}: {error}; `cargo xtask test` installs it"));
        let (sender, lines) = channel();
        let outputs: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for output in outputs {
            let sender = sender.clone();
            thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    let _ = sender.send(line);
                }
            });
        }
        Self { child, lines: Mutex::new(lines), seen: Vec::new() }
    }

    /// Waits for a line that contains `text`.
    pub(crate) fn line_with(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.get_mut().unwrap().recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.seen.push(line);
                    let line = self.seen.last().unwrap();
                    if line.contains(text) {
                        return line.clone();
                    }
                }
                Err(error) => panic!("no line with {text:?} ({error}); these came: {:#?}", self.seen),
            }
        }
    }

    /// Waits until the server listens. Returns its base URL.
    pub(crate) fn url(&mut self) -> String {
        let line = self.line_with("listening on ");
        line.split("listening on ").nth(1).unwrap().split([' ', '"']).next().unwrap().to_owned()
    }

    /// Whether a line with `text` has come so far.
    pub(crate) fn has_said(&mut self, text: &str) -> bool {
        self.seen.extend(self.lines.get_mut().unwrap().try_iter());
        self.seen.iter().any(|line| line.contains(text))
    }

    /// The lines that were read so far.
    pub(crate) fn seen(&self) -> &[String] {
        &self.seen
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// All further lines, until the process has closed its outputs.
    pub(crate) fn remaining_lines(&mut self) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut lines = Vec::new();
        loop {
            match self.lines.get_mut().unwrap().recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => lines.push(line),
                Err(RecvTimeoutError::Disconnected) => return lines,
                Err(RecvTimeoutError::Timeout) => panic!("it did not end; these came: {lines:#?}"),
            }
        }
    }

    /// Sends a signal such as SIGTERM or SIGINT.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Kills the process, which must be alive, at any moment. Returns all lines that it printed.
    pub(crate) fn kill(self) -> Vec<String> {
        let (ended, lines) = self.kill_unless_ended();
        assert_eq!(ended, None, "it ended by itself: {lines:#?}");
        lines
    }

    /// The same, for a process that may have ended. Returns its exit status if it had.
    pub(crate) fn kill_unless_ended(mut self) -> (Option<ExitStatus>, Vec<String>) {
        let ended = self.child.try_wait().unwrap();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let mut lines = std::mem::take(&mut self.seen);
        lines.extend(self.remaining_lines());
        (ended, lines)
    }

    /// Waits for the end of the process.
    pub(crate) fn exit(&mut self) -> ExitStatus {
        ended_within(&mut self.child, PATIENCE).expect("it did not end")
    }
}

/// Waits for the end of `child`, and kills it after `time_max`. Polls, because only a signal handler hears of a child's
/// end.
pub(crate) fn ended_within(child: &mut Child, time_max: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + time_max;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary, not yet started, without settings from the environment.
pub(crate) fn fanfare() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
    let is_setting = |name: &String| name.starts_with("FANFARE_") || name.to_lowercase().ends_with("_proxy");
    let settings = std::env::vars().map(|(name, _)| name).filter(is_setting);
    settings.for_each(|name| {
        command.env_remove(name);
    });
    // Tests run at the same time, and the default is one port.
    command.env("FANFARE_ADMIN", "off");
    command
}

/// Runs a command to its end. Returns its exit code and its output.
pub(crate) fn run(command: &mut Command) -> (i32, String) {
    let mut process = Process::start(command);
    let lines = process.remaining_lines();
    (process.exit().code().expect("no signal"), lines.join("\n"))
}

/// Starts a server on a free port. Returns its base URL too.
pub(crate) fn serve(arguments: &[&str]) -> (Process, String) {
    let mut server = Process::start(fanfare().args(["serve", "--listen", "127.0.0.1:0"]).args(arguments));
    let url = server.url();
    (server, url)
}

/// Starts a curl that stays connected and prints what it receives.
pub(crate) fn curl(arguments: &[&str]) -> Process {
    let mut curl = Process::start(Command::new("curl").args(["-sN"]).args(arguments));
    curl.line_with(": connection ");
    curl
}

/// Waits until `is_so`, at most [`PATIENCE`]. Returns the time it took.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "not in {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_micros(500));
    }
    start.elapsed()
}

/// Sends one request with curl. Returns the body of the answer.
pub(crate) fn curl_once(arguments: &[&str]) -> String {
    let mut child =
        Command::new("curl").args(["-sS", "--max-time", "10"]).args(arguments).stdout(Stdio::piped()).spawn();
    let child = child.as_mut().expect("curl; `cargo xtask test` installs it");
    let mut answer = String::new();
    child.stdout.take().unwrap().read_to_string(&mut answer).unwrap();
    assert!(child.wait().unwrap().success(), "curl {arguments:?}: {answer}");
    answer
}
