//! Envelopes: a stream that asks for them is told the channel of each event, live and from history.

use serde_json::{Value, json};

use crate::{
    everywhere,
    support::{server::Server, stream::Stream},
};

/// The next event: it has no type, and its data is an envelope.
fn envelope(stream: &mut Stream) -> Value {
    let event = stream.event();
    assert_eq!(event.kind, "message");
    serde_json::from_str(&event.data).unwrap()
}

#[test]
fn an_envelope_names_the_target_the_type_and_the_data() {
    everywhere(|server| {
        let mut stream = server.subscribe("/sse?id=42&channel=news&envelope=json");
        let mut plain = server.subscribe("/sse?id=42&channel=news");
        for (path, data, told) in [
            ("/channels/news?event=tick", "1", json!({"channel": "news", "event": "tick", "data": "1"})),
            ("/channels/news", "a\r\n\"b\"\t", json!({"channel": "news", "data": "a\n\"b\"\t"})),
            ("/clients/42", "", json!({"client": "42", "data": ""})),
            ("/broadcast?id=own", "{\"a\":1}", json!({"all": true, "data": "{\"a\":1}"})),
            ("/publish?channel=other&channel=news", "both", json!({"channel": "news", "data": "both"})),
        ] {
            server.publish(path, data);
            assert_eq!(envelope(&mut stream), told, "{path}");
            let event = plain.event();
            assert_eq!(event.id, stream.judge.last_id, "{path}");
            assert_eq!(event.data, told["data"].as_str().unwrap());
        }
    });
}

#[test]
fn history_comes_in_envelopes_too_and_gaps_and_cursors_do_not() {
    everywhere(|server| {
        server.publish("/channels/a?event=tick", "1");
        server.publish("/channels/b", "2");
        let path = "/channels/a?channel=b&since=earliest&envelope=json&heartbeat=cursor&last_event_id=nobody-knows";
        let mut stream = server.subscribe(path);
        assert_eq!(stream.gap().reason, "unknown-id");
        stream.cursor();
        server.publish("/channels/b", "3");
        assert_eq!(envelope(&mut stream), json!({"channel": "b", "data": "3"}));
        let mut stream = server.subscribe("/channels/a?channel=b&since=earliest&envelope=json");
        for told in [
            json!({"channel": "a", "event": "tick", "data": "1"}),
            json!({"channel": "b", "data": "2"}),
            json!({"channel": "b", "data": "3"}),
        ] {
            assert_eq!(envelope(&mut stream), told);
        }
    });
}

#[test]
fn a_large_event_comes_in_an_envelope_whole() {
    everywhere(|server| {
        let mut stream = server.subscribe("/channels/a?envelope=json");
        let data = "\u{1}\"\\é".repeat(100_000);
        server.publish("/channels/a", &data);
        assert_eq!(envelope(&mut stream)["data"], data);
    });
}

fn said(server: &Server, path: &str) -> String {
    server.get(path).problem(400)
}

#[test]
fn what_a_stream_does_not_know_is_refused_if_it_is_near_and_else_told_in_a_comment() {
    everywhere(|server| {
        for (query, near) in [("channels=a", "channel"), ("chanel=a", "channel"), ("envelop=json", "envelope")] {
            let name = query.split('=').next().unwrap();
            let told = format!("unknown parameter {name:?}; did you mean {near:?}?");
            assert_eq!(said(server, &format!("/sse?{query}")), told);
        }
        assert_eq!(said(server, "/sse?envelope=xml"), "envelope: only \"json\" is known");
        let mut stream = server.subscribe("/sse?_=1700000000&channel=a,b&%0adata:=x");
        server.publish("/channels/a,b", "x");
        assert_eq!(stream.data(), "x");
        let text = String::from_utf8(stream.bytes.clone()).unwrap();
        let comments: Vec<_> = text.lines().filter_map(|line| line.strip_prefix(": ")).collect();
        let [_, cache, injected, comma] = &comments[..] else { panic!("{text:?}") };
        assert_eq!(*cache, "the parameter \"_\" is unknown and ignored");
        assert_eq!(*injected, "the parameter \"\\ndata:\" is unknown and ignored");
        assert_eq!(*comma, "this follows one channel named \"a,b\"; to follow two, write channel=a&channel=b");
        assert!(said(server, "/sse?client=42").ends_with("a stream names its client with id="));
        for (query, near) in [("limt=1", "limit"), ("aftr=1-0", "after")] {
            let name = query.split('=').next().unwrap();
            let told = format!("unknown parameter {name:?}; did you mean {near:?}?");
            assert_eq!(said(server, &format!("/channels/a/history?{query}")), told);
        }
        assert_eq!(server.get("/channels/a/history?_=1").status, 200);
    });
}

#[test]
fn a_publish_that_says_what_nobody_knows_publishes_nothing() {
    everywhere(|server| {
        let mut stream = server.subscribe("/channels/a");
        let answer = server.post("/channels/a?evnt=tick", &[], "x");
        assert_eq!(answer.problem(400), "unknown parameter \"evnt\"; did you mean \"event\"?");
        let answer = server.post("/channels/a?ttl=60", &[], "x");
        let known = "event, id, retry, keep, encoding, wait, access_token";
        assert_eq!(answer.problem(400), format!("unknown parameter \"ttl\"; this route has {known}"));
        let answer = server.post("/publish?channels=a", &[], "x");
        assert_eq!(answer.problem(400), "unknown parameter \"channels\"; did you mean \"channel\"?");
        let batch = server.post("/channels/a", &[("content-type", "application/x-ndjson")], "{}\n{}\n");
        assert!(batch.problem(415).starts_with("a batch goes to POST /publish"));
        server.publish("/channels/a", "the first");
        assert_eq!(stream.data(), "the first");
    });
}

#[test]
fn answers_end_in_a_line_break() {
    everywhere(|server| {
        let line = "{\"all\":true,\"data\":1}";
        for answer in [
            server.post("/broadcast", &[], "x"),
            server.post("/publish", &[], line),
            server.post("/publish", &[], "no line"),
            server.get("/channels/a/history"),
            server.get("/nowhere"),
            server.get("/healthz"),
        ] {
            assert!(answer.body.ends_with(b"\n") && !answer.body.ends_with(b"\n\n"), "{answer:?}");
        }
    });
}
