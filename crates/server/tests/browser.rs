//! A page in a real browser whose server is killed and comes back on its port, again and again, while events are
//! published: it misses nothing, gets nothing twice, and is told of no gap. Nothing in the page but an EventSource.

mod support;

use std::{
    env,
    io::{BufRead as _, BufReader, Read as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, channel},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use support::{PATIENCE, Process, fanfare, rng::Rng, wire::Requests};

const KILLS: usize = 8;
/// Numbers that the page sees of each life before that one ends.
const SEEN_A_LIFE: u64 = 20;
const LAST: &str = "last";
const FLAGS: [&str; 4] = ["--retry-min=20ms", "--retry-max=60ms", "--history-events=100000", "--heartbeat=50ms"];

/// A browser starts slowly on a busy machine.
const LINE_TIME_MAX: Duration = Duration::from_secs(30);
/// How long it may take to close and to remove its files.
const END_TIME_MAX: Duration = Duration::from_secs(5);
const HOW_TO_INSTALL: &str = "run `cargo xtask test`, which installs what the tests need";

/// A page that reads a stream and prints what comes, by the script of fanfare-http's tests.
struct Page {
    script: Child,
    lines: Receiver<String>,
}

impl Page {
    fn open(url: &str) -> Self {
        let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into()));
        let workspace = package.ancestors().nth(2).unwrap();
        // `cargo xtask test` says where it has installed them; without it they are in the target directory.
        let parts = env::var_os("FANFARE_TEST_PARTS").map(PathBuf::from);
        let parts = parts.unwrap_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("parts"));
        let modules = parts.join("node_modules");
        for part in [Path::new("/usr/bin/chromium"), &modules.join("event-source-polyfill")] {
            assert!(part.exists(), "{} is missing: {HOW_TO_INSTALL}", part.display());
        }
        let mut command = Command::new("node");
        command.env("NODE_PATH", modules).env("NO_PROXY", "*").env("no_proxy", "*");
        let kinds = ["message", "fanfare.gap"];
        let streams = json!([{"name": "", "client": "EventSource", "url": url, "kinds": kinds}]);
        command.arg(workspace.join("crates/http/tests/clients/read_with_engine.js"));
        command.args(["chromium", &streams.to_string()]);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut script = child.unwrap_or_else(|error| panic!("node: {error}: {HOW_TO_INSTALL}"));
        let (sender, lines) = channel();
        let output = BufReader::new(script.stdout.take().unwrap());
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut page = Self { script, lines };
        assert_eq!(page.line()["open"], true);
        page
    }

    #[track_caller]
    fn line(&mut self) -> Value {
        let Ok(line) = self.lines.recv_timeout(LINE_TIME_MAX) else {
            let _ = self.script.kill();
            let mut complaint = String::new();
            let _ = self.script.stderr.take().unwrap().read_to_string(&mut complaint);
            panic!("the page printed nothing for {LINE_TIME_MAX:?} or has ended; its complaint: {complaint}");
        };
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// The numbers that it sees up to the last event, in its order, and how often its stream was opened. `seen` is how
    /// many it has.
    fn read_to_the_end(&mut self, seen: &AtomicU64) -> (Vec<u64>, usize) {
        let (mut numbers, mut opened) = (Vec::new(), 1);
        loop {
            let line = self.line();
            if line["open"] == true {
                opened += 1;
                continue;
            }
            assert_eq!(line["event"], "message", "{line}");
            match line["data"].as_str().unwrap() {
                LAST => return (numbers, opened),
                number => numbers.push(number.parse().unwrap()),
            }
            seen.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // The script closes its browser at the end of its input.
        drop(self.script.stdin.take());
        let end = Instant::now() + END_TIME_MAX;
        while matches!(self.script.try_wait(), Ok(None)) && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}

/// On this address again, as soon as nobody else's connection happens to have its port.
fn serve(journal: &Path, listen: SocketAddr) -> (Process, SocketAddr) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let listen = listen.to_string();
        let mut server =
            Process::start(fanfare().args(["serve", "--listen", &listen]).args(FLAGS).arg("--journal").arg(journal));
        let line = server.line_with("listen");
        if let Some(url) = line.split("http://").nth(1) {
            return (server, url.split_whitespace().next().unwrap().parse().unwrap());
        }
        assert!(line.contains("in use") && Instant::now() < deadline, "{line}");
    }
}

/// Publishes once, whatever becomes of the server meanwhile.
fn publish(address: SocketAddr, connection: &mut Option<Requests>, data: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let open = connection.take().map_or_else(|| Requests::open(address), Ok);
        let headers = [("idempotency-key", data)];
        if let Ok(mut requests) = open
            && let Ok(answer) = requests.post("/channels/kills", &headers, data)
        {
            assert_eq!(answer.status, 202, "{answer:?}");
            *connection = Some(requests);
            return;
        }
        assert!(Instant::now() < deadline, "no server takes {data}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Ends the others where the page has failed.
struct OverOnDrop<'a>(&'a AtomicBool);

impl Drop for OverOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn chromium_misses_nothing_however_often_its_server_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let (server, address) = serve(directory.path(), "127.0.0.1:0".parse().unwrap());
    // Killed also when something below fails.
    let server = Mutex::new(Some(server));
    let mut page = Page::open(&format!("http://{address}/channels/kills?heartbeat=cursor"));
    let (published, seen, is_over) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let (numbers, opened) = thread::scope(|scope| {
        let _over = OverOnDrop(&is_over);
        scope.spawn(|| {
            let mut connection = None;
            while !is_over.load(Ordering::Relaxed) {
                publish(address, &mut connection, &published.load(Ordering::Relaxed).to_string());
                published.fetch_add(1, Ordering::Relaxed);
                // As fast as a busy feed, and not as fast as can be.
                thread::sleep(Duration::from_millis(1));
            }
            publish(address, &mut connection, LAST);
        });
        scope.spawn(|| {
            let mut rng = Rng::new(KILLS as u64);
            for _ in 0..KILLS {
                // Some of what only this server can have told it.
                let enough = published.load(Ordering::Relaxed) + SEEN_A_LIFE;
                while seen.load(Ordering::Relaxed) < enough {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    thread::sleep(Duration::from_millis(1));
                }
                thread::sleep(Duration::from_micros(rng.number(3_000)));
                let mut server = server.lock().unwrap();
                server.take().unwrap().kill();
                *server = Some(serve(directory.path(), address).0);
            }
            is_over.store(true, Ordering::Relaxed);
        });
        page.read_to_the_end(&seen)
    });
    assert!(opened > KILLS, "opened {opened} times");
    assert!(numbers.iter().copied().eq(0..published.into_inner()), "{numbers:?}");
}
