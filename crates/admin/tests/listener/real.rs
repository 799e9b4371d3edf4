//! The listener with the figures of a real engine: what it says agrees with what streams and publishers have counted themselves.

use fanfare_http::{Channel, ClientId, Config, Event, Events, Follow, Start, Target, Told, Wait, core};
use serde_json::{Value, json};

use crate::support::{
    listener::{Listener, Real},
    made_up::channel,
    until,
};

fn follow(client: &str, channels: &[&str]) -> Follow {
    let channels: Vec<Channel> = channels.iter().map(|name| channel(name)).collect();
    Follow { client: Some(ClientId::new(client).unwrap()), channels, patterns: Vec::new(), start: Start::Now }
}

fn publish(listener: &Listener<Real>, target: Target, data: &str) -> String {
    let receipt = listener.wait(listener.handle.publish(Event::new(target, data), Wait::Written)).unwrap();
    receipt.id.to_string()
}

fn take(listener: &Listener<Real>, events: &mut Events, count: usize) {
    for _ in 0..count {
        assert!(matches!(listener.wait(events.next()), Some(Ok(Told::Event(_)))));
    }
}

fn explained(listener: &Listener<Real>, event: &str, whose: &str) -> Value {
    listener.get(&format!("/api/v1/explain?event={event}&{whose}")).ok(200)["verdict"]["kind"].clone()
}

#[test]
fn counts_agree_with_those_of_streams_and_publishers() {
    let listener = Listener::real(Config::default());
    let mut ann = listener.wait(listener.handle.subscribe(follow("ann", &["news", "sport"]))).unwrap();
    let mut bob = listener.wait(listener.handle.subscribe(follow("bob", &["news"]))).unwrap();
    for n in 0..20 {
        publish(&listener, Target::Channel(channel("news")), &n.to_string());
    }
    for n in 0..5 {
        publish(&listener, Target::Channel(channel("sport")), &n.to_string());
    }
    take(&listener, &mut ann, 25);
    take(&listener, &mut bob, 20);
    until("the figures have all of it", || listener.get("/api/v1/figures").ok(200)["deliveries"]["written"] == 45);
    let figures = listener.get("/api/v1/figures").ok(200);
    assert_eq!((&figures["deliveries"]["matched"], &figures["events"]), (&json!(45), &json!(25)));
    assert_eq!(figures["publishes"]["published"], 25);
    assert_eq!(figures["connections"]["program"], 2);

    let metrics = listener.get("/metrics").text();
    for line in [
        "fanfare_deliveries_written_total 45",
        "fanfare_deliveries_matched_total 45",
        "fanfare_events_total 25",
        "fanfare_publishes_total{outcome=\"published\"} 25",
        "fanfare_connections{transport=\"program\"} 2",
        "fanfare_connections_closed_total{reason=\"client-gone\"} 0",
        "fanfare_clients 2",
        "fanfare_channels 2",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}:\n{metrics}");
    }

    let status = listener.get("/api/v1/status").ok(200);
    assert_eq!((&status["connections"], &status["clients"]), (&json!(2), &json!(2)));
    let busiest = listener.get("/api/v1/channels?sort=connections").ok(200);
    assert_eq!(
        (&busiest["channels"][0]["channel"], &busiest["channels"][0]["connections"]),
        (&json!("news"), &json!(2))
    );
    assert_eq!(listener.get("/api/v1/channels/sport").ok(200)["history"]["events"], 5);
    assert_eq!(
        listener.get("/api/v1/clients").ok(200)["clients"],
        json!([{ "client": "ann", "connections": 1 }, { "client": "bob", "connections": 1 }])
    );
    let of_ann = listener.get("/api/v1/connections?client=ann").ok(200);
    let account = &of_ann["connections"][0]["account"];
    assert_eq!((&account["written"], &account["queued"]), (&json!(25), &json!(0)));
    assert_eq!(of_ann["connections"][0]["channels"], json!(["news", "sport"]));
}

#[test]
fn an_event_is_explained_a_channel_is_purged_and_a_stream_ends() {
    let listener = Listener::real(Config::default());
    let mut ann = listener.wait(listener.handle.subscribe(follow("ann", &["news"]))).unwrap();
    let taken = publish(&listener, Target::Channel(channel("news")), "taken");
    take(&listener, &mut ann, 1);
    let waiting = publish(&listener, Target::Channel(channel("news")), "waiting");
    let other = publish(&listener, Target::Channel(channel("sport")), "not for ann");
    until("the event is written", || explained(&listener, &taken, "client=ann") == "written");
    assert_eq!(explained(&listener, &waiting, "client=ann"), "waiting");
    assert_eq!(explained(&listener, &other, "client=ann"), "not-subscribed");
    assert_eq!(explained(&listener, &taken, "client=bob"), "not-connected");
    assert_eq!(explained(&listener, "9999999999999-0", "client=ann"), "no-such-event");
    let number = listener.get("/api/v1/clients/ann").ok(200)["connections"][0]["connection"].clone();
    assert_eq!(explained(&listener, &taken, &format!("connection={number}")), "written");
    listener.get(&format!("/api/v1/explain?event={taken}&connection=424242")).problem(404);

    assert_eq!(listener.request("DELETE", "/api/v1/channels/news/history").ok(200), json!({ "events": 2 }));
    assert_eq!(listener.get("/api/v1/channels/news").ok(200)["history"]["events"], 0);

    let ended = listener.request("DELETE", &format!("/api/v1/connections/{number}")).ok(200);
    assert_eq!(ended, json!({ "disconnected": 1 }));
    take(&listener, &mut ann, 1);
    assert!(listener.wait(ann.next()).is_none(), "what waited has come, and the stream has ended in good order");
    until("the stream is counted as ended", || listener.get("/api/v1/figures").ok(200)["closed"]["disconnected"] == 1);
    listener.get(&format!("/api/v1/connections/{number}")).problem(404);
    assert_eq!(explained(&listener, &taken, "client=ann"), "written", "the end is no reason to forget");
}

#[test]
fn pages_of_connections_have_each_stream_once() {
    let listener =
        Listener::real(Config { core: core::Config { shards: 2, ..Default::default() }, ..Config::default() });
    let streams: Vec<_> = (0..25)
        .map(|n| listener.wait(listener.handle.subscribe(follow(&format!("c{n}"), &["news"]))).unwrap())
        .collect();
    publish(&listener, Target::Channel(channel("news")), "waits for all");
    for sort in ["number", "lag", "bytes"] {
        let (mut found, mut after) = (Vec::new(), String::new());
        loop {
            let page = listener.get(&format!("/api/v1/connections?sort={sort}&limit=7{after}")).ok(200);
            let rows = page["connections"].as_array().unwrap();
            found.extend(rows.iter().map(|row| row["connection"].as_u64().unwrap()));
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), streams.len(), "{sort}");
    }
}

#[test]
fn after_the_drain_everything_is_still_answered() {
    let mut listener = Listener::real(Config::default());
    let ann = listener.wait(listener.handle.subscribe(follow("ann", &["news"]))).unwrap();
    let event = publish(&listener, Target::Channel(channel("news")), "hello");
    drop(ann);
    until("the server is ready", || listener.get("/api/v1/status").ok(200)["ready"] == true);
    listener.drain();
    let status = listener.get("/api/v1/status").ok(200);
    assert_eq!((&status["draining"], &status["connections"]), (&json!(true), &json!(0)));
    assert_eq!(listener.get("/api/v1/connections").ok(200)["connections"], json!([]));
    assert_eq!(listener.get("/api/v1/clients").ok(200)["clients"], json!([]));
    listener.get("/api/v1/connections/1").problem(404);
    listener.request("DELETE", "/api/v1/clients/ann").problem(404);
    assert_eq!(listener.request("DELETE", "/api/v1/channels/news/connections").ok(200), json!({ "disconnected": 0 }));
    listener.get(&format!("/api/v1/explain?event={event}&client=ann")).ok(200);
    assert!(listener.get("/metrics").text().contains("fanfare_draining 1\n"));
    let figures = listener.stream("/api/v1/events").next_of("figures");
    assert_eq!((&figures["ready"], &figures["draining"]), (&json!(false), &json!(true)));
}
