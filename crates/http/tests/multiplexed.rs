//! Clients of others that do everything over one HTTP/2 connection with TLS: they follow, publish, read a large event and a page, leave one
//! stream unread while another goes on, and see the proper end of both at a drain.
//!
//! Each script prints a line for each step, as [`assert_does_all`] has them.

mod clients;
mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use clients::{Gate, Program};
use fanfare_http::Config;
use rustls::ClientConfig;
use serde_json::{Value, json};
use support::{
    server::{Server, Way, config},
    tls::{Authority, Secure},
    until,
};

/// As the scripts have it: more than the windows of any client hold.
const SLOW_COUNT: usize = 8;
const MIB: usize = 1 << 20;

/// All that a client leaves unread comes from history.
fn roomy() -> Config {
    let mut config = config(Way::H2);
    config.core.history.each.bytes_max = 64 * MIB;
    config
}

/// A server, the certificate that its clients trust, and a network that counts connections.
struct World {
    server: Server,
    gate: Gate,
    authority: PathBuf,
    trust: Arc<ClientConfig>,
}

impl World {
    fn new(name: &str) -> Self {
        let authority = Authority::new();
        let server = Server::start_secure(Way::H2, roomy(), authority.acceptor());
        let gate = Gate::start(server.address);
        Self { gate, server, authority: authority.file(name), trust: Arc::new(authority.client()) }
    }

    fn origin(&self) -> String {
        format!("https://localhost:{}", self.gate.address.port())
    }

    /// How many connections `client` has, over a connection of its own that is not counted.
    fn matched(&self, client: &str) -> u64 {
        let mut asking = Secure::open(self.server.address, &self.trust);
        asking.send(format!("POST /clients/{client} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n?"));
        asking.until("\"matched\":");
        asking.until("}").trim_end_matches('}').parse().unwrap()
    }

    fn authority(&self) -> &str {
        self.authority.to_str().unwrap()
    }
}

/// The value of the next line, which must be about `step`.
#[track_caller]
fn told(program: &mut Program, step: &str) -> Value {
    let line = program.json();
    line.get(step).unwrap_or_else(|| panic!("not about {step}: {line}")).clone()
}

#[track_caller]
fn assert_does_all(name: &str, start: impl FnOnce(&[&str]) -> Program) {
    let mut world = World::new(name);
    let mut program = start(&[&world.origin(), world.authority()]);
    assert_eq!(told(&mut program, "open"), "h2");
    let mut expected: Vec<_> = (0..50).map(|number| number.to_string()).collect();
    expected.push(format!("xxx {MIB}"));
    assert_eq!(told(&mut program, "seen"), json!(expected));
    assert_eq!(told(&mut program, "beside"), json!(["beside"]));
    let slow: Vec<_> = (0..SLOW_COUNT).map(|number| format!("{number} y {}", MIB - 100 + 2)).collect();
    assert_eq!(told(&mut program, "slow"), json!(slow));
    assert!(told(&mut program, "history").as_u64().unwrap() > MIB as u64);
    assert_eq!(told(&mut program, "ready"), true);
    assert_eq!(world.gate.passed(), 1, "all of it over one connection");
    world.server.begin_drain();
    assert_eq!(told(&mut program, "end"), true);
    program.succeeded();
    assert_eq!(world.server.drain().cut, 0);
}

#[test]
fn node_does_all_over_one_connection() {
    assert_does_all("node", |args| Program::node("h2_with_node.js", args));
}

#[test]
fn httpx_does_all_over_one_connection() {
    assert_does_all("httpx", |args| Program::python("h2_with_httpx.py", args));
}

#[test]
fn go_does_all_over_one_connection() {
    assert_does_all("go", |args| Program::go("h2_with_go", args));
}

/// The data of the next events that a command prints.
#[track_caller]
fn data(program: &mut Program, count: usize) -> Vec<String> {
    let lines = std::iter::from_fn(|| Some(program.line().expect("an event, but it has ended")));
    lines.filter_map(|line| line.strip_prefix("data: ").map(str::to_owned)).take(count).collect()
}

#[test]
fn curl_follows_and_publishes_over_one_connection() {
    let World { server, gate, authority, .. } = World::new("curl-multiplexed");
    let origin = format!("https://localhost:{}", gate.address.port());
    let large = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("curl-{}", gate.address.port()));
    fs::write(&large, "x".repeat(MIB)).unwrap();
    let mut expected: Vec<_> = (10..30).map(|number| number.to_string()).collect();
    let bodies: Vec<_> = expected.iter().cloned().chain([format!("@{}", large.display())]).collect();
    let (stream, channel) = (format!("{origin}/sse?channel=a"), format!("{origin}/channels/a"));
    let secure = ["--http2", "--cacert", authority.to_str().unwrap()];
    let mut args = [&["-Z"], &secure[..], &[&stream]].concat();
    for body in &bodies {
        args.extend(["--next", "-sS", "-o", "/dev/null", "--data-binary", body, &channel]);
        args.extend(secure);
    }
    let mut curl = Program::curl(&args);
    let mut seen = data(&mut curl, bodies.len());
    // They are sent together, so their order is curl's.
    seen.sort_unstable_by_key(|data| (data.len(), data.clone()));
    expected.push("x".repeat(MIB));
    assert!(seen == expected, "{} events", seen.len());
    assert_eq!(gate.passed(), 1, "all of it over one connection");
    assert_eq!(server.drain().cut, 0);
    curl.succeeded();
    fs::remove_file(large).unwrap();
}

/// nghttp prints when it ends, and not before.
#[test]
fn nghttp_follows_two_streams_of_one_connection_with_small_windows() {
    let world = World::new("nghttp");
    let url = |path: &str| format!("{}{path}", world.origin());
    let (first, second) = (url("/sse?id=first&channel=a"), url("/sse?id=second&channel=a"));
    // Windows of 1 KiB, so that the large event takes a thousand of them.
    let mut nghttp = Program::command("nghttp", &["--no-verify-peer", "-w", "10", "-W", "10", &first, &second]);
    until("both streams are there", || world.matched("first") + world.matched("second") == 2);
    assert_eq!(world.gate.passed(), 1, "both over one connection");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("nghttp-{}", world.gate.address.port()));
    fs::write(&file, "x".repeat(MIB)).unwrap();
    let publish = ["--no-verify-peer", "-n", "-d", file.to_str().unwrap(), &url("/channels/a")];
    Program::command("nghttp", &publish).succeeded();
    assert_eq!(world.server.drain().cut, 0);
    let lines: Vec<_> = std::iter::from_fn(|| nghttp.line()).collect();
    // The pieces of both streams come one between the other.
    let bytes = lines.iter().flat_map(|line| line.bytes()).filter(|byte| *byte == b'x').count();
    assert_eq!(bytes, 2 * MIB);
    nghttp.succeeded();
    fs::remove_file(file).unwrap();
}
