//! Requests whose framing is wrong or meant to deceive: none of their bytes becomes another request.

use std::time::Duration;

use fanfare_http::Config;

use crate::{
    Observed,
    support::{
        client::Client,
        server::{H1_WAYS, Way, config},
        stream::Stream,
    },
};

/// A publish that nobody has asked for.
const HIDDEN: &str = "POST /broadcast HTTP/1.1\r\nHost: test\r\nContent-Length: 6\r\n\r\nforged";

/// Ways on which the bytes are the same. Behind TLS they come through a relay.
const SOCKETS: [Way; 2] = [Way::Socket, Way::Tls];

/// Sends `bytes` and gives all that comes back until the connection is closed.
fn whole_answer(client: &mut Client, bytes: impl AsRef<[u8]>) -> String {
    client.send(bytes);
    String::from_utf8(client.finished()).unwrap()
}

#[test]
fn a_missing_or_repeated_host_is_400() {
    SOCKETS.map(Observed::of).iter_mut().for_each(assert_wants_one_host);
}

fn assert_wants_one_host(world: &mut Observed) {
    for request in [
        "GET /sse HTTP/1.1\r\n\r\n",
        "GET /sse HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET /healthz HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
        "POST /broadcast HTTP/1.1\r\nContent-Length: 1\r\n\r\nx",
        "POST /broadcast HTTP/1.1\r\nHost: a\r\nhost: b\r\nContent-Length: 1\r\n\r\nx",
    ] {
        let mut client = world.server.client();
        client.send(request);
        let told = client.answer().problem(400);
        assert!(told.contains("Host"), "{told:?}");
    }
    world.assert_untouched();
}

#[test]
fn a_head_that_never_ends_is_cut() {
    let head_timeout = Duration::from_millis(200);
    let mut world = Observed::start(Way::Socket, Config { head_timeout, ..config(Way::Socket) });
    for begun in [
        "",
        "P",
        "PR",
        "PRI",
        "PRI * HTTP/2.0\r\n\r\nSM",
        "GET /sse HT",
        "GET /sse HTTP/1.1\r\nHost: test\r\n",
        "POST /broadcast HTTP/1.1\r\nHost: test\r\nX: ",
    ] {
        let mut client = world.server.client();
        client.send(begun);
        let answer = client.until_closed();
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{begun:?}");
    }
    // The same on a connection that is kept.
    for begun in ["G", "GET /sse HTTP/1.1\r\nHost: te"] {
        let mut client = world.server.client();
        assert_eq!(client.request("GET", "/healthz", &[], b"").status, 200);
        client.send(begun);
        assert_eq!(client.until_closed(), b"", "{begun:?}");
    }
    world.assert_untouched();
}

#[test]
fn the_head_timeout_ends_with_the_head() {
    let head_timeout = Duration::from_millis(100);
    for way in H1_WAYS {
        let mut config = Config { head_timeout, ..config(way) };
        config.core.heartbeat_ms = 50;
        let mut world = Observed::start(way, config);
        for _ in 0..6 {
            world.observer.comment();
        }
        world.assert_untouched();
    }
}

#[test]
fn a_head_over_the_limit_is_431() {
    SOCKETS.map(Observed::of).iter_mut().for_each(assert_limits_heads);
}

fn assert_limits_heads(world: &mut Observed) {
    let field = format!("X: {}\r\n", "x".repeat(17 << 10));
    let query = "x".repeat(17 << 10);
    for request in [
        format!("GET /sse HTTP/1.1\r\nHost: test\r\n{field}\r\n"),
        format!("POST /broadcast?a={query} HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n"),
    ] {
        let mut client = world.server.client();
        client.send(request);
        assert_eq!(client.head().status, 431);
        client.until_closed();
    }
    // At the limit, and one byte past it.
    let around = "GET /healthz HTTP/1.1\r\nHost: test\r\nX: \r\n\r\n".len();
    for (bytes, status) in [(16 << 10, 200), ((16 << 10) + 1, 431)] {
        let mut client = world.server.client();
        client.send(format!("GET /healthz HTTP/1.1\r\nHost: test\r\nX: {}\r\n\r\n", "x".repeat(bytes - around)));
        assert_eq!(client.head().status, status, "{bytes} bytes");
    }
    world.assert_untouched();
}

#[test]
fn what_is_not_http_is_refused_and_closed() {
    SOCKETS.map(Observed::of).iter_mut().for_each(assert_refuses_what_is_not_http);
}

fn assert_refuses_what_is_not_http(world: &mut Observed) {
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"hello\r\n\r\n",
        b"\r\n\r\n\0\0\0\r\n\r\n",
        b"GET /sse HTTP/3.0\r\nHost: a\r\n\r\n",
        b"GET  /sse HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /sse HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET /sse HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nno\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    ] {
        let mut client = world.server.client();
        client.send(bytes);
        let answer = client.finished();
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{:?}", String::from_utf8_lossy(bytes));
    }
    world.assert_untouched();
}

#[test]
fn contradicting_lengths_publish_nothing() {
    SOCKETS.map(Observed::of).iter_mut().for_each(assert_refuses_lengths);
}

fn assert_refuses_lengths(world: &mut Observed) {
    for fields in [
        "Content-Length: 1\r\nContent-Length: 2",
        "Content-Length: -1",
        "Content-Length: 1x",
        "Content-Length: 99999999999999999999",
        "Content-Length: +1",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: chunked, identity",
    ] {
        let mut client = world.server.client();
        let answer = whole_answer(&mut client, format!("POST /broadcast HTTP/1.1\r\nHost: test\r\n{fields}\r\n\r\nx"));
        assert!(answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 501"), "{fields}: {answer:?}");
        world.assert_untouched();
    }
    for chunks in
        ["zz\r\nx\r\n0\r\n\r\n", "1\r\nxy0\r\n\r\n", "-1\r\nx\r\n0\r\n\r\n", "ffffffffffffffffff\r\nx", "1\nx\n0\n\n"]
    {
        let mut client = world.server.client();
        let answer = whole_answer(
            &mut client,
            format!("POST /broadcast HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"),
        );
        assert!(!answer.starts_with("HTTP/1.1 2"), "{chunks:?}: {answer:?}");
        world.assert_untouched();
    }
}

#[test]
fn transfer_encoding_beats_content_length_and_the_connection_closes_after_the_answer() {
    SOCKETS.map(Observed::of).iter_mut().for_each(assert_takes_chunks_and_closes);
}

fn assert_takes_chunks_and_closes(world: &mut Observed) {
    for fields in ["Content-Length: 4\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 4"]
    {
        let mut client = world.server.client();
        client.send(format!("POST /broadcast HTTP/1.1\r\nHost: test\r\n{fields}\r\n\r\n3\r\nabc\r\n0\r\n\r\n{HIDDEN}"));
        let answer = String::from_utf8(client.until_closed()).unwrap();
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer:?}");
        assert!(answer.starts_with("HTTP/1.1 202 "), "{answer:?}");
        assert_eq!(world.observer.data(), "abc");
        world.assert_untouched();
    }
}

#[test]
fn a_body_on_a_subscription_is_not_taken_for_a_request() {
    for way in H1_WAYS {
        let mut world = Observed::start(way, config(way));
        let chunked = format!("{:x}\r\n{HIDDEN}\r\n0\r\n\r\n", HIDDEN.len());
        let bodies = [
            (format!("Content-Length: {}", HIDDEN.len()), HIDDEN.to_owned()),
            ("Transfer-Encoding: chunked".to_owned(), chunked),
        ];
        for (field, body) in bodies {
            for is_at_once in [true, false] {
                let head = format!("GET /sse?id=me HTTP/1.1\r\nHost: test\r\n{field}\r\n\r\n");
                let mut client = world.server.client();
                client.send(if is_at_once { format!("{head}{body}") } else { head });
                assert_eq!(client.head().status, 200);
                let mut stream = Stream::chunked(client);
                stream.prelude();
                if !is_at_once {
                    stream.client().send(&body);
                }
                assert_eq!(world.server.matched("me"), 1);
                assert_eq!(stream.data(), "how many");
                drop(stream);
                world.server.until_matched("me", 0);
                world.assert_untouched();
            }
        }
    }
}

#[test]
fn a_body_on_a_route_that_wants_none_is_not_taken_for_a_request() {
    SOCKETS.map(Observed::of).iter_mut().for_each(assert_takes_no_body_for_a_request);
}

fn assert_takes_no_body_for_a_request(world: &mut Observed) {
    let lines = [
        "GET /healthz",
        "GET /readyz",
        "GET /nowhere",
        "POST /nowhere",
        "DELETE /sse",
        "POST /channels/%/broadcast",
        "OPTIONS /broadcast",
        "GET /sse?id=%",
        "HEAD /sse",
        "HEAD /nowhere",
    ];
    for line in lines {
        let head = format!("{line} HTTP/1.1\r\nHost: test\r\n");
        let chunked = format!("{:x}\r\n{HIDDEN}\r\n0\r\n\r\n", HIDDEN.len());
        for request in [
            format!("{head}Content-Length: {}\r\n\r\n{HIDDEN}", HIDDEN.len()),
            format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunked}"),
        ] {
            assert_runs_one_request(world, line, &[&request]);
        }
        if line.starts_with("POST")
            || ["DELETE /sse", "OPTIONS /broadcast", "GET /nowhere", "HEAD /nowhere"].contains(&line)
        {
            // These are answered when the body has come.
            continue;
        }
        let request = format!("{head}Content-Length: {}\r\n\r\n", HIDDEN.len());
        assert_runs_one_request(world, line, &[&request, HIDDEN]);
    }
}

/// Sends `pieces` and a question behind them: answered are the request and perhaps the question, nothing else.
#[track_caller]
fn assert_runs_one_request(world: &mut Observed, line: &str, pieces: &[&str]) {
    let mut client = world.server.client();
    client.send(pieces[0]);
    let head = client.head();
    assert!(head.status < 500 && head.status != 202, "{line}: {head:?}");
    let is_head = line.starts_with("HEAD");
    let length = head.get("content-length").filter(|_| !is_head).map_or(0, |length| length.parse().unwrap());
    client.exactly(length);
    for piece in &pieces[1..] {
        client.try_send(piece);
    }
    client.try_send("GET /healthz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    let rest = String::from_utf8(client.until_closed()).unwrap();
    assert!(rest.is_empty() || rest.starts_with("HTTP/1.1 200 "), "{line}: {rest:?}");
    assert!(rest.matches("HTTP/1.1 ").count() <= 1, "{line}: {rest:?}");
    world.assert_untouched();
}
