//! Certificates from pebble, the test server of Let's Encrypt.

#[path = "../support/pebble.rs"]
mod pebble;

use std::{fs, time::Duration};

use pebble::{Pebble, free_port};

use crate::{
    given,
    support::{Process, curl_once, fanfare, until},
};

/// Starts a server that has a certificate for each of `domains`, or will have.
fn serve(pebble: &Pebble, port: u16, cache: &str, domains: &[&str]) -> Process {
    let mut command = fanfare();
    command.args(["serve", "--listen=127.0.0.1:0", &format!("--listen-tls=127.0.0.1:{port}")]);
    command.args(["--acme-cache", cache, "--acme-email=who@example.org"]);
    command.args(["--acme-directory", &pebble.directory_url, "--acme-ca"]).arg(&pebble.root);
    domains.iter().for_each(|domain| {
        command.args(["--acme-domain", domain]);
    });
    Process::start(&mut command)
}

#[test]
fn each_name_gets_a_certificate_which_a_restart_has_at_once() {
    let (home, port) = (tempfile::tempdir().unwrap(), free_port());
    let cache = home.path().join("acme").display().to_string();
    let mut pebble = Pebble::stopped(port, Duration::from_secs(90 * 86_400));
    let domains = ["a.example.org", "blocked.example", "b.example.org"];
    let mut server = serve(&pebble, port, &cache, &domains);
    let plain = server.url();
    let line = server.line_with("no new certificate");
    assert!(line.contains("ACME: a.example.org: ") && line.contains("connection refused"), "{line}");
    assert!(line.contains("TLS handshakes for it are refused; next attempt in "), "{line}");
    assert_eq!(curl_once(&[&format!("{plain}/healthz")]).trim(), "ok", "plain HTTP is served meanwhile");
    assert!(given(port, "a.example.org").is_err());
    server.line_with("reason=\"there is no certificate yet\"");
    drop(server);

    // Failures that a restart would wait for are those of a server that ran before.
    fs::remove_dir_all(&cache).unwrap();
    pebble.start();
    let mut server = serve(&pebble, port, &cache, &domains);
    server.line_with("a.example.org: has a certificate: a.example.org (expires ");
    let line = server.line_with("ACME: blocked.example: no new certificate: ");
    assert!(line.contains("forbidden"), "{line}");
    server.line_with("b.example.org: has a certificate");
    let first = given(port, "a.example.org").unwrap();
    assert_ne!(given(port, "b.example.org").unwrap(), first);
    assert_eq!(given(port, "other.example.org").unwrap(), first);
    drop(server);

    pebble.stop();
    let mut server = serve(&pebble, port, &cache, &["A.example.org,a.example.org"]);
    server.line_with("a.example.org/certificate.pem: a.example.org (expires ");
    until("the kept certificate is given", || given(port, "a.example.org").as_ref() == Ok(&first));
}

#[test]
fn a_certificate_is_renewed_in_time_and_none_of_it_is_seen() {
    let (home, port) = (tempfile::tempdir().unwrap(), free_port());
    let pebble = Pebble::started(port, Duration::from_secs(16));
    let mut server = serve(&pebble, port, &home.path().display().to_string(), &["a.example.org"]);
    server.line_with("a.example.org: has a certificate");
    let first = given(port, "a.example.org").unwrap();
    let mut now = first.clone();
    until("it is renewed", || {
        // There is one at each moment.
        now = given(port, "a.example.org").unwrap();
        now != first
    });
    server.line_with("a.example.org: has a certificate");
}
