//! The journal behind real hubs without connections: how much it reads, keeps and waits for.

mod node;
mod support;

use fanfare_core::PublishError;
use node::{Node, config, event, id_of};
use support::{Proxy, RedisServer, until};

const EVENTS: &str = "{fanfare}:events";

#[test]
fn nothing_is_read_while_there_is_no_room_for_it() {
    let redis = RedisServer::start(&[]);
    let (writer, mut reader) = (Node::start(config(&redis.url())), Node::paused(config(&redis.url())));
    let last = writer.publish_all((0..4_000).map(|n| event(&n.to_string())));
    // Half of the inbox, a step, and no more than that: the rest is in Redis.
    let full = reader.hub.config().inbox_messages_max / 2;
    until("the inbox is half full", || reader.hub.inbox(0).load().0 > full);
    let waiting = redis.call(&["CLIENT", "LIST"]).text();
    assert!(waiting.contains("cmd=xread"), "{waiting}");
    assert!(reader.hub.inbox(0).load().0 <= full + 64 && reader.hub.last_id() < last);
    reader.resume();
    until("it has all", || reader.hub.last_id() == last);
    assert_eq!(reader.data(), writer.data());
    assert_eq!(reader.data().len(), 4_000);
}

#[test]
fn large_events_and_small_ones_come_through_in_their_order() {
    let redis = RedisServer::start(&[]);
    let (writer, reader) = (Node::start(config(&redis.url())), Node::start(config(&redis.url())));
    let size = |n| if n % 100 < 20 { 300 << 10 } else { 10 };
    let last = writer.publish_all((0..600).map(|n| event(&format!("{n}:{}", "x".repeat(size(n))))));
    until("all are there", || reader.hub.last_id() == last);
    let numbers: Vec<usize> =
        reader.data().iter().map(|data| data.split(':').next().unwrap().parse().unwrap()).collect();
    assert_eq!(numbers, (0..600).collect::<Vec<_>>());
}

#[test]
fn the_stream_keeps_its_number_of_events_and_its_bytes_about() {
    let redis = RedisServer::start(&[]);
    let mut few = config(&redis.url());
    few.events_max = 500;
    let node = Node::start(few);
    // Not more at a time than the Stream keeps: they would be gone before they are read.
    for _ in 0..30 {
        node.publish_all((0..100).map(|n| event(&n.to_string())));
    }
    let length = redis.call(&["XLEN", EVENTS]).int();
    assert!((500..=700).contains(&length), "{length}");
    drop(node);

    let mut small = config(&redis.url());
    small.bytes_max = 1 << 20;
    let node = Node::start(small);
    node.publish_all((0..300).map(|_| event(&"x".repeat(20 << 10))));
    until("it is within its bytes", || redis.call(&["MEMORY", "USAGE", EVENTS]).int() <= 1 << 20);
    assert!(redis.call(&["XLEN", EVENTS]).int() > 10, "and not empty");
}

#[test]
fn a_node_is_not_ready_before_it_has_read_what_was_there() {
    let redis = RedisServer::start(&[]);
    let node = Node::start(config(&redis.url()));
    let last = node.publish_all((0..500).map(|n| event(&n.to_string())));
    let proxy = Proxy::start(redis.port());
    proxy.stall();
    let late = Node::start(config(&proxy.url()));
    until("it has tried", || proxy.accepted() > 0);
    assert!(!late.hub.is_ready());
    proxy.mend();
    until("it is ready", || late.hub.is_ready());
    assert_eq!((late.hub.last_id(), late.data()), (last, node.data()));
}

#[test]
fn what_was_sent_and_not_answered_is_settled_by_what_is_read() {
    let redis = RedisServer::start(&[]);
    let proxy = Proxy::start(redis.port());
    let node = Node::start(config(&proxy.url()));
    id_of(node.publish(event("before")));
    // Redis has it, and cannot say so; the connections break, and the next ones show it.
    proxy.hold_answers();
    let publishing = node.begin(event("held"));
    until("Redis has it", || redis.call(&["XLEN", EVENTS]).int() == 2);
    proxy.cut();
    proxy.mend();
    let id = id_of(publishing.wait());
    assert_eq!((node.hub.last_id(), node.data()), (id, vec!["before".to_owned(), "held".to_owned()]));
}

#[test]
fn what_was_trimmed_before_it_was_read_is_unknown_to_its_publisher_and_missing_to_all() {
    let redis = RedisServer::start(&[]);
    let proxy = Proxy::start(redis.port());
    let node = Node::start(config(&proxy.url()));
    let first = id_of(node.publish(event("before")));
    proxy.hold_answers();
    let publishing = node.begin(event("trimmed"));
    until("Redis has it", || redis.call(&["XLEN", EVENTS]).int() == 2);
    redis.call(&["XTRIM", EVENTS, "MAXLEN", "0"]);
    proxy.cut();
    proxy.mend();
    assert_eq!(publishing.wait().err(), Some(PublishError::Unknown));
    until("the node knows", || node.gap_after(first).is_some());
    let gap = node.gap_after(first).unwrap();
    assert_eq!(gap.reason.as_str(), "expired");
    let next = id_of(node.publish(event("next")));
    assert!(gap.to.is_some_and(|to| to < next));
    assert_eq!(node.data().last().unwrap(), "next");
}
