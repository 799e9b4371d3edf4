//! The journal behind real hubs without connections: how much it reads, keeps and waits for.

mod node;
mod support;

use std::time::Duration;

use fanfare_core::{Channel, Event, GapReason, Pattern, PublishError, Start, Target};
use fanfare_redis::Config;
use node::{Node, config, event, id_of};
use support::{PATIENCE, Proxy, RedisServer, until};

const EVENTS: &str = "{fanfare}:events";

/// For an answer that does not come, or comes late. It is also more than a busy machine takes for one.
const ANSWER_TIME: Duration = Duration::from_secs(4);

#[test]
fn nothing_is_read_while_there_is_no_room_for_it() {
    let redis = RedisServer::start(&[]);
    let (writer, mut reader) = (Node::start(config(&redis.url())), Node::paused(config(&redis.url())));
    let last = writer.publish_all((0..4_000).map(|n| event(&n.to_string())));
    // Half of the inbox, a step, and no more than that: the rest is in Redis.
    let full = reader.hub.config().inbox_messages_max / 2;
    until("the inbox is half full", || reader.hub.inbox(0).load().messages > full);
    let waiting = redis.call(&["CLIENT", "LIST"]).text();
    assert!(waiting.contains("cmd=xread"), "{waiting}");
    assert!(reader.hub.inbox(0).load().messages <= full + 64 && reader.hub.last_id() < last);
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
    // Counted, not weighed: Redis rounds each allocation up.
    until("it is within its bytes", || redis.call(&["MEMORY", "USAGE", EVENTS, "SAMPLES", "0"]).int() <= 6 << 18);
    assert!(redis.call(&["XLEN", EVENTS]).int() > 10, "and not empty");
}

#[test]
fn a_channel_that_one_node_purges_is_empty_at_all_and_after_a_restart() {
    let redis = RedisServer::start(&[]);
    let [one, other] = [Node::start(config(&redis.url())), Node::start(config(&redis.url()))];
    let first = id_of(one.publish(event("1")));
    let second = id_of(other.publish(event("2")));
    let purged = one.publish(Event::purge(node::channel())).unwrap();
    assert_eq!(purged.matched, 2);
    let last = id_of(other.publish(event("3")));
    until("both have all", || one.hub.last_id() == last && other.hub.last_id() == last);
    let late = Node::start(config(&redis.url()));
    until("it has read what was there", || late.hub.is_ready());
    for node in [&one, &other, &late] {
        assert_eq!(node.data(), ["3"]);
        assert_eq!(
            node.gap_after(first.before()).map(|gap| (gap.reason, gap.to)),
            Some((GapReason::Expired, Some(second)))
        );
    }
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

#[test]
fn what_was_read_comes_to_its_end_while_redis_is_away() {
    let mut redis = RedisServer::start(&[]);
    let mut node = Node::paused(Config { timeout: ANSWER_TIME, ..config(&redis.url()) });
    let full = node.hub.config().inbox_messages_max / 2;
    let begun: Vec<_> = (0..full + 300).map(|n| node.begin(event(&n.to_string()))).collect();
    let all = i64::try_from(begun.len()).unwrap();
    until("Redis has them", || redis.call(&["XLEN", EVENTS]).int() == all);
    until("the inbox is half full", || node.data().len() >= full);
    redis.kill();
    until("the node knows", || node.hub.trouble().is_some());
    node.resume();
    let answers: Vec<_> = begun.into_iter().map(node::Publishing::wait).collect();
    let unknown = answers.iter().filter(|answer| **answer == Err(PublishError::Unknown)).count();
    assert_eq!(node.data().len(), answers.iter().filter(|answer| answer.is_ok()).count());
    assert!(unknown < 300 && answers.iter().all(|answer| !matches!(answer, Err(PublishError::Journal))), "{unknown}");
    until("no place is kept", || node.hub.inbox(0).load().messages == 0);
}

#[test]
fn what_was_read_is_delivered_before_a_drain_ends() {
    let redis = RedisServer::start(&[]);
    let mut node = Node::paused(config(&redis.url()));
    let full = node.hub.config().inbox_messages_max / 2;
    let begun: Vec<_> = (0..full + 150).map(|n| node.begin(event(&n.to_string()))).collect();
    let all = i64::try_from(begun.len()).unwrap();
    until("Redis has them", || redis.call(&["XLEN", EVENTS]).int() == all);
    until("the inbox is half full", || node.data().len() >= full);
    node.hub.drain();
    node.resume();
    for publishing in begun {
        id_of(publishing.wait());
    }
    assert_eq!(node.data().len(), full + 150);
}

#[test]
fn what_redis_refuses_is_not_published_also_where_replicas_are_waited_for() {
    let redis = RedisServer::start(&[]);
    // Half of the time is waited for replicas, with each answer.
    let node = Node::start(Config { replicas: 1, timeout: ANSWER_TIME, ..config(&redis.url()) });
    until("it is ready", || node.hub.is_ready());
    redis.config_set("maxmemory", "1");
    for _ in 0..3 {
        assert_eq!(node.publish(event("x")).err(), Some(PublishError::Journal));
    }
    assert_eq!(redis.call(&["EXISTS", EVENTS]).int(), 0);
}

#[test]
fn replicas_that_are_missing_do_not_cost_the_link() {
    let redis = RedisServer::start(&[]);
    let proxy = Proxy::start(redis.port());
    let node = Node::start(Config { replicas: 1, timeout: ANSWER_TIME, ..config(&proxy.url()) });
    until("it is ready", || node.hub.is_ready());
    let links = proxy.accepted();
    for round in 0..2 {
        let begun: Vec<_> = (0..300).map(|n| node.begin(event(&format!("{round} {n}")))).collect();
        for publishing in begun {
            assert_eq!(publishing.wait().err(), Some(PublishError::Unknown));
        }
    }
    assert!(node.hub.trouble().is_some_and(|trouble| trouble.contains("replicas")), "{:?}", node.hub.trouble());
    assert_eq!((proxy.accepted(), node.data().len()), (links, 600), "they are delivered all the same");
}

#[test]
fn events_that_cannot_be_read_are_told_and_take_places_as_others_do() {
    let redis = RedisServer::start(&[]);
    let mut node = Node::paused(config(&redis.url()));
    until("it is ready", || node.hub.is_ready());
    let born = node.hub.last_id();
    redis.call(&[
        "EVAL",
        "local e = redis.call('HGET', KEYS[2], 'epoch')
         for i = 1, 2000 do
           local head = i % 2 == 0 and 'bad' or '{\"to\":[\"#c\"]}'
           redis.call('XADD', KEYS[1], '*', 'at', e .. ':' .. i .. ':0:z:1', 'head', head, 'data', i)
         end
         redis.call('HSET', KEYS[2], 'n', 2000)",
        "2",
        EVENTS,
        "{fanfare}:meta",
    ]);
    let full = node.hub.config().inbox_messages_max / 2;
    until("the inbox is half full", || node.hub.inbox(0).load().messages > full);
    assert!(node.hub.inbox(0).load().messages <= full + 64);
    node.resume();
    until("all are read", || node.data().len() == 1_000);
    assert_eq!(node.gap_after(born).unwrap().reason.as_str(), "expired");
}

#[test]
fn an_entry_of_the_stream_that_is_larger_than_a_publish_may_be_is_told_as_missing() {
    // Beside its data an event may have 128 KiB.
    let (head, body_bytes_max) = (r##"{"to":["#c"]}"##, 1_000);
    let at_the_limit = body_bytes_max + (128 << 10) - head.len();
    for (bytes, is_event) in [(at_the_limit, true), (at_the_limit + 1, false), (16 << 20, false)] {
        let redis = RedisServer::start(&[]);
        let mut small = config(&redis.url());
        small.message_bytes_max = body_bytes_max;
        let node = Node::start(small.clone());
        until("it is ready", || node.hub.is_ready());
        let born = node.hub.last_id();
        redis.call(&[
            "EVAL",
            "local e = redis.call('HGET', KEYS[2], 'epoch')
             redis.call('XADD', KEYS[1], '*', 'at', e .. ':1:0:z:1', 'head', ARGV[1], 'data', string.rep('x', ARGV[2]))
             redis.call('HSET', KEYS[2], 'n', 1)
             return redis.call('XADD', KEYS[1], '*', 'foreign', 'x')",
            "2",
            EVENTS,
            "{fanfare}:meta",
            head,
            &bytes.to_string(),
        ]);
        let last = node.publish(event("behind")).unwrap().id;
        // And for a node that finds it there.
        let later = Node::start(small);
        until("the other one has read it", || later.hub.is_ready() && later.hub.last_id() == last);
        for node in [&node, &later] {
            let lengths: Vec<_> = node.data().iter().map(String::len).collect();
            assert_eq!(lengths, if is_event { vec![bytes, 6] } else { vec![6] });
            let gap = node.gap_after(born).map(|gap| gap.reason.as_str());
            assert_eq!(gap, (!is_event).then_some("expired"), "{bytes}");
        }
    }
}

#[test]
fn what_is_published_in_redis_and_is_too_long_or_on_too_long_a_name_is_no_event() {
    let redis = RedisServer::start(&[]);
    let mut listening = config(&redis.url());
    (listening.subscribe, listening.message_bytes_max) = (vec![Pattern::new("*").unwrap()], 1_000);
    let node = Node::start(listening);
    let say = |channel: &str, data: &str| drop(redis.call(&["PUBLISH", channel, data]));
    let published = |number: usize| {
        let text = format!("still there {number}");
        until("it takes what is published", || {
            say("c", &text);
            node.data().contains(&text)
        });
    };
    published(0);
    say("c", &"x".repeat(1_000));
    say("c", &"y".repeat(1_001));
    say(&"n".repeat(257), "on a name that is too long");
    say(&"n".repeat(1 << 20), "on one that is far too long");
    published(1);
    // Redis itself gives up a subscriber for which it holds more than 32 MiB; the node comes back.
    for bytes in [4 << 20, 40 << 20] {
        redis.call(&["EVAL", "return redis.call('PUBLISH', 'c', string.rep('z', ARGV[1]))", "0", &bytes.to_string()]);
        published(bytes);
    }
    let lengths: Vec<_> = node.data().into_iter().filter(|data| !data.starts_with("still")).collect();
    assert_eq!(lengths, ["x".repeat(1_000)]);
    let entries = redis.call(&["XRANGE", EVENTS, "-", "+"]);
    let longest = entries.items().iter().map(|entry| entry.items()[1].field("data").text().len()).max();
    assert_eq!(longest, Some(1_000), "nothing larger is in the Stream");
}

#[test]
fn a_flood_in_pub_sub_is_taken_as_far_as_it_fits() {
    let redis = RedisServer::start(&[]);
    let mut listening = config(&redis.url());
    listening.subscribe = vec![Pattern::new("*").unwrap()];
    // A busy machine may be slow to answer. An answer that is late would end the link, and what comes meanwhile is missed.
    listening.timeout = PATIENCE;
    let node = Node::start(listening);
    let mut session = redis.session();
    until("it takes what is published", || {
        session.call(&["PUBLISH", "c", "first"]).unwrap();
        !node.data().is_empty()
    });
    for n in 0..20_000 {
        session.send(&["PUBLISH", "c", &n.to_string()]).unwrap();
    }
    (0..20_000).for_each(|_| drop(session.receive().unwrap()));
    let newest = || redis.call(&["XREVRANGE", EVENTS, "+", "-", "COUNT", "1"]);
    until("all are appended", || newest().items()[0].items()[1].field("data").text() == "19999");
    let last = newest().items()[0].items()[0].text();
    until("all are read", || node.hub.last_id().to_string() == last);
    let numbers: Vec<_> = (0..20_000).map(|n: usize| n.to_string()).collect();
    let published: Vec<_> = node.data().into_iter().filter(|data| data != "first").collect();
    assert_eq!(published, numbers);
}

#[test]
fn a_node_that_did_not_hear_that_it_has_the_lease_asks_again() {
    let redis = RedisServer::start(&[]);
    let mut listening = config(&redis.url());
    listening.subscribe = vec![Pattern::new("c").unwrap()];
    let node = Node::start(listening);
    until("it takes what is published", || {
        redis.call(&["PUBLISH", "c", "x"]);
        !node.data().is_empty()
    });
    let before = node.data().len();
    redis.call(&["PUBLISH", "{fanfare}:lease-taken:0", "somebody else"]);
    until("it takes what is published again", || {
        redis.call(&["PUBLISH", "c", "y"]);
        node.data().len() > before + 1
    });
}

#[test]
fn a_node_that_is_behind_knows_when_it_has_everything_that_was_there_when_it_was_asked() {
    let redis = RedisServer::start(&[]);
    let (writer, mut reader) = (Node::start(config(&redis.url())), Node::paused(config(&redis.url())));
    // The node reads the earlier events at its start at once.
    until("it is ready", || reader.hub.is_ready());
    writer.publish_all((0..4_000).map(|n| event(&n.to_string()).with_own_id(&format!("own {n}")).unwrap()));
    let targets = [Target::Channel(Channel::new("c").unwrap())];
    let is_known = |node: &Node, n: usize| {
        let start = Start::AfterOwn(vec![format!("own {n}")]);
        !node.hub.may_be_ahead(&start, &targets, &[])
    };
    until("it has some", || is_known(&reader, 100));
    let asked = reader.ask();
    assert!(!is_known(&reader, 3_999) && asked.try_recv().is_err());
    reader.resume();
    asked.recv_timeout(PATIENCE).expect("it has everything");
    assert!(is_known(&reader, 3_999));
    // There is nothing more: that is known, too.
    writer.ask().recv_timeout(PATIENCE).expect("it has everything");
    assert!(is_known(&writer, 0) && !is_known(&writer, 4_000));
}

#[test]
fn a_node_without_its_stream_answers_when_it_has_a_link_again() {
    let redis = RedisServer::start(&[]);
    let proxy = Proxy::start(redis.port());
    let node = Node::start(Config { timeout: ANSWER_TIME, ..config(&proxy.url()) });
    node.publish(event("1")).unwrap();
    proxy.stall();
    let asked = node.ask();
    assert_eq!(node.publish(event("2")), Err(PublishError::Unknown), "the link is of no use");
    assert!(asked.try_recv().is_err());
    proxy.mend();
    asked.recv_timeout(PATIENCE).expect("it has everything");
}
