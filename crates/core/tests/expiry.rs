//! Streams whose time is over: they end in good order, and nobody else does.

mod support;

use std::task::{Context, Poll, Waker};

use fanfare_core::{
    Config, Heartbeat, Policy, Start, Told,
    engine::{CloseReason, Feed, Framing, Life, Subscribe},
};
use support::{Chunks, Judge, Kit, Link, MockSocket, all, data_in, data_of, say, told_to};

/// Wishes of a stream with policy repair that ends at `expires_ms`.
fn wishes(kit: &Kit, expires_ms: u64) -> Subscribe {
    Subscribe { policy: Policy::Repair, expires_ms: Some(expires_ms), ..kit.wishes(&["a"]) }
}

fn open(kit: &mut Kit, wishes: Subscribe, room: usize) -> Link {
    let link = kit.attach(kit.hub.subscribe(wishes).unwrap(), Framing::Chunked, room);
    kit.run();
    link
}

/// The data of a stream that must have ended whole, with `retry:` as its last line.
fn whole(link: &Link, retry_ms: u64) -> Vec<String> {
    let (mut chunks, mut judge) = (Chunks::default(), Judge::default());
    let payloads = chunks.feed(&link.out());
    payloads.iter().for_each(|payload| drop(judge.feed(payload)));
    assert!(chunks.is_over() && link.is_shut() && judge.is_between_events());
    assert_eq!(payloads.last().unwrap(), format!("retry: {retry_ms}\n").as_bytes());
    data_of(link)
}

fn next(feed: &mut Feed<MockSocket>) -> Poll<Option<String>> {
    let next = feed.poll_next(&mut Context::from_waker(Waker::noop()));
    next.map(|message| message.map(|message| data_in(&message.expect("it is not cut").whole())))
}

#[test]
fn a_stream_ends_at_its_time_and_not_a_millisecond_before_and_no_other_does() {
    let mut kit = Kit::new(Config { expired_retry_ms: 7, ..Config::default() });
    let [ends, later] = [1_000, 1_001].map(|expires_ms| wishes(&kit, expires_ms));
    let [ends, later] = [ends, later].map(|wishes| open(&mut kit, wishes, usize::MAX));
    let never = kit.connect(Policy::Repair, usize::MAX);
    kit.say("1");
    kit.run();
    kit.sweep_at(999);
    assert!(!ends.is_shut());
    kit.sweep_at(1_000);
    assert_eq!(whole(&ends, 7), ["1"]);
    assert!(!later.is_shut() && !never.is_shut());
    kit.say("2");
    kit.run();
    assert_eq!((data_of(&ends), data_of(&later)), (vec!["1".to_owned()], vec!["1".to_owned(), "2".to_owned()]));
    ends.end();
    kit.run();
    let closed = kit.closed();
    assert_eq!((closed[0].reason, closed[0].account.matched, closed.len()), (CloseReason::Expired, 1, 1));
    kit.sweep_at(1_001);
    assert_eq!(whole(&later, 7), ["1", "2"]);
    kit.sweep_at(1_000_000);
    assert!(!never.is_shut());
}

#[test]
fn a_client_that_does_not_close_its_side_is_closed_after_the_linger_time() {
    let mut kit = Kit::new(Config { linger_ms: 100, ..Config::default() });
    let wishes = wishes(&kit, 1_000);
    let link = open(&mut kit, wishes, usize::MAX);
    kit.sweep_at(1_000);
    kit.sweep_at(1_099);
    assert!(link.is_shut() && !link.is_closed());
    kit.sweep_at(1_100);
    assert_eq!((kit.closed()[0].reason, link.is_closed()), (CloseReason::Expired, true));
    assert_eq!(whole(&link, 100), [""; 0], "the default brings it back at once");
    assert_eq!(kit.hub.registry().connections(), 0);
}

#[test]
fn what_waits_comes_before_the_end_and_what_is_published_then_does_not() {
    let mut kit = Kit::new(Config::default());
    let wishes = wishes(&kit, 1_000);
    let link = open(&mut kit, wishes, 5);
    kit.say("1 2");
    kit.run();
    kit.sweep_at(1_000);
    kit.say("3");
    kit.run();
    assert!(!link.is_shut());
    link.open();
    kit.run();
    assert_eq!(whole(&link, 100), ["1", "2"]);
    link.end();
    kit.run();
    let closed = &kit.closed()[0];
    assert_eq!((closed.reason, closed.account.matched, closed.account.written), (CloseReason::Expired, 2, 2));
}

#[test]
fn a_pass_under_way_does_not_reach_a_stream_whose_time_is_over() {
    let mut kit = Kit::new(Config { turn_slots_max: 1, ..Config::default() });
    let links: Vec<_> = (0..4)
        .map(|_| {
            let wishes = wishes(&kit, 1_000);
            open(&mut kit, wishes, usize::MAX)
        })
        .collect();
    kit.say("1");
    kit.turn();
    kit.sweep_at(1_000);
    kit.run();
    let got: Vec<_> = links.iter().map(|link| whole(link, 100).len()).collect();
    assert_eq!(got.iter().sum::<usize>(), 1, "one had it before the sweep: {got:?}");
    links.iter().for_each(|link| link.end());
    kit.run();
    let closed = kit.closed();
    assert!(closed.iter().all(|closed| closed.account.matched == closed.account.written));
    assert_eq!(closed.len(), 4);
}

#[test]
fn a_stream_that_reads_history_is_given_no_more_of_it_and_comes_back_with_its_cursor() {
    let mut kit = Kit::new(Config { ring_messages_max: 2, ..Config::default() });
    kit.say("1 2 3 4 5");
    kit.run();
    let late = Subscribe { start: Start::Earliest, ..wishes(&kit, 1_000) };
    let link = open(&mut kit, late.clone(), usize::MAX);
    assert_eq!(kit.answer(), 1);
    kit.run();
    // It has asked again. Its answer comes too late.
    let asked = kit.reads();
    kit.sweep_at(1_000);
    asked.into_iter().for_each(|request| kit.hub.read(request));
    kit.settle();
    assert_eq!(whole(&link, 100), ["1", "2"]);
    let cursor = support::events_of(&link).last().unwrap().last_id.parse().unwrap();
    let again = Subscribe { start: Start::After(cursor), expires_ms: None, catching_up: None, ..late };
    let link = open(&mut kit, again, usize::MAX);
    kit.settle();
    assert_eq!((data_of(&link), told_to(&link)), (["3", "4", "5"].map(str::to_owned).to_vec(), vec![]));
}

#[test]
fn a_stream_in_line_for_history_ends_and_holds_up_nobody_behind_it() {
    let mut kit = Kit::new(Config { reads_max: 1, ..Config::default() });
    kit.say("1 2");
    kit.run();
    let late = Subscribe { start: Start::Earliest, ..wishes(&kit, 1_000) };
    let first = open(&mut kit, Subscribe { expires_ms: None, catching_up: None, ..late.clone() }, usize::MAX);
    let second = open(&mut kit, late.clone(), usize::MAX);
    let third = open(&mut kit, Subscribe { expires_ms: None, catching_up: None, ..late }, usize::MAX);
    kit.sweep_at(1_000);
    assert_eq!(whole(&second, 100), [""; 0]);
    kit.settle();
    assert_eq!((data_of(&first).len(), data_of(&third).len()), (2, 2));
}

#[test]
fn a_stream_that_is_repaired_ends_behind_its_ring() {
    let mut kit = Kit::new(Config { ring_messages_max: 2, ..Config::default() });
    let wishes = wishes(&kit, 1_000);
    let link = open(&mut kit, wishes, 0);
    kit.say("1 2 3 4");
    kit.run();
    kit.sweep_at(1_000);
    assert!(!link.is_shut());
    link.open();
    kit.settle();
    assert_eq!((whole(&link, 100), told_to(&link)), (vec!["1".to_owned(), "2".to_owned()], vec![]));
    link.end();
    kit.run();
    let closed = &kit.closed()[0];
    assert_eq!((closed.reason, closed.account.owed, closed.account.lost), (CloseReason::Expired, 2, 0));
}

#[test]
fn a_stream_that_dropped_events_tells_the_gap_before_it_ends() {
    for policy in [Policy::DropNewest, Policy::DropOldest] {
        let mut kit = Kit::new(Config { ring_messages_max: 2, ..Config::default() });
        let wishes = Subscribe { policy, ..wishes(&kit, 1_000) };
        let link = open(&mut kit, wishes, 0);
        kit.say("1 2 3 4");
        kit.run();
        kit.sweep_at(1_000);
        link.open();
        kit.run();
        let missed: Vec<_> = told_to(&link).into_iter().map(|told| told.missed).collect();
        whole(&link, 100);
        assert_eq!((missed, support::events_of(&link).len()), (vec![Some(2)], 3), "{policy:?}");
    }
}

#[test]
fn a_stream_whose_time_is_over_before_its_head_is_out_ends_when_it_is_attached() {
    let mut kit = Kit::new(Config::default());
    let subscription = kit.hub.subscribe(wishes(&kit, 0)).unwrap();
    kit.say("1");
    kit.run();
    kit.sweep_at(1_000);
    assert_eq!(kit.closed(), []);
    let link = kit.attach(subscription, Framing::Chunked, usize::MAX);
    kit.run();
    assert_eq!(whole(&link, 100), ["1"]);
    let late = Subscribe { start: Start::Earliest, ..wishes(&kit, 0) };
    let link = open(&mut kit, late, usize::MAX);
    assert_eq!((whole(&link, 100), kit.answer()), (vec![], 0), "it asks for no history");
}

#[test]
fn a_body_ends_behind_what_waits() {
    let mut kit = Kit::new(Config { ring_messages_max: 2, ..Config::default() });
    let life = Life::default();
    let mut feed = kit.hub.subscribe(wishes(&kit, 1_000)).unwrap().into_feed(life.clone());
    kit.run();
    kit.say("1 2");
    kit.run();
    kit.sweep_at(1_000);
    kit.say("3");
    kit.run();
    let ready = |data: &str| Poll::Ready(Some(data.to_owned()));
    assert_eq!([next(&mut feed), next(&mut feed)], [ready("1"), ready("2")]);
    assert_eq!(next(&mut feed), Poll::Pending, "its ring had no room for the last line yet");
    kit.run();
    assert_eq!([next(&mut feed), next(&mut feed)], [ready(""), Poll::Ready(None)]);
    assert!(!life.has_ended(), "it was not cut");
    drop(feed);
    kit.run();
    assert_eq!((kit.closed()[0].reason, kit.hub.ring_bytes()), (CloseReason::Expired, 0));
}

#[test]
fn a_receiver_in_this_process_comes_to_its_end() {
    let mut kit = Kit::new(Config::default());
    let mut feed = kit.hub.subscribe(wishes(&kit, 1_000)).unwrap().into_feed(Life::default());
    kit.run();
    kit.say("1");
    kit.run();
    kit.sweep_at(1_000);
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(Some(Ok(Told::Event(event)))) = feed.poll_told(&mut cx) else { panic!("it waits") };
    assert_eq!(event.fields().data, "1");
    assert!(matches!(feed.poll_told(&mut cx), Poll::Ready(None)));
}

#[test]
fn no_heartbeat_tells_a_cursor_that_the_stream_has_not_come_to() {
    let config = Config { heartbeat_ms: 50, write_timeout_ms: 1_000_000, linger_ms: 1_000_000, ..Config::default() };
    let mut kit = Kit::new(config);
    let wishes = Subscribe { heartbeat: Heartbeat::Cursor, ..wishes(&kit, 1_000) };
    let link = open(&mut kit, wishes, usize::MAX);
    kit.sweep_at(1_000);
    say(&mut kit, "a", "1");
    (2..9).for_each(|second| kit.sweep_at(second * 1_000));
    assert_eq!(whole(&link, 100), [""; 0]);
    assert!(!String::from_utf8(link.out()).unwrap().contains("1000-1"));
}

#[test]
fn a_stream_that_takes_nothing_at_its_end_times_out_and_is_not_whole() {
    let mut kit = Kit::new(Config { write_timeout_ms: 100, ..Config::default() });
    let wishes = wishes(&kit, 1_000);
    let link = open(&mut kit, wishes, 5);
    kit.now_ms = 990;
    kit.say("1");
    kit.run();
    kit.sweep_at(1_000);
    kit.sweep_at(1_090);
    assert_eq!((kit.closed()[0].reason, link.is_shut()), (CloseReason::WriteTimeout, false));
}

#[test]
fn a_drain_does_not_end_a_stream_twice_and_waits_for_its_client() {
    let mut kit = Kit::new(Config { drain_spread_ms: 0, ..Config::default() });
    let [first, second] = [1_000, 2_000].map(|expires_ms| wishes(&kit, expires_ms));
    let [first, second] = [first, second].map(|wishes| open(&mut kit, wishes, usize::MAX));
    kit.sweep_at(1_000);
    kit.publish(all("1"));
    kit.hub.drain();
    kit.run();
    kit.sweep_at(2_000);
    assert_eq!((whole(&first, 100), whole(&second, 1_000)), (vec![], vec!["1".to_owned()]));
    assert!(!kit.shards[0].is_drained());
    [&first, &second].into_iter().for_each(Link::end);
    kit.run();
    let reasons: Vec<_> = kit.closed().into_iter().map(|closed| closed.reason).collect();
    assert_eq!(reasons, [CloseReason::Expired, CloseReason::Drained]);
    assert!(kit.shards[0].is_drained());
}

#[test]
fn a_flood_does_not_wait_for_a_stream_that_ends() {
    let mut kit = Kit::new(Config { ring_messages_max: 4, ..Config::default() });
    let wishes = Subscribe { policy: Policy::Repair, ..wishes(&kit, 1_000) };
    let link = open(&mut kit, wishes, 0);
    kit.now_ms = 1_000;
    kit.say("1 2 3 4");
    while kit.turn() == fanfare_core::engine::Turn::More {}
    let now_ms = kit.now_ms;
    kit.sweep_at(now_ms);
    (0..20).for_each(|_| kit.say("5 6 7 8 9"));
    while kit.turn() == fanfare_core::engine::Turn::More {}
    assert_eq!((kit.now_ms, kit.hub.inbox(0).is_empty(), link.is_shut()), (now_ms, true, false));
}
