//! `--tls-self-signed`.

use std::fs;

use crate::{
    Secure, given,
    support::{Process, curl_once, fanfare, run},
};

#[test]
fn a_certificate_for_development_is_made_and_its_fingerprint_told() {
    let mut server = Secure::started(&["--tls-self-signed"]);
    let told = server.process.seen().iter().find(|line| line.contains("SHA-256 ")).cloned().unwrap();
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", server.given("localhost"));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("dev.pem").display().to_string();
    fs::write(&file, pem).unwrap();
    for host in ["localhost", "127.0.0.1"] {
        assert_eq!(curl_once(&["--cacert", &file, &server.url(host, "/healthz")]).trim(), "ok");
    }
    // A page of the server itself.
    let origin = format!("origin: {}", server.url("localhost", ""));
    let page = ["--cacert", &file, "-H", &origin, "-H", "sec-fetch-site: same-origin", "-d", "x"];
    let answer = curl_once(&[&page[..], &[&server.url("localhost", "/broadcast")]].concat());
    assert!(answer.contains("matched"), "{answer}");
    let (code, printed) = run(fanfare().args(["publish", &server.url("localhost", ""), "--ca", &file, "hello"]));
    assert!(code == 0 && printed.contains("matched"), "{printed}");
    let (_, fingerprint) =
        run(std::process::Command::new("openssl").args(["x509", "-noout", "-fingerprint", "-sha256", "-in", &file]));
    let fingerprint = fingerprint.split('=').nth(1).unwrap().to_owned();
    assert!(told.contains(&fingerprint), "{told} {fingerprint}");
    server.process.signal("HUP");
    server.process.line_with("no setting has changed");
    server.process.signal("TERM");
    assert_eq!(server.process.exit().code(), Some(0));
}

#[test]
fn https_listens_on_the_address_that_is_given_alone() {
    let mut server =
        Process::start(fanfare().args(["serve", "--listen=off", "--tls-self-signed", "--listen-tls=[::1]:0"]));
    let port = crate::port(&mut server);
    assert!(given(port, "localhost").is_err(), "it listens on ::1 alone");
    assert_eq!(curl_once(&["-k", &format!("https://[::1]:{port}/healthz")]).trim(), "ok");
}
