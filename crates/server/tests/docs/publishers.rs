//! The publishers of examples/publishers against a server that fails in every way: it says that it is away, ends
//! without an answer, or refuses.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    desk::{Desk, example, need_programs_of},
    site::run,
    support::{PATIENCE, Process, peer::Peer},
};

const ACCEPTED: &str = r#"{"id":"7-0","matched":1}"#;

/// Starts a program as the documentation says. The last one is compiled before.
fn start(desk: &Desk, language: &str, url: &str) -> Command {
    let rust = if language == "rust" { example("publish") } else { String::new() };
    let words: &[&str] = match language {
        "rust" => &[&rust],
        "node" => &["node", "examples/publishers/publish.mjs"],
        "python" => &["python3", "examples/publishers/publish.py"],
        "php" => &["php", "examples/publishers/publish.php"],
        _ => &["/tmp/publish"],
    };
    let mut command = desk.program(words[0], &words[1..]);
    command.args([url, "two\nlines, ä", "tick"]).env("FANFARE_PUBLISH_KEY", "secret");
    command
}

#[test]
fn a_publisher_without_arguments_says_which_it_takes() {
    for words in [
        &["node", "examples/publishers/publish.mjs"][..],
        &["python3", "examples/publishers/publish.py"],
        &["php", "examples/publishers/publish.php"],
    ] {
        need_programs_of(words[0]);
        let output = Desk::new().program(words[0], &words[1..]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && said.starts_with("usage: publish."), "{words:?}: {said}");
    }
}

#[track_caller]
fn assert_asks_again(language: &str) {
    let desk = Desk::new();
    let peer = Peer::new();
    let url = format!("{}/channels/a%2Fb?keep=no", peer.url());
    let mut publisher = Process::start(&mut start(&desk, language, &url));

    let mut first = peer.next();
    let head = first.head.to_lowercase();
    assert!(first.head.starts_with("POST /channels/a%2Fb?keep=no&event=tick HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("authorization: bearer secret\r\n"), "{head}");
    let key = first.header("idempotency-key").expect("a key").to_owned();
    assert!(key.len() >= 32, "nobody else has it: {key}");
    assert_eq!(String::from_utf8(first.body()).unwrap(), "two\nlines, ä");
    first.write("HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    drop(first);

    let asked = Instant::now();
    let mut second = peer.next();
    assert!(asked.elapsed() > Duration::from_millis(900), "it waits as it was told: {:?}", asked.elapsed());
    assert_eq!(second.header("idempotency-key"), Some(&*key), "the same, so that the event is published once");
    second.body();
    // No answer: nobody knows whether it was published.
    drop(second);

    let mut third = peer.next();
    assert_eq!(third.header("idempotency-key"), Some(&*key));
    assert_eq!(String::from_utf8(third.body()).unwrap(), "two\nlines, ä");
    third.answer("202 Accepted", "application/json", ACCEPTED);
    publisher.line_with("7-0");
    assert_eq!(publisher.exit().code(), Some(0));
}

#[track_caller]
fn assert_does_not_repeat_what_is_refused(language: &str) {
    let desk = Desk::new();
    let peer = Peer::new();
    let mut publisher = Process::start(&mut start(&desk, language, &peer.url()));
    let mut asked = peer.next();
    asked.body();
    asked.answer("401 Unauthorized", "application/problem+json", r#"{"detail":"the key is wrong"}"#);
    publisher.line_with("the key is wrong");
    assert_eq!(publisher.exit().code(), Some(1));
}

#[test]
fn the_publisher_in_node_publishes_once() {
    need_programs_of("node");
    assert_asks_again("node");
    assert_does_not_repeat_what_is_refused("node");
}

#[test]
fn the_publisher_in_python_publishes_once() {
    need_programs_of("python3");
    assert_asks_again("python");
    assert_does_not_repeat_what_is_refused("python");
}

#[test]
fn the_publisher_in_php_publishes_once() {
    need_programs_of("php");
    assert_asks_again("php");
    assert_does_not_repeat_what_is_refused("php");
}

#[test]
fn the_publisher_in_rust_publishes_once() {
    assert_asks_again("rust");
    assert_does_not_repeat_what_is_refused("rust");
}

/// The classes are Laravel's own, as Debian has them.
#[test]
fn a_broadcast_of_laravel_is_published_once() {
    need_programs_of("php");
    let has = |class: &str| std::path::Path::new("/usr/share/php/Illuminate").join(class).exists();
    let install = "apt-get install php-illuminate-broadcasting php-illuminate-http php-guzzlehttp-guzzle";
    assert!(
        has("Broadcasting/BroadcastManager.php") && has("Http/Client"),
        "Laravel is missing: `{install}` brings it"
    );
    let desk = Desk::new();
    let start = |peer: &Peer| {
        let mut command = desk.program("php", &["examples/laravel/try.php", &peer.url()]);
        Process::start(command.env("FANFARE_PUBLISH_KEY", "secret"))
    };
    let peer = Peer::new();
    let mut laravel = start(&peer);
    let mut first = peer.next();
    let line = "POST /publish?channel=orders&channel=orders.7&event=shipped HTTP/1.1\r\n";
    assert!(first.head.starts_with(line), "{}", first.head);
    assert_eq!(first.header("authorization"), Some("Bearer secret"));
    let key = first.header("idempotency-key").expect("a key").to_owned();
    assert_eq!(String::from_utf8(first.body()).unwrap(), r#"{"order":7}"#);
    first.answer("503 Service Unavailable", "application/problem+json", "{}");
    let mut second = peer.next();
    assert_eq!(second.header("idempotency-key"), Some(&*key), "the same, so that the event is published once");
    second.body();
    second.answer("202 Accepted", "application/json", ACCEPTED);
    laravel.line_with("broadcast");
    assert_eq!(laravel.exit().code(), Some(0));

    let mut laravel = start(&peer);
    let mut asked = peer.next();
    asked.body();
    asked.answer("401 Unauthorized", "application/problem+json", r#"{"detail":"the key is wrong"}"#);
    laravel.line_with("the key is wrong");
    assert_eq!(laravel.exit().code(), Some(1));
}

#[test]
fn the_publisher_in_go_publishes_once() {
    crate::network::alone("publishers::the_publisher_in_go_publishes_once", || {
        let desk = Desk::new();
        let build = "go vet examples/publishers/publish.go && go build -o /tmp/publish examples/publishers/publish.go";
        let (code, output) = run(&desk, &mut desk.shell(build), PATIENCE * 6).unwrap();
        assert_eq!(code, 0, "{output}");
        assert_asks_again("go");
        assert_does_not_repeat_what_is_refused("go");
    });
}
