//! A Redis that dies, stops, is slow or is out of reach for some nodes. Publishers learn what became of their events,
//! and streams stay open. When Redis is back, no event is lost and none comes twice.

use std::time::Duration;

use crate::{
    node::{AWAY, BACK, DURABLE, SHORT_TIMEOUT, assert_kept, assert_refused, assert_unknown},
    rig::{Proxy, RedisServer},
    support::server::{Server, id},
    watch::{Watch, assert_rising},
};

const ALIVE: usize = 5;

/// Opens a stream at both nodes.
fn watches(nodes: [&Server; 2]) -> [Watch; 2] {
    nodes.map(|node| Watch::open(node, "/channels/a"))
}

/// Checks that both streams told the same up to this event, without a gap. Returns their events.
#[track_caller]
fn same_until(streams: &mut [Watch; 2], data: &str) -> Vec<(String, String)> {
    for watch in &mut *streams {
        watch.until(data);
        assert_eq!(watch.gaps, []);
        assert_rising(&watch.events);
    }
    assert_eq!(streams[0].events, streams[1].events);
    streams[0].events.clone()
}

fn count(events: &[(String, String)], data: &str) -> usize {
    events.iter().filter(|(_, other)| other == data).count()
}

#[test]
fn a_redis_that_is_killed_and_comes_back_with_its_data_costs_nothing() {
    let mut redis = RedisServer::start(&DURABLE);
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&redis.url(), &[]));
    let mut streams = watches([&a, &b]);
    for round in 0..3 {
        let before = a.publish("/channels/a", &format!("before {round}"));
        redis.kill();
        let mut unsure = Vec::new();
        for node in [&a, &b] {
            node.until_ill();
            let data = format!("while it is away {round} {}", node.url);
            let answer = node.post("/channels/a", &[], &data);
            assert_eq!(answer.status, 503, "{answer:?}");
            if answer.json()["published"] == "unknown" {
                unsure.push(data);
            } else {
                unsure.push(String::new());
            }
        }
        streams.iter_mut().for_each(|watch| watch.heartbeat(ALIVE));
        redis.restart();
        for node in [&a, &b] {
            node.publish_at_last("/channels/a", &[], &format!("after {round} {}", node.url));
            node.until_well();
        }
        let end = b.publish("/channels/a", &format!("end {round}"));
        assert!(id(&before) < id(&end));
        let events = same_until(&mut streams, &format!("end {round}"));
        for data in [format!("before {round}"), format!("after {round} {}", a.url), format!("after {round} {}", b.url)]
        {
            assert_eq!(count(&events, &data), 1, "{data}: {events:?}");
        }
        for node in [&a, &b] {
            let data = format!("while it is away {round} {}", node.url);
            assert!(count(&events, &data) <= usize::from(unsure.contains(&data)), "{data}: {events:?}");
        }
        assert_kept(&[&a, &b], "a", &events);
    }
    let later = Server::node(&redis.url(), &[]);
    assert_kept(&[&later], "a", &streams[0].events);
    for node in [a, b] {
        let log = node.log();
        let said = |text: &str| log.iter().filter(|line| line.contains(text)).count();
        assert!(said(AWAY) >= 3 && said(BACK) >= 3 && log.len() < 100, "it floods the log or says nothing: {log:#?}");
    }
}

#[test]
fn a_redis_that_is_silent_leaves_publishes_unknown_and_streams_alive() {
    let redis = RedisServer::start(&[]);
    let [a, b] = [0; 2].map(|_| Server::node(&redis.url(), &[SHORT_TIMEOUT]));
    let mut streams = watches([&a, &b]);
    a.publish("/channels/a", "before");
    redis.pause();
    let key = [("idempotency-key", "k")];
    assert_unknown(&a.post("/channels/a", &key, "with a key"));
    assert_unknown(&b.post("/channels/a", &[], "without a key"));
    streams.iter_mut().for_each(|watch| watch.heartbeat(ALIVE));
    redis.resume();
    // Asked again, of whomever.
    let again = b.publish_at_last("/channels/a", &key, "with a key");
    a.publish_at_last("/channels/a", &[], "end");
    let events = same_until(&mut streams, "end");
    let keyed: Vec<_> = events.iter().filter(|(_, data)| data == "with a key").collect();
    assert_eq!(keyed, [&(again.id(), "with a key".to_owned())]);
    assert!(count(&events, "without a key") <= 1 && count(&events, "before") == 1, "{events:?}");
    assert_kept(&[&a, &b], "a", &events);
    [&a, &b].into_iter().for_each(Server::until_well);
}

#[test]
fn a_node_that_is_cut_off_catches_up_and_the_others_go_on() {
    let redis = RedisServer::start(&[]);
    let proxy = Proxy::start(redis.port());
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&proxy.url(), &[]));
    let mut streams = watches([&a, &b]);
    for round in 0..3 {
        proxy.cut();
        let said = b.until_ill();
        assert!(said.len() > AWAY.len() + 1, "{said:?}");
        assert_refused(&b.post("/channels/a", &[], &format!("refused {round}")));
        for number in 0..50 {
            a.publish("/channels/a", &format!("{round} {number}"));
        }
        streams[0].until(&format!("{round} 49"));
        streams[1].heartbeat(ALIVE);
        assert_eq!(a.get("/readyz").body, "ready\n");
        proxy.mend();
        b.publish_at_last("/channels/a", &[], &format!("end {round}"));
        let events = same_until(&mut streams, &format!("end {round}"));
        let of_round = events.iter().filter(|(_, data)| data.starts_with(&format!("{round} ")));
        assert!(of_round.map(|(_, data)| data.clone()).eq((0..50).map(|number| format!("{round} {number}"))));
        assert_eq!(count(&events, &format!("refused {round}")), 0);
    }
    assert_kept(&[&a, &b], "a", &streams[0].events);
}

#[test]
fn a_node_whose_connections_are_silent_catches_up_too() {
    let redis = RedisServer::start(&[]);
    let proxy = Proxy::start(redis.port());
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&proxy.url(), &[SHORT_TIMEOUT]));
    let mut streams = watches([&a, &b]);
    proxy.stall();
    assert_unknown(&b.post("/channels/a", &[], "unknown"));
    for number in 0..50 {
        a.publish("/channels/a", &number.to_string());
    }
    streams[1].heartbeat(ALIVE);
    b.until_ill();
    proxy.mend();
    b.publish_at_last("/channels/a", &[], "end");
    let events = same_until(&mut streams, "end");
    assert!(count(&events, "unknown") <= 1, "{events:?}");
    let others: Vec<_> = events.iter().map(|(_, data)| data.as_str()).filter(|data| *data != "unknown").collect();
    let due: Vec<String> = (0..50).map(|number| number.to_string()).chain(["end".to_owned()]).collect();
    assert_eq!(others, due);
    b.until_well();
}

#[test]
fn a_stream_goes_on_at_a_node_that_is_behind() {
    let redis = RedisServer::start(&[]);
    let proxy = Proxy::start(redis.port());
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&proxy.url(), &[]));
    a.publish("/channels/a", "everywhere");
    Watch::resume(&b, "/channels/a", "1-0").until("everywhere");
    proxy.stall();
    let one = a.publish("/channels/a", "one");
    // It was told of it by the other node, and this one does not know it yet.
    let mut watch = Watch::resume(&b, "/channels/a", &one);
    watch.heartbeat(ALIVE);
    let two = a.publish("/channels/a", "two");
    proxy.mend();
    watch.assert_told(&[(two, "two".to_owned())][..]);
}

#[test]
fn a_redis_that_is_far_away_is_slow_and_that_is_all() {
    let redis = RedisServer::start(&[]);
    let proxy = Proxy::start(redis.port());
    proxy.delay(Duration::from_millis(50));
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&proxy.url(), &[]));
    let mut streams = watches([&a, &b]);
    let batch: String = (0..2_000).map(|line| format!("{{\"channel\":\"a\",\"data\":\"{line}\"}}\n")).collect();
    for node in [&b, &a] {
        assert_eq!(node.post("/publish", &[], &batch).json()["published"], 2_000);
        node.publish("/channels/a", "x");
    }
    b.publish("/channels/a", "end");
    let events = same_until(&mut streams, "end");
    assert_eq!(events.len(), 4_003);
    assert_eq!(b.get("/readyz").body, "ready\n");
}

#[test]
fn connections_that_redis_closes_and_scripts_that_it_forgets_cost_nothing() {
    let redis = RedisServer::start(&[]);
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&redis.url(), &[]));
    let mut streams = watches([&a, &b]);
    let mut published = Vec::new();
    for round in 0..5 {
        for what in [&["SCRIPT", "FLUSH"][..], &["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]] {
            redis.call(what);
            for node in [&a, &b] {
                let data = format!("{round} {what:?} {}", node.url);
                let answer = node.publish_at_last("/channels/a", &[("idempotency-key", &data)], &data);
                published.push((answer.id(), data));
            }
        }
    }
    published.push((a.publish_at_last("/channels/a", &[], "end").id(), "end".to_owned()));
    assert_eq!(same_until(&mut streams, "end"), published);
}
