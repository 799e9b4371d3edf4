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

/// Fails unless all cases pass but those that are listed.
#[track_caller]
fn assert_passes(server: &Server, further: &[&str]) {
    let port = server.address.port().to_string();
    let mut command = Command::new(clients::h2spec());
    command.args(["-h", "127.0.0.1", "-p", &port, "-P", "/broadcast", "-o", "4"]).args(further);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).replace('\r', "\n");
    assert!(text.contains("tests, "), "it did not end: {}", String::from_utf8_lossy(&output.stderr));
    // The list of failures at the end says each once more.
    let cases = text.split("\nFailures:").next().unwrap();
    let failed: Vec<_> = cases.lines().map(str::trim).filter(|line| line.starts_with('×')).collect();
    assert_eq!(failed, FAILURES, "{text}");
    assert!(text.contains("145 tests, 142 passed, 0 skipped, 3 failed"), "not the cases of this version: {text}");
}

#[test]
fn every_case_passes_without_tls_but_those_that_are_listed() {
    assert_passes(&Server::new(Way::H2), &[]);
}

#[test]
fn every_case_passes_over_tls_but_those_that_are_listed() {
    assert_passes(&Server::secure(Way::H2, Authority::new().acceptor()), &["-t", "-k"]);
}
