//! One node behind each of five proxies: the results for a client and for a publisher.

use std::{
    io::{Write as _, pipe},
    net::SocketAddr,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use crate::{
    SILENT, data,
    front::{Front, Kind, Limits},
    post,
    redis::free_port,
    relay::Relay,
    support::{
        Process, curl, curl_once, fanfare, run,
        server::Server,
        settings,
        steady::{Pulse, steadily},
        until,
        wire::{EventStream, Requests},
    },
};

/// curl's exit code for a connection that ends without an answer; see curl(1).
const CURL_GOT_NOTHING: i32 = 52;
/// All encodings that a browser accepts.
const ENCODINGS: (&str, &str) = ("accept-encoding", "gzip, deflate, br, zstd");
/// A name with an encoded slash in the path.
const PATH: &str = "/channels/orders%2F42";

/// A proxy and its node.
struct Behind {
    front: Front,
    relay: Relay,
    node: Server,
}

impl Behind {
    #[track_caller]
    fn start(kind: Kind, limits: Limits, heartbeat: &str) -> Self {
        // It closes no idle connection while the test waits for the proxy to do so.
        let flags = ["serve", "--listen=127.0.0.1:0", &settings::limits(&["head-timeout = '60s'"]), heartbeat];
        let node = Server::started(fanfare().args(flags));
        let relay = Relay::start(node.address);
        let front = Front::start(kind, relay.address, limits);
        Self { front, relay, node }
    }

    #[track_caller]
    fn stream(&self, last_event_id: Option<&str>) -> EventStream {
        let last = last_event_id.map(|id| ("last-event-id", id));
        let headers: Vec<_> = [ENCODINGS].into_iter().chain(last).collect();
        EventStream::open_with(self.front.address, PATH, &headers).unwrap()
    }

    /// Sends a request through the proxy.
    #[track_caller]
    fn publish(&self, body: &str) -> String {
        post(self.front.address, PATH, body).id()
    }
}

/// Checks that an event of any size comes before the next is published, also if it is published through the proxy.
#[track_caller]
fn assert_passes_events_at_once(site: &Behind) {
    let mut stream = site.stream(None);
    for bytes in [1, 100, 20 << 10, 300 << 10] {
        for number in 0..3 {
            let text = format!("{}{number}", "x".repeat(bytes));
            site.node.publish(PATH, &text);
            assert!(data(&mut stream) == text, "{bytes} bytes");
        }
    }
    site.publish("through the proxy");
    assert_eq!(data(&mut stream), "through the proxy");
}

#[track_caller]
fn assert_comes_back(site: &Behind) {
    let seen = site.publish("seen");
    for text in ["one", "two", "three"] {
        site.publish(text);
    }
    let mut stream = site.stream(Some(&seen));
    for text in ["one", "two", "three"] {
        assert_eq!(data(&mut stream), text);
    }
    site.publish("live");
    assert_eq!(data(&mut stream), "live");
}

/// Checks that the node ends the stream of a client that is gone.
#[track_caller]
fn assert_lets_go(site: &Behind) {
    until("the streams that were closed are closed at the node", || {
        site.node.post(PATH, &[], "to nobody").json()["matched"] == 0
    });
}

/// Checks that a line of a batch is published before the next one exists.
#[track_caller]
fn assert_passes_lines_at_once(site: &Behind) {
    let mut stream = site.stream(None);
    let (input, mut lines) = pipe().unwrap();
    let mut command = fanfare();
    command.args(["publish", &format!("http://{}", site.front.address), "--ndjson"]);
    let mut publisher = Process::start_with_input(&mut command, Stdio::from(input));
    drop(command);
    for number in 0..3 {
        writeln!(lines, r#"{{"channel":"orders/42","data":"{number}"}}"#).unwrap();
        assert_eq!(data(&mut stream), number.to_string());
    }
    drop(lines);
    publisher.line_with(r#""published":3"#);
    assert_eq!(publisher.exit().code(), Some(0));
}

/// Checks that many publishes take few connections to the node.
#[track_caller]
fn assert_keeps_connections(site: &Behind) {
    let before = site.relay.opened();
    let mut requests = Requests::open(site.front.address).unwrap();
    for _ in 0..150 {
        requests.post(PATH, &[], "one of many").unwrap().id();
    }
    let opened = site.relay.opened() - before;
    assert!(opened <= 3, "{opened} connections");
}

/// Checks that a stream is told to come back, and a publisher that it failed.
#[track_caller]
fn assert_answers_for_a_node_that_is_away(kind: Kind, front: &Front) {
    let url = format!("http://{}{PATH}", front.address);
    let ask = || {
        let accept = ["-sSi", "--max-time", "10", "-H", "Accept: text/event-stream", &url];
        run(Command::new("curl").args(accept))
    };
    if kind == Kind::Varnish {
        // Until it has seen that the node is away, it ends connections without an answer.
        until("Varnish has seen it", || ask().0 != CURL_GOT_NOTHING);
    }
    let (code, answer) = ask();
    assert_eq!(code, 0, "{answer}");
    assert!(answer.starts_with("HTTP/1.1 200"), "a browser gives up for ever at anything else: {answer}");
    let head = answer.to_lowercase();
    for line in ["content-type: text/event-stream", "cache-control: no-store", "access-control-allow-origin: *"] {
        assert!(head.contains(line), "{line}: {answer}");
    }
    assert!(answer.ends_with("\nretry: 3000"), "{answer}");
    let publish = ["-o", "/dev/null", "-w", "%{http_code}", "-d", "hello", &url];
    let status = curl_once(&publish);
    assert!(["502", "503"].contains(&&*status), "{status}");
}

#[track_caller]
fn assert_passes_on(kind: Kind) {
    let site = Behind::start(kind, Limits::Given, SILENT);
    assert_passes_events_at_once(&site);
    assert_comes_back(&site);
    assert_lets_go(&site);
    assert_passes_lines_at_once(&site);
    assert_keeps_connections(&site);
    let Behind { front, relay, node } = site;
    node.process.kill();
    assert_answers_for_a_node_that_is_away(kind, &front);
    drop((front, relay));
    let nobody = SocketAddr::from(([127, 0, 0, 1], free_port()));
    assert_answers_for_a_node_that_is_away(kind, &Front::start(kind, nobody, Limits::Given));
}

/// Checks the limits on idle and on silent connections to the node. All limits are a second.
#[track_caller]
fn assert_bears_pauses(kind: Kind) {
    let site = Behind::start(kind, Limits::Short, "--heartbeat=300ms");
    // Half of the limit, and a heartbeat.
    steadily(Duration::from_millis(650), |pulse| assert_site_bears_pauses(kind, &site, pulse));
}

#[track_caller]
fn assert_site_bears_pauses(kind: Kind, site: &Behind, pulse: &mut Pulse) {
    let mut stream = curl(&[&format!("http://{}{PATH}", site.front.address)]);
    site.publish("before a pause");
    if kind == Kind::Httpd {
        // It ends an idle connection when it needs one the next time, so there is nothing to wait for.
        for _ in 0..21 {
            thread::sleep(Duration::from_millis(100));
            pulse.beat();
        }
    } else {
        until("the proxy ends the idle connection", || {
            pulse.beat();
            site.relay.ended() == site.relay.opened()
        });
    }
    let opened = site.relay.opened();
    site.publish("after a pause");
    assert_eq!(site.relay.opened() - opened, 1, "it comes on a new connection");
    // Twice the limit and more.
    for _ in 0..7 {
        pulse.beat();
        stream.line_with(":");
    }
    pulse.beat();
    site.publish("still there");
    stream.line_with("data: still there");
}

#[test]
fn nginx_passes_on_what_is_asked_and_published() {
    assert_passes_on(Kind::Nginx);
}

#[test]
fn haproxy_passes_on_what_is_asked_and_published() {
    assert_passes_on(Kind::HaProxy);
}

#[test]
fn varnish_passes_on_what_is_asked_and_published() {
    assert_passes_on(Kind::Varnish);
}

#[test]
fn caddy_passes_on_what_is_asked_and_published() {
    assert_passes_on(Kind::Caddy);
}

#[test]
fn httpd_passes_on_what_is_asked_and_published() {
    assert_passes_on(Kind::Httpd);
}

#[test]
fn streams_and_publishes_through_nginx_bear_pauses() {
    assert_bears_pauses(Kind::Nginx);
}

#[test]
fn streams_and_publishes_through_haproxy_bear_pauses() {
    assert_bears_pauses(Kind::HaProxy);
}

#[test]
fn streams_and_publishes_through_varnish_bear_pauses() {
    assert_bears_pauses(Kind::Varnish);
}

#[test]
fn streams_and_publishes_through_caddy_bear_pauses() {
    assert_bears_pauses(Kind::Caddy);
}

#[test]
fn streams_and_publishes_through_httpd_bear_pauses() {
    assert_bears_pauses(Kind::Httpd);
}
