//! `POST /publish` with its target in the query: a single publish like those whose path says where it goes.

mod support;

use fanfare_http::Config;
use serde_json::json;
use support::server::{ALL_WAYS, Server, Way, config};

#[test]
fn an_event_goes_where_the_query_says() {
    for way in ALL_WAYS {
        let server = Server::new(way);
        let mut stream = server.subscribe("/sse?id=a/b&channel=orders%2F42&channel=news");
        // A slash may stand as it is. In a path it may not.
        for (query, event) in [
            ("channel=orders%2F42", "one"),
            ("channel=orders/42", "two"),
            ("client=a/b", "three"),
            ("all=true", "four"),
            ("channel=news&channel=orders/42&channel=elsewhere", "five"),
        ] {
            let receipt = server.publish(&format!("/publish?{query}&wait=written&event=kind"), event);
            assert_eq!((&receipt["matched"], &receipt["published"]), (&json!(1), &json!(null)), "{query}");
            let got = stream.event();
            assert_eq!((got.data.as_str(), got.kind.as_str()), (event, "kind"), "{way:?} {query}");
        }
        server.publish("/broadcast", "end");
        assert_eq!(stream.data(), "end", "what went to two channels came once");
    }
}

#[test]
fn the_options_are_those_of_the_other_routes() {
    let server = Server::start(Way::Socket, Config { body_bytes_max: 10, ..config(Way::Socket) });
    let mut stream = server.subscribe("/channels/a");
    server.publish("/publish?channel=a&id=own&retry=500&encoding=base64&keep=no", "a");
    let event = stream.event();
    assert_eq!(
        (event.id.as_str(), event.data.as_str(), stream.judge.retries_ms.as_slice()),
        ("own", "YQ==", &[500][..])
    );
    server.publish("/publish?channel=a", "{\"all\":1}");
    assert_eq!(stream.data(), "{\"all\":1}", "a line of a batch is data as well");
    server.post("/publish?channel=a", &[], "x".repeat(11)).problem(413);
    server.post("/publish?channel=a&event=%0a", &[], "x").problem(400);
    server.post("/publish?channel=a", &[("content-encoding", "br")], "x").problem(415);
    let kept = server.get("/channels/a/history").json();
    assert_eq!(kept["events"].as_array().unwrap().len(), 1);
}

#[test]
fn a_target_that_is_none_is_400_and_no_batch() {
    let server = Server::new(Way::Socket);
    let line = "{\"all\":true,\"data\":1}";
    let channels = |count: usize| vec!["channel=a"; count].join("&");
    for query in ["channel=", "channel=a&client=b", "all=false", "client=%zz", "client=a&client=b", &channels(129)] {
        let answer = server.post(&format!("/publish?{query}"), &[], line);
        answer.problem(400);
        assert_eq!(answer.json().get("published"), None, "{query}");
    }
    assert_eq!(server.post(&format!("/publish?{}", channels(128)), &[], line).status, 202);
    // A batch has no parameters.
    for query in ["event=x", "%zz", "channels=a", "_=1"] {
        server.post(&format!("/publish?{query}"), &[], line).problem(400);
    }
    assert_eq!(server.publish("/publish?", line)["published"], 1);
}

#[test]
fn a_key_is_that_of_the_route_with_the_same_target() {
    let server = Server::new(Way::Socket);
    for (number, (path, query)) in [
        ("/channels/a", "channel=a"),
        ("/channels/a/broadcast", "channel=a&channel=a"),
        ("/clients/a", "client=a"),
        ("/broadcast", "all=true"),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("key {number}");
        let headers = [("idempotency-key", key.as_str())];
        let first = server.post(path, &headers, "x");
        let again = server.post(&format!("/publish?{query}"), &headers, "x");
        assert_eq!((again.status, &again.body), (202, &first.body), "{query}");
        assert_eq!(again.head.get("idempotent-replayed"), Some("true"), "{query}");
        server.post(&format!("/publish?{query}"), &headers, "y").problem(422);
        assert_eq!(server.post("/publish?channel=b", &headers, "x").head.get("idempotent-replayed"), None);
    }
}
