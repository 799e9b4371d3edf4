//! Each route of the API: what it answers, and what it refuses.

use std::{
    sync::atomic::Ordering,
    time::{Duration, UNIX_EPOCH},
};

use fanfare_admin::Admin;
use fanfare_http::{
    Follow, Gap, Place, Start, Told, Verdict,
    core::{GapReason, engine::CloseReason},
};
use serde_json::{Value, json};

use crate::support::{
    client::request,
    listener::{Listener, Program},
    made_up::{channel, connection, event_id},
};

#[test]
fn the_status_is_that_of_the_server() {
    let mut listener = Listener::new();
    let status = listener.get("/api/v1/status").ok(200);
    for (name, value) in [
        ("version", json!(env!("CARGO_PKG_VERSION"))),
        ("uptime_ms", json!(86_400_000)),
        ("ready", json!(true)),
        ("draining", json!(false)),
        ("failure", Value::Null),
        ("journal", json!("memory")),
        ("connections", json!(4)),
        ("shards", json!(2)),
    ] {
        assert_eq!(status[name], value, "{name}");
    }
    listener.made_up.world().figures.trouble = Some("no space left on device".to_owned());
    let status = listener.get("/api/v1/status").ok(200);
    assert_eq!((&status["trouble"], &status["journal"]), (&json!("no space left on device"), &json!("memory")));

    listener.drain();
    let status = listener.get("/api/v1/status").ok(200);
    assert_eq!((&status["ready"], &status["draining"]), (&json!(false), &json!(true)), "the listener goes on");
    assert_eq!(listener.get("/healthz").status, 200);
}

#[test]
fn figures_have_every_counter() {
    let figures = Listener::new().get("/api/v1/figures").ok(200);
    assert_eq!(figures["connections"], json!({ "http1": 3, "https1": 0, "http2": 1, "https2": 0, "program": 0 }));
    assert_eq!(figures["closed"], json!({ "client-gone": 7, "write-timeout": 1 }));
    assert_eq!(figures["gaps"], json!({ "busy": 0, "expired": 0, "restart": 1, "unknown-id": 0 }));
    assert_eq!(figures["inboxes"], json!([{ "messages": 3, "bytes": 300 }, { "messages": 0, "bytes": 0 }]));
    let times = &figures["latency"]["publish_to_socket"];
    assert_eq!((&times["count"], &times["buckets"][1][1]), (&json!(3), &json!(1)));
    assert_eq!(times["p50"].as_f64().unwrap().to_bits(), 0.5_f64.powi(14).to_bits());
    assert_eq!(figures["latency"]["fan_out"]["p50"], Value::Null);
}

#[test]
fn channels_come_page_by_page_or_the_busiest_first() {
    let listener = Listener::new();
    let names = |target: &str| {
        let page = listener.get(target).ok(200);
        let names: Vec<_> = page["channels"].as_array().unwrap().iter().map(|row| row["channel"].clone()).collect();
        (json!(names), page["next"].clone())
    };
    assert_eq!(names("/api/v1/channels?limit=2"), (json!(["a/b c", "news"]), json!("news")));
    assert_eq!(names("/api/v1/channels?limit=2&after=news"), (json!(["orders.1"]), Value::Null));
    assert_eq!(names("/api/v1/channels?limit=3").1, Value::Null, "a page that ends where the list ends");
    assert_eq!(names("/api/v1/channels?sort=connections&limit=2"), (json!(["news", "orders.1"]), Value::Null));
    assert_eq!(names("/api/v1/channels?after=zzz"), (json!([]), Value::Null));
    for wrong in ["sort=lag", "sort=", "sort=connections&after=a", "after=", "limit=0", "limit=1001", "page=2"] {
        listener.get(&format!("/api/v1/channels?{wrong}")).problem(400);
    }
}

#[test]
fn one_channel_is_shown_and_purged_and_its_followers_end() {
    let listener = Listener::new();
    let shown = listener.get("/api/v1/channels/a%2Fb%20c").ok(200);
    assert_eq!((&shown["channel"], &shown["history"]["events"]), (&json!("a/b c"), &json!(20)));
    assert_eq!(shown["figures"]["connections"], 1);
    assert!(listener.get("/api/v1/channels/nobody").problem(404).contains("nobody follows"));

    assert_eq!(listener.request("DELETE", "/api/v1/channels/news/history").ok(200), json!({ "events": 20 }));
    listener.made_up.world().can_purge = false;
    let problem = listener.request("DELETE", "/api/v1/channels/news/history").problem(503);
    assert!(problem.contains("nothing was thrown away"), "{problem}");

    assert_eq!(listener.request("DELETE", "/api/v1/channels/news/connections").ok(200), json!({ "disconnected": 3 }));
    assert_eq!(listener.request("DELETE", "/api/v1/channels/news/connections").ok(200), json!({ "disconnected": 0 }));
    for wrong in ["/api/v1/channels/", "/api/v1/channels/%00", &format!("/api/v1/channels/{}", "x".repeat(257))] {
        listener.get(wrong).problem(400);
    }
}

#[test]
fn clients_come_page_by_page_and_one_ends() {
    let listener = Listener::new();
    let page = listener.get("/api/v1/clients?limit=1").ok(200);
    assert_eq!(page, json!({ "clients": [{ "client": "ann", "connections": 1 }], "next": "ann" }));
    let page = listener.get("/api/v1/clients?limit=1&after=ann").ok(200);
    assert_eq!(page, json!({ "clients": [{ "client": "bob", "connections": 2 }], "next": null }));

    let bob = listener.get("/api/v1/clients/bob").ok(200);
    assert_eq!((&bob["connections"][0]["connection"], &bob["connections"][1]["lag"]), (&json!(8), &json!(2)));
    assert_eq!(listener.request("DELETE", "/api/v1/clients/bob").ok(200), json!({ "disconnected": 2 }));
    for method in ["GET", "DELETE"] {
        assert!(listener.request(method, "/api/v1/clients/bob").problem(404).contains("not connected"));
    }
}

#[test]
fn connections_come_in_each_order_and_no_page_has_one_twice() {
    let listener = Listener::new();
    // Three have the same lag.
    let more = (10..14).map(|number| connection(number, "eve", 5));
    listener.made_up.world().connections.extend(more);
    for (sort, order) in [
        ("number", [7, 8, 9, 10, 11, 12, 13]),
        ("lag", [8, 10, 11, 12, 13, 9, 7]),
        ("bytes", [8, 10, 11, 12, 13, 9, 7]),
    ] {
        let (mut found, mut after) = (Vec::new(), String::new());
        loop {
            let page = listener.get(&format!("/api/v1/connections?sort={sort}&limit=2{after}")).ok(200);
            let rows = page["connections"].as_array().unwrap();
            found.extend(rows.iter().map(|row| row["connection"].as_u64().unwrap()));
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(found, order, "{sort}");
    }
    let of_bob = listener.get("/api/v1/connections?client=bob&channel=news").ok(200);
    assert_eq!(of_bob["connections"].as_array().unwrap().len(), 2);
    assert_eq!(listener.get("/api/v1/connections?channel=nobody").ok(200)["connections"], json!([]));
    for wrong in [
        "sort=x",
        "sort=age",
        "after=x",
        "after=1",
        "after=1.2.3",
        "client=",
        "limit=x",
        "limit=1&limit=1",
        "client=%FF",
    ] {
        listener.get(&format!("/api/v1/connections?{wrong}")).problem(400);
    }
}

#[test]
fn one_connection_is_shown_and_ends() {
    let listener = Listener::new();
    let shown = listener.get("/api/v1/connections/8").ok(200);
    assert_eq!(
        shown,
        json!({
            "connection": 8, "client": "bob", "channels": ["news"], "patterns": ["orders.*"], "shard": 0, "policy": "repair",
            "state": "live", "transport": "http1", "peer": "192.0.2.7:50312", "holder": null,
            "opened": "2026-11-30T07:31:22.115Z", "age_ms": 61_000, "expires": null, "silent_ms": 1_200, "waiting_bytes": 500,
            "lag": 5,
            "account": {
                "matched": 17, "replayed": 2, "written": 14, "queued": 5, "owed": 0, "dropped": 0, "repaired": 0, "lost": 0,
                "position": "1796023882123-3",
            },
        })
    );
    assert_eq!(listener.request("DELETE", "/api/v1/connections/8").ok(200), json!({ "disconnected": 1 }));
    for method in ["GET", "DELETE"] {
        listener.request(method, "/api/v1/connections/8").problem(404);
        listener.request(method, "/api/v1/connections/9007199254740991").problem(404);
        for wrong in ["x", "-1", "9007199254740992", "99999999999999999999999", "1.5", "%201", ""] {
            listener.request(method, &format!("/api/v1/connections/{wrong}")).problem(400);
        }
    }
}

/// Every verdict, its word, and some of what else is told.
pub(crate) fn verdicts() -> Vec<(Verdict, &'static str, Value)> {
    let at = UNIX_EPOCH + Duration::from_millis(1_796_023_882_123);
    let gap = Gap { from: None, to: Some(event_id(4)), missed: Some(2), reason: GapReason::Busy };
    let waiting = |place| Verdict::Waiting { place };
    vec![
        (Verdict::NoSuchEvent, "no-such-event", json!({})),
        (Verdict::NotConnected, "not-connected", json!({})),
        (
            Verdict::Refused { rule: "not-granted".to_owned(), at },
            "refused",
            json!({ "rule": "not-granted", "at": "2026-11-30T07:31:22.123Z" }),
        ),
        (Verdict::NotSubscribed, "not-subscribed", json!({})),
        (Verdict::Written { from: at, to: at }, "written", json!({ "to": "2026-11-30T07:31:22.123Z" })),
        (Verdict::Repaired { from: at, to: at }, "repaired", json!({ "from": "2026-11-30T07:31:22.123Z" })),
        (waiting(Place::Inbox), "waiting", json!({ "place": "inbox" })),
        (waiting(Place::Ring), "waiting", json!({ "place": "ring" })),
        (waiting(Place::Socket), "waiting", json!({ "place": "socket" })),
        (waiting(Place::History), "waiting", json!({ "place": "history" })),
        (Verdict::Dropped { gap: None }, "dropped", json!({ "gap": null })),
        (Verdict::InGap { gap: None }, "in-gap", json!({ "gap": null })),
        (
            Verdict::InGap { gap: Some(gap) },
            "in-gap",
            json!({ "gap": { "from": null, "to": "1796023882123-4", "missed": 2, "reason": "busy" } }),
        ),
        (Verdict::Closed { reason: CloseReason::WriteTimeout, at }, "closed", json!({ "reason": "write-timeout" })),
        (Verdict::TooLongAgo, "too-long-ago", json!({})),
    ]
}

#[test]
fn every_verdict_has_a_word_and_a_sentence() {
    let listener = Listener::new();
    for (verdict, kind, more) in verdicts() {
        listener.made_up.world().explanation = verdict;
        for whose in ["client=ann", "connection=7"] {
            let told = listener.get(&format!("/api/v1/explain?event=1796023882123-3&{whose}")).ok(200);
            assert_eq!((&told["event"], &told["verdict"]["kind"]), (&json!("1796023882123-3"), &json!(kind)));
            assert!(told["verdict"]["text"].as_str().unwrap().ends_with('.'), "{told}");
            for (name, value) in more.as_object().unwrap() {
                assert_eq!(told["verdict"][name], *value, "{kind}");
            }
            assert_eq!(told["targets"], json!([{ "all": true }, { "channel": "news" }]));
            assert_eq!(told["connections"][0]["closed"]["reason"], "client-gone");
        }
    }
}

#[test]
fn an_explanation_needs_an_event_and_one_of_two() {
    let listener = Listener::new();
    for wrong in [
        "",
        "event=1-1",
        "client=ann",
        "event=1-1&client=ann&connection=7",
        "event=x&client=ann",
        "event=1&client=ann",
        "event=&client=ann",
        "event=99999999999999999999999-0&client=ann",
        "event=1-1&client=",
        "event=1-1&connection=x",
    ] {
        listener.get(&format!("/api/v1/explain?{wrong}")).problem(400);
    }
    assert!(listener.get("/api/v1/explain?event=1-1&connection=999").problem(404).contains("never was"));
}

#[test]
fn a_publish_reaches_who_follows() {
    let listener = Listener::new();
    let follow = Follow { client: None, patterns: Vec::new(), channels: vec![channel("news")], start: Start::Now };
    let mut events = listener.wait(listener.handle.subscribe(follow)).unwrap();
    let event = json!({ "channel": "news", "event": "headline", "id": "my 1", "data": "read\nall", "keep": false });
    let receipt = listener.post("/api/v1/publish?wait=written", &event).ok(202);
    assert_eq!((&receipt["matched"], receipt["outcome"]["dropped"].as_u64()), (&json!(1), Some(0)));
    let told = listener.wait(events.next());
    let Some(Ok(Told::Event(message))) = told else { panic!("no event") };
    assert_eq!(message.id().to_string(), receipt["id"].as_str().unwrap());
    let fields = message.fields();
    assert_eq!((fields.kind, fields.id, fields.data.as_str()), (Some("headline"), "my 1", "read\nall"));
    assert!(!message.is_kept());

    let receipt = listener.post("/api/v1/publish", &json!({ "all": true, "data": "" })).ok(202);
    assert_eq!(receipt["outcome"], Value::Null);
    listener.post("/api/v1/publish", &json!({ "client": "ann", "data": "x", "retry": 100 })).ok(202);
    listener.post("/api/v1/publish", &json!({ "client": "ann", "data": "x", "retry": 562.0 })).ok(202);
    listener.post("/api/v1/publish", &json!({ "channels": ["news", "b"], "data": "x" })).ok(202);
}

#[test]
fn a_publish_that_is_wrong_publishes_nothing() {
    let mut listener = Listener::new();
    let many: Vec<_> = (0..129).map(|n| n.to_string()).collect();
    for wrong in [
        json!({ "data": "x" }),
        json!({ "channel": "news" }),
        json!({ "channel": "news", "all": true, "data": "x" }),
        json!({ "all": false, "data": "x" }),
        json!({ "channel": "", "data": "x" }),
        json!({ "channels": [], "data": "x" }),
        json!({ "channels": many, "data": "x" }),
        json!({ "channel": "news", "data": 5 }),
        json!({ "channel": "news", "data": "x", "event": "fanfare.gap" }),
        json!({ "channel": "news", "data": "x", "id": "1-1" }),
        json!({ "channel": "news", "data": "x", "retry": 99 }),
        json!({ "channel": "news", "data": "x", "retry": 562.5 }),
        json!({ "channel": "news", "data": "x", "more": 1 }),
        json!({ "channel": "news", "data": "x", "retry": null }),
        json!({ "channel": null, "all": true, "data": "x" }),
        json!([]),
    ] {
        listener.post("/api/v1/publish", &wrong).problem(400);
    }
    listener.post("/api/v1/publish?wait=x", &json!({ "all": true, "data": "x" })).problem(400);
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
        let answer = listener.client().request("POST", "/api/v1/publish", &[("content-type", kind)], b"{}");
        answer.problem(415);
    }
    listener.client().request("POST", "/api/v1/publish", &[], b"{\"all\":true,\"data\":\"x\"}").problem(415);
    listener.drain();
    let refused = listener.post("/api/v1/publish", &json!({ "all": true, "data": "x" }));
    assert!(refused.problem(503).contains("draining"));
    assert_eq!(refused.field("retry-after"), Some("5"));
}

#[test]
fn a_drain_and_a_reload_are_passed_on() {
    let listener = Listener::new();
    assert!(!listener.program.is_drained());
    assert_eq!(listener.request("POST", "/api/v1/drain").ok(202), json!({ "draining": true }));
    assert!(listener.program.is_drained());
    let reloaded = listener.request("POST", "/api/v1/reload").ok(200);
    assert_eq!(reloaded, json!({ "applied": ["keys"], "unchanged": [], "needs_restart": [] }));

    let mut clients: Vec<_> = (0..8).map(|_| listener.client()).collect();
    for client in &mut clients {
        client.send(request("POST", "/api/v1/reload", &[], b""));
    }
    for client in &mut clients {
        assert_eq!(client.answer().status, 200);
    }
    assert_eq!(listener.program.reloads_max.load(Ordering::SeqCst), 1, "one at a time");

    let broken = Listener::with_program(Admin::default(), Program::with("broken"));
    assert_eq!(broken.request("POST", "/api/v1/reload").problem(422), "keys.toml: line 3: expected `=`");
}

#[test]
fn other_methods_and_routes_are_refused() {
    let listener = Listener::new();
    for (method, target, allow) in [
        ("POST", "/metrics", "GET, HEAD"),
        ("DELETE", "/", "GET, HEAD"),
        ("GET", "/api/v1/publish", "POST"),
        ("PUT", "/api/v1/drain", "POST"),
        ("OPTIONS", "/api/v1/status", "GET, HEAD"),
        ("PATCH", "/api/v1/clients/ann", "GET, HEAD, DELETE"),
        ("GET", "/api/v1/channels/news/history", "DELETE"),
        ("QUERY", "/api/v1/channels", "GET, HEAD"),
    ] {
        let refused = listener.request(method, target);
        assert!(refused.problem(405).contains(allow), "{method} {target}");
        assert_eq!(refused.field("allow"), Some(allow));
    }
    for target in
        ["/api", "/api/v2/status", "/api/v1/status/", "/favicon.ico", "/index.html", "/assets/", "/assets/../lib.rs"]
    {
        listener.get(target).problem(404);
    }
    for target in ["/api/v1/status?x=1", "/api/v1/openapi.json?x", "/api/v1/events?x=1"] {
        listener.get(target).problem(400);
    }
}

#[test]
fn head_is_get_without_a_body() {
    let listener = Listener::new();
    for target in [
        "/",
        "/healthz",
        "/metrics",
        "/api/v1/status",
        "/api/v1/openapi.json",
        "/api/v1/events",
        "/api/v1/tail?channel=a",
    ] {
        let mut client = listener.client();
        let head = client.request("HEAD", target, &[], b"");
        assert_eq!(head.status, 200, "{target}");
        // Nothing stands between this answer and the next one.
        assert_eq!(client.request("GET", "/healthz", &[], b"").text(), "ok\n", "{target}");
    }
    assert_eq!(listener.request("HEAD", "/api/v1/clients/nobody").status, 404);
}
