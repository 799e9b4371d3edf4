//! Figures, tables and charts say what the engine says, and change with it.

use std::time::Duration;

use fanfare_http::{
    ChannelAccount, Transport,
    core::{GapReason, engine::CloseReason},
};
use serde_json::{Value, json};

use crate::{
    site::Site,
    support::made_up::{channel, connection},
};

#[track_caller]
fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

/// The cells of a column.
fn column(rows: &Value, index: usize) -> Vec<&str> {
    rows.as_array().unwrap().iter().map(|row| row[index].as_str().unwrap()).collect()
}

#[test]
fn one_screen_says_what_is_slow_what_was_dropped_and_why() {
    let site = Site::new();
    let mut script = site.script("figures");
    let first = script.report();
    let tiles = &first["tiles"];
    assert_eq!(tiles["Connections"], json!(["4", "http1 3 · http2 1", "4 clients, 2 channels"]));
    assert_eq!(tiles["Dropped"], json!(["1", "none seen yet", "1 made good by the history"]));
    assert_eq!(tiles["Lost"], json!(["0", "none seen yet", "The streams are told a gap"]));
    assert_eq!(tiles["Gaps"], json!(["1", "none seen yet", "restart 1"]));
    assert_eq!(tiles["Refusals"], json!(["2", "none seen yet", "not-granted 2"]));
    assert_eq!(tiles["Publish to socket, 99 %"][0], "72.6 µs");
    assert_eq!(tiles["Journal"], json!(["memory", "every publish has its answer", "a restart forgets all events"]));
    assert_eq!(
        texts(&first["room"]),
        ["120 B of 64.0 MiB", "2.09 KiB of 256 MiB", "2 of 100,000", "3 of 1,024", "300 B of 16.0 MiB"]
    );
    let look = texts(&first["look"]);
    assert_eq!(look[0], "Nothing so far. The page has been looking for less than a minute.");
    assert_eq!(look[1..], ["The slowest stream is 5 events behind, with 500 B waiting. #8 of bob"]);
    assert_eq!(column(&first["slow"], 0), ["#8", "#9", "#7"]);
    assert_eq!(
        first["slow"][0],
        json!(["#8", "bob", "5", "500 B", "live", "0", "1 s", "1 min 1 s", "http1", "192.0.2.7:50312"])
    );
    assert_eq!(first["busy"][0], json!(["news", "3", "36", "2", "0", "0", "0"]));
    assert_eq!(column(&first["busy"], 0), ["news", "orders.1", "a/b c"]);

    {
        let mut world = site.made_up.world();
        world.figures.deliveries.dropped += 5;
        world.figures.deliveries.repaired += 3;
        world.figures.deliveries.lost = 2;
        world.figures.gaps = vec![(GapReason::Busy, 2), (GapReason::Restart, 1)];
        world.figures.refusals = vec![("not-granted".to_owned(), 3), ("denied".to_owned(), 4)];
        world.figures.closed = vec![(CloseReason::ClientGone, 7), (CloseReason::WriteTimeout, 3)];
        world.figures.connections = vec![(Transport::Https2, 6)];
        world.figures.ring_bytes = 60 << 20;
        world.connections.push(connection(12, "eve", 40));
        world
            .channels
            .push((channel("sport"), ChannelAccount { connections: 9, lost: 4, ..ChannelAccount::default() }));
    }
    script.go_on();
    let second = script.report();
    let tiles = &second["tiles"];
    assert_eq!(tiles["Connections"], json!(["6", "https2 6", "4 clients, 2 channels"]));
    assert_eq!(tiles["Dropped"], json!(["6", "5 seen so far", "4 made good by the history", "▲ needs a look"]));
    assert_eq!(tiles["Lost"], json!(["2", "2 seen so far", "The streams are told a gap", "■ bad"]));
    let look = texts(&second["look"]);
    assert_eq!(look[0], "5 things so far:");
    assert_eq!(look[1], "■ Bad: 2 deliveries lost. The streams were told gaps (busy 2). ");
    assert!(look[2].contains("5 deliveries dropped, because rings were full. The history has made good 3"), "{look:?}");
    assert!(look[2].ends_with("The furthest behind is #12"), "{look:?}");
    assert!(look[3].contains("2 streams closed for being slow (write-timeout 2)."), "{look:?}");
    assert!(
        look[4].contains("5 refusals (denied 4 · not-granted 1). Most often your application said no."),
        "{look:?}"
    );
    assert!(look[5].contains("60.0 MiB of 64.0 MiB are used"), "{look:?}");
    assert!(look[6].starts_with("The slowest stream is 40 events behind"), "{look:?}");
    assert_eq!(column(&second["slow"], 0), ["#12", "#8", "#9", "#7"]);
    assert_eq!(second["busy"][0], json!(["sport", "9", "0", "0", "0", "0", "4"]));

    {
        let mut world = site.made_up.world();
        world.figures.trouble = Some("the disk is full".to_owned());
        (world.figures.unanswered, world.figures.unanswered_for) = (3, Duration::from_secs(61));
    }
    script.go_on();
    let third = script.report();
    assert_eq!(
        third["tiles"]["Journal"],
        json!([
            "in trouble",
            "3 publishes without an answer, the oldest for 1 min 1 s",
            "publishes are refused",
            "■ bad"
        ])
    );
    let look = texts(&third["look"]);
    assert!(look[1].contains("The journal takes nothing, so publishes are refused: the disk is full."), "{look:?}");

    site.made_up.world().figures.uptime = Duration::from_millis(5);
    script.go_on();
    let last = script.report();
    assert_eq!(last[0], json!(["The server has started again. Its counts begin at 0.", "good"]));
    assert_eq!(last[1], json!(["/", "/api/v1/events"]), "one stream has all of it");
    script.end();
}

#[test]
fn tables_are_sorted_by_the_server_and_rows_stay_while_somebody_points_at_them() {
    let site = Site::new();
    {
        let mut world = site.made_up.world();
        world.connections[1].waiting_bytes = 900;
        world.connections.extend((100..150).map(|number| connection(number, "many", 0)));
    }
    let mut script = site.script("sorts");
    let behind = script.report();
    assert_eq!(behind[0], json!([["Behind", "descending"]]));
    assert_eq!(texts(&behind[1])[..3], ["#8", "#9", "#7"]);
    assert_eq!(texts(&behind[1]).len(), 20);
    let others = script.report();
    assert_eq!(others[0][0], json!([["Open for", "descending"]]));
    assert_eq!(texts(&others[0][1])[..4], ["#7", "#8", "#9", "#100"], "the oldest first");
    assert_eq!(others[1][0], json!([["Waiting", "descending"]]));
    assert_eq!(texts(&others[1][1])[..2], ["#8", "#9"]);
    let channels = script.report();
    assert_eq!(channels, json!([[["Channel", "ascending"]], ["a/b c", "news", "orders.1"]]));
    assert_eq!(script.report(), 53, "more rows than the event stream has");
    assert_eq!(script.report(), "focused");
    {
        let mut world = site.made_up.world();
        world.connections[1].account.matched = 14 - 2 + 77;
        let mut worst = connection(12, "eve", 400);
        worst.waiting_bytes = 1 << 20;
        world.connections.push(worst);
    }
    script.go_on();
    assert_eq!(script.report(), true, "the rows have changed places");
    assert_eq!(script.report(), "true");
    script.end();
}

#[test]
fn a_pause_keeps_what_is_seen() {
    let site = Site::new();
    let mut script = site.script("pause");
    assert_eq!(script.report(), "paused");
    site.made_up.world().figures.deliveries.lost = 9;
    let looks = site.made_up.world().looks;
    crate::support::until("the figures were sent twice more", || site.made_up.world().looks >= looks + 3);
    script.go_on();
    assert_eq!(script.report(), true);
    script.end();
}

#[test]
fn charts_say_the_same_in_words() {
    let site = Site::new();
    let mut script = site.script("charts");
    assert_eq!(
        script.report(),
        "Connections in the last 5 minutes. all: 4 now, 4 to 4. HTTP/1: 3 now, 3 to 3. HTTP/2: 1 now, 1 to 1. program: 0 now, 0 to 0."
    );
    let numbers = script.report();
    assert_eq!(numbers[0], json!(["all", "4", "4", "4", "4"]));
    assert_eq!(numbers[2], json!(["HTTP/2", "1", "1", "1", "1"]));
    site.made_up.world().figures.connections = vec![(Transport::Http1, 9), (Transport::Program, 1)];
    script.go_on();
    assert_eq!(script.report(), json!(["all", "10", "4", "10"]), "newest, lowest, highest");
    let drawn = script.report();
    assert_eq!(drawn.as_array().unwrap().len(), 8);
    assert_eq!(drawn[0], true, "{drawn}");
    script.end();
}

#[test]
fn a_table_that_is_pointed_at_shows_nothing_of_somebody_else() {
    let site = Site::new();
    let mut script = site.script("others");
    assert_eq!(script.report(), json!([["#8", "#9"], ["#7"]]));
    script.end();
}
