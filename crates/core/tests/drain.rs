//! The orderly end: what was accepted is delivered, then each stream gets its own last `retry:` line and its end.
//! Also the end of a body: end, cut and drop.

mod support;

use std::task::{Context, Poll, Waker};

use fanfare_core::{
    Config, Policy, Wait,
    engine::{CloseReason, Feed, Framing, Life, SWEEP_TICKS},
};
use support::{Chunks, Flag, Judge, Kit, Link, MockSocket, all, data_in, data_of, poll, taken};

/// Data of a stream that must have ended whole, and its last `retry:`.
fn whole(link: &Link) -> (Vec<String>, u64) {
    let (mut chunks, mut judge) = (Chunks::default(), Judge::default());
    let payloads = chunks.feed(&link.out());
    let data = payloads.iter().flat_map(|payload| judge.feed(payload)).map(|event| event.data).collect();
    assert!(chunks.is_over() && link.is_shut() && judge.is_between_events());
    assert_eq!(payloads.last().unwrap(), format!("retry: {}\n", judge.retries_ms.last().unwrap()).as_bytes());
    (data, *judge.retries_ms.last().unwrap())
}

fn next(feed: &mut Feed<MockSocket>) -> Poll<Option<Result<String, ()>>> {
    let next = feed.poll_next(&mut Context::from_waker(Waker::noop()));
    next.map(|message| message.map(|message| message.map(|message| data_in(&message.whole())).map_err(|_| ())))
}

#[test]
fn what_was_accepted_is_delivered_then_each_stream_ends_with_its_own_time_to_come_back() {
    let mut kit = Kit::new(Config { drain_spread_ms: 500, turn_slots_max: 3, ..Config::default() });
    let slow = kit.connect(Policy::DropNewest, 3);
    let links: Vec<_> = (0..40).map(|_| kit.connect(Policy::DropNewest, usize::MAX)).collect();
    kit.say("1 2");
    kit.hub.drain();
    kit.run();
    let mut times: Vec<_> = links.iter().map(whole).map(|(data, retry_ms)| (data.len(), retry_ms)).collect();
    assert!(times.iter().all(|(count, retry_ms)| *count == 2 && (1_000..=1_500).contains(retry_ms)));
    times.dedup();
    assert!(times.len() > 20, "each its own: {times:?}");
    assert!(!slow.is_shut() && !kit.shards[0].is_drained());
    slow.open();
    kit.run();
    assert_eq!(whole(&slow).0, ["1", "2"]);
}

#[test]
fn a_spread_of_nothing_is_one_second() {
    let mut kit = Kit::new(Config { drain_spread_ms: 0, ..Config::default() });
    let link = kit.connect(Policy::DropNewest, usize::MAX);
    kit.hub.drain();
    kit.run();
    assert_eq!(whole(&link), (vec![], 1_000));
}

#[test]
fn a_client_that_closes_after_the_end_was_drained() {
    let mut kit = Kit::new(Config::default());
    let link = kit.connect(Policy::DropNewest, usize::MAX);
    kit.hub.drain();
    kit.run();
    assert!(link.is_shut() && !link.is_closed(), "it may close its side first");
    assert!(!kit.shards[0].is_drained());
    link.end();
    kit.run();
    assert_eq!(kit.closed()[0].reason, CloseReason::Drained);
    assert!(link.is_closed() && kit.shards[0].is_drained());
}

#[test]
fn a_client_that_does_not_close_is_closed_after_the_linger_time_and_not_a_millisecond_before() {
    let mut kit = Kit::new(Config { linger_ms: 100, ..Config::default() });
    let link = kit.connect(Policy::DropNewest, usize::MAX);
    kit.now_ms = 1_000;
    kit.hub.drain();
    kit.run();
    kit.sweep_at(1_099);
    assert!(!link.is_closed());
    kit.sweep_at(1_100);
    assert_eq!(kit.closed()[0].reason, CloseReason::Drained);
    assert!(link.is_closed());
}

#[test]
fn a_stream_that_is_stuck_at_the_end_times_out_and_is_not_whole() {
    let mut kit = Kit::new(Config { write_timeout_ms: 100, ..Config::default() });
    let link = kit.connect(Policy::DropNewest, 5);
    kit.say("1");
    kit.hub.drain();
    kit.run();
    kit.sweep_at(100);
    assert_eq!(kit.closed()[0].reason, CloseReason::WriteTimeout);
    assert!(!link.is_shut() && link.is_closed());
}

#[test]
fn a_connection_whose_head_comes_out_during_the_drain_gets_what_was_accepted_and_its_end() {
    let mut kit = Kit::new(Config::default());
    let subscription = kit.subscribe(&[]);
    kit.say("1");
    kit.run();
    kit.hub.drain();
    kit.run();
    let link = kit.attach(subscription, Framing::Chunked, usize::MAX);
    kit.run();
    assert_eq!(whole(&link).0, ["1"]);
}

#[test]
fn publishes_that_one_turn_takes_with_a_drain_and_an_attach_are_delivered() {
    let mut kit = Kit::new(Config::default());
    let subscription = kit.subscribe(&[]);
    kit.run();
    kit.say("1 2");
    kit.hub.drain();
    let link = kit.attach(subscription, Framing::Chunked, usize::MAX);
    kit.run();
    assert_eq!(whole(&link).0, ["1", "2"]);
}

#[test]
fn a_hub_over_its_ring_limit_takes_nothing_from_a_stream_that_ends() {
    let mut kit = Kit::new(Config { hub_ring_bytes_max: 0, ..Config::default() });
    let mut feed = kit.subscribe(&[]).into_feed(Life::default());
    let link = kit.connect(Policy::DropNewest, 0);
    kit.say("1");
    kit.hub.drain();
    kit.turn();
    kit.run();
    link.open();
    kit.run();
    assert_eq!(whole(&link).0, ["1"]);
    assert_eq!(taken(&mut feed).len(), 2, "the event and the last line");
}

#[test]
fn those_cut_are_those_who_had_not_taken_everything() {
    let mut kit = Kit::new(Config::default());
    let _whole = kit.connect(Policy::DropNewest, usize::MAX);
    let stuck = kit.connect(Policy::DropNewest, 5);
    let _opening = kit.subscribe(&[]);
    kit.say("1");
    kit.hub.drain();
    kit.run();
    assert_eq!(kit.shards[0].cut(0), 2);
    let mut reasons: Vec<_> = kit.closed().into_iter().map(|closed| closed.reason.as_str()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["cut", "cut", "drained"]);
    assert!(stuck.is_closed() && !stuck.is_shut());
    assert_eq!(kit.hub.ring_bytes(), 0);
    kit.run();
    assert!(kit.shards[0].is_drained());
}

#[test]
fn a_body_ends_after_what_waits_and_its_last_line() {
    let mut kit = Kit::new(Config { ring_messages_max: 2, ..Config::default() });
    let mut feed = kit.subscribe(&[]).into_feed(Life::default());
    kit.run();
    kit.say("1 2");
    kit.hub.drain();
    kit.run();
    assert_eq!((next(&mut feed), next(&mut feed)), (ready("1"), ready("2")));
    assert_eq!(next(&mut feed), Poll::Pending, "its ring had no room for the last line yet");
    kit.run();
    assert_eq!((next(&mut feed), next(&mut feed)), (ready(""), Poll::Ready(None)));
    drop(feed);
    kit.run();
    assert_eq!(kit.closed()[0].reason, CloseReason::Drained);
    assert_eq!(kit.hub.ring_bytes(), 0);
}

fn ready(data: &str) -> Poll<Option<Result<String, ()>>> {
    Poll::Ready(Some(Ok(data.to_owned())))
}

#[test]
fn a_body_that_is_cut_ends_as_an_error_and_its_owner_is_woken() {
    let mut kit = Kit::new(Config::default());
    let life = Life::default();
    let mut feed = kit.subscribe(&[]).into_feed(life.clone());
    kit.run();
    kit.say("1");
    kit.run();
    let (owner, body) = (Flag::new(), Flag::new());
    assert!(life.poll_end(&Context::from_waker(&owner.waker())).is_pending());
    assert_eq!(next(&mut feed), ready("1"));
    assert!(feed.poll_next(&mut Context::from_waker(&body.waker())).is_pending());
    assert_eq!(kit.shards[0].cut(0), 1);
    assert!(owner.take() && body.take());
    assert!(life.poll_end(&Context::from_waker(&owner.waker())).is_ready());
    assert_eq!(next(&mut feed), Poll::Ready(Some(Err(()))));
}

#[test]
fn a_body_whose_life_another_has_ended_is_cut() {
    let mut kit = Kit::new(Config::default());
    let life = Life::default();
    let mut feed = kit.subscribe(&[]).into_feed(life.clone());
    kit.say("1");
    kit.run();
    life.end();
    assert_eq!(next(&mut feed), Poll::Ready(Some(Err(()))));
    drop(feed);
    kit.run();
    assert_eq!((kit.closed()[0].reason, kit.hub.ring_bytes()), (CloseReason::ClientGone, 0));
}

#[test]
fn a_body_that_was_told_the_end_and_takes_nothing_is_cut() {
    for is_timeout in [true, false] {
        let mut kit = Kit::new(Config { write_timeout_ms: 100, ..Config::default() });
        let life = Life::default();
        let _feed = kit.subscribe(&[]).into_feed(life.clone());
        kit.run();
        kit.say("1");
        kit.hub.drain();
        kit.run();
        if is_timeout {
            (0..SWEEP_TICKS).for_each(|_| kit.shards[0].sweep(200));
        } else {
            assert_eq!(kit.shards[0].cut(0), 1);
        }
        assert_eq!(kit.closed().len(), 1);
        assert!(life.has_ended(), "its owner must end the connection, {is_timeout}");
        assert_eq!(kit.hub.ring_bytes(), 0);
    }
}

#[test]
fn a_body_that_is_dropped_leaves_and_lets_go_of_what_waits() {
    let mut kit = Kit::new(Config::default());
    let mut feed = kit.subscribe(&["a"]).into_feed(Life::default());
    kit.run();
    kit.say("1 2 3");
    kit.run();
    assert_eq!(next(&mut feed), ready("1"));
    drop(feed);
    kit.run();
    let closed = kit.closed();
    assert_eq!(
        (closed[0].reason, closed[0].account.written, closed[0].account.dropped),
        (CloseReason::ClientGone, 1, 0)
    );
    assert_eq!((kit.hub.ring_bytes(), kit.hub.registry().connections()), (0, 0));
}

#[test]
fn an_end_in_the_middle_of_a_chunk_finishes_the_chunk_first() {
    let mut kit = Kit::new(Config::default());
    let link = kit.connect(Policy::DropNewest, 7);
    kit.say("1");
    kit.run();
    kit.hub.drain();
    kit.run();
    for _ in 0..200 {
        link.give(1);
        kit.run();
        Chunks::default().feed(&link.out());
    }
    assert_eq!(whole(&link).0, data_of(&link));
    assert_eq!(data_of(&link), ["1"]);
}

#[test]
fn a_shard_is_not_drained_while_a_publish_is_still_being_delivered() {
    let mut kit = Kit::new(Config { turn_slots_max: 1, ..Config::default() });
    let links: Vec<_> = (0..100).map(|_| kit.connect(Policy::DropNewest, usize::MAX)).collect();
    links.iter().for_each(|link| link.end());
    kit.run();
    let mut publishing = kit.publishing(all("last"), Wait::Written);
    assert!(poll(&mut publishing).is_pending());
    kit.hub.drain();
    kit.turn();
    assert!(!kit.shards[0].is_drained(), "its receipt is not written yet");
    kit.run();
    assert!(kit.shards[0].is_drained());
    assert!(poll(&mut publishing).is_ready());
}
