//! The subscribers of examples/subscribers, and that of crates/sse/examples, against a server that breaks off, is away, and
//! refuses.

use std::{fs, process::Command};

use crate::{
    desk::{Desk, example, need_programs_of},
    site::run,
    support::{PATIENCE, Process, peer::Peer},
    tree::root,
};

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
/// Two lines of data, and an event that is cut off.
const FIRST: &str = "retry: 20\n: connection 1 client x\nid: 7-0\ndata: one\ndata: two, ä\n\nid: 8-0\ndata: cut";
/// Events that the server itself sends, and one with a type.
const SECOND: &str = "event: fanfare.gap\nid: 8-0\ndata: {\"missed\":1}\n\nevent: tick\nid: 9-0\ndata: 12.50\n\n\
                      event: fanfare.cursor\nid: 10-0\ndata:\n\n";

/// Starts a program as the documentation says. The last ones are compiled before.
fn start(desk: &Desk, language: &str, url: &str) -> Command {
    let words = match language {
        "node" => vec!["node".to_owned(), "examples/subscribers/follow.mjs".to_owned()],
        "python" => vec!["python3".to_owned(), "examples/subscribers/follow.py".to_owned()],
        "php" => vec!["php".to_owned(), "examples/subscribers/follow.php".to_owned()],
        "rust" => vec![example("follow")],
        _ => vec![desk.path("follow").display().to_string()],
    };
    let arguments: Vec<&str> = words[1..].iter().map(String::as_str).chain([url]).collect();
    let mut command = desk.program(&words[0], &arguments);
    command.env("FANFARE_TOKEN", "secret");
    command
}

#[track_caller]
fn assert_follows(desk: &Desk, language: &str) {
    let peer = Peer::new();
    let mut subscriber = Process::start(&mut start(desk, language, &format!("{}/channels/a%2Fb?since=1h", peer.url())));

    let mut first = peer.next();
    let head = first.head.to_lowercase();
    assert!(head.starts_with("get /channels/a%2fb?since=1h http/1."), "{head}");
    assert!(head.contains("accept: text/event-stream\r\n"), "{head}");
    assert!(head.contains("authorization: bearer secret\r\n") && !head.contains("last-event-id"), "{head}");
    first.write(HEAD);
    first.write(FIRST);
    // The whole event comes while the stream is still open.
    subscriber.line_with("message: one");
    subscriber.line_with("two, ä");
    drop(first);

    let mut second = peer.next();
    assert_eq!(second.header("last-event-id"), Some("7-0"), "the event that was cut off does not count");
    second
        .write("HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    drop(second);

    let mut third = peer.next();
    assert_eq!(third.header("last-event-id"), Some("7-0"));
    third.write(HEAD);
    third.write(SECOND);
    subscriber.line_with("fanfare.gap: {\"missed\":1}");
    subscriber.line_with("tick: 12.50");
    drop(third);

    let fourth = peer.next();
    assert_eq!(fourth.header("last-event-id"), Some("10-0"), "a cursor is a position too");
    fourth.answer("401 Unauthorized", "application/problem+json", r#"{"detail":"the token has expired"}"#);
    subscriber.line_with("the token has expired");
    assert_eq!(subscriber.exit().code(), Some(1));
    let printed = subscriber.seen().join("\n");
    assert!(!printed.contains("cut") && !printed.contains("cursor"), "{printed}");
}

#[test]
fn the_subscriber_in_node_comes_back_and_misses_nothing() {
    need_programs_of("node");
    assert_follows(&Desk::new(), "node");
}

#[test]
fn the_subscriber_in_python_comes_back_and_misses_nothing() {
    need_programs_of("python3");
    assert_follows(&Desk::new(), "python");
}

#[test]
fn the_subscriber_in_php_comes_back_and_misses_nothing() {
    need_programs_of("php");
    assert_follows(&Desk::new(), "php");
}

#[test]
fn the_subscriber_in_rust_comes_back_and_misses_nothing() {
    assert_follows(&Desk::new(), "rust");
}

#[test]
fn the_subscriber_in_go_comes_back_and_misses_nothing() {
    let desk = Desk::new();
    build(&desk, "examples/subscribers/follow.go");
    assert_follows(&desk, "go");
}

/// Compiles a program in Go. `go run` would leave it behind when it is killed.
#[track_caller]
fn build(desk: &Desk, source: &str) -> String {
    let program = desk.path("follow").display().to_string();
    let build = format!("go vet '{source}' && go build -o '{program}' '{source}'");
    let (code, output) = run(desk, &mut desk.shell(&build), PATIENCE * 6).unwrap();
    assert_eq!(code, 0, "{output}");
    program
}

#[test]
fn a_subscriber_without_a_url_says_that_it_takes_one() {
    for language in ["node", "python", "php", "rust"] {
        let desk = Desk::new();
        let mut command = start(&desk, language, "a");
        let words: Vec<String> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        let program = command.get_program().to_string_lossy().into_owned();
        let words: Vec<&str> = words[..words.len() - 1].iter().map(String::as_str).collect();
        command = desk.program(&program, &words);
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && said.starts_with("usage: follow"), "{language}: {said}");
    }
}

/// Starts a copy of a program that waits for one second of silence instead of 45, and checks that it leaves a connection that
/// has died without a word.
#[track_caller]
fn assert_leaves_silence(program: &str, file: &str, constant: [&str; 2]) {
    let desk = Desk::new();
    let [long, short] = constant;
    let source = fs::read_to_string(root().join("examples/subscribers").join(file)).unwrap();
    assert!(source.contains(long), "{file} has no {long}");
    let copy = desk.path(file).display().to_string();
    fs::write(&copy, source.replace(long, short)).unwrap();
    let peer = Peer::new();
    let url = peer.url();
    let mut subscriber = if program == "go" {
        let built = build(&desk, &copy);
        Process::start(&mut desk.program(&built, &[&url]))
    } else {
        Process::start(&mut desk.program(program, &[&copy, &url]))
    };
    let mut first = peer.next();
    first.write(HEAD);
    first.write("retry: 20\nid: 7-0\ndata: one\n\n");
    subscriber.line_with("message: one");
    // The first connection is still open, and says nothing.
    let second = peer.next();
    assert_eq!(second.header("last-event-id"), Some("7-0"));
}

#[test]
fn a_subscriber_leaves_a_connection_that_is_silent() {
    need_programs_of("node python3 php");
    assert_leaves_silence("node", "follow.mjs", ["SILENCE_MS = 45_000", "SILENCE_MS = 1_000"]);
    assert_leaves_silence("python3", "follow.py", ["SILENCE_S = 45", "SILENCE_S = 1"]);
    assert_leaves_silence("php", "follow.php", ["SILENCE_S = 45", "SILENCE_S = 1"]);
    assert_leaves_silence("go", "follow.go", ["45 * time.Second", "1 * time.Second"]);
}
