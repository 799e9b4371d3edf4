//! The rights to publish and to read: the key, pages in browsers, and the limit of open streams. The headers for
//! browsers are in `cors`.

mod support;

use fanfare_http::Config;
use support::{
    client::Answer,
    server::{Server, Way, config},
};

const ROUTES: [&str; 5] = ["/broadcast", "/channels/a", "/clients/x", "/ping/x", "/publish"];

/// A publish as a browser would send it from a page of `origin`.
fn post_to(server: &Server, host: &str, route: &str, origin: &str, body: &str) -> Answer {
    let mut client = server.client();
    let len = body.len();
    client.send(format!(
        "POST {route} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nContent-Length: {len}\r\n\r\n{body}"
    ));
    client.answer()
}

fn keyed() -> Server {
    Server::start(Way::Socket, Config { publish_key: Some("secret".into()), ..config(Way::Socket) })
}

#[test]
fn with_a_key_every_publish_needs_it_and_reading_does_not() {
    let server = keyed();
    let mut stream = server.subscribe("/sse");
    for route in ROUTES {
        for (headers, said, asks) in [
            (&[][..], "this needs a token or a key: send the header Authorization: Bearer ...", "Bearer"),
            (
                &[("authorization", "Basic secret")],
                "this needs a token or a key: send the header Authorization: Bearer ...",
                "Bearer",
            ),
            (
                &[("authorization", "Bearer wrong")],
                "the token or key is not valid here",
                "Bearer error=\"invalid_token\"",
            ),
        ] {
            let answer = server.post(route, headers, "x");
            assert_eq!(answer.problem(401), said, "{route}");
            assert_eq!(answer.head.get("www-authenticate"), Some(asks), "{route}");
        }
    }
    assert_eq!(server.post("/broadcast", &[("authorization", "Bearer secret")], "with the key").status, 202);
    assert_eq!(stream.data(), "with the key", "nothing came before it");
}

#[test]
fn a_page_elsewhere_may_not_publish_and_the_servers_own_may() {
    let server = Server::new(Way::Socket);
    let own = format!("http://{}", server.address);
    let host = server.address.to_string();
    for route in ROUTES {
        let body = r#"{"all":true,"data":1}"#;
        for foreign in ["http://evil.example", "null", "http://127.0.0.1:1"] {
            server.post(route, &[("origin", foreign)], body).problem(403);
        }
        let answer = post_to(&server, &host, route, &own, body);
        assert_eq!(answer.status, 202, "{route}");
        assert_eq!(answer.head.get("access-control-allow-origin"), Some(&*own));
        // A name that was rebound to our address: its page is of the same origin, and that proves nothing.
        post_to(&server, "evil.example", route, "http://evil.example", body).problem(403);
    }
}

#[test]
fn an_origin_that_is_listed_may_publish_and_is_told_so_before() {
    let page = "https://app.example.org";
    let server = Server::start(Way::Socket, Config { cors_origins: vec![page.into()], ..config(Way::Socket) });
    let asked = |origin, method| {
        let headers = [("origin", origin), ("access-control-request-method", method)];
        server.client().request("OPTIONS", "/channels/a/broadcast", &headers, b"")
    };
    let answer = asked(page, "POST");
    assert_eq!((answer.status, answer.head.get("access-control-allow-origin")), (204, Some(page)));
    assert!(answer.head.get("access-control-allow-headers").unwrap().contains("authorization"));
    assert_eq!(asked("https://evil.example", "POST").status, 403);
    assert_eq!(server.post("/channels/a", &[("origin", page)], "x").status, 202);
}

#[test]
fn a_page_may_read_why_it_was_refused() {
    let server = Server::new(Way::Socket);
    let (own, host) = (format!("http://{}", server.address), server.address.to_string());
    let answer = post_to(&server, &host, "/channels//broadcast", &own, "x");
    assert_eq!((answer.status, answer.head.get("access-control-allow-origin")), (400, Some(&*own)));
    let answer = server.client().request("GET", "/channels/%zz", &[("origin", "https://any.example")], b"");
    assert_eq!((answer.status, answer.head.get("access-control-allow-origin")), (400, Some("*")));
    let answer = post_to(&server, &host, "/channels//broadcast", "http://evil.example", "x");
    assert_eq!((answer.status, answer.head.get("access-control-allow-origin")), (400, Some("*")));
}

#[test]
fn one_stream_past_the_limit_is_told_to_come_back_and_has_a_place_when_one_is_free() {
    let mut limits = config(Way::Socket);
    limits.core.connections_max = 2;
    let server = Server::start(Way::Socket, limits);
    let (first, _second) = (server.subscribe("/sse?id=a"), server.subscribe("/sse?id=b"));
    let soft = server.client().request("GET", "/sse", &[("accept", "text/event-stream")], b"");
    assert_eq!((soft.status, soft.head.get("content-type")), (200, Some("text/event-stream; charset=utf-8")));
    assert!(soft.body.starts_with(b"retry: ") && soft.body.ends_with(b"\n"), "{:?}", soft.body);
    let hard = server.get("/sse");
    hard.problem(503);
    assert_eq!(hard.head.get("access-control-allow-origin"), Some("*"), "a page can read why");
    assert!(hard.head.get("retry-after").is_some());
    drop(first);
    server.until_matched("a", 0);
    let _third = server.subscribe("/sse?id=c");
    assert_eq!(server.matched("c"), 1);
}

#[test]
fn a_browser_gets_a_page_at_the_root_and_everybody_else_a_stream() {
    let server = Server::new(Way::Socket);
    let page = server.client().request("GET", "/", &[("accept", "text/html,application/xhtml+xml,*/*;q=0.8")], b"");
    assert_eq!((page.status, page.head.get("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.head.get("content-security-policy").unwrap().contains("default-src 'none'"));
    assert!(String::from_utf8(page.body).unwrap().contains("<title>Fanfare</title>"));
    drop(server.subscribe("/"));
    let mut client = server.client();
    client.send("GET / HTTP/1.1\r\nHost: test\r\nAccept: */*\r\n\r\n");
    assert_eq!(client.head().get("content-type"), Some("text/event-stream; charset=utf-8"));
}
