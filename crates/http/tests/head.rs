//! HEAD: the head of an answer and nothing behind it, for every answer and over every version of HTTP (RFC 9110 9.3.2).

mod support;

use fanfare_http::Config;
use support::{
    h2::H2,
    server::{Server, Way, config},
};

const PATHS: [(&str, u16); 12] = [
    ("/", 200),
    ("/sse", 200),
    ("/channels/a", 200),
    ("/channels/a/history", 200),
    ("/healthz", 200),
    ("/readyz", 200),
    ("/channels/%zz/history", 400),
    ("/channels/a/history?limit=0", 400),
    ("/sse?id=a&id=b", 400),
    ("/nowhere", 404),
    ("/broadcast", 405),
    ("/publish", 405),
];

#[track_caller]
fn assert_has_no_content(server: &Server, path: &str, status: u16, accept: &str) {
    let mut h1 = server.client();
    h1.send(format!("HEAD {path} HTTP/1.1\r\nHost: test\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"));
    let head = h1.head();
    assert_eq!((head.status, h1.until_closed()), (status, Vec::new()), "{path}");
    let h2 = H2::open(server.address);
    let answer = h2.request("HEAD", path, &[("accept", accept)], b"");
    assert_eq!((answer.status, answer.body), (status, Vec::new()), "{path}");
    assert_eq!(answer.head.get("content-length"), head.get("content-length"), "{path}");
    assert_eq!(answer.head.get("content-type"), head.get("content-type"), "{path}");
    assert_eq!(h2.request("GET", "/healthz", &[], b"").body, b"ok\n", "{path}: its connection goes on");

    let is_stream = answer.head.get("content-type").unwrap().starts_with("text/event-stream");
    if !is_stream {
        let got = server.client().request("GET", path, &[("accept", accept)], b"");
        assert_eq!((got.status, got.head.get("content-length")), (status, head.get("content-length")), "{path}");
    }
}

#[test]
fn no_route_answers_it_with_content() {
    let server = Server::new(Way::Socket);
    server.publish("/channels/a", "x");
    for (path, status) in PATHS {
        assert_has_no_content(&server, path, status, "*/*");
    }
    assert_has_no_content(&server, "/", 200, "text/html");
    assert_has_no_content(&server, "/sse", 200, "text/event-stream");
}

#[test]
fn a_refusal_has_no_content_either() {
    let mut limits = Config { bodies_bytes_max: 0, ..config(Way::Socket) };
    limits.core.connections_max = 0;
    let server = Server::start(Way::Socket, limits);
    assert_has_no_content(&server, "/channels/a/history", 503, "*/*");
    for path in ["/broadcast", "/clients/a"] {
        let origin = [("origin", "https://evil.example")];
        let answer = H2::open(server.address).request("HEAD", path, &origin, b"");
        assert_eq!((answer.status, answer.body), (405, Vec::new()), "{path}");
    }
}

#[test]
fn the_head_of_a_long_page_of_history_does_not_say_its_length_because_that_would_take_all_of_it() {
    let server = Server::new(Way::Socket);
    for _ in 0..20 {
        server.publish("/channels/a", "x".repeat(50_000));
    }
    let path = "/channels/a/history";
    let answer = H2::open(server.address).request("HEAD", path, &[], b"");
    assert_eq!((answer.status, answer.head.get("content-length"), answer.body), (200, None, Vec::new()));
    let mut h1 = server.client();
    h1.send(format!("HEAD {path} HTTP/1.1\r\nHost: test\r\n\r\n").repeat(2));
    for _ in 0..2 {
        let head = h1.head();
        assert_eq!((head.status, head.get("content-length")), (200, None));
    }
    assert_eq!(h1.request("GET", "/healthz", &[], b"").body, b"ok\n");
}
