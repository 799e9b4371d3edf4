//! `--redis-subscribe`: a message that others PUBLISH in Redis comes from every node as one event, no matter which node
//! takes it and which dies.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::Duration,
};

use crate::{
    rig::RedisServer,
    support::{server::Server, until},
    watch::{Watch, assert_rising},
};

const PATTERN: &str = "--redis-subscribe=news.*";

/// Publishes in Redis until a message is taken. There is no other way to know that the node has begun.
fn until_taken(redis: &RedisServer, node: &Server) {
    until("something is taken", || {
        redis.call(&["PUBLISH", "news.probe", "probe"]).ok();
        !node.kept("news.probe").is_empty()
    });
}

#[test]
fn what_is_published_in_redis_comes_from_every_node_once() {
    let redis = RedisServer::start(&[]);
    let flags = [PATTERN, "--redis-subscribe=*.x"];
    // One that is not asked to takes no part, and has it all the same.
    let nodes = [&flags[..], &flags, &[]].map(|flags| Server::node(&redis.url(), flags));
    until_taken(&redis, &nodes[0]);
    let mut streams = nodes.each_ref().map(|node| Watch::open(node, "/sse?channel=news.x&channel=other"));
    let mut session = redis.session();
    for number in 0..50 {
        // Both patterns match the first, and none the second.
        session.call(&["PUBLISH", "news.x", &number.to_string()]).unwrap().ok();
        session.call(&["PUBLISH", "other", &format!("not taken {number}")]).unwrap().ok();
    }
    session.call(&["PUBLISH", "news.x", "two\nlines"]).unwrap().ok();
    session.call(&["PUBLISH", "news.x", ""]).unwrap().ok();
    session.call(&["PUBLISH", "news.x", "end"]).unwrap().ok();
    let mut due: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    due.extend(["two\nlines", "", "end"].map(str::to_owned));
    for watch in &mut streams {
        watch.until("end");
        assert_rising(&watch.events);
        assert_eq!((watch.data(), watch.gaps.len()), (due.iter().map(String::as_str).collect(), 0));
    }
    assert!(nodes.each_ref().iter().all(|node| node.kept("news.x") == streams[0].events));
}

#[test]
fn whichever_node_goes_another_takes_over_and_nothing_comes_twice_or_out_of_order() {
    let redis = RedisServer::start(&[]);
    let start = || Server::node(&redis.url(), &[PATTERN, "--history-events=1000000"]);
    let mut nodes = vec![start(), start(), start()];
    until_taken(&redis, &nodes[0]);
    let (is_over, sent) = (&AtomicBool::new(false), &AtomicU64::new(0));
    thread::scope(|scope| {
        let _over = OverOnDrop(is_over);
        let mut session = redis.session();
        scope.spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                let number = sent.fetch_add(1, Ordering::Relaxed);
                session.call(&["PUBLISH", "news.x", &number.to_string()]).unwrap().ok();
                thread::sleep(Duration::from_millis(1));
            }
        });
        for signal in ["KILL", "TERM"] {
            let before = sent.load(Ordering::Relaxed);
            until("it is taken", || numbers(&nodes[0]).last() > Some(&before));
            let holder = nodes.iter_mut().position(|node| node.process.has_said("is_holder=true"));
            nodes.remove(holder.expect("one says that it takes it")).end(signal);
            let at_end = sent.load(Ordering::Relaxed);
            until("it is taken again", || numbers(&nodes[0]).last() > Some(&at_end));
        }
    });
    nodes.push(start());
    let end = u64::MAX.to_string();
    nodes[0].publish("/channels/news.x", &end);
    for node in &nodes {
        Watch::resume(node, "/channels/news.x", "1-0").until(&end);
        let numbers = numbers(node);
        let wrong = numbers.windows(2).find(|pair| pair[0] >= pair[1]);
        assert_eq!(wrong, None, "twice, or out of order");
    }
    assert!(numbers(&nodes[0]) == numbers(&nodes[1]));
}

fn numbers(node: &Server) -> Vec<u64> {
    node.kept("news.x").iter().map(|(_, data)| data.parse().unwrap()).collect()
}

struct OverOnDrop<'a>(&'a AtomicBool);

impl Drop for OverOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn what_cannot_be_an_event_is_skipped_with_a_line_in_the_log() {
    let redis = RedisServer::start(&[]);
    let mut node = Server::node(&redis.url(), &[PATTERN]);
    until_taken(&redis, &node);
    let mut watch = Watch::open(&node, "/channels/news.x");
    let mut session = redis.session();
    let long = format!("news.{}", "x".repeat(300));
    let large = "x".repeat(2 << 20);
    for (channel, payload) in [
        (&b"news.\xff"[..], &b"x"[..]),
        (b"news.\n", b"x"),
        (long.as_bytes(), b"x"),
        (b"news.x", b"\xff\xfe"),
        (b"news.x", large.as_bytes()),
    ] {
        session.call(&[b"PUBLISH", channel, payload]).unwrap().ok();
        node.until_logged("skipped");
        session.call(&[&b"PUBLISH"[..], b"news.x", b"good"]).unwrap().ok();
        watch.until("good");
    }
    assert_eq!((watch.data(), watch.gaps.len()), (vec!["good"; 5], 0));
}

#[test]
fn what_nodes_say_to_each_other_in_redis_is_no_event() {
    let redis = RedisServer::start(&[]);
    let nodes = [0; 2].map(|_| Server::node(&redis.url(), &["--redis-subscribe=*"]));
    until_taken(&redis, &nodes[0]);
    let channels = redis.call(&["PUBSUB", "CHANNELS"]);
    for channel in channels.items() {
        let encoded: String = channel.text().bytes().map(|byte| format!("%{byte:02X}")).collect();
        assert_eq!(nodes[0].kept(&encoded), [], "{channel:?}");
    }
    let probes = || i64::try_from(nodes[0].kept("news.probe").len()).unwrap();
    let entries = || redis.call(&["XLEN", crate::node::STREAM]).int();
    until("the node has read all of the stream, and nothing else is in it", || entries() == probes());
}

#[test]
fn it_is_taken_again_after_redis_was_away() {
    let mut redis = RedisServer::start(&crate::node::DURABLE);
    let nodes = [0; 2].map(|_| Server::node(&redis.url(), &[PATTERN]));
    until_taken(&redis, &nodes[0]);
    let mut streams = nodes.each_ref().map(|node| Watch::open(node, "/channels/news.x"));
    redis.restart();
    until("something is taken again", || {
        redis.call(&["PUBLISH", "news.again", "probe"]).ok();
        !nodes[1].kept("news.again").is_empty()
    });
    for data in ["one", "two", "end"] {
        redis.call(&["PUBLISH", "news.x", data]).ok();
    }
    for watch in &mut streams {
        watch.until("end");
        assert_eq!((watch.data(), watch.gaps.len()), (vec!["one", "two", "end"], 0));
    }
}
