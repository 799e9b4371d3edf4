//! What became of an event on one connection, for the person who asks.

mod support;

use std::task::Poll;

use fanfare_core::{
    Config, Event, EventId, GapReason, Policy, Retention, Retentions, Start,
    engine::{About, CloseReason, Explanation, Framing, Place, Verdict, Whose},
    journal::{Past, Settled},
};
use support::{Kit, Link, all, channel, client, data_of, poll, to_channel};

fn explained(kit: &mut Kit, id: EventId, whose: Whose) -> Explanation {
    let hub = kit.hub.clone();
    let mut asked = Box::pin(async move { hub.explain(id, &whose).await });
    assert!(poll(&mut asked).is_pending());
    kit.run();
    match poll(&mut asked) {
        Poll::Ready(explanation) => explanation,
        Poll::Pending => panic!("the shards are idle and have not answered"),
    }
}

/// The verdict for the only connection.
fn verdict(kit: &mut Kit, id: EventId) -> Verdict {
    let explanation = explained(kit, id, Whose::Client(client("u")));
    let [fate] = explanation.connections.as_slice() else { panic!("{explanation:?}") };
    fate.verdict
}

fn resumed(kit: &mut Kit, name: &str, after: EventId, room: usize) -> Link {
    let link = kit.attach(kit.subscribe_as("u", &[name], Start::After(after), Policy::Repair), Framing::Chunked, room);
    kit.settle();
    link
}

#[test]
fn what_is_written_after_a_write_that_was_taken_in_two_parts_has_its_own_time() {
    let mut kit = Kit::new(Config::default());
    let link = kit.connect(Policy::Repair, usize::MAX);
    link.write_max(20);
    let large = kit.publish(all(&"x".repeat(50))).id;
    kit.run();
    kit.now_ms = 60_000;
    let small = kit.publish(all("y")).id;
    kit.run();
    kit.now_ms = 90_000;
    assert_eq!(verdict(&mut kit, large), Verdict::Written(Some((0, 0))));
    assert_eq!(verdict(&mut kit, small), Verdict::Written(Some((60_000, 60_000))));
}

#[test]
fn events_that_wait_behind_a_heartbeat_were_written_when_the_client_took_them() {
    let mut kit = Kit::new(Config { heartbeat_ms: 10_000, ..Config::default() });
    let link = kit.connect(Policy::Repair, 1);
    for ms in [5_000, 10_000, 15_000] {
        kit.sweep_at(ms);
    }
    assert!(link.is_full(), "the heartbeat waits");
    let id = kit.publish(all("x")).id;
    kit.run();
    kit.now_ms = 40_000;
    link.open();
    kit.run();
    assert_eq!(verdict(&mut kit, id), Verdict::Written(Some((15_000, 40_000))));
}

#[test]
fn what_the_history_gives_behind_a_hole_is_repaired_too() {
    let each = Retention { events_max: 20, ..Retention::default() };
    let history = Retentions { each, ..Retentions::default() };
    let mut kit = Kit::new(Config { ring_messages_max: 4, patience_ms: 0, history, ..Config::default() });
    let link = kit.connect(Policy::Repair, 0);
    let ids: Vec<_> = (0..60).map(|n| (kit.publish(all(&n.to_string())).id, kit.run()).0).collect();
    kit.now_ms = 5_000;
    link.open();
    kit.settle();
    assert_eq!(data_of(&link).last().map(String::as_str), Some("59"));
    for id in [ids[45], ids[58]] {
        assert!(matches!(verdict(&mut kit, id), Verdict::Repaired(..)), "{:?}", verdict(&mut kit, id));
    }
    assert!(matches!(verdict(&mut kit, ids[20]), Verdict::InGap(_)), "{:?}", verdict(&mut kit, ids[20]));
}

#[test]
fn what_left_the_history_before_a_stuck_stream_could_read_it_is_lost_already() {
    let each = Retention { events_max: 5, ..Retention::default() };
    let history = Retentions { each, ..Retentions::default() };
    let mut kit = Kit::new(Config { ring_messages_max: 2, patience_ms: 0, history, ..Config::default() });
    let link = kit.connect(Policy::Repair, 0);
    let ids: Vec<_> = (0..20).map(|n| (kit.publish(all(&n.to_string())).id, kit.run()).0).collect();
    assert_eq!(verdict(&mut kit, ids[8]), Verdict::InGap(None));
    assert_eq!(verdict(&mut kit, ids[15]), Verdict::Waiting(Place::History));
    link.open();
    kit.settle();
    let Verdict::InGap(Some(gap)) = verdict(&mut kit, ids[8]) else { panic!("{:?}", verdict(&mut kit, ids[8])) };
    assert!(gap.from < Some(ids[8]) && Some(ids[8]) <= gap.to, "{gap:?}");
    assert!(matches!(verdict(&mut kit, ids[15]), Verdict::Repaired(..)), "{:?}", verdict(&mut kit, ids[15]));
}

#[test]
fn what_left_the_history_and_was_not_read_yet_goes_with_its_stream() {
    let each = Retention { events_max: 5, ..Retention::default() };
    let history = Retentions { each, ..Retentions::default() };
    let mut kit = Kit::new(Config { ring_messages_max: 2, patience_ms: 0, history, ..Config::default() });
    let link = kit.connect(Policy::Repair, 0);
    let ids: Vec<_> = (0..20).map(|n| (kit.publish(all(&n.to_string())).id, kit.run()).0).collect();
    link.end();
    kit.run();
    assert!(matches!(verdict(&mut kit, ids[8]), Verdict::Closed(_)), "{:?}", verdict(&mut kit, ids[8]));
}

#[test]
fn what_the_history_gives_of_the_time_since_a_stream_has_opened_is_repaired() {
    let mut kit = Kit::new(Config { ring_messages_max: 2, ..Config::default() });
    let before = kit.hub.last_id();
    let old: Vec<_> = (0..20).map(|n| (kit.publish(to_channel("a", &n.to_string())).id, kit.run()).0).collect();
    let link = resumed(&mut kit, "a", before, 0);
    let new = kit.publish(to_channel("a", "new")).id;
    kit.run();
    assert_eq!(verdict(&mut kit, new), Verdict::Waiting(Place::History));
    link.open();
    kit.settle();
    assert_eq!(data_of(&link).len(), 21);
    for id in [old[19], new] {
        assert!(matches!(verdict(&mut kit, id), Verdict::Repaired(..)), "{:?}", verdict(&mut kit, id));
    }
    let live = kit.publish(to_channel("a", "live")).id;
    kit.run();
    assert!(matches!(verdict(&mut kit, live), Verdict::Written(_)));
}

#[test]
fn what_the_journal_has_lost_is_in_the_gap_that_was_told_for_it() {
    let mut kit = Kit::behind_journal(Config::default());
    kit.hub.desk().restore_past(Past { is_shared: true, ..Past::default() });
    let _link = kit.connect(Policy::Repair, usize::MAX);
    let id = |ms| EventId::new(ms, 0);
    kit.settle_all([
        Settled::Other(id(2_000), all("1")),
        Settled::Lost(id(3_000), GapReason::Restart),
        Settled::Other(id(4_000), all("2")),
    ]);
    kit.settle();
    let explanation = explained(&mut kit, id(2_500), Whose::Client(client("u")));
    assert_eq!(explanation.about, About::Forgotten);
    let Verdict::InGap(Some(gap)) = explanation.connections[0].verdict else { panic!("{explanation:?}") };
    assert_eq!((gap.reason, gap.to), (GapReason::Restart, Some(id(3_000))));
    assert!(matches!(verdict(&mut kit, id(4_000)), Verdict::Written(_)));
    assert_eq!(explained(&mut kit, id(3_500), Whose::Client(client("u"))).about, About::NoEvent);
}

#[test]
fn a_connection_that_had_ended_before_is_told_as_not_connected() {
    let mut kit = Kit::new(Config::default());
    let subscription = kit.subscribe_as("u", &[], Start::Now, Policy::Repair);
    let connection = subscription.connection();
    let link = kit.attach(subscription, Framing::Chunked, usize::MAX);
    kit.run();
    link.end();
    kit.run();
    let id = kit.publish(all("x")).id;
    kit.run();
    let explanation = explained(&mut kit, id, Whose::Connection(connection));
    assert_eq!(explanation.connections[0].verdict, Verdict::NotConnected);
    assert!(explanation.connections[0].ended.is_some());
    assert!(explained(&mut kit, id, Whose::Client(client("u"))).connections.is_empty(), "nor of the client");
}

#[test]
fn what_an_ended_stream_was_to_be_told_was_not() {
    for policy in [Policy::DropNewest, Policy::DropOldest] {
        let mut kit = Kit::new(Config { ring_messages_max: 2, patience_ms: 0, ..Config::default() });
        let link = kit.connect(policy, 0);
        let ids: Vec<_> = (0..6).map(|n| (kit.publish(all(&n.to_string())).id, kit.run()).0).collect();
        let dropped = if policy == Policy::DropNewest { ids[5] } else { ids[1] };
        assert!(matches!(verdict(&mut kit, dropped), Verdict::Dropped(_)), "{policy:?}");
        link.reset();
        kit.run();
        assert_eq!(verdict(&mut kit, dropped), Verdict::Closed(CloseReason::ClientGone), "{policy:?}");
    }
}

#[test]
fn of_many_connections_the_newest_that_were_there_are_told_and_that_there_are_more() {
    let mut kit = Kit::new(Config::default());
    let first = kit.connect(Policy::Repair, usize::MAX);
    let id = kit.publish(all("x")).id;
    kit.run();
    let later: Vec<_> = (0..200).map(|_| kit.connect(Policy::Repair, usize::MAX)).collect();
    first.end();
    kit.run();
    let explanation = explained(&mut kit, id, Whose::Client(client("u")));
    assert_eq!(explanation.connections.len(), 1, "the others came after it");
    assert!(matches!(explanation.connections[0].verdict, Verdict::Written(_)) && !explanation.is_forgetful);
    let next = kit.publish(Event::new(fanfare_core::Target::Client(client("u")), "y")).id;
    kit.run();
    let explanation = explained(&mut kit, next, Whose::Client(client("u")));
    assert_eq!((explanation.connections.len(), explanation.is_forgetful), (128, true));
    assert_eq!(explanation.connections[127].connection, 201, "the newest are told");
    drop(later);
}

#[test]
fn many_slots_are_looked_at_over_many_turns() {
    let mut kit = Kit::new(Config { turn_slots_max: 1, ..Config::default() });
    let _links: Vec<_> = (0..100).map(|_| kit.connect(Policy::Repair, usize::MAX)).collect();
    let hub = kit.hub.clone();
    let mut asked = Box::pin(async move { hub.disconnect(&Whose::Connection(100)).await });
    assert!(poll(&mut asked).is_pending());
    let mut turns = 0;
    let ended = loop {
        kit.turn();
        turns += 1;
        if let Poll::Ready(ended) = poll(&mut asked) {
            break ended;
        }
    };
    // Sixteen slots in each turn.
    assert_eq!((ended, turns), (1, 7));
}

#[test]
fn a_gap_in_the_first_lines_of_a_stream_is_counted() {
    let mut kit = Kit::new(Config::default());
    let _link = resumed(&mut kit, "a", EventId::new(900_000, 0), usize::MAX);
    let unknown = GapReason::ALL.iter().position(|reason| *reason == GapReason::UnknownId).unwrap();
    assert_eq!(kit.hub.figures().totals.gaps[unknown], 1);
    kit.publish(to_channel("a", "1"));
    assert_eq!(kit.hub.kept_of(&channel("a")).0, 1);
}

#[test]
fn what_a_stream_of_the_policy_close_ends_for_goes_with_it() {
    let unlimited = Config::default().hub_ring_bytes_max;
    // The third finds no room in the ring, or rings have no room for all eight.
    for (ring_messages_max, hub_ring_bytes_max, ended) in [(2, unlimited, 3), (1_000, 100, 8)] {
        let mut kit = Kit::new(Config { ring_messages_max, hub_ring_bytes_max, ..Config::default() });
        let link = kit.connect(Policy::Close, 0);
        let ids: Vec<_> = (1..9).map(|n| kit.publish(all(&n.to_string())).id).collect();
        kit.run();
        kit.sweep_at(0);
        kit.run();
        assert!(link.is_closed());
        for id in &ids[..ended] {
            assert_eq!(verdict(&mut kit, *id), Verdict::Closed(CloseReason::Busy), "{id}");
        }
    }
}

#[test]
fn a_gap_that_a_client_has_gone_before_was_not_told() {
    let mut kit = Kit::new(Config::default());
    let link = kit.connect(Policy::Repair, usize::MAX);
    for word in ["0", "1"] {
        kit.publish(all(word));
    }
    kit.run();
    let two_bytes = link.out().len();
    let each = Retention { events_max: 5, ..Retention::default() };
    let history = Retentions { each, ..Retentions::default() };
    for has_gap in [false, true] {
        let mut kit =
            Kit::new(Config { ring_messages_max: 2, patience_ms: 0, history: history.clone(), ..Config::default() });
        let link = kit.connect(Policy::Repair, 0);
        let ids: Vec<_> = (0..20).map(|n| (kit.publish(all(&n.to_string())).id, kit.run()).0).collect();
        // Room for what waits, and perhaps for its gap too.
        link.give(two_bytes + if has_gap { 1_000 } else { 1 });
        kit.settle();
        link.end();
        kit.run();
        let is_told = matches!(verdict(&mut kit, ids[8]), Verdict::InGap(Some(_)));
        assert_eq!(is_told, has_gap, "{:?}", verdict(&mut kit, ids[8]));
        assert!(is_told || matches!(verdict(&mut kit, ids[8]), Verdict::Closed(_)));
    }
}
