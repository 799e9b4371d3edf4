//! The headers for browsers: which pages may read an answer, with cookies or without, and what they may send.

mod support;

use fanfare_http::Config;
use support::{
    client::Answer,
    h2::H2,
    server::{Server, WAYS, Way, config},
    wire::Head,
};

const APP: &str = "https://app.example";
const OTHER: &str = "https://other.example";

fn start(way: Way, listed: &[&str]) -> Server {
    let cors_origins = listed.iter().map(|&origin| origin.to_owned()).collect();
    Server::start(way, Config { cors_origins, ..config(way) })
}

fn preflight(server: &Server, path: &str, origin: &str, method: &str, asked: &[&str]) -> Answer {
    let mut headers = vec![("origin", origin), ("access-control-request-method", method)];
    headers.extend(asked.iter().map(|asked| ("access-control-request-headers", *asked)));
    server.client().request("OPTIONS", path, &headers, b"")
}

/// Whose page may read this, and whether cookies may come along.
#[track_caller]
fn reader(head: &Head) -> (Option<&str>, bool) {
    let credentials = head.get("access-control-allow-credentials");
    assert!(credentials.is_none_or(|value| value == "true"));
    let origin = head.get("access-control-allow-origin");
    assert!(credentials.is_none() || origin.is_some_and(|origin| origin != "*"), "browsers refuse that: {head:?}");
    assert!(origin.is_none_or(|origin| origin == "*") || head.get("vary") == Some("origin"), "{head:?}");
    (origin, credentials.is_some())
}

#[test]
fn a_page_may_send_whatever_headers_it_asks_for() {
    let server = start(Way::Socket, &[APP]);
    let lists =
        ["last-event-id", "authorization,cache-control", "baggage,sentry-trace", "traceparent, tracestate, x-a"];
    for list in lists {
        let expected = list.split(',').map(str::trim).collect::<Vec<_>>().join(", ");
        for (path, method, origin) in [
            ("/", "GET", OTHER),
            ("/sse", "GET", OTHER),
            ("/channels/a", "GET", APP),
            ("/channels/a/history", "GET", OTHER),
            ("/channels/a", "POST", APP),
            ("/channels/a/broadcast", "POST", APP),
            ("/clients/a", "POST", APP),
            ("/broadcast", "POST", APP),
            ("/publish", "POST", APP),
        ] {
            let answer = preflight(&server, path, origin, method, &[list]);
            assert_eq!(answer.status, 204, "{method} {path}");
            assert_eq!(answer.head.get("access-control-allow-headers"), Some(&*expected), "{method} {path}");
            let methods = answer.head.get("access-control-allow-methods").unwrap();
            assert!(methods.split(", ").any(|one| one == method), "{method} {path}: {methods}");
        }
    }
    let several = preflight(&server, "/sse", APP, "GET", &["a", "b,c"]);
    assert_eq!(several.head.get("access-control-allow-headers"), Some("a, b, c"));
}

#[test]
fn what_is_no_list_of_names_gets_those_that_are_needed() {
    let server = start(Way::Socket, &[APP]);
    let too_long = format!("a,{}", "x".repeat(3 << 10));
    for asked in [&[][..], &[""], &["a b"], &["a,,b"], &["<script>"], &[&too_long]] {
        let read = preflight(&server, "/sse", OTHER, "GET", asked);
        let publish = preflight(&server, "/broadcast", APP, "POST", asked);
        let names = |answer: &Answer| answer.head.get("access-control-allow-headers").unwrap().to_owned();
        assert_eq!(names(&read), "authorization, cache-control, last-event-id", "{asked:?}");
        assert_eq!(names(&publish), "authorization, content-type, idempotency-key", "{asked:?}");
    }
}

#[test]
fn who_asks_what_there_is_is_told_the_methods_of_the_route() {
    let server = Server::new(Way::Socket);
    for (path, allow) in [
        ("/", "GET, HEAD, OPTIONS"),
        ("/sse", "GET, HEAD, OPTIONS"),
        ("/healthz", "GET, HEAD, OPTIONS"),
        ("/channels/a", "GET, HEAD, POST, OPTIONS"),
        ("/channels/a/history", "GET, HEAD, OPTIONS"),
        ("/clients/a", "POST, OPTIONS"),
        ("/publish", "POST, OPTIONS"),
    ] {
        let answer = server.client().request("OPTIONS", path, &[], b"");
        assert_eq!((answer.status, answer.head.get("allow")), (204, Some(allow)), "{path}");
        assert_eq!(preflight(&server, path, OTHER, "GET", &[]).head.get("allow"), Some(allow), "{path}");
    }
    server.client().request("OPTIONS", "/nowhere", &[], b"").problem(404);
}

#[test]
fn a_refused_publish_can_be_read_and_gives_no_right() {
    let limits = Config {
        cors_origins: vec!["*".to_owned()],
        publish_key: Some("key".to_owned()),
        body_bytes_max: 10,
        ..config(Way::Socket)
    };
    let server = Server::start(Way::Socket, limits);
    let keyed = [("origin", OTHER), ("authorization", "Bearer key")];
    let with = |name, value| [&keyed[..], &[(name, value)]].concat();
    assert_eq!(server.post("/broadcast", &with("idempotency-key", "a"), "first").status, 202);
    let cases = [
        (server.post("/broadcast", &keyed[..1], "x"), 401),
        (server.post("/nowhere", &keyed, "x"), 404),
        (server.client().request("PUT", "/broadcast", &keyed, b"x"), 405),
        (server.post("/clients/%zz", &keyed, "x"), 400),
        (server.post("/broadcast", &keyed, "x".repeat(11)), 413),
        (server.post("/broadcast", &with("content-encoding", "gzip"), "x"), 415),
        (server.post("/broadcast", &with("idempotency-key", "a"), "second"), 422),
        (server.post("/publish", &keyed, "nonsense"), 400),
    ];
    for (answer, status) in cases {
        answer.problem(status);
        let origin = reader(&answer.head);
        assert!([(Some("*"), false), (Some(OTHER), false)].contains(&origin), "{status}: {origin:?}");
        assert!(answer.head.get("access-control-expose-headers").unwrap().contains("retry-after"));
    }
}

#[test]
fn a_page_that_may_not_publish_can_read_that_it_may_not() {
    let server = start(Way::Socket, &[APP]);
    for path in ["/broadcast", "/channels/a", "/clients/a", "/ping/a", "/publish"] {
        for origin in [OTHER, "null"] {
            let answer = server.post(path, &[("origin", origin)], "x");
            answer.problem(403);
            assert_eq!(reader(&answer.head), (Some("*"), false), "{path}");
        }
        let asked = preflight(&server, path, OTHER, "POST", &["authorization"]);
        assert_eq!((asked.status, asked.head.get("access-control-allow-headers")), (403, None), "{path}");
    }
}

#[test]
fn a_drain_can_be_read_by_the_page_that_it_refuses() {
    let mut full = Config { bodies_bytes_max: 0, ..config(Way::Socket) };
    full.core.connections_max = 0;
    let server = Server::start(Way::Socket, Config { cors_origins: vec![APP.to_owned()], ..full });
    for answer in [
        server.post("/broadcast", &[("origin", APP)], "x"),
        server.post("/publish", &[("origin", APP)], "{}"),
        server.client().request("GET", "/sse", &[("origin", APP)], b""),
    ] {
        answer.problem(503);
        assert_eq!(reader(&answer.head), (Some(APP), true));
    }
}

#[test]
fn a_listed_origin_may_send_cookies_wherever_it_asks() {
    for way in WAYS {
        let server = start(way, &["*", APP]);
        for (origin, read, published) in
            [(APP, (Some(APP), true), (Some(APP), true)), (OTHER, (Some("*"), false), (Some(OTHER), false))]
        {
            let headers = [("origin", origin)];
            let ask = |method: &str, path: &str, more: &[(&str, &str)]| {
                let headers = [&headers[..], more].concat();
                if way.is_h2() {
                    H2::open(server.address).request(method, path, &headers, b"x").head
                } else {
                    server.client().request(method, path, &headers, b"x").head
                }
            };
            let mut client = server.client();
            client.send(format!("GET /sse HTTP/1.1\r\nHost: test\r\nOrigin: {origin}\r\n\r\n"));
            assert_eq!(reader(&client.head()), read, "{way:?}");
            let (head, _body) = H2::open(server.address).send("GET", "/channels/a", &headers, b"");
            assert_eq!(reader(&head), read);
            for path in ["/channels/a/history", "/channels/%zz", "/nowhere"] {
                assert_eq!(reader(&ask("GET", path, &[])), read, "{way:?} {path}");
            }
            for path in ["/channels/a", "/clients/a", "/publish", "/channels/%zz"] {
                assert_eq!(reader(&ask("POST", path, &[])), published, "{way:?} {path}");
            }
            for (method, expected) in [("GET", &read), ("POST", &published)] {
                let asked = ask("OPTIONS", "/channels/a", &[("access-control-request-method", method)]);
                assert_eq!(reader(&asked), *expected, "{way:?} {method}");
            }
        }
    }
}

#[test]
fn a_star_and_null_never_let_cookies_come_along() {
    for listed in ["*", "null"] {
        let server = start(Way::Socket, &[listed]);
        let answer = server.client().request("GET", "/channels/a/history", &[("origin", "null")], b"");
        assert_eq!(reader(&answer.head), (Some("*"), false));
        let answer = server.post("/broadcast", &[("origin", "null")], "x");
        assert_eq!((answer.status, reader(&answer.head)), (202, (Some("null"), false)));
    }
}

#[test]
fn where_the_answer_depends_on_the_page_caches_are_told_so() {
    let vary = |listed: &[&str], headers: &[(&str, &str)]| {
        let answer = start(Way::Socket, listed).client().request("GET", "/channels/a/history", headers, b"");
        answer.head.get("vary").map(str::to_owned)
    };
    assert_eq!(vary(&[APP], &[("origin", OTHER)]).as_deref(), Some("origin"));
    assert_eq!(vary(&[APP], &[]).as_deref(), Some("origin"));
    assert_eq!(vary(&["*"], &[("origin", OTHER)]), None);
}
