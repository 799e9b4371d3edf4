//! Which listeners there are, and which certificate a client gets.

use std::net::SocketAddr;

use crate::{
    Secure,
    authority::Authority,
    body, given, port,
    support::{
        Process, curl, curl_once, fanfare, run,
        server::{Server, is_closed, patient},
        until,
    },
};

#[test]
fn events_cross_from_plain_http_to_https_in_each_version() {
    let authority = Authority::new();
    let [cert, key] = authority.write("a", &authority.issue(&["localhost"]));
    let server = Secure::started(&[&cert, &key]);
    let (ca, url) = (authority.ca(), server.url("localhost", "/channels/news"));
    let mut streams: Vec<_> =
        ["--http1.1", "--http2"].map(|version| curl(&["--cacert", &ca, version, &url])).into_iter().collect();
    let plain = server.plain.as_deref().unwrap();
    let answer = curl_once(&["-d", "from plain", &format!("{plain}/channels/news")]);
    assert!(answer.contains("\"matched\":2"), "{answer}");
    curl_once(&["--cacert", &ca, "-d", "from https", &url]);
    for stream in &mut streams {
        assert_eq!(stream.line_with("data: "), "data: from plain");
        assert_eq!(stream.line_with("data: "), "data: from https");
    }
}

#[test]
fn a_drain_closes_both() {
    let authority = Authority::new();
    let [cert, key] = authority.write("a", &authority.issue(&["localhost"]));
    let Secure { process, plain, port } = Secure::started(&[&cert, &key, "--drain-timeout=1h", &patient()]);
    let url = plain.unwrap();
    let address = url.trim_start_matches("http://").parse().unwrap();
    let mut server = Server { process, url, address };
    let _slow = server.stuck("/channels/news");
    server.process.signal("TERM");
    server.process.line_with("draining connections=1");
    for address in [address, SocketAddr::from(([127, 0, 0, 1], port))] {
        until("connections are refused", || is_closed(address));
    }
    server.process.signal("TERM");
    assert_eq!(server.process.exit().code(), Some(1));
}

#[test]
fn publish_and_subscribe_speak_https_with_the_authorities_of_a_file() {
    let authority = Authority::new();
    let [cert, key] = authority.write("a", &authority.issue(&["localhost"]));
    let server = Secure::started(&[&cert, &key]);
    let (ca, url) = (authority.ca(), server.url("localhost", ""));
    let mut subscriber =
        Process::start(fanfare().args(["subscribe", &url, "--ca", &ca, "-n", "1", "--heartbeat", "cursor"]));
    let published = || run(fanfare().args(["publish", &url, "--ca", &ca, "hello"]));
    until("the subscriber is there", || published().1.contains("\"matched\":1"));
    subscriber.line_with("hello");

    let (code, text) = run(fanfare().args(["publish", &url, "hello"]));
    assert!(code == 1 && text.contains("UnknownIssuer") && text.contains("--ca FILE"), "{text}");
    let (code, text) = run(fanfare().args(["publish", &url, "--ca", "/nowhere.pem", "hello"]));
    assert!(code == 1 && text.contains("--ca: /nowhere.pem: No such file"), "{text}");
}

#[test]
fn the_name_that_a_client_asks_for_chooses_the_certificate() {
    let authority = Authority::new();
    let (first, second) = (authority.issue(&["a.example"]), authority.issue(&["*.b.example"]));
    let mut flags = authority.write("a", &first).to_vec();
    flags.extend(authority.write("b", &second));
    let server = Secure::started(&flags.iter().map(String::as_str).collect::<Vec<_>>());
    for (host, issued) in [("a.example", &first), ("x.b.example", &second), ("other.example", &first)] {
        assert_eq!(server.given(host), body(&issued.chain), "{host}");
    }
    let [resolve, to] = server.resolved("x.b.example");
    let url = server.url("x.b.example", "/healthz");
    assert_eq!(curl_once(&["--cacert", &authority.ca(), &resolve, &to, &url]).trim(), "ok");
}

#[test]
fn plain_http_can_be_off() {
    let authority = Authority::new();
    let [cert, key] = authority.write("a", &authority.issue(&["localhost"]));
    let mut server = Process::start(fanfare().args(["serve", "--listen=off", "--listen-tls=127.0.0.1:0", &cert, &key]));
    let port = port(&mut server);
    assert!(!server.has_said("listening on http://"));
    assert!(given(port, "localhost").is_ok());
    server.signal("TERM");
    assert_eq!(server.exit().code(), Some(0));
}
