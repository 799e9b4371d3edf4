//! The corpus of the fuzz targets as plain tests: the properties of every input hold for each file in fuzz/corpus.
//!
//! Queries, routes and lines are sent to a server: its answer must be the one that the contract demands. The tests in src/fuzz.rs
//! give the same files to the parsers themselves.

#[path = "../../../fuzz/every_input.rs"]
mod every_input;
#[path = "../../../fuzz/properties.rs"]
mod properties;
mod support;

use every_input::every_input;
use support::server::{Server, Way};

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
    every_input("names", 24, properties::names);
}

#[test]
fn event_ids() {
    every_input("event_ids", 24, properties::event_ids);
}

#[test]
fn events() {
    every_input("events", 24, properties::events);
}

#[test]
fn queries() {
    let server = Server::new(Way::Socket);
    every_input("queries", 24, |input| {
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
    every_input("routes", 24, |input| {
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
    every_input("lines", 24, |input| {
        properties::lines(input, |line| {
            let status = ask(&server, "POST", "/publish", line).expect("an answer of ours");
            assert!([202, 400].contains(&status), "{status}");
            status == 202
        });
    });
}
