//! The head of the answer, the first lines, and the requests that get a head only or no chunks.

use std::time::Duration;

use crate::{
    everywhere,
    support::{
        h2::H2,
        server::{ALL_WAYS, H1_WAYS, Server, Way, config},
        stream::Stream,
        wire::Head,
    },
};

/// Fails unless the head has the fields of every stream, and `added`, which the version of HTTP adds.
fn assert_is_stream_head(head: &Head, added: &[&str]) {
    assert_eq!(head.status, 200);
    assert_eq!(head.get("content-type"), Some("text/event-stream; charset=utf-8"));
    assert_eq!(head.get("cache-control"), Some("no-store, no-transform"));
    assert_eq!(head.get("x-accel-buffering"), Some("no"));
    assert_eq!(head.get("access-control-allow-origin"), Some("*"));
    let mut names = vec!["access-control-allow-origin", "cache-control", "content-type", "date", "x-accel-buffering"];
    names.extend(added);
    names.sort_unstable();
    assert_eq!(head.names(), names, "nothing else");
}

#[test]
fn the_head_of_an_h1_stream_is_exactly_that_of_the_contract() {
    for way in H1_WAYS {
        let server = Server::new(way);
        for path in ["/", "/sse", "/sse?id=me&channel=a", "/channels/a?id=me"] {
            let mut client = server.client();
            client.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\nAccept: */*\r\n\r\n"));
            let head = client.head();
            assert_eq!(head.version, "HTTP/1.1");
            assert_eq!(head.get("connection"), Some("close"));
            assert_eq!(head.get("transfer-encoding"), Some("chunked"));
            assert_is_stream_head(&head, &["connection", "transfer-encoding"]);
        }
    }
}

#[test]
fn the_head_of_an_h2_stream_has_no_connection_field() {
    let server = Server::new(Way::H2);
    let h2 = H2::open(server.address);
    for path in ["/", "/sse", "/sse?id=me&channel=a", "/channels/a?id=me"] {
        let (head, _body) = h2.send("GET", path, &[], b"");
        assert_eq!(head.version, "HTTP/2.0");
        assert_is_stream_head(&head, &[]);
    }
}

#[test]
fn the_first_lines_say_when_to_come_back_and_who_this_is() {
    for way in ALL_WAYS {
        let server = Server::start(way, fanfare_http::Config { retry_ms: 1_500..=1_600, ..config(way) });
        let mut connections = Vec::new();
        for _ in 0..4 {
            let mut stream =
                if way == Way::H2 { H2::open(server.address).subscribe("/sse?id=me") } else { server.h1("/sse?id=me") };
            let prelude = stream.prelude();
            assert!((1_500..=1_600).contains(&prelude.retry_ms), "{prelude:?}");
            assert_eq!(prelude.client, "me");
            connections.push(prelude.connection);
            server.publish("/broadcast", "first");
            assert_eq!(stream.data(), "first");
            let text = std::str::from_utf8(&stream.bytes).unwrap();
            let end_of_prelude = format!("connection {} client me\nid: ", prelude.connection);
            assert!(text.contains(&end_of_prelude), "no blank line after the first lines: {text:?}");
        }
        connections.sort_unstable();
        connections.dedup();
        assert_eq!(connections.len(), 4, "each connection has a number of its own");
    }
}

#[test]
fn the_retry_of_the_first_lines_is_drawn_for_each_connection() {
    for way in H1_WAYS {
        let server = Server::new(way);
        let mut drawn: Vec<_> = (0..10).map(|_| server.h1("/sse").prelude().retry_ms).collect();
        assert!(drawn.iter().all(|ms| (1_000..=3_000).contains(ms)), "{drawn:?}");
        drawn.sort_unstable();
        drawn.dedup();
        assert!(drawn.len() > 1, "all came to {drawn:?}");
    }
}

#[test]
fn a_client_without_a_name_gets_one_that_can_be_published_to() {
    for way in ALL_WAYS {
        let server = Server::new(way);
        let open = || {
            if way == Way::H2 { H2::open(server.address).subscribe("/sse") } else { server.h1("/sse") }
        };
        let (mut one, mut other) = (open(), open());
        let (name, other_name) = (one.prelude().client, other.prelude().client);
        assert!(name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name:?}");
        assert_ne!(name, other_name);
        server.publish(&format!("/clients/{name}"), "for you");
        server.publish("/broadcast", "for all");
        assert_eq!(one.data(), "for you");
        assert_eq!(other.data(), "for all");
    }
}

#[test]
fn an_http_1_0_subscriber_gets_the_bare_stream_until_the_connection_ends() {
    for way in H1_WAYS {
        let server = Server::new(way);
        let mut client = server.client();
        client.send("GET /sse?id=old&channel=news HTTP/1.0\r\n\r\n");
        let head = client.head();
        assert_eq!(head.get("transfer-encoding"), None);
        assert_eq!(head.get("content-length"), None);
        assert_eq!(head.get("content-type"), Some("text/event-stream; charset=utf-8"));
        let mut stream = Stream::bare(client);
        assert_eq!(stream.prelude().client, "old");
        server.publish("/channels/news", "one\ntwo");
        server.publish("/clients/old", "");
        assert_eq!(stream.data(), "one\ntwo");
        assert_eq!(stream.data(), "");
        let lines = stream.bytes.split(|byte| *byte == b'\n').count();
        assert_eq!(lines, 2 + 4 + 3 + 1, "{:?}", String::from_utf8_lossy(&stream.bytes));
    }
}

#[test]
fn an_http_1_0_subscriber_that_asks_to_keep_the_connection_is_told_that_it_closes() {
    for way in H1_WAYS {
        let server = Server::new(way);
        let mut client = server.client();
        client.send("GET /sse HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        assert_eq!(client.head().get("connection"), Some("close"), "{way:?}");
    }
}

#[test]
fn head_on_a_stream_gets_the_head_and_registers_nobody() {
    for way in H1_WAYS {
        let server = Server::new(way);
        let mut client = server.client();
        client.send("HEAD /sse?id=me HTTP/1.1\r\nHost: test\r\n\r\n");
        let head = client.head();
        assert_eq!(head.status, 200);
        assert_eq!(head.get("content-type"), Some("text/event-stream; charset=utf-8"));
        assert_eq!(client.until_closed(), b"", "no body, and the connection ends");
        assert_eq!(server.matched("me"), 0);
    }
    let server = Server::new(Way::H2);
    let h2 = H2::open(server.address);
    let answer = h2.request("HEAD", "/channels/a?id=me", &[], b"");
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(server.matched("me"), 0);
}

#[test]
fn silence_is_broken_by_a_comment_and_nothing_else() {
    for way in ALL_WAYS {
        let mut config = config(way);
        config.core.heartbeat_ms = 60;
        let server = Server::start(way, config);
        let mut stream = server.subscribe("/sse");
        for _ in 0..3 {
            assert_eq!(stream.comment(), "");
        }
        server.publish("/broadcast", "after the silence");
        assert_eq!(stream.data(), "after the silence");
        let text = std::str::from_utf8(&stream.bytes).unwrap();
        assert!(text.contains("\n:\n:\n:\n"), "{text:?}");
    }
}

#[test]
fn the_clock_tells_everybody_the_time() {
    for way in ALL_WAYS {
        let clock = Some(Duration::from_millis(30));
        let server = Server::start(way, fanfare_http::Config { clock, ..config(way) });
        let mut streams = [server.subscribe("/sse"), server.subscribe("/channels/a?id=me")];
        for stream in &mut streams {
            for _ in 0..2 {
                let event = stream.event();
                let time = event.data.strip_prefix("the time is ").unwrap().strip_suffix(" +0000 UTC").unwrap();
                let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
                assert_eq!(shape, "0000-00-00 00:00:00.000000000");
                assert_eq!(event.kind, "message");
            }
        }
    }
}

#[test]
fn health_and_readiness_are_told() {
    everywhere(|server| {
        for path in ["/healthz", "/readyz"] {
            let answer = server.get(path);
            assert_eq!(answer.status, 200, "{path}: {answer:?}");
        }
    });
}
