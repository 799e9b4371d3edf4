//! Nodes that end or stand still, while others go on: in order, also where Redis is away, and what they had taken is
//! answered.

use std::{
    net::TcpListener,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use crate::{
    node::{SHORT_TIMEOUT, assert_kept, assert_unknown, command},
    rig::RedisServer,
    support::{Process, server::Server, until, wire::Requests},
    watch::Watch,
};

#[test]
fn a_signal_during_the_first_look_at_a_redis_that_is_silent_ends_the_node_in_order() {
    for signal in ["TERM", "INT"] {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("redis://{}", silent.local_addr().unwrap());
        let mut process = Process::start(&mut command(&url, &["--redis-timeout=60s"]));
        let _asked = silent.accept().unwrap();
        process.signal(signal);
        let lines = process.remaining_lines();
        assert_eq!(process.exit().code(), Some(0), "{lines:#?}");
    }
}

#[test]
fn a_node_that_stood_still_catches_up() {
    let redis = RedisServer::start(&[]);
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&redis.url(), &[]));
    let mut streams = [&a, &b].map(|node| Watch::open(node, "/channels/a"));
    let mut due = vec![(b.publish("/channels/a", "before"), "before".to_owned())];
    b.process.signal("STOP");
    for number in 0..200 {
        let data = number.to_string();
        due.push((a.publish("/channels/a", &data), data));
    }
    b.process.signal("CONT");
    // Redis may have been silent for too long, as it looks to the node.
    due.push((b.publish_at_last("/channels/a", &[], "end").id(), "end".to_owned()));
    streams.iter_mut().for_each(|watch| watch.assert_told(&due));
    assert_kept(&[&a, &b], "a", &due);
}

#[test]
fn what_a_node_has_taken_before_it_ends_is_answered_and_comes_from_the_others() {
    const PUBLISHERS: usize = 4;
    let redis = RedisServer::start(&[]);
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&redis.url(), &[]));
    let mut watch = Watch::open(&b, "/channels/a");
    let has_begun = AtomicBool::new(false);
    let address = a.address;
    let told: Vec<_> = thread::scope(|scope| {
        let publishers: Vec<_> = (0..PUBLISHERS)
            .map(|publisher| {
                let has_begun = &has_begun;
                scope.spawn(move || {
                    let mut told = Vec::new();
                    let mut requests = Requests::open(address).unwrap();
                    for number in 0.. {
                        let data = format!("{publisher} {number}");
                        match requests.post("/channels/a", &[], &data) {
                            Ok(answer) if answer.status == 202 => told.push((answer.id(), data)),
                            // It drains, or it is gone.
                            _ => return told,
                        }
                        has_begun.store(number > 50, Ordering::Relaxed);
                    }
                    told
                })
            })
            .collect();
        until("publishes are answered", || has_begun.load(Ordering::Relaxed));
        a.end("TERM");
        publishers.into_iter().flat_map(|publisher| publisher.join().unwrap()).collect()
    });
    b.publish("/channels/a", "end");
    watch.until("end");
    let lost = told.iter().find(|event| !watch.events.contains(event));
    assert_eq!((lost, watch.gaps.len()), (None, 0));
    assert!(watch.events.len() <= told.len() + 1 + PUBLISHERS, "more came than was published");
}

#[test]
fn a_node_ends_in_order_while_redis_is_away_or_has_never_been_there() {
    let mut redis = RedisServer::start(&[]);
    let nodes = [0; 2].map(|_| Server::node(&redis.url(), &[SHORT_TIMEOUT]));
    let _streams = nodes.each_ref().map(|node| Watch::open(node, "/channels/a"));
    let [silent, gone] = nodes;
    redis.pause();
    assert_unknown(&silent.post("/channels/a", &[], "x"));
    silent.end("TERM");
    let unready = Server::unready_node(&redis.url(), &[]);
    unready.end("TERM");
    redis.resume();
    redis.kill();
    gone.until_ill();
    gone.end("TERM");
    Server::unready_node(&redis.url(), &[]).end("TERM");
}
