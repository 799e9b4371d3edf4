//! `fanfare publish` and `fanfare subscribe` with a network or a server that is gone silently. After the time of their
//! flags they end, or connect again.

mod support;

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use support::{Process, curl_once, fanfare, peer::Peer, run, serve, settings::limits, until};

/// A listener whose queue of connections is full: the system answers no more of them, as if all were lost on the way.
struct BlackHole {
    listener: TcpListener,
    _queued: Vec<TcpStream>,
}

impl BlackHole {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok();
        let queued: Vec<_> = std::iter::from_fn(connect).take(10_000).collect();
        assert!(queued.len() < 10_000, "the queue never fills");
        Self { listener, _queued: queued }
    }

    fn url(&self) -> String {
        format!("http://{}", self.listener.local_addr().unwrap())
    }
}

/// A listener that accepts connections, but neither reads nor answers.
fn mute() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// A source of bytes without end.
struct Endless(Child);

impl Endless {
    fn start() -> (Self, Stdio) {
        let mut child = Command::new("yes").stdout(Stdio::piped()).spawn().unwrap();
        let bytes = child.stdout.take().unwrap().into();
        (Self(child), bytes)
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn publish(arguments: &[&str]) -> Command {
    let mut command = fanfare();
    command.arg("publish").args(arguments);
    command
}

fn subscribe(arguments: &[&str]) -> Process {
    Process::start(fanfare().arg("subscribe").args(arguments))
}

#[test]
fn a_connection_that_is_never_made_is_given_up() {
    let hole = BlackHole::new();
    let (code, text) = run(&mut publish(&[&hole.url(), "x", "--connect-timeout", "100ms"]));
    let said = "no connection within 100ms (--connect-timeout)";
    assert!(code == 1 && text.contains(said) && !text.contains("not known"), "{text}");
    let mut stream = subscribe(&[&hole.url(), "--connect-timeout", "100ms"]);
    let line = stream.line_with("connecting again");
    assert!(line.contains(said), "{line}");
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let (_listener, url) = mute();
    let (code, text) = run(&mut publish(&[&url, "x", "--answer-timeout", "100ms"]));
    let said = "has not answered within 100ms (--answer-timeout)";
    assert!(code == 1 && text.contains(said), "{text}");
    assert!(text.ends_with("; it is not known whether the event was published"), "{text}");
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "{}\n{}\n").unwrap();
    let (code, text) =
        run(&mut publish(&[&url, "--ndjson", "--file", file.path().to_str().unwrap(), "--answer-timeout", "100ms"]));
    assert!(code == 1 && text.contains(said) && text.ends_with("(sent until then: 2)"), "{text}");
    let mut stream = subscribe(&[&url, "--answer-timeout", "100ms"]);
    let line = stream.line_with("connecting again");
    assert!(line.contains(said), "{line}");
}

#[test]
fn a_handshake_that_is_never_answered_is_given_up() {
    let (_listener, url) = mute();
    let url = url.replace("http:", "https:");
    let (code, text) = run(&mut publish(&[&url, "x", "--connect-timeout", "100ms"]));
    assert!(code == 1 && text.contains("no connection within 100ms"), "{text}");
}

#[test]
fn a_server_that_takes_nothing_any_more_is_given_up() {
    let (server, url) = serve(&[]);
    server.signal("STOP");
    let (_child, bytes) = Endless::start();
    let mut process = Process::start_with_input(&mut publish(&[&url, "--ndjson", "--answer-timeout", "100ms"]), bytes);
    process.line_with("takes nothing any more");
    assert_eq!(process.exit().code(), Some(1));
}

#[test]
fn an_answer_that_stops_in_the_middle_is_given_up() {
    let peer = Peer::new();
    let mut process = Process::start(&mut publish(&[&peer.url(), "x", "--answer-timeout", "100ms"]));
    let mut exchange = peer.next();
    exchange.write("HTTP/1.1 400 Bad Request\r\ncontent-length: 100\r\n\r\nwhat there is");
    process.line_with("error: the server answered 400 Bad Request: what there is");
    assert_eq!(process.exit().code(), Some(1));
}

#[test]
fn a_server_that_is_stopped_is_left_and_nothing_is_lost_when_it_goes_on() {
    let (server, url) = serve(&[&limits(&["retry-min = '20ms'", "retry-max = '20ms'"]), "--heartbeat", "50ms"]);
    let flags = ["--channel", "a", "--silence-timeout", "1s", "--answer-timeout", "1s"];
    let mut stream = subscribe(&[&[&url[..]], &flags[..]].concat());
    let channel = format!("{url}/channels/a");
    until("it is open", || curl_once(&["-d", "first", &channel]).contains("\"matched\":1}"));
    stream.line_with("first");
    server.signal("STOP");
    stream.line_with("nothing came for 1s; connecting again");
    stream.line_with("has not answered within 1s");
    server.signal("CONT");
    curl_once(&["-d", "second", &channel]);
    stream.line_with("second");
}

#[test]
fn a_stream_that_a_proxy_passes_on_no_longer_is_left() {
    let peer = Peer::new();
    let mut stream = subscribe(&[&peer.url(), "--silence-timeout", "200ms"]);
    let mut first = peer.next();
    first.begin_stream();
    first.write("retry: 1\nid: 7\ndata: a\n\n");
    stream.line_with("nothing came for 200ms; connecting again in 10ms");
    // The first is still open.
    let mut second = peer.next();
    assert_eq!(second.header("last-event-id"), Some("7"));
    second.begin_stream();
    second.write("data: b\n\n");
    stream.line_with("b");
    drop(first);
}

/// The timer of the socket between these two ports (proc_net_tcp(5), `tr`): 2 is keep-alive.
#[cfg(target_os = "linux")]
fn timer(local: u16, remote: u16) -> Option<u8> {
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let port = |address: &str| u16::from_str_radix(address.split(':').nth(1).unwrap(), 16).unwrap();
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let is_it = port(fields[1]) == local && port(fields[2]) == remote;
        is_it.then(|| fields[5].split(':').next().unwrap().parse().unwrap())
    })
}

#[test]
#[cfg(target_os = "linux")]
fn an_idle_connection_is_watched_by_tcp() {
    let peer = Peer::new();
    let _stream = subscribe(&[&peer.url()]);
    let mut exchange = peer.next();
    exchange.begin_stream();
    let [local, remote]: [SocketAddr; 2] = exchange.addresses();
    until("the keep-alive timer runs", || timer(remote.port(), local.port()) == Some(2));
}

#[test]
fn times_have_bounds() {
    for (command, flag) in [
        ("publish", "--connect-timeout"),
        ("publish", "--answer-timeout"),
        ("publish", "--keep-alive"),
        ("subscribe", "--connect-timeout"),
        ("subscribe", "--answer-timeout"),
        ("subscribe", "--silence-timeout"),
    ] {
        for (bad, said) in [("0s", "at least 1ms"), ("86400001ms", "at most 1day"), ("5", "write 5s or 500ms")] {
            let (code, text) = run(fanfare().args([command, "http://127.0.0.1:1", flag, bad]));
            assert!(code == 2 && text.contains(said), "{command} {flag} {bad}: {text}");
        }
        for good in ["1ms", "1day"] {
            let (code, text) = run(fanfare().args([command, "ftp://x", flag, good]));
            assert!(code == 2 && text.contains("`ftp`") && !text.contains(flag), "{command} {flag} {good}: {text}");
        }
    }
}
