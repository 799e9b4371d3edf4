//! What a request may show, and what it is told.

use serde_json::json;

use crate::support::{
    client::Answer,
    server::{ALL_WAYS, Server, Way},
    tokens::{access, bearer, guarded, now, patterns, token, token_until},
};

const ROUTES: [(&str, &str); 10] = [
    ("GET", "/"),
    ("GET", "/sse?channel=a"),
    ("GET", "/channels/a"),
    ("GET", "/channels/a/history"),
    ("POST", "/broadcast"),
    ("POST", "/channels/a"),
    ("POST", "/channels/a/broadcast"),
    ("POST", "/clients/a"),
    ("POST", "/ping/a"),
    ("POST", "/publish"),
];

fn ask(server: &Server, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    server.client().request(method, path, headers, b"{\"all\":true,\"data\":1}")
}

#[track_caller]
fn is_refused(answer: &Answer, status: u16, challenge: &str, said: &str) {
    assert_eq!(answer.problem(status), said);
    assert_eq!(answer.head.get("www-authenticate"), Some(challenge));
}

#[test]
fn every_route_needs_a_token_and_a_forged_one_is_told_the_same_whatever_is_wrong() {
    let server = guarded(Way::Socket, access());
    let good = token(json!({ "subscribe": ["*"], "publish": ["*"] }));
    let (head, signature) = good.rsplit_once('.').unwrap();
    let flipped: String = signature.chars().rev().collect();
    let forged = [
        format!("{head}."),
        format!("{head}.{flipped}"),
        format!("{good}.x"),
        "x".repeat(9 << 10),
        "eyJhbGciOiJub25lIn0.e30.".to_owned(),
        token_until(json!({ "subscribe": ["*"], "publish": ["*"] }), now() - 3_600),
        "no token".to_owned(),
        String::new(),
    ];
    let missing = "this needs a token or a key: send the header Authorization: Bearer ...";
    for (method, path) in ROUTES {
        is_refused(&ask(&server, method, path, &[]), 401, "Bearer", missing);
        is_refused(&ask(&server, method, path, &[("authorization", "Basic eDp5")]), 401, "Bearer", missing);
        for forged in &forged {
            let answer = ask(&server, method, path, &[("authorization", &bearer(forged))]);
            is_refused(&answer, 401, "Bearer error=\"invalid_token\"", "the token or key is not valid here");
        }
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(server.get(path).status, 200, "{path} is for whoever runs it");
    }
    let refusals = |name: &str| server.handle().refusals().into_iter().find(|(one, _)| one == name).unwrap().1;
    assert_eq!(refusals("no-credential"), 2 * ROUTES.len() as u64);
    assert_eq!(refusals("invalid-credential"), (forged.len() * ROUTES.len()) as u64);
}

#[test]
fn a_browser_that_asks_for_a_stream_is_refused_with_the_status() {
    let server = guarded(Way::Socket, access());
    let answer = ask(&server, "GET", "/sse", &[("accept", "text/event-stream")]);
    assert_eq!(answer.status, 401, "an EventSource has to give up");
}

#[test]
fn a_token_stands_in_the_header_in_the_query_or_in_a_cookie() {
    for way in ALL_WAYS {
        let server = guarded(way, fanfare_http::Access { cookie: Some("fanfare_token".into()), ..access() });
        let token = token(json!({ "subscribe": ["a"], "publish": ["a"] }));
        let header = bearer(&token);
        let cookie = format!("theme=dark; fanfare_token={token}");
        let mut streams = [
            server.subscribe_with("/channels/a", &[("authorization", &header)]),
            server.subscribe(&format!("/channels/a?access_token={token}")),
            server.subscribe_with("/channels/a", &[("cookie", &cookie)]),
        ];
        for (path, headers, data) in [
            ("/channels/a".to_owned(), vec![("authorization", header.as_str())], "by header"),
            (format!("/channels/a?access_token={token}"), vec![], "by query"),
            (format!("/publish?channel=a&access_token={token}"), vec![], "by query again"),
        ] {
            assert_eq!(server.post(&path, &headers, data).status, 202, "{way:?} {data}");
            for stream in &mut streams {
                assert_eq!(stream.data(), data, "{way:?}");
            }
        }
    }
}

#[test]
fn two_tokens_of_the_client_itself_are_400_and_a_cookie_beside_another_does_not_count() {
    let access = fanfare_http::Access { cookie: Some("t".into()), ..access() };
    let server = guarded(Way::Socket, access);
    let token = token(json!({ "subscribe": ["a"] }));
    let header = bearer(&token);
    let path = format!("/channels/a/history?access_token={token}");
    let answer = ask(&server, "GET", &path, &[("authorization", &header)]);
    assert_eq!(answer.head.get("www-authenticate"), Some("Bearer error=\"invalid_request\""));
    answer.problem(400);
    ask(&server, "GET", &format!("{path}&access_token=x"), &[]).problem(400);
    let both = [("authorization", header.as_str()), ("authorization", header.as_str())];
    ask(&server, "GET", "/channels/a/history", &both).problem(400);
    assert_eq!(ask(&server, "GET", &path, &[("cookie", "t=old")]).status, 200, "the cookie is ambient");
}

#[test]
fn a_publish_with_a_cookie_needs_an_origin_that_may_publish() {
    let gate = fanfare_http::Gate::new(fanfare_http::Access { cookie: Some("t".into()), ..access() });
    let cors_origins = vec!["https://app.example".to_owned()];
    let config = fanfare_http::Config { gate, cors_origins, ..crate::support::server::config(Way::Socket) };
    let server = Server::start(Way::Socket, config);
    let cookie = format!("t={}", token(json!({ "publish": ["a"] })));
    let cookie = ("cookie", cookie.as_str());
    server.post("/channels/a", &[cookie], "x").problem(403);
    server.post("/channels/a", &[cookie, ("origin", "https://evil.example")], "x").problem(403);
    let answer = server.post("/channels/a", &[cookie, ("origin", "https://app.example")], "x");
    assert_eq!(answer.status, 202);
    assert_eq!(answer.head.get("access-control-allow-origin"), Some("https://app.example"), "never * with cookies");
    assert_eq!(answer.head.get("access-control-allow-credentials"), Some("true"));
}

#[test]
fn an_old_cookie_does_not_keep_anybody_from_what_is_public() {
    let access = fanfare_http::Access { cookie: Some("t".into()), public: patterns(&["news.*"]), ..access() };
    let server = guarded(Way::Socket, access);
    let expired = token_until(json!({ "subscribe": ["*"] }), now() - 3_600);
    let cookie = format!("t={expired}");
    assert_eq!(ask(&server, "GET", "/channels/news.a/history", &[("cookie", &cookie)]).status, 200);
    let answer = ask(&server, "GET", "/channels/b/history", &[("cookie", &cookie)]);
    is_refused(&answer, 401, "Bearer error=\"invalid_token\"", "the token or key is not valid here");
    // Whoever shows one on purpose wants to know.
    let answer = ask(&server, "GET", "/channels/news.a/history", &[("authorization", &bearer(&expired))]);
    assert_eq!(answer.status, 401);
}

#[test]
fn a_page_may_ask_whether_it_may_send_a_token_and_a_last_event_id() {
    let server = guarded(Way::Socket, access());
    let asked = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "authorization,last-event-id"),
    ];
    let answer = ask(&server, "OPTIONS", "/channels/a", &asked);
    assert_eq!(answer.status, 204, "a preflight has no token");
    assert_eq!(answer.head.get("access-control-allow-headers"), Some("authorization, last-event-id"));
}
