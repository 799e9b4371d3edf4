//! The corpus of the fuzz targets as plain tests: the properties of every input hold for each file in fuzz/corpus.
//!
//! Queries, routes and lines are sent to a server: its answer must be the one that the contract demands. The tests in src/fuzz.rs
//! give the same files to the parsers themselves.

#[path = "../../../fuzz/properties.rs"]
mod properties;
mod support;

use std::{fs, panic, path::PathBuf};

use support::server::{Server, Way};

/// Calls `property` with every input in the corpus of that name, and names the one that breaks it.
#[track_caller]
fn hold(name: &str, mut property: impl FnMut(&[u8])) {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
    let mut paths: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 24, "only {} inputs in {}", paths.len(), directory.display());
    for path in paths {
        let input = fs::read(&path).unwrap();
        let holds = panic::catch_unwind(panic::AssertUnwindSafe(|| property(&input)));
        assert!(holds.is_ok(), "broken by {}", path.display());
    }
}

/// The status of the answer, or `None` if it is the HTTP library's own, which has no body.
fn ask(server: &Server, method: &str, target: &str, body: &[u8]) -> Option<u16> {
    let mut client = server.client();
    let length = body.len();
    let head = format!("{method} {target} HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n");
    client.send([head.as_bytes(), body].concat());
    let head = client.head();
    let is_problem = head.get("content-type") == Some("application/problem+json");
    (is_problem || head.status < 400).then_some(head.status)
}

/// Whether it can stand in a request line.
fn is_target(text: &str) -> bool {
    !text.contains(|c: char| c.is_ascii_control() || " #?".contains(c))
}

#[test]
fn names() {
    hold("names", properties::names);
}

#[test]
fn event_ids() {
    hold("event_ids", properties::event_ids);
}

#[test]
fn events() {
    hold("events", properties::events);
}

#[test]
fn queries() {
    let server = Server::new(Way::Socket);
    hold("queries", |input| {
        let Ok(query) = std::str::from_utf8(input) else { return };
        let target = format!("/sse?{query}");
        if is_target(query)
            && let Some(status) = ask(&server, "HEAD", &target, b"")
        {
            properties::queries(input, |_| status);
        }
    });
}

#[test]
fn routes() {
    let server = Server::new(Way::Socket);
    hold("routes", |input| {
        let text = std::str::from_utf8(input).unwrap_or_default();
        if let Some((method, path)) = text.split_once(' ')
            && path.starts_with('/')
            && is_target(path)
            && let Some(status) = ask(&server, method, path, b"{\"all\":true,\"data\":1}")
        {
            properties::routes(input, |_, _| if status < 400 { 200 } else { status });
        }
    });
}

#[test]
fn lines() {
    let server = Server::new(Way::Socket);
    hold("lines", |input| {
        properties::lines(input, |line| {
            let status = ask(&server, "POST", "/publish", line).expect("an answer of ours");
            assert!([202, 400].contains(&status), "{status}");
            status == 202
        });
    });
}
