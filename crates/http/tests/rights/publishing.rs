//! What a grant lets publish, on each route, and the lines of a batch.

use fanfare_http::Access;
use serde_json::json;

use crate::support::{
    client::Answer,
    server::{ALL_WAYS, Server, Way},
    tokens::{access, api_key, bearer, guarded, patterns, token},
};

fn post(server: &Server, path: &str, token: &str, body: &str) -> Answer {
    server.post(path, &[("authorization", &bearer(token))], body)
}

#[test]
fn each_kind_of_target_needs_a_grant_of_its_own() {
    let targets = [
        "/channels/a",
        "/channels/a/broadcast",
        "/publish?channel=a",
        "/clients/ann",
        "/ping/ann",
        "/publish?client=ann",
        "/broadcast",
        "/publish?all=true",
        "/channels/b",
        "/publish?channel=a&channel=b",
    ];
    let cases = [
        (json!({ "publish": ["a"] }), [202, 202, 202, 403, 403, 403, 403, 403, 403, 403]),
        (json!({ "publish": ["a", "b*"] }), [202, 202, 202, 403, 403, 403, 403, 403, 202, 202]),
        (json!({ "clients": ["a*"] }), [403, 403, 403, 202, 202, 202, 403, 403, 403, 403]),
        (json!({ "all": true }), [403, 403, 403, 403, 403, 403, 202, 202, 403, 403]),
        (json!({ "publish": ["*"] }), [202; 10]),
        (json!({ "subscribe": ["*"], "client": "ann" }), [403; 10]),
        (json!({}), [403; 10]),
    ];
    for way in ALL_WAYS {
        let server = guarded(way, access());
        for (claim, expected) in &cases {
            let token = token(claim.clone());
            let statuses = targets.map(|path| post(&server, path, &token, "x").status);
            assert_eq!(statuses, *expected, "{way:?} {claim}");
        }
    }
}

#[test]
fn nothing_of_a_refused_publish_is_seen_and_its_body_is_not_asked_for() {
    let server = guarded(Way::Socket, access());
    let (reader, writer) = (token(json!({ "subscribe": ["a", "b"] })), token(json!({ "publish": ["b"] })));
    let mut stream = server.subscribe_with("/sse?channel=a&channel=b", &[("authorization", &bearer(&reader))]);
    post(&server, "/channels/a", &writer, "refused").problem(403);
    post(&server, "/publish?channel=b&channel=a", &writer, "refused").problem(403);
    let mut client = server.client();
    client.send(format!(
        "POST /channels/a HTTP/1.1\r\nHost: test\r\nAuthorization: {}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
        bearer(&writer)
    ));
    assert_eq!(client.head().status, 403, "without a 100 before it");
    assert_eq!(post(&server, "/channels/b", &writer, "granted").status, 202);
    assert_eq!(stream.data(), "granted");
}

#[test]
fn lines_of_a_batch_are_judged_one_by_one() {
    let server = guarded(Way::Socket, access());
    let reader = token(json!({ "subscribe": ["*"] }));
    let mut stream = server.subscribe_with("/channels/*", &[("authorization", &bearer(&reader))]);
    let writer = token(json!({ "publish": ["a"] }));
    let lines = [
        r#"{"channel":"a","data":1}"#,
        r#"{"channel":"b","data":2}"#,
        r#"{"channels":["a","b"],"data":3}"#,
        r#"{"all":true,"data":4}"#,
        r#"{"client":"x","data":5}"#,
        r#"{"channel":"a","data":6}"#,
    ];
    let answer = post(&server, "/publish", &writer, &lines.join("\n")).json();
    assert_eq!((&answer["published"], &answer["failed"]), (&json!(2), &json!(4)));
    let of_line = |at: usize| (answer["errors"][at]["line"].as_u64().unwrap(), answer["errors"][at]["title"].clone());
    for (at, line) in [2, 3, 4, 5].into_iter().enumerate() {
        assert_eq!(of_line(at), (line, json!("the token or key does not allow this")));
    }
    assert_eq!([stream.data(), stream.data()], ["1", "6"]);
    // If none may be published, that is what the answer says.
    let answer = post(&server, "/publish", &writer, &lines[1..5].join("\n"));
    answer.problem(403);
    assert_eq!(answer.json()["failed"], 4);
    post(&server, "/publish", &writer, "nonsense").problem(400);
    server.post("/publish", &[], lines[0]).problem(401);
}

#[test]
fn channels_may_be_public_to_publish_to() {
    let server = guarded(Way::Socket, Access { public_publish: patterns(&["box.*"]), ..access() });
    assert_eq!(server.post("/channels/box.1", &[], "x").status, 202);
    for path in ["/channels/other", "/broadcast", "/clients/box.1", "/publish?channel=box.1&channel=other"] {
        server.post(path, &[], "x").problem(401);
    }
    let lines = "{\"channel\":\"box.1\",\"data\":1}\n{\"all\":true,\"data\":2}";
    let answer = server.post("/publish", &[], lines);
    assert_eq!((answer.status, &answer.json()["published"]), (202, &json!(1)));
    server.post("/publish", &[], "{\"all\":true,\"data\":2}").problem(401);
    server.get("/channels/box.1").problem(401);
}

#[test]
fn keys_of_publishers_have_their_own_rights_and_readers_need_none() {
    let (one, keys) = api_key(1, "publish = [\"invoices.*\"]");
    let server = guarded(Way::Socket, Access { keys: Some(keys), ..Access::default() });
    let mut stream = server.subscribe("/sse?id=anybody&channel=invoices.1");
    for path in ["/channels/other", "/broadcast", "/ping/anybody"] {
        post(&server, path, &one, "x").problem(403);
        server.post(path, &[], "x").problem(401);
    }
    post(&server, "/channels/invoices.1", "ffk_wrong", "x").problem(401);
    assert_eq!(post(&server, "/channels/invoices.1", &one, "paid").status, 202);
    assert_eq!(stream.data(), "paid");
}

#[test]
fn a_key_that_is_taken_out_of_the_rules_publishes_no_more() {
    let (one, first) = api_key(1, "all = true");
    let (two, second) = api_key(2, "all = true");
    let gate = fanfare_http::Gate::new(Access { keys: Some(first), ..Access::default() });
    let config = fanfare_http::Config { gate: gate.clone(), ..crate::support::server::config(Way::Socket) };
    let server = Server::start(Way::Socket, config);
    assert_eq!(post(&server, "/broadcast", &one, "x").status, 202);
    gate.replace(Access { keys: Some(second), ..Access::default() });
    post(&server, "/broadcast", &one, "x").problem(401);
    assert_eq!(post(&server, "/broadcast", &two, "x").status, 202);
}

#[test]
fn the_publish_key_is_a_key_beside_tokens() {
    let config = crate::support::server::config(Way::Socket);
    let gate = fanfare_http::Gate::new(access());
    let server = Server::start(Way::Socket, fanfare_http::Config { gate, publish_key: Some("old".into()), ..config });
    assert_eq!(post(&server, "/broadcast", "old", "x").status, 202);
    assert_eq!(post(&server, "/channels/a", &token(json!({ "publish": ["a"] })), "x").status, 202);
    server.client().request("GET", "/channels/a", &[("authorization", "Bearer old")], b"").problem(401);
}
