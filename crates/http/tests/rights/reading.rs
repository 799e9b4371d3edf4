//! What a grant lets read: streams, what is kept, and messages for a client.

use serde_json::json;

use crate::support::{
    client::Answer,
    server::{ALL_WAYS, Server, Way},
    stream::Stream,
    tokens::{access, bearer, guarded, patterns, token},
};

/// A token that may publish everywhere.
fn publisher() -> String {
    bearer(&token(json!({ "publish": ["*"] })))
}

fn publish(server: &Server, path: &str, data: &str) {
    assert_eq!(server.post(path, &[("authorization", &publisher())], data).status, 202, "{path}");
}

fn get(server: &Server, path: &str, token: &str) -> Answer {
    server.client().request("GET", path, &[("authorization", &bearer(token))], b"")
}

fn open(server: &Server, path: &str, token: &str) -> Stream {
    server.subscribe_with(path, &[("authorization", &bearer(token))])
}

#[track_caller]
fn is_not_granted(answer: &Answer) {
    assert_eq!(answer.problem(403), "the token or key does not allow this");
    assert_eq!(answer.head.get("www-authenticate"), Some("Bearer error=\"insufficient_scope\""));
}

#[test]
fn a_grant_opens_its_channels_and_patterns_and_no_others() {
    for way in ALL_WAYS {
        let server = guarded(way, access());
        let token = token(json!({ "subscribe": ["news", "orders.*"] }));
        for path in [
            "/channels/news",
            "/channels/orders.42",
            "/channels/orders.*",
            "/channels/orders.4*",
            "/sse?channel=news&channel=orders.1&channel=orders.*.x",
            "/sse",
        ] {
            let mut stream = open(&server, path, &token);
            publish(&server, "/broadcast", "all");
            assert_eq!(stream.data(), "all", "{way:?} {path}");
        }
        for path in [
            "/channels/new",
            "/channels/news2",
            "/channels/*",
            "/channels/order*",
            "/channels/n*",
            "/sse?channel=news&channel=other",
            "/sse?channel=*.orders.*",
            "/channels/other?since=all",
            "/channels/other?last_event_id=1-0",
        ] {
            is_not_granted(&get(&server, path, &token));
        }
    }
}

#[test]
fn what_is_kept_is_read_with_the_same_grant() {
    let server = guarded(Way::Socket, access());
    for channel in ["a", "b", "orders.1", "orders.2"] {
        publish(&server, &format!("/channels/{channel}"), channel);
    }
    let mine = token(json!({ "subscribe": ["a", "orders.*"] }));
    let page = get(&server, "/channels/a/history", &mine).json();
    assert_eq!(page["events"][0]["data"], "a");
    for path in ["/channels/b/history", "/channels/b/history?after=1-0", "/channels/b/history?since=all"] {
        is_not_granted(&get(&server, path, &mine));
        let mut client = server.client();
        client.send(format!("HEAD {path} HTTP/1.1\r\nHost: test\r\nAuthorization: {}\r\n\r\n", bearer(&mine)));
        assert_eq!(client.head().status, 403);
    }
    let mut stream = open(&server, "/sse?channel=a&channel=orders.*&since=all", &mine);
    assert_eq!([stream.data(), stream.data(), stream.data()], ["a", "orders.1", "orders.2"]);
    // A cursor of another's event gives nothing of that channel.
    let id = server.post("/channels/b", &[("authorization", &publisher())], "secret").json()["id"].clone();
    let mine = bearer(&mine);
    let headers = [("authorization", mine.as_str()), ("last-event-id", id.as_str().unwrap())];
    let mut stream = server.subscribe_with("/channels/a", &headers);
    publish(&server, "/channels/a", "later");
    assert_eq!(stream.data(), "later");
}

#[test]
fn a_token_of_less_gets_less_on_its_way_back() {
    let server = guarded(Way::Socket, access());
    let (wide, narrow) = (token(json!({ "subscribe": ["a", "b"] })), token(json!({ "subscribe": ["a"] })));
    let mut stream = open(&server, "/sse?channel=a&channel=b", &wide);
    publish(&server, "/channels/a", "1");
    let id = stream.event().id;
    drop(stream);
    publish(&server, "/channels/b", "2");
    publish(&server, "/channels/a", "3");
    let narrow = bearer(&narrow);
    let headers = [("authorization", narrow.as_str()), ("last-event-id", id.as_str())];
    is_not_granted(&server.client().request("GET", "/sse?channel=a&channel=b", &headers, b""));
    assert_eq!(server.subscribe_with("/sse?channel=a", &headers).data(), "3");
}

#[test]
fn an_event_of_several_channels_comes_by_the_one_that_is_granted_and_names_no_other() {
    let server = guarded(Way::Socket, access());
    let token = token(json!({ "subscribe": ["b"] }));
    let mut plain = open(&server, "/channels/b", &token);
    let mut enveloped = open(&server, "/channels/b?envelope=json", &token);
    publish(&server, "/publish?channel=a&channel=b", "x");
    assert_eq!(plain.data(), "x");
    assert_eq!(enveloped.data(), r#"{"channel":"b","data":"x"}"#);
}

#[test]
fn a_client_id_is_the_holders_own() {
    for way in ALL_WAYS {
        let server = guarded(way, fanfare_http::Access { public: patterns(&["p"]), ..access() });
        let (ann, nameless) = (token(json!({ "client": "ann" })), token(json!({ "subscribe": ["a"] })));
        let mut left_out = open(&server, "/sse", &ann);
        let mut named = open(&server, "/sse?id=ann", &ann);
        publish(&server, "/clients/ann", "for ann");
        assert_eq!([left_out.data(), named.data()], ["for ann", "for ann"], "{way:?}");
        is_not_granted(&get(&server, "/sse?id=bob", &ann));
        is_not_granted(&get(&server, "/sse?id=ann", &nameless));
        server.get("/channels/p?id=ann").problem(401);
        let mut anonymous = server.subscribe("/channels/p?since=all");
        publish(&server, "/ping/ann", "");
        publish(&server, "/channels/p", "public");
        assert_eq!(anonymous.data(), "public", "what was for ann came to nobody else");
    }
}

#[test]
fn public_channels_are_read_by_everybody_and_others_are_not() {
    let access = fanfare_http::Access { public: patterns(&["news.*", "x"]), ..access() };
    let server = guarded(Way::Socket, access);
    for path in ["/channels/news.a", "/sse?channel=news.*&channel=x", "/channels/news.b*", "/channels/x/history"] {
        let mut client = server.client();
        client.send(format!("HEAD {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
        assert_eq!(client.head().status, 200, "{path}");
    }
    for path in ["/sse", "/", "/channels/news", "/sse?channel=news.a&channel=y", "/channels/*", "/channels/y/history"] {
        server.get(path).problem(401);
    }
    // A grant adds to what is public.
    let token = token(json!({ "subscribe": ["y"] }));
    let mut stream = open(&server, "/sse?channel=y&channel=news.a", &token);
    publish(&server, "/channels/news.a", "1");
    publish(&server, "/channels/y", "2");
    assert_eq!([stream.data(), stream.data()], ["1", "2"]);
    // To read is not to publish.
    server.post("/channels/news.a", &[], "x").problem(401);
}

#[test]
fn rules_that_are_replaced_count_for_who_comes_later() {
    let gate = fanfare_http::Gate::new(access());
    let config = fanfare_http::Config { gate: gate.clone(), ..crate::support::server::config(Way::Socket) };
    let server = Server::start(Way::Socket, config);
    let token = token(json!({ "subscribe": ["a"] }));
    let mut stream = open(&server, "/channels/a", &token);
    gate.replace(fanfare_http::Access { tokens: Some(std::sync::Arc::default()), ..access() });
    get(&server, "/channels/a", &token).problem(401);
    gate.replace(access());
    publish(&server, "/channels/a", "still here");
    assert_eq!(stream.data(), "still here");
}
