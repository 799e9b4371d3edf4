//! What the page does to the server, and asks it, with a question before what cannot be taken back.

use std::time::{Duration, UNIX_EPOCH};

use fanfare_admin::Admin;
use fanfare_http::{
    Gap, Place, Verdict,
    core::{GapReason, engine::CloseReason},
};
use serde_json::{Value, json};

use crate::{
    site::Site,
    support::{
        made_up::{connection, event_id},
        until,
    },
};

#[test]
fn a_publish_says_what_became_of_it() {
    let site = Site::new();
    let mut tail = site.client().stream("/api/v1/tail?channel=news", &[]);
    let mut script = site.script("publish");
    assert_eq!(script.report(), json!([1, ""]), "without a name nothing is sent");
    let first = script.report();
    let seen = tail.next_of("event");
    assert_eq!((&seen["data"], &seen["event"]), (&json!("one\ntwo"), &json!("tick")));
    let id = seen["id"].as_str().unwrap();
    assert_eq!(first[0], json!([format!("Published as {id} to 1 stream."), "good"]));
    assert_eq!(
        first[1],
        json!({
            "To": "channel news", "Event": id, "Streams that it reaches": "1",
            "Written at once": "0", "Waiting": "1", "Given up": "0",
        })
    );
    assert_eq!(first[2], format!("#explain?event={id}"));
    let second = script.report();
    assert!(second[0][0].as_str().unwrap().ends_with(" to about 0 streams."), "{second}");
    assert_eq!(second[1]["To"], "client ann");
    assert_eq!(script.report(), false, "everybody has no name");
    assert_eq!(script.report(), "good");
    assert_eq!(tail.next_of("event")["targets"], json!([{ "all": true }]));
    let refused = script.report();
    assert!(refused[0].as_str().unwrap().contains("fanfare."), "{refused}");
    script.end();
}

#[test]
fn streams_end_after_a_question() {
    let site = Site::new();
    let mut script = site.script("ends");
    let asked = script.report();
    assert_eq!(asked[0], json!([["Disconnect all who follow news?"], ["Disconnect"], "dialog-no"]));
    assert_eq!(asked[1], "Disconnect those who follow it", "the focus comes back");
    assert!(site.deeds.take().is_empty());
    script.go_on();
    assert_eq!(script.report(), "Escape is no");
    assert!(site.deeds.take().is_empty());
    script.go_on();
    assert_eq!(script.report(), json!(["1 stream was told to end.", "good"]));
    assert_eq!(script.report(), "This connection is not open. These are its last figures.");
    assert_eq!(site.deeds.take(), ["disconnect connection 7"]);
    script.go_on();
    assert_eq!(script.report(), json!(["2 streams were told to end.", "good"]));
    assert_eq!(script.report(), json!([]));
    assert_eq!(site.deeds.take(), ["disconnect client bob"]);
    site.made_up.world().connections.push(connection(20, "eve", 0));
    script.go_on();
    assert_eq!(script.report(), json!(["1 stream was told to end.", "good"]));
    assert_eq!(script.report(), "done");
    assert_eq!(site.deeds.take(), ["disconnect channel news"]);
    script.go_on();
    script.end();
}

#[test]
fn a_purge_says_how_many_events_it_took_or_why_it_may_not() {
    let site = Site::new();
    let mut script = site.script("purge");
    let facts = script.report();
    assert_eq!(
        (&facts["Kept events"], &facts["Deliveries"], &facts["Had to wait"]),
        (&json!("20"), &json!("36"), &json!("2"))
    );
    assert_eq!(script.report(), "no");
    assert!(site.deeds.take().is_empty());
    script.go_on();
    assert_eq!(script.report(), json!(["20 kept events were thrown away.", "good"]));
    assert_eq!(site.deeds.take(), ["purge news"]);
    site.made_up.world().can_purge = false;
    script.go_on();
    assert_eq!(
        script.report(),
        json!(["That did not work: nothing was thrown away: the journal is unavailable.", "bad"])
    );
    script.end();
}

#[test]
fn a_drain_and_a_reload_are_asked_about_and_told() {
    let site = Site::new();
    let mut script = site.script("server");
    let cards = script.report();
    assert_eq!(cards["Deliveries"]["Due to open streams"], "52");
    assert_eq!(cards["Streams closed, by reason"], json!({ "client-gone": "7", "write-timeout": "1" }));
    assert_eq!(cards["Publishes, by outcome"], json!({ "draining": "0", "published": "20" }));
    assert_eq!(cards["State"]["Version"], env!("CARGO_PKG_VERSION"));
    assert!(site.deeds.take().is_empty(), "no is no");
    script.go_on();
    let reloaded = script.report();
    assert_eq!(reloaded[0], json!(["Reloaded. Used from now on: keys. Needs a restart: nothing.", "good"]));
    assert_eq!(reloaded[1]["Used from now on"], "keys");
    assert_eq!(site.deeds.take(), ["reload"]);
    script.go_on();
    assert_eq!(script.report(), json!(["The drain has begun.", "good"]));
    assert_eq!(site.deeds.take(), ["drain"]);
    script.end();
}

#[test]
fn a_reload_of_a_broken_file_says_what_is_wrong() {
    let site = Site::with(Admin::default(), "broken");
    let mut script = site.script("broken");
    assert_eq!(script.report(), json!(["That did not work: keys.toml: line 3: expected `=`.", "bad"]));
    script.end();
}

/// Each verdict, with the mark that it has, words of its sentence, and words of what to do.
fn verdicts() -> Vec<(Verdict, &'static str, &'static str, &'static str)> {
    let (from, to) = (UNIX_EPOCH + Duration::from_secs(1), UNIX_EPOCH + Duration::from_secs(2));
    let gap = Gap { from: Some(event_id(1)), to: Some(event_id(9)), missed: Some(8), reason: GapReason::Busy };
    vec![
        (Verdict::NoSuchEvent, "✗", "No event has this id", "Compare the id"),
        (
            Verdict::NotConnected,
            "✗",
            "The client had no stream at this server then, or its stream began behind the event",
            "when it comes back with the id of its last event",
        ),
        (Verdict::Refused { rule: "denied".to_owned(), at: from }, "✗", "refused at", "your application said no"),
        (Verdict::NotSubscribed, "✗", "follows no target", "Compare the targets"),
        (Verdict::Written { from, to }, "✓", "The socket took the event", "does a proxy hold bytes back"),
        (Verdict::Repaired { from, to }, "✓", "The history gave the event", "late and from the history"),
        (Verdict::Waiting { place: Place::Inbox }, "…", "in front of the shard", "too much to do"),
        (Verdict::Waiting { place: Place::Ring }, "…", "in the ring", "more slowly than they come"),
        (Verdict::Waiting { place: Place::Socket }, "…", "in the socket", "write-timeout"),
        (Verdict::Waiting { place: Place::History }, "…", "at its own pace", "catches up"),
        (Verdict::Dropped { gap: None }, "✗", "will be told a gap", "The client will be told a gap"),
        (Verdict::Dropped { gap: Some(gap) }, "✗", "was told a gap", "ring-messages"),
        (Verdict::InGap { gap: None }, "✗", "has let go", "The client will be told a gap"),
        (Verdict::InGap { gap: Some(gap) }, "✗", "had let go", "history-age"),
        (
            Verdict::Closed { reason: CloseReason::ClientGone, at: to },
            "✗",
            "before the event was written",
            "The client has gone",
        ),
        (
            Verdict::Closed { reason: CloseReason::Cut, at: to },
            "✗",
            "before the event was written: cut",
            "when it comes back",
        ),
        (Verdict::TooLongAgo, "…", "too long ago", "Ask sooner"),
    ]
}

#[test]
fn every_verdict_is_a_sentence_with_what_to_do() {
    let site = Site::new();
    let mut script = site.script("explain");
    assert_eq!(script.report(), 1, "a space is no part of an id");
    for (verdict, mark, sentence, advice) in verdicts() {
        script.report();
        site.made_up.world().explanation = verdict;
        script.tell(sentence);
        let seen = script.report();
        let text = |index: usize| seen[index].as_str().unwrap();
        assert!(text(0).starts_with(mark) && text(0).contains(sentence), "{seen}");
        assert!(text(1).contains(advice), "{seen}");
        assert!(!text(2).contains(text(1)), "what is said above is not said again: {seen}");
        assert_eq!(text(3), "explained-title", "the focus is where the answer is");
    }
    script.report();
    site.deeds.take();
    script.tell("done");
    assert_eq!(script.report(), "Number of the connection");
    let last = script.report();
    assert_eq!(last[0]["Targets"], "everybody, channel news");
    assert_eq!(last[1], json!(["#connection/7", "#connection/8", "#connection/9"]));
    assert_eq!(site.deeds.take(), ["explain 1796023882123-3 connection 8"]);
    script.go_on();
    script.end();
}

#[test]
fn what_cannot_be_explained_is_told_in_the_words_of_the_server() {
    let site = Site::new();
    let mut script = site.script("unknown");
    assert_eq!(script.report(), "The server says: this connection never was, or it is not known any more.");
    script.end();
}

#[test]
fn names_are_found_by_their_beginning_and_connections_by_their_number() {
    let site = Site::new();
    site.made_up.world().connections.extend((20..60).map(|number| connection(number, &format!("user-{number}"), 0)));
    let mut script = site.script("find");
    assert_eq!(script.report(), json!([["a/b c", "news", "orders.1"], ["ann", "bob", "user-20"]]));
    assert_eq!(script.report(), json!(["user-38", "user-39"]));
    let found = script.report();
    let names: Vec<_> = (40..50).map(|number| format!("user-{number}")).collect();
    assert_eq!(found[0].as_array().unwrap()[0], "Open the client user-4");
    assert_eq!(
        found[0].as_array().unwrap()[1..],
        names.iter().map(|name| Value::from(name.as_str())).collect::<Vec<_>>()
    );
    assert_eq!(found[1], json!(["Open the channel user-4"]));
    assert_eq!(found[2], json!([""]));
    assert_eq!(script.report(), "Connection #8 – Fanfare admin");
    script.end();
}

#[test]
fn a_tail_shows_what_comes_and_can_be_paused_cleared_and_stopped() {
    let site = Site::new();
    let mut script = site.script("tail");
    assert_eq!(script.report(), "open");
    site.publish("news", "one");
    site.publish("sport", "elsewhere");
    site.publish("orders.7", "two");
    let last = site.publish("news", "three\n  <b>lines</b>");
    script.go_on();
    let seen = script.report();
    assert_eq!(seen[0], json!(["three\n  <b>lines</b>", "two", "one"]), "the newest first");
    assert_eq!(seen[1][1], "news");
    assert_eq!(seen[1][2], last);
    assert_eq!(script.report(), "paused");
    site.publish("news", "while paused");
    script.go_on();
    assert_eq!(script.report(), 3);
    assert_eq!(script.report(), json!([[], ""]));
    assert_eq!(script.report(), "Stopped.");
    until("the tail has ended", || site.tails() == 0);
    script.go_on();
    script.end();
}

#[test]
fn gaps_of_a_tail_are_seen_and_so_is_a_tail_that_broke_off() {
    let site = Site::new();
    let mut script = site.script("gaps");
    assert_eq!(
        script.report(),
        json!([
            "an unknown number of events lost: the server has started again. After an unknown event, up to 1796023882123-9.",
            "6 events lost: the reader was too slow. After 1796023882123-3, up to 1796023882123-9.",
        ])
    );
    assert_eq!(script.report(), "The tail was broken off. What was published meanwhile is not in this list.");
    script.end();
}
