//! h2spec, the suite for servers of HTTP/2, against the whole server: without TLS, by prior knowledge, and over TLS, by ALPN.
//!
//! What is about frames alone runs against fanfare-h2 too, in a test of that crate.

mod clients;
mod support;

use std::process::Command;

use support::{
    server::{Server, Way},
    tls::Authority,
};

/// Cases that fail. None of them may pass.
///
/// - The first two change the size of h2spec's table to more than nothing, after h2spec has acknowledged that ours has nothing. Another
///   case wants an error for that. What they are about is in the unit tests of the decoder.
/// - The third begins with another method than PRI. A listener is for both versions of HTTP, so that is answered with a 400 of HTTP/1.1
///   before it is closed, and h2spec wants nothing but the close.
const FAILURES: [&str; 3] = [
    "× 14: Sends a dynamic table size update",
    "× 15: Sends multiple dynamic table size update",
    "× 2: Sends invalid connection preface",
];

/// Cases that need a stream which is still open, and their places. An answer of `/broadcast` may end it before the frame in question has
/// come, so these cases run once more by themselves, with an event stream.
const NEED_A_STREAM: [(&str, &str); 2] = [
    ("× 2: Sends a WINDOW_UPDATE frame with a flow control window increment of 0 on a stream", "http2/6.9/2"),
    (
        "× 3: Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1 on a stream",
        "http2/6.9.1/3",
    ),
];

/// Fails unless all cases pass but those that are listed.
#[track_caller]
fn assert_passes(server: &Server, further: &[&str]) {
    let text = run(server, "/broadcast", further);
    // The list of failures at the end says each once more.
    let cases = text.split("\nFailures:").next().unwrap();
    let failed = cases.lines().map(str::trim).filter(|line| line.starts_with('×'));
    let failed = failed.filter(|line| NEED_A_STREAM.iter().all(|(case, _)| case != line));
    assert_eq!(failed.collect::<Vec<_>>(), FAILURES, "{text}");
    assert!(text.contains("145 tests, "), "not the cases of this version: {text}");
    for (_, place) in NEED_A_STREAM {
        let alone = run(server, "/sse", &[further, &[place]].concat());
        assert!(alone.contains("1 tests, 1 passed, 0 skipped, 0 failed"), "{alone}");
    }
}

fn run(server: &Server, path: &str, further: &[&str]) -> String {
    let port = server.address.port().to_string();
    let mut command = Command::new(clients::h2spec());
    command.args(["-h", "127.0.0.1", "-p", &port, "-P", path, "-o", "4"]).args(further);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).replace('\r', "\n");
    assert!(text.contains("tests, "), "it did not end: {}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn every_case_passes_without_tls_but_those_that_are_listed() {
    assert_passes(&Server::new(Way::H2), &[]);
}

#[test]
fn every_case_passes_over_tls_but_those_that_are_listed() {
    assert_passes(&Server::secure(Way::H2, Authority::new().acceptor()), &["-t", "-k"]);
}
