//! Slots and their limits, one behaviour each: rings, policies, partial writes, timeouts, input, opening, leaving.

mod support;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    task::Poll,
};

use fanfare_core::{
    Config, Event, EventId, Policy, Start, Wait,
    engine::{CloseReason, Draft, Framing, Life, RingBudget, Subscribe, Turn},
};
use support::{Chunks, Judge, Kit, Link, all, channel, client, data_of, poll, to_channel, to_client};

/// Size of one small message in the limits.
fn bytes_of(event: Event) -> usize {
    Draft::new(event, RingBudget::new(0).into()).finish(EventId::new(1_000, 0)).bytes()
}

fn open(kit: &mut Kit, link: &Link) -> Vec<String> {
    link.open();
    kit.run();
    data_of(link)
}

fn is_between_chunks(link: &Link) -> bool {
    let mut chunks = Chunks::default();
    chunks.feed(&link.out());
    chunks.is_at_boundary()
}

#[test]
fn a_shard_that_there_is_not_is_a_panic_and_counts_no_connection() {
    let kit = Kit::new(Config::default());
    let subscribe = Subscribe { shard: kit.shards.len(), ..kit.wishes(&[]) };
    assert!(catch_unwind(AssertUnwindSafe(|| kit.hub.subscribe(subscribe))).is_err());
    assert_eq!(kit.hub.registry().connections(), 0);
}

#[test]
fn a_ring_takes_its_limit_of_messages_and_drops_the_next() {
    let mut kit = Kit::new(Config { ring_messages_max: 3, ..Config::default() });
    let link = kit.connect(Policy::DropNewest, 0);
    kit.say("1 2 3");
    kit.run();
    kit.say("4");
    kit.run();
    assert_eq!(open(&mut kit, &link), ["1", "2", "3"]);
    kit.say("5");
    kit.run();
    link.end();
    kit.run();
    let closed = kit.closed();
    assert_eq!((closed[0].account.written, closed[0].account.dropped), (4, 1));
    assert_eq!(data_of(&link), ["1", "2", "3", "5"]);
}

#[test]
fn a_ring_takes_its_limit_of_bytes_and_drops_the_next() {
    let unit = bytes_of(all("1"));
    for (ring_bytes_max, due) in [(2 * unit, vec!["1", "2"]), (2 * unit - 1, vec!["1"])] {
        let mut kit = Kit::new(Config { ring_bytes_max, ..Config::default() });
        let link = kit.connect(Policy::DropNewest, 0);
        for word in ["1", "2", "3"] {
            kit.say(word);
            kit.run();
        }
        assert_eq!(open(&mut kit, &link), due);
    }
}

#[test]
fn an_empty_ring_takes_a_message_of_any_size() {
    let mut kit = Kit::new(Config { ring_bytes_max: 10, ..Config::default() });
    let link = kit.connect(Policy::DropNewest, 0);
    let large = "x".repeat(1 << 20);
    kit.say(&large);
    kit.run();
    kit.say("1");
    kit.run();
    assert_eq!(open(&mut kit, &link), [large]);
    assert_eq!(kit.hub.ring_bytes(), 0);
}

#[test]
fn the_oldest_make_room_but_never_the_one_that_was_begun() {
    let mut kit = Kit::new(Config { ring_messages_max: 2, ..Config::default() });
    let link = kit.connect(Policy::DropOldest, 5);
    for word in ["1", "2", "3", "4", "5"] {
        kit.say(word);
        kit.run();
    }
    assert_eq!(open(&mut kit, &link), ["1", "4", "5"]);
    link.end();
    kit.run();
    let closed = kit.closed();
    assert_eq!((closed[0].account.written, closed[0].account.dropped), (3, 2));
}

#[test]
fn a_heartbeat_that_makes_room_in_a_body_is_not_a_dropped_message() {
    let mut kit = Kit::new(Config { ring_messages_max: 1, heartbeat_ms: 10, ..Config::default() });
    let feed = kit.subscribe_as("u", &[], Start::Now, Policy::DropOldest).into_feed(Life::default());
    kit.run();
    kit.sweep_at(10);
    kit.say("1");
    kit.run();
    drop(feed);
    kit.run();
    assert_eq!(kit.closed()[0].account.dropped, 0, "a comment line is nobody's message");
}

#[test]
fn what_comes_before_the_head_is_out_is_delivered_behind_it() {
    for is_body in [false, true] {
        let mut kit = Kit::new(Config::default());
        kit.say("early");
        let subscription = kit.subscribe(&["a"]);
        kit.say("1 2");
        kit.run();
        kit.say("3");
        if is_body {
            let mut feed = subscription.into_feed(Life::default());
            kit.say("4");
            kit.run();
            let got: Vec<_> = support::taken(&mut feed).iter().map(support::data_in).collect();
            assert_eq!(got, ["1", "2", "3", "4"]);
        } else {
            let link = kit.attach(subscription, Framing::Chunked, usize::MAX);
            kit.say("4");
            kit.run();
            assert_eq!(data_of(&link), ["1", "2", "3", "4"]);
        }
    }
}

#[test]
fn a_ring_that_overflowed_before_the_head_was_out_keeps_its_limit_and_counts_the_rest() {
    let mut kit = Kit::new(Config { ring_messages_max: 2, ..Config::default() });
    let subscription = kit.subscribe(&[]);
    for word in ["1", "2", "3", "4"] {
        kit.say(word);
        kit.run();
    }
    let link = kit.attach(subscription, Framing::Chunked, usize::MAX);
    kit.say("5");
    kit.run();
    assert_eq!(data_of(&link), ["1", "2", "5"]);
    link.end();
    kit.run();
    assert_eq!(kit.closed()[0].account.dropped, 2);
}

#[test]
fn a_body_whose_slot_was_closed_before_it_was_attached_is_cut() {
    let mut kit = Kit::new(Config { ring_messages_max: 1, ..Config::default() });
    let subscription = kit.subscribe_as("u", &[], Start::Now, Policy::Close);
    for word in ["1", "2"] {
        kit.say(word);
        kit.run();
    }
    assert_eq!(kit.closed()[0].reason, CloseReason::Busy);
    let life = Life::default();
    let mut feed = subscription.into_feed(life.clone());
    kit.run();
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(life.has_ended(), "whoever holds the connection hears of it");
    assert!(matches!(feed.poll_next(&mut cx), Poll::Ready(Some(Err(_)))), "it must not wait for ever");
}

#[test]
fn an_event_on_two_of_a_connections_channels_reaches_it_once() {
    let mut kit = Kit::new(Config::default());
    let subscription = kit.subscribe(&["a", "b"]);
    let link = kit.attach(subscription, Framing::Chunked, usize::MAX);
    kit.run();
    let targets = [to_channel("a", ""), to_channel("b", ""), to_client("u", ""), all("")];
    let targets: Vec<_> = targets.iter().flat_map(|event| event.targets().to_vec()).collect();
    let mut publish = kit.publishing(Event::for_targets(targets, "once").unwrap(), Wait::Written);
    assert!(poll(&mut publish).is_pending());
    kit.run();
    let Poll::Ready(Ok(receipt)) = poll(&mut publish) else { panic!("every shard is done") };
    assert_eq!((receipt.matched, data_of(&link)), (1, vec!["once".to_owned()]));
}

#[test]
fn every_connection_of_a_client_gets_what_is_for_the_client_and_nobody_else_does() {
    let mut kit = Kit::new(Config::default());
    let (one, two) = (kit.connect(Policy::DropNewest, usize::MAX), kit.connect(Policy::DropNewest, usize::MAX));
    let subscription = kit.subscribe_as("v", &["u"], Start::Now, Policy::DropNewest);
    let other = kit.attach(subscription, Framing::Chunked, usize::MAX);
    kit.publish(to_client("u", "x"));
    kit.run();
    assert_eq!((data_of(&one), data_of(&two)), (vec!["x".to_owned()], vec!["x".to_owned()]));
    assert_eq!(data_of(&other).len(), 0);
    assert_eq!(kit.hub.registry().connections_of(&client("u")), [1, 2]);
}

#[test]
fn one_who_leaves_in_the_middle_of_a_pass_disturbs_nobody() {
    let mut kit = Kit::new(Config { turn_slots_max: 1, ..Config::default() });
    let links: Vec<_> = (0..4).map(|_| kit.connect(Policy::DropNewest, usize::MAX)).collect();
    kit.say("1");
    kit.turn();
    let reached = links.iter().filter(|link| !data_of(link).is_empty()).count();
    assert!((1..4).contains(&reached), "the pass has yielded: {reached}");
    links[3].end();
    kit.run();
    assert!(links[..3].iter().all(|link| data_of(link) == ["1"]));
    let next = kit.connect(Policy::DropNewest, usize::MAX);
    kit.say("2");
    kit.run();
    assert!(links[..3].iter().all(|link| data_of(link) == ["1", "2"]));
    assert_eq!(data_of(&next), ["2"]);
}

#[test]
fn one_who_comes_in_the_middle_of_a_pass_gets_only_what_is_published_later() {
    let mut kit = Kit::new(Config { turn_slots_max: 1, ..Config::default() });
    let links: Vec<_> = (0..4).map(|_| kit.connect(Policy::DropNewest, usize::MAX)).collect();
    kit.say("1");
    kit.turn();
    assert_eq!(data_of(&links[3]).len(), 0, "the pass has yielded");
    let subscription = kit.subscribe(&[]);
    let link = kit.attach(subscription, Framing::Chunked, usize::MAX);
    kit.say("2");
    kit.run();
    assert_eq!((data_of(&link), data_of(&links[3])), (vec!["2".to_owned()], vec!["1".to_owned(), "2".to_owned()]));
}

#[test]
fn input_up_to_its_limit_is_thrown_away_and_one_byte_more_ends_the_connection() {
    let mut kit = Kit::new(Config { input_bytes_max: 10, ..Config::default() });
    let link = kit.connect(Policy::DropNewest, usize::MAX);
    link.send(4);
    link.send(6);
    kit.run();
    assert_eq!(kit.closed(), []);
    link.send(1);
    kit.run();
    assert_eq!(kit.closed()[0].reason, CloseReason::TooMuchInput);
    assert!(link.is_closed());
}

#[test]
fn a_client_that_ends_or_resets_is_gone() {
    for leave in [Link::end, Link::reset, Link::break_writes] {
        let mut kit = Kit::new(Config::default());
        let link = kit.connect(Policy::DropNewest, usize::MAX);
        leave(&link);
        kit.say("1");
        kit.run();
        assert_eq!(kit.closed()[0].reason, CloseReason::ClientGone);
        assert!(link.is_closed());
    }
}

#[test]
fn a_subscription_that_is_dropped_before_its_head_is_out_leaves() {
    let mut kit = Kit::new(Config::default());
    let subscription = kit.subscribe(&["a"]);
    kit.say("1");
    kit.run();
    drop(subscription);
    kit.run();
    assert_eq!(kit.closed()[0].reason, CloseReason::HandshakeFailed);
    assert_eq!((kit.hub.ring_bytes(), kit.hub.registry().connections()), (0, 0));
}

#[test]
fn bytes_that_wait_for_the_write_timeout_end_the_connection_and_not_a_millisecond_before() {
    let mut kit = Kit::new(Config { write_timeout_ms: 100, heartbeat_ms: 1_000_000, ..Config::default() });
    let link = kit.connect(Policy::DropNewest, 5);
    kit.sweep_at(1_000);
    kit.say("1");
    kit.run();
    kit.sweep_at(1_099);
    assert_eq!(kit.closed(), []);
    link.give(1);
    kit.run();
    kit.sweep_at(1_198);
    assert_eq!(kit.closed(), [], "it took a byte at 1,099");
    kit.sweep_at(1_199);
    assert_eq!(kit.closed()[0].reason, CloseReason::WriteTimeout);
    assert_eq!(kit.hub.ring_bytes(), 0);
}

#[test]
fn a_body_that_takes_nothing_for_the_write_timeout_is_cut() {
    let mut kit = Kit::new(Config { write_timeout_ms: 100, heartbeat_ms: 1_000_000, ..Config::default() });
    let mut feed = kit.subscribe(&[]).into_feed(Life::default());
    kit.run();
    kit.say("1 2");
    kit.run();
    kit.sweep_at(99);
    assert_eq!(kit.closed(), []);
    kit.sweep_at(100);
    assert_eq!(kit.closed()[0].reason, CloseReason::WriteTimeout);
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(matches!(feed.poll_next(&mut cx), Poll::Ready(Some(Err(_)))));
    assert_eq!(kit.hub.ring_bytes(), 0);
}

#[test]
fn silence_for_the_heartbeat_time_brings_a_comment_and_not_a_millisecond_before() {
    let mut kit = Kit::new(Config { heartbeat_ms: 50, ..Config::default() });
    let link = kit.connect(Policy::DropNewest, usize::MAX);
    kit.sweep_at(49);
    assert_eq!(link.out(), b"");
    kit.sweep_at(50);
    assert_eq!(link.out(), b"2\r\n:\n\r\n");
    kit.sweep_at(99);
    assert_eq!(link.writes(), 1);
    kit.say("1");
    kit.run();
    kit.sweep_at(148);
    assert_eq!(link.writes(), 2, "an event says as much as a heartbeat");
    kit.sweep_at(149);
    assert_eq!(link.writes(), 3);
}

#[test]
fn a_chunk_that_was_begun_is_finished_before_a_heartbeat_and_a_heartbeat_before_an_event() {
    let mut kit = Kit::new(Config { heartbeat_ms: 10, write_timeout_ms: 1_000, ..Config::default() });
    let link = kit.connect(Policy::DropNewest, 3);
    kit.say("1");
    kit.run();
    kit.sweep_at(20);
    link.give(4);
    kit.run();
    kit.sweep_at(40);
    assert!(!is_between_chunks(&link));
    link.give(bytes_of(all("1")) - 7);
    kit.run();
    assert!(is_between_chunks(&link));
    // Now the heartbeat is begun and an event comes.
    kit.sweep_at(60);
    link.give(3);
    kit.say("2");
    kit.run();
    assert!(!is_between_chunks(&link));
    assert_eq!(open(&mut kit, &link), ["1", "2"]);
    assert!(is_between_chunks(&link));
}

#[test]
fn writes_of_one_byte_each_give_the_same_stream() {
    let mut kit = Kit::new(Config::default());
    let (plain, tiny) = (kit.connect(Policy::DropNewest, usize::MAX), kit.connect(Policy::DropNewest, usize::MAX));
    tiny.write_max(1);
    kit.say("1 2 3");
    kit.run();
    assert_eq!(plain.writes(), 1, "what comes together leaves in one write");
    assert_eq!((tiny.out(), tiny.writes()), (plain.out(), plain.out().len()));
}

#[test]
fn more_waiting_messages_than_one_write_may_have_buffers_all_leave_in_order() {
    let mut kit = Kit::new(Config { ring_messages_max: 600, ring_bytes_max: 1 << 20, ..Config::default() });
    let link = kit.connect(Policy::DropNewest, 0);
    let words: Vec<_> = (0..600).map(|number| number.to_string()).collect();
    for word in &words {
        kit.say(word);
    }
    kit.run();
    assert_eq!(open(&mut kit, &link), words);
    assert_eq!((link.writes(), kit.hub.ring_bytes()), (3, 0));
}

#[test]
fn bare_framing_has_no_chunk_bytes() {
    let mut kit = Kit::new(Config { heartbeat_ms: 10, ..Config::default() });
    let subscription = kit.subscribe(&[]);
    let link = kit.attach(subscription, Framing::Bare, usize::MAX);
    kit.say("1");
    kit.run();
    kit.sweep_at(10);
    assert_eq!(link.out(), b"id: 1000-1\ndata: 1\n\n:\n");
    assert_eq!(Judge::default().feed(&link.out()).len(), 1);
}

#[test]
fn ids_rise_when_the_clock_steps_back() {
    let mut kit = Kit::new(Config::default());
    let link = kit.connect(Policy::DropNewest, usize::MAX);
    let mut last = EventId::ZERO;
    for unix_ms in [5_000, 5_000, 10, 0, 5_001, 4_000] {
        kit.unix_ms.store(unix_ms, std::sync::atomic::Ordering::Relaxed);
        let id = kit.publish(all("x")).id;
        assert!(id > last, "{id} after {last}");
        last = id;
    }
    kit.run();
    assert_eq!((last, data_of(&link).len()), (EventId::new(5_001, 1), 6));
}

#[test]
fn dropped_messages_are_told_of_once_a_sweep_for_the_target_they_were_going_to() {
    let mut kit = Kit::new(Config { ring_messages_max: 1, ..Config::default() });
    let subscription = kit.subscribe_as("u", &["a", "b"], Start::Now, Policy::DropOldest);
    let _link = kit.attach(subscription, Framing::Chunked, 0);
    kit.publish(to_channel("a", "lost"));
    kit.run();
    kit.publish(to_channel("b", "kept"));
    kit.run();
    assert_eq!(kit.notices(), []);
    kit.sweep_at(0);
    let target = fanfare_core::Target::Channel(channel("a"));
    assert_eq!(kit.notices(), [fanfare_core::engine::Notice::Busy { target, dropped: 1 }]);
    kit.sweep_at(0);
    assert_eq!(kit.notices(), []);
}

#[test]
fn the_same_channel_named_twice_is_followed_once() {
    let mut kit = Kit::new(Config::default());
    let subscription = kit.hub.subscribe(kit.wishes(&["a", "a"])).unwrap();
    let link = kit.attach(subscription, Framing::Chunked, usize::MAX);
    kit.publish(to_channel("a", "1"));
    kit.run();
    assert_eq!(data_of(&link), ["1"]);
    link.end();
    kit.run();
    assert_eq!(kit.hub.registry().estimate(to_channel("a", "").targets()), 0);
}

#[test]
fn over_the_hubs_limit_who_holds_most_of_a_half_written_message_is_closed_and_others_lose_nothing() {
    let mut kit = Kit::new(Config { hub_ring_bytes_max: 5_000, ..Config::default() });
    let stuck = kit.connect(Policy::DropNewest, 10);
    let fine = kit.connect(Policy::DropNewest, usize::MAX);
    kit.publish(all(&"x".repeat(6_000)));
    kit.run();
    kit.sweep_at(0);
    kit.run();
    assert_eq!(kit.closed().iter().map(|closed| closed.reason).collect::<Vec<_>>(), [CloseReason::Busy]);
    assert!(stuck.is_closed());
    assert_eq!(data_of(&fine).len(), 1);
    assert_eq!(kit.hub.ring_bytes(), 0);
}

#[test]
fn two_messages_that_fit_a_ring_one_by_one_are_not_of_one_pass_and_both_arrive() {
    let mut kit = Kit::new(Config { ring_bytes_max: 1_000, ..Config::default() });
    let mut feed = kit.subscribe(&[]).into_feed(Life::default());
    kit.run();
    for word in ["a", "b"] {
        kit.publish(all(&word.repeat(800)));
    }
    let mut taken = Vec::new();
    for _ in 0..3 {
        kit.turn();
        taken.extend(support::taken(&mut feed));
    }
    assert_eq!(taken.len(), 2);
}

#[test]
fn a_sweep_of_many_is_spread_over_turns() {
    let mut kit = Kit::new(Config { turn_slots_max: 2, heartbeat_ms: 10, ..Config::default() });
    let links: Vec<_> = (0..40).map(|_| kit.connect(Policy::DropNewest, usize::MAX)).collect();
    let beaten = |links: &[Link]| links.iter().filter(|link| !link.out().is_empty()).count();
    kit.shards[0].sweep(10);
    assert_eq!(beaten(&links), 2);
    assert_eq!(kit.shards[0].turn(10), Turn::More);
    assert_eq!(beaten(&links), 4);
    while kit.shards[0].turn(10) == Turn::More {}
    assert_eq!(beaten(&links), 10, "a quarter");
}
