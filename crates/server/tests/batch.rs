//! `fanfare publish --ndjson`: the user learns what was published as soon as the server says it, even before the end of
//! the input. A producer may be silent for long.

mod support;

use std::{
    fs::{self, File},
    io::{PipeWriter, Write as _, pipe},
    process::{Child, Command, Stdio},
};

use support::{
    Process, curl_once, fanfare,
    peer::{Exchange, Peer},
    run, serve,
    settings::limits,
    until,
};

/// A producer that never ends by itself.
struct Endless(Child);

impl Endless {
    /// Starts an endless producer of lines for `channel`, and a command that sends them to `url`.
    fn publish(url: &str, channel: &str) -> (Self, Process) {
        let line = format!(r#"{{"channel":"{channel}","data":"one of many"}}"#);
        let mut child = Command::new("yes").arg(line).stdout(Stdio::piped()).spawn().unwrap();
        let lines = child.stdout.take().unwrap();
        (Self(child), Process::start_with_input(fanfare().args(["publish", url, "--ndjson"]), lines))
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a batch whose lines the test writes. Returns after the head of the request.
fn batch(peer: &Peer, flags: &[&str]) -> (Process, PipeWriter, Exchange) {
    let (input, lines) = pipe().unwrap();
    let mut command = fanfare();
    command.args(["publish", &peer.url(), "--ndjson"]).args(flags);
    let publisher = Process::start_with_input(&mut command, Stdio::from(input));
    let mut exchange = peer.next();
    assert_eq!(exchange.header("expect"), Some("100-continue"));
    exchange.write("HTTP/1.1 100 Continue\r\n\r\n");
    (publisher, lines, exchange)
}

/// The next chunk of the request's body (RFC 9112 7.1).
fn chunk(exchange: &mut Exchange) -> String {
    let length = usize::from_str_radix(exchange.read_until("\r\n").trim_end(), 16).unwrap();
    let chunk = String::from_utf8(exchange.read(length)).unwrap();
    assert_eq!(exchange.read(2), b"\r\n");
    chunk
}

fn whole(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\ncontent-length: {length}\r\n\r\n{body}")
}

const DRAINING: &str = r#"{"title":"Service Unavailable","status":503,"published":7,"failed":0,"errors":[]}"#;

/// Number of events that the journal has for each channel.
fn published(journal: &str, channels: usize) -> Vec<u64> {
    let (code, dump) = run(fanfare().args(["journal", "dump", journal]));
    assert_eq!(code, 0, "{dump}");
    let mut counts = vec![0; channels];
    for line in dump.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        counts[line["channel"].as_str().unwrap().parse::<usize>().unwrap()] += 1;
    }
    counts
}

#[test]
fn each_of_25_batches_that_a_drain_ends_is_told_how_many_of_its_lines_were_published() {
    const BATCHES: usize = 25;
    let directory = tempfile::tempdir().unwrap();
    let journal = directory.path().join("journal").to_str().unwrap().to_owned();
    let all = ["--history-events", "1000000", "--history-bytes", "200MiB", "--fsync", "never"];
    let (mut server, url) = serve(&[&["--journal", &journal][..], &all].concat());
    let mut batches: Vec<_> = (0..BATCHES).map(|channel| Endless::publish(&url, &channel.to_string())).collect();
    for channel in 0..BATCHES {
        let history = format!("{url}/channels/{channel}/history?limit=1");
        until("each has published", || curl_once(&[&history]).contains("one of many"));
    }
    server.signal("TERM");
    let told: Vec<u64> = batches
        .iter_mut()
        .map(|(_, publisher)| {
            let line = publisher.line_with("error: Service Unavailable: ");
            assert_eq!(publisher.exit().code(), Some(1));
            line.split("(published ").nth(1).expect(&line).split(',').next().unwrap().parse().expect(&line)
        })
        .collect();
    assert_eq!(server.exit().code(), Some(0));
    assert_eq!(told, published(&journal, BATCHES));
}

#[test]
fn an_answer_before_the_end_is_told_whatever_the_server_does_behind_it() {
    let chunked = format!(
        "HTTP/1.1 503 Service Unavailable\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{DRAINING}\r\n0\r\n\r\n",
        DRAINING.len()
    );
    let answers = [
        whole("503 Service Unavailable", DRAINING),
        whole("408 Request Timeout", DRAINING),
        whole("413 Payload Too Large", DRAINING),
        format!("HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\r\n{DRAINING}"),
        chunked,
    ];
    for answer in answers {
        for takes_more in [true, false] {
            let peer = Peer::new();
            let (_lines, mut publisher) = Endless::publish(&peer.url(), "a");
            let mut exchange = peer.next();
            exchange.write("HTTP/1.1 100 Continue\r\n\r\n");
            exchange.read(100_000);
            exchange.write(&answer);
            if takes_more {
                exchange.shut_down_writing();
                publisher.line_with("error: ");
            } else {
                // With bytes that nobody has read it is a reset.
                drop(exchange);
            }
            let told = [publisher.seen().to_vec(), publisher.remaining_lines()].concat().join("\n");
            assert!(told.ends_with("(published 7, failed 0)"), "{answer:?}, {takes_more}: {told}");
            assert_eq!(publisher.exit().code(), Some(1));
        }
    }
}

#[test]
fn a_success_before_the_end_is_none() {
    let peer = Peer::new();
    let (_lines, mut publisher) = Endless::publish(&peer.url(), "a");
    let mut exchange = peer.next();
    exchange.write("HTTP/1.1 100 Continue\r\n\r\n");
    exchange.read(1);
    exchange.write(whole("202 Accepted", r#"{"published":1,"failed":0}"#));
    let mut told = publisher.remaining_lines();
    told.sort();
    assert!(told[0].starts_with("error: the server answered before the end of the input"), "{told:?}");
    assert_eq!(told[1], r#"{"published":1,"failed":0}"#);
    assert_eq!(publisher.exit().code(), Some(1));
}

#[test]
#[cfg(target_os = "linux")]
fn an_input_that_breaks_is_told_and_what_came_before_is_published() {
    let (_server, url) = serve(&[]);
    // The system lets nobody read memory that is not there.
    let file = File::open("/proc/self/mem").unwrap();
    let mut command = fanfare();
    let mut publisher = Process::start_with_input(command.args(["publish", &url, "--ndjson"]), file);
    let line = publisher.line_with("error: cannot read the input to its end: ");
    assert!(line.contains("(published 0, failed 0"), "{line}");
    assert_eq!(publisher.exit().code(), Some(1));
}

#[test]
fn a_batch_without_an_answer_is_told_how_far_it_came() {
    let peer = Peer::new();
    let (mut publisher, mut lines, mut exchange) = batch(&peer, &[]);
    lines.write_all(b"{}\n{}\n{}\nunfinished").unwrap();
    assert_eq!(chunk(&mut exchange), "{}\n{}\n{}\n");
    drop(exchange);
    let line = publisher.line_with("closed the connection before it had answered");
    assert!(line.ends_with("it is not known which of the lines were published (sent until then: 3)"), "{line}");
    assert_eq!(publisher.exit().code(), Some(1));
}

#[test]
fn an_answer_that_breaks_off_is_no_success() {
    let peer = Peer::new();
    let (mut publisher, lines, mut exchange) = batch(&peer, &[]);
    drop(lines);
    exchange.read_until("0\r\n\r\n");
    exchange.write("HTTP/1.1 202 Accepted\r\ncontent-length: 100\r\n\r\n{\"published\":0,");
    drop(exchange);
    publisher.line_with("error: the answer broke off");
    assert_eq!(publisher.exit().code(), Some(1));
}

#[test]
fn in_silence_empty_lines_are_sent_and_never_within_a_line() {
    let peer = Peer::new();
    // A server that has its lines has no answer to give, however long that takes.
    let flags = ["--keep-alive", "20ms", "--answer-timeout", "40ms"];
    let (mut publisher, mut lines, mut exchange) = batch(&peer, &flags);
    for _ in 0..3 {
        assert_eq!(chunk(&mut exchange), "\n");
    }
    lines.write_all(b"{\"first\":1}\n{\"second").unwrap();
    let mut next = || loop {
        let chunk = chunk(&mut exchange);
        if chunk != "\n" {
            return chunk;
        }
    };
    assert_eq!(next(), "{\"first\":1}\n");
    lines.write_all(b"\":2}\n{\"last\":3}").unwrap();
    assert_eq!(next(), "{\"second\":2}\n");
    for _ in 0..5 {
        assert_eq!(chunk(&mut exchange), "\n");
    }
    drop(lines);
    while chunk(&mut exchange) == "\n" {}
    exchange.read_until("0\r\n\r\n");
    exchange.write(whole("202 Accepted", r#"{"published":3,"failed":0}"#));
    publisher.line_with(r#"{"published":3,"failed":0}"#);
    assert_eq!(publisher.exit().code(), Some(0));
}

#[test]
fn errors_name_the_lines_of_the_input() {
    let peer = Peer::new();
    let (mut publisher, mut lines, mut exchange) = batch(&peer, &["--keep-alive", "20ms"]);
    assert_eq!(chunk(&mut exchange), "\n");
    lines.write_all(b"nonsense\n{}\n").unwrap();
    let mut before = 1;
    while chunk(&mut exchange) == "\n" {
        before += 1;
    }
    let problem = format!(
        r#"{{"title":"Bad","published":1,"failed":2,"errors":[{{"line":{},"title":"a"}},{{"line":{}}}]}}"#,
        before + 1,
        before + 2
    );
    exchange.write(whole("400 Bad Request", &problem));
    publisher.line_with(r#"error: Bad (published 1, failed 2; the first: {"line":1,"title":"a"})"#);
    assert_eq!(publisher.exit().code(), Some(1));
}

#[test]
fn a_quiet_producer_outlasts_the_pause_that_the_server_allows() {
    let (_server, url) = serve(&[&limits(&["body-idle-timeout = '3s'", "batch-idle-timeout = '3s'"])]);
    let (input, mut lines) = pipe().unwrap();
    let mut command = fanfare();
    command.args(["publish", &url, "--ndjson", "--keep-alive", "20ms"]);
    let mut publisher = Process::start_with_input(&mut command, Stdio::from(input));
    drop(command);
    let line = "{\"channel\":\"a\",\"data\":1}\n";
    // The beginning of the second line waits with the producer.
    write!(lines, "{line}{{\"channel\"").unwrap();
    // Another one that begins after it, and is as quiet without keep-alive lines, is refused meanwhile.
    let (quiet_input, _quiet) = pipe().unwrap();
    let mut command = fanfare();
    command.args(["publish", &url, "--ndjson", "--keep-alive", "1h"]);
    Process::start_with_input(&mut command, Stdio::from(quiet_input)).line_with("error: Request Timeout: ");
    drop(command);
    write!(lines, ":\"a\",\"data\":2}}\n{line}").unwrap();
    drop(lines);
    publisher.line_with(r#""published":3,"failed":0"#);
    assert_eq!(publisher.exit().code(), Some(0));
}

#[test]
fn a_pause_that_was_too_long_is_told_with_its_counts() {
    let (_server, url) = serve(&[&limits(&["batch-idle-timeout = '100ms'"])]);
    let (input, mut lines) = pipe().unwrap();
    let mut command = fanfare();
    command.args(["publish", &url, "--ndjson", "--keep-alive", "1h"]);
    let mut publisher = Process::start_with_input(&mut command, Stdio::from(input));
    drop(command);
    lines.write_all(b"nonsense\n{\"all\":true,\"data\":1}\n").unwrap();
    let line = publisher.line_with("error: Request Timeout: ");
    assert!(line.contains("(published 1, failed 1; the first: {\"line\":1,"), "{line}");
    assert_eq!(publisher.exit().code(), Some(1));
}

#[test]
fn a_byte_order_mark_at_the_start_is_no_part_of_the_first_line() {
    let (_server, url) = serve(&[]);
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "\u{feff}{\"all\":true,\"data\":1}\r\n{\"all\":true,\"data\":2}\r\n").unwrap();
    let (code, text) = run(fanfare().args(["publish", &url, "--ndjson", "--file", file.path().to_str().unwrap()]));
    assert!(code == 0 && text.contains(r#""published":2,"failed":0"#), "{text}");
}
