//! The two event streams.

use std::time::Duration;

use fanfare_http::{Config, Event, Target, Wait};
use serde_json::{Value, json};

use crate::support::{
    client::{Client, request},
    listener::Listener,
    made_up::{channel, connection},
    until,
};

#[test]
fn a_dashboard_gets_figures_with_rates_and_tables() {
    let listener = Listener::new();
    listener.made_up.world().connections.extend((100..130).map(|number| connection(number, "eve", number)));
    let mut events = listener.stream("/api/v1/events");
    let first = events.next_of("figures");
    assert_eq!((&first["figures"]["events"], &first["ready"]), (&json!(20), &json!(true)));
    let channels = events.next_of("channels");
    assert_eq!(channels["channels"][0]["channel"], "news", "the busiest is the first");
    let connections = events.next_of("connections");
    let rows = connections["connections"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["connection"]), (20, &json!(129)), "the furthest behind is the first");

    listener.made_up.world().figures.events += 50;
    let rates = loop {
        let figures = events.next_of("figures");
        if figures["figures"]["events"] == 70 {
            break figures["rates"].clone();
        }
    };
    let rate = rates["events"].as_f64().unwrap();
    assert!(rate > 0.0 && rate <= 50.0 / 0.9, "{rates}");
    assert_eq!(rates["lost"], 0.0);
    // Tables come again.
    events.next_of("channels");
    events.next_of("connections");
}

#[test]
fn all_dashboards_share_one_look_and_nobody_looks_for_nobody() {
    let listener = Listener::new();
    let mut streams: Vec<_> = (0..8).map(|_| listener.stream("/api/v1/events")).collect();
    for stream in &mut streams {
        stream.next_of("figures");
        stream.next_of("figures");
        stream.next_of("figures");
    }
    let looks = listener.made_up.world().looks;
    assert!((3..=8).contains(&looks), "eight dashboards, three beats: {looks} looks");
    drop(streams);
    // The last dashboard is noticed when the next beat is written to it.
    until("the looks end", || {
        let before = listener.made_up.world().looks;
        std::thread::sleep(Duration::from_millis(2_500));
        listener.made_up.world().looks == before
    });
    // And they begin again.
    let first = listener.stream("/api/v1/events").next_of("figures");
    assert_eq!(first["rates"], Value::Null, "what was before is too old to compare with");
}

#[test]
fn a_dashboard_is_told_that_the_server_drains() {
    let mut listener = Listener::new();
    let mut events = listener.stream("/api/v1/events");
    assert_eq!(events.next_of("figures")["draining"], false);
    listener.drain();
    while events.next_of("figures")["draining"] == false {}
}

#[test]
fn shards_that_do_not_answer_hold_up_no_figures() {
    let listener = Listener::new();
    listener.made_up.hold(true);
    let mut events = listener.stream("/api/v1/events");
    for _ in 0..2 {
        events.next_of("figures");
    }
    listener.made_up.hold(false);
    events.next_of("connections");
}

#[test]
fn a_tail_has_the_events_of_its_channels_and_patterns() {
    let listener = Listener::new();
    let mut tail = listener.stream("/api/v1/tail?channel=news&channel=orders.*");
    let publish = |target, data: &str, kind: Option<&str>| {
        let event = Event::new(target, data);
        let event =
            if let Some(kind) = kind { event.with_kind(kind).unwrap().with_own_id("my 1").unwrap() } else { event };
        listener.wait(listener.handle.publish(event, Wait::Journal)).unwrap().id.to_string()
    };
    let first = publish(Target::Channel(channel("news")), "read\nall", Some("headline"));
    publish(Target::Channel(channel("weather")), "not for the tail", None);
    let second = publish(Target::Channel(channel("orders.7")), "paid", None);
    let third = publish(Target::All, &"ä".repeat(20_000), None);
    assert_eq!(
        tail.next_of("event"),
        json!({
            "id": first, "own_id": "my 1", "event": "headline", "targets": [{ "channel": "news" }], "data": "read\nall",
            "data_bytes": 8,
        })
    );
    let told = tail.next_of("event");
    assert_eq!((&told["id"], &told["own_id"], &told["event"]), (&json!(second), &Value::Null, &Value::Null));
    let told = tail.next_of("event");
    assert_eq!((&told["id"], &told["targets"]), (&json!(third), &json!([{ "all": true }])));
    assert_eq!((told["data"].as_str().unwrap().len(), &told["data_bytes"]), (16 << 10, &json!(40_000)));
}

#[test]
fn a_tail_ends_when_its_reader_goes_and_when_the_server_does() {
    let mut listener = Listener::new();
    let gone = listener.stream("/api/v1/tail?channel=news");
    let mut stays = listener.stream("/api/v1/tail?channel=news");
    until("both are streams", || listener.handle.connections() == 2);
    drop(gone);
    until("one is left", || listener.handle.connections() == 1);
    listener.drain();
    assert_eq!(stays.next(), None);
    let refused = listener.get("/api/v1/tail?channel=news");
    assert!(refused.problem(503).contains("draining"));
}

#[test]
fn a_tail_that_is_too_slow_is_told_its_gap() {
    // A reader that takes nothing, and a history that keeps nothing.
    let core = fanfare_http::core::Config {
        history: fanfare_http::core::Retentions::none(),
        ring_messages_max: 4,
        ..Default::default()
    };
    let listener = Listener::with_engine(Config { core, ..Config::default() });
    let mut client = Client::open_narrow(listener.serving.as_ref().unwrap().address());
    client.send(request("GET", "/api/v1/tail?channel=news", &[], b""));
    assert_eq!(client.head().status, 200);
    let dropped = || listener.handle.account_of(&channel("news")).is_some_and(|account| account.dropped > 0);
    until("the tail has no more room", || {
        let event = Event::new(Target::Channel(channel("news")), "x".repeat(16_000));
        listener.wait(listener.handle.publish(event, Wait::Written)).unwrap();
        dropped()
    });
    let gap = client.into_stream().next_of("gap");
    assert_eq!(gap["reason"], "busy");
    assert!(gap["missed"].as_u64().is_some_and(|missed| missed > 0), "{gap}");
}

#[test]
fn a_tail_wants_1_to_16_channels() {
    let listener = Listener::new();
    let many = |count: usize| (0..count).map(|n| format!("channel={n}")).collect::<Vec<_>>().join("&");
    listener.stream(&format!("/api/v1/tail?{}", many(16)));
    for wrong in ["", "channel=", "channel=a{b}", "channel=a&x=1", "channel=%00", &many(17)] {
        listener.get(&format!("/api/v1/tail?{wrong}")).problem(400);
    }
}
