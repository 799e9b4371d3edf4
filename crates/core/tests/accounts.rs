//! The accounts of events for connections and channels, and the cursors and gaps that clients receive.

mod support;

use std::{sync::Arc, task::Poll};

use fanfare_core::{
    Account, Config, Event, EventId, GapReason, Heartbeat, Policy, Retention, Retentions, Start, Target,
    engine::{CloseReason, Framing, Life, Prelude, Subscribe, Subscription},
};
use support::{
    Judge, Kit, Link, MockSocket, Told, all, channel, client, data_of, events_of, poll, to_channel, told_to,
};

fn id(n: u64) -> EventId {
    EventId::new(1_000, n)
}

fn follow(kit: &Kit, start: Start, heartbeat: Heartbeat) -> Subscription<MockSocket> {
    let subscribe = Subscribe { start, heartbeat, policy: Policy::Repair, ..kit.wishes(&["a"]) };
    kit.hub.subscribe(subscribe).unwrap()
}

fn accounts(kit: &mut Kit) -> Vec<(u64, Account)> {
    let hub = Arc::clone(&kit.hub);
    let mut asking = Box::pin(async move { hub.accounts_of(&Target::Client(client("u"))).await });
    assert!(poll(&mut asking).is_pending());
    kit.run();
    match poll(&mut asking) {
        Poll::Ready(accounts) => accounts,
        Poll::Pending => panic!("every shard has answered"),
    }
}

fn say_one_by_one(kit: &mut Kit, words: &[&str]) {
    for word in words {
        kit.publish(to_channel("a", word));
        kit.run();
    }
}

#[test]
fn the_account_of_a_connection_follows_it_from_busy_to_repaired_and_lost() {
    let history = Retentions { each: Retention { events_max: 3, ..Retention::default() }, ..Retentions::default() };
    let mut kit = Kit::new(Config { shards: 2, ring_messages_max: 2, history, ..Config::default() });
    let link = kit.attach(follow(&kit, Start::Now, Heartbeat::Comment), Framing::Chunked, 0);
    kit.run();
    say_one_by_one(&mut kit, &["1", "2", "3", "4"]);
    let busy = accounts(&mut kit)[0].1;
    assert_eq!((busy.matched, busy.dropped, busy.owed, busy.queued(), busy.lag()), (4, 2, 2, 2, 4));
    assert_eq!(busy.position, id(2));
    say_one_by_one(&mut kit, &["5", "6", "7"]);
    link.open();
    kit.settle();
    let [(connection, whole)] = accounts(&mut kit)[..] else { panic!("one connection") };
    assert_eq!(connection, 1);
    assert_eq!((whole.matched, whole.written, whole.dropped, whole.repaired, whole.lost), (7, 5, 5, 3, 2));
    assert_eq!((whole.lag(), whole.position, whole.replayed), (0, id(7), 0));
    kit.sweep_at(0);
    let of_channel = kit.hub.registry().channel(&channel("a")).unwrap();
    assert_eq!((of_channel.connections, of_channel.matched, of_channel.queued), (1, 7, 7));
    assert_eq!((of_channel.dropped, of_channel.repaired, of_channel.lost), (5, 3, 2));
    assert_eq!(of_channel.position, id(7));
    link.end();
    kit.run();
    assert_eq!(kit.closed()[0].account, whole, "the last word is the same");
    assert_eq!(kit.hub.registry().channel(&channel("a")), None);
}

#[test]
fn what_is_replayed_is_no_part_of_what_matched() {
    let mut kit = Kit::new(Config::default());
    say_one_by_one(&mut kit, &["1", "2"]);
    let _link = kit.attach(follow(&kit, Start::Earliest, Heartbeat::Comment), Framing::Chunked, usize::MAX);
    kit.settle();
    say_one_by_one(&mut kit, &["3"]);
    kit.publish(all("4"));
    kit.settle();
    let account = accounts(&mut kit)[0].1;
    assert_eq!((account.matched, account.replayed, account.written, account.dropped), (2, 2, 4, 0));
    kit.sweep_at(0);
    let of_all = kit.hub.registry().all();
    assert_eq!((of_all.connections, of_all.matched, of_all.written), (1, 1, 1));
}

#[test]
fn a_cursor_heartbeat_moves_the_client_past_what_was_not_for_it_and_never_past_what_is_under_way() {
    let mut kit = Kit::new(Config { heartbeat_ms: 50, turn_slots_max: 1, ..Config::default() });
    let links: Vec<_> =
        (0..3).map(|_| kit.attach(follow(&kit, Start::Now, Heartbeat::Cursor), Framing::Chunked, usize::MAX)).collect();
    kit.run();
    kit.publish(to_channel("not theirs", "1"));
    kit.run();
    kit.sweep_at(50);
    kit.run();
    assert_eq!(links[0].out(), b"28\r\nevent: fanfare.cursor\nid: 1000-1\ndata:\n\n\r\n");
    // In the middle of a pass only who has been given its part may be told.
    kit.now_ms = 200;
    kit.publish(all("2"));
    kit.turn();
    kit.sweep_at(200);
    kit.run();
    for link in &links {
        let mut judge = Judge::default();
        let text = String::from_utf8(link.out()).unwrap();
        assert!(text.find("id: 1000-2\ndata: 2\n").is_some(), "{text}");
        assert_eq!(text.matches("1000-2").count(), 1, "nothing was told before it was given: {text}");
        support::Chunks::default().feed(&link.out()).iter().for_each(|payload| drop(judge.feed(payload)));
        assert_eq!(judge.last_id, "1000-2");
    }
}

#[test]
fn a_cursor_in_the_prelude_is_where_the_stream_begins_and_an_unknown_id_is_told_there() {
    let mut kit = Kit::new(Config::default());
    say_one_by_one(&mut kit, &["1", "2"]);
    let begins = |start| {
        let subscription = follow(&kit, start, Heartbeat::Cursor);
        let (client, gap, cursor) = (client("u"), subscription.gap(), subscription.cursor());
        let prelude =
            Prelude { retry_ms: 1, connection: 2, client: &client, notes: &[], gap, cursor: Some(cursor) }.to_string();
        (cursor, prelude)
    };
    assert_eq!(begins(Start::Now).0, id(2));
    assert_eq!(begins(Start::After(id(1))).0, id(1));
    let (cursor, text) = begins(Start::After(id(3)));
    let gap = r#"event: fanfare.gap
data: {"from":null,"to":null,"missed":null,"reason":"unknown-id"}"#;
    assert_eq!(
        (cursor, text),
        (id(2), format!("retry: 1\n: connection 2 client u\n{gap}\n\nevent: fanfare.cursor\nid: 1000-2\ndata:\n\n"))
    );
}

fn slow(policy: Policy) -> (Kit, Link) {
    let mut kit = Kit::new(Config { ring_messages_max: 3, ..Config::default() });
    let link = kit.connect(policy, 0);
    for word in ["1", "2", "3", "4", "5"] {
        kit.say(word);
        kit.run();
    }
    (kit, link)
}

#[test]
fn what_drop_newest_drops_is_told_behind_what_waited_and_before_what_is_newer() {
    let (mut kit, link) = slow(Policy::DropNewest);
    link.open();
    kit.say("6");
    kit.run();
    let told = Told { from: Some(id(3)), to: Some(id(5)), missed: Some(2), reason: GapReason::Busy };
    assert_eq!((told_to(&link), data_of(&link)), (vec![told], ["1", "2", "3", "6"].map(str::to_owned).to_vec()));
    assert_eq!(events_of(&link)[3].kind, support::GAP);
}

#[test]
fn what_drop_oldest_drops_is_told_in_its_place() {
    let (mut kit, link) = slow(Policy::DropOldest);
    link.open();
    kit.run();
    let told = Told { from: Some(id(1).before()), to: Some(id(2)), missed: Some(2), reason: GapReason::Busy };
    assert_eq!((told_to(&link), data_of(&link)), (vec![told], ["3", "4", "5"].map(str::to_owned).to_vec()));
    assert_eq!(events_of(&link)[0].kind, support::GAP);
}

#[test]
fn a_body_is_told_in_the_same_places() {
    for (policy, place) in [(Policy::DropNewest, 3), (Policy::DropOldest, 0)] {
        let mut kit = Kit::new(Config { ring_messages_max: 3, ..Config::default() });
        let mut feed = kit.subscribe_as("u", &[], Start::Now, policy).into_feed(Life::default());
        for word in ["1", "2", "3", "4", "5"] {
            kit.say(word);
            kit.run();
        }
        let mut got = Vec::new();
        for _ in 0..3 {
            got.extend(support::taken(&mut feed));
            kit.run();
        }
        kit.say("6");
        kit.run();
        got.extend(support::taken(&mut feed));
        assert_eq!((got.len(), got[place].id()), (5, EventId::ZERO), "{policy:?}");
        assert!(String::from_utf8_lossy(got[place].sse()).contains(r#""missed":2"#));
    }
}

#[test]
fn policy_close_ends_the_connection_at_the_first_message_without_room() {
    let mut kit = Kit::new(Config { ring_messages_max: 2, ..Config::default() });
    let link = kit.connect(Policy::Close, 0);
    kit.say("1 2");
    kit.run();
    assert_eq!(kit.closed(), []);
    kit.say("3");
    kit.run();
    let closed = kit.closed();
    let account = closed[0].account;
    assert_eq!((closed[0].reason, account.dropped, account.lost, account.lag()), (CloseReason::Busy, 1, 0, 3));
    assert!(link.is_closed());
    assert_eq!((kit.hub.ring_bytes(), kit.hub.registry().connections()), (0, 0));
    let totals = kit.hub.figures().totals;
    assert_eq!(
        (totals.lost, totals.abandoned, totals.gaps[GapReason::Busy as usize]),
        (0, 3, 0),
        "it comes back for them"
    );
}

#[test]
fn policy_close_loses_what_no_history_keeps() {
    let mut kit = Kit::new(Config { ring_messages_max: 2, ..Config::default() });
    let _link = kit.connect(Policy::Close, 0);
    kit.say("1 2");
    kit.run();
    kit.publish(Event::new(Target::All, "3").live_only());
    kit.run();
    let account = kit.closed()[0].account;
    assert_eq!((account.dropped, account.lost, account.lag()), (1, 1, 2));
}

#[test]
fn rings_that_are_emptied_under_policy_close_lose_nothing() {
    let mut kit = Kit::new(Config { hub_ring_bytes_max: 100, ..Config::default() });
    let _link = kit.connect(Policy::Close, 0);
    kit.say("1 2 3 4 5 6 7 8");
    kit.run();
    kit.sweep_at(0);
    kit.run();
    let closed = kit.closed();
    assert_eq!((closed[0].reason, closed[0].account.lost, closed[0].account.lag()), (CloseReason::Busy, 0, 8));
    let totals = kit.hub.figures().totals;
    assert_eq!((totals.lost, totals.abandoned, totals.gaps[GapReason::Busy as usize]), (0, 8, 0));
}
