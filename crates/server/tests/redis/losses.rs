//! Events that Redis has lost, or no longer holds when a node comes back. Every stream that may have missed some
//! receives a gap, and no other stream does. New ids are above the old ones.

use crate::{
    node::{DURABLE, STREAM, assert_kept},
    rig::{Proxy, RedisServer},
    support::{
        server::{Server, id},
        settings::limits,
    },
    watch::Watch,
};

const FOLLOWED: [&str; 3] = ["/channels/a", "/channels/b", "/sse?id=me"];

/// Opens a watch of each path at each node.
fn watches(nodes: [&Server; 2]) -> Vec<Watch> {
    nodes.iter().flat_map(|node| FOLLOWED.map(|path| Watch::open(node, path))).collect()
}

/// Checks that every stream first receives a gap from `last` on, and then goes on with higher ids.
#[track_caller]
fn assert_restart_told(streams: &mut [Watch], nodes: [&Server; 2], last: &str) {
    let before: Vec<usize> = streams.iter().map(|watch| watch.events.len()).collect();
    for watch in &mut *streams {
        let gap = watch.until_gap();
        assert!(id(&gap.from) >= id(last) && id(&gap.from) <= id(&gap.to), "{gap:?} behind {last}");
    }
    for node in nodes {
        let data = format!("from {}", node.url);
        let next = node.publish_at_last("/broadcast", &[], &data).id();
        assert!(id(&next) > id(last), "{next} after {last}");
        for watch in &mut *streams {
            watch.until(&data);
            assert_eq!(watch.events.last().unwrap().0, next);
        }
    }
    for (watch, before) in streams.iter().zip(before) {
        assert!(watch.gaps.iter().all(|gap| gap.reason == "restart"), "{:?}", watch.gaps);
        assert_eq!((watch.gaps[0].at, watch.events.len()), (before, before + 2), "{watch:?}");
        assert!(watch.gaps.len() <= 2, "it is told again and again: {:?}", watch.gaps);
    }
}

#[test]
fn a_redis_that_comes_back_without_its_data_is_told_to_all_streams_of_all_nodes() {
    let mut redis = RedisServer::start(&[]);
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&redis.url(), &[]));
    let mut streams = watches([&a, &b]);
    let first = a.publish("/channels/a", "first");
    let last = a.publish("/broadcast", "last");
    streams.iter_mut().for_each(|watch| _ = watch.until("last"));
    redis.kill();
    [&a, &b].into_iter().for_each(|node| _ = node.until_ill());
    redis.restart_empty();
    assert_restart_told(&mut streams, [&a, &b], &last);
    // A node that has never seen them cannot know, and says so.
    let c = Server::node(&redis.url(), &[]);
    for position in [&first, &last] {
        let mut watch = Watch::resume(&c, "/channels/a", position);
        watch.until(&format!("from {}", b.url));
        let [gap] = &watch.gaps[..] else { panic!("{:?}", watch.gaps) };
        assert_eq!((gap.reason.as_str(), &gap.from, gap.at), ("restart", position, 0));
    }
}

#[test]
fn a_redis_that_is_emptied_while_it_runs_is_told_to_all_streams_of_all_nodes() {
    let redis = RedisServer::start(&[]);
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&redis.url(), &[]));
    let mut streams = watches([&a, &b]);
    a.publish("/channels/a", "first");
    let last = b.publish("/broadcast", "last");
    streams.iter_mut().for_each(|watch| _ = watch.until("last"));
    redis.call(&["FLUSHALL"]).ok();
    a.publish_at_last("/channels/other", &[], "so that they see it");
    assert_restart_told(&mut streams, [&a, &b], &last);
}

#[test]
fn it_is_told_also_where_nobody_publishes_behind_it() {
    let redis = RedisServer::start(&[]);
    let proxy = Proxy::start(redis.port());
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&proxy.url(), &[]));
    let mut streams = watches([&a, &b]);
    let last = a.publish("/broadcast", "last");
    streams.iter_mut().for_each(|watch| _ = watch.until("last"));
    // All that a node has missed is gone when it comes back.
    proxy.cut();
    b.until_ill();
    let missed = a.publish("/broadcast", "missed");
    redis.call(&["XTRIM", STREAM, "MAXLEN", "0"]).ok();
    proxy.mend();
    for watch in &mut streams[FOLLOWED.len()..] {
        let gap = watch.until_gap();
        assert_eq!((gap.reason.as_str(), id(&gap.from) >= id(&last), gap.to), ("expired", true, missed.clone()));
    }
    streams[..FOLLOWED.len()].iter_mut().for_each(|watch| _ = watch.until("missed"));
    redis.call(&["FLUSHALL"]).ok();
    for watch in &mut streams {
        let gap = watch.until_gap();
        assert_eq!((gap.reason.as_str(), id(&gap.to) > id(&missed)), ("restart", true), "{gap:?}");
    }
}

#[test]
fn a_stream_that_is_deleted_while_all_have_read_it_begins_anew_above() {
    let redis = RedisServer::start(&[]);
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&redis.url(), &[]));
    let mut streams = watches([&a, &b]);
    let first = a.publish("/broadcast", "first");
    streams.iter_mut().for_each(|watch| _ = watch.until("first"));
    assert_eq!(redis.call(&["DEL", STREAM]).int(), 1);
    let second = b.publish_at_last("/broadcast", &[], "second").id();
    assert!(id(&second) > id(&first));
    for watch in &mut streams {
        watch.until("second");
        assert_eq!(watch.data(), ["first", "second"]);
    }
    let later = Server::node(&redis.url(), &[]);
    let mut watch = Watch::resume(&later, "/channels/a", "1-0");
    watch.until("second");
    assert_eq!((watch.data(), watch.gaps.len()), (vec!["second"], 1));
}

#[test]
fn a_redis_that_has_lost_its_last_events_is_told_and_their_ids_are_not_given_again() {
    let mut redis = RedisServer::start(&DURABLE);
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&redis.url(), &[]));
    let mut streams = watches([&a, &b]);
    for number in 0..5 {
        a.publish("/broadcast", &number.to_string());
    }
    // As a replica that takes over before it has the last ones.
    redis.call(&["CONFIG", "SET", "appendonly", "no"]);
    let lost: Vec<_> = (0..5).map(|number| b.publish("/broadcast", &format!("lost {number}"))).collect();
    streams.iter_mut().for_each(|watch| _ = watch.until("lost 4"));
    redis.kill();
    [&a, &b].into_iter().for_each(|node| _ = node.until_ill());
    redis.restart();
    assert_restart_told(&mut streams, [&a, &b], &lost[4]);
}

#[test]
fn what_was_trimmed_while_a_node_was_away_is_told_to_its_streams_alone() {
    let redis = RedisServer::start(&[]);
    let proxy = Proxy::start(redis.port());
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&proxy.url(), &[]));
    let [mut near, mut far] = [&a, &b].map(|node| Watch::open(node, "/channels/a"));
    let mut of_another = Watch::open(&b, "/channels/b");
    let last = a.publish("/broadcast", "last");
    far.until("last");
    of_another.until("last");
    proxy.cut();
    b.until_ill();
    let published: Vec<_> = (0..10).map(|number| (a.publish("/channels/a", &number.to_string()), number)).collect();
    assert_eq!(redis.call(&["XTRIM", STREAM, "MAXLEN", "4"]).int(), 7);
    proxy.mend();
    b.until_well();
    let end = a.publish("/broadcast", "end");
    near.until("end");
    assert_eq!((near.events.len(), near.gaps.len()), (12, 0));
    far.until("end");
    assert_eq!(far.data(), ["last", "6", "7", "8", "9", "end"]);
    let [gap] = &far.gaps[..] else { panic!("{:?}", far.gaps) };
    assert_eq!((gap.reason.as_str(), gap.at), ("expired", 1));
    assert!(id(&gap.from) >= id(&last) && id(&gap.from) < id(&published[0].0), "{gap:?}");
    assert!(id(&gap.to) >= id(&published[5].0) && id(&gap.to) < id(&published[6].0), "{gap:?}");
    // Nobody knows what there was for others.
    of_another.until("end");
    assert_eq!((of_another.gaps.len(), &of_another.events[1].0), (1, &end));
    // Who comes back to either node is told the same.
    for node in [&a, &b] {
        let mut watch = Watch::resume(node, "/channels/a", &published[7].0);
        watch.until("end");
        assert_eq!((watch.data(), watch.gaps.len()), (vec!["8", "9", "end"], 0));
    }
    let mut watch = Watch::resume(&b, "/channels/a", &published[1].0);
    watch.until("end");
    assert_eq!((&watch.data()[..], &watch.gaps[0].reason[..]), (&["6", "7", "8", "9", "end"][..], "expired"));
}

#[test]
fn a_node_that_is_away_while_more_is_published_than_the_stream_keeps_tells_it() {
    let redis = RedisServer::start(&[]);
    let proxy = Proxy::start(redis.port());
    let flags = ["--history-events=100000", &limits(&["redis-events = 2000"])];
    let (a, b) = (Server::node(&redis.url(), &flags), Server::node(&proxy.url(), &flags));
    let [mut near, mut far] = [&a, &b].map(|node| Watch::open(node, "/channels/a"));
    a.publish("/channels/a", "last");
    far.until("last");
    proxy.cut();
    b.until_ill();
    for round in 0..8 {
        let line = |line| format!("{{\"channel\":\"a\",\"data\":\"{round} {line}\"}}\n");
        let batch: String = (0..1_000).map(line).collect();
        assert_eq!(a.post("/publish", &[], &batch).json()["published"], 1_000);
        near.until(&format!("{round} 999"));
    }
    proxy.mend();
    b.publish_at_last("/channels/a", &[], "end");
    near.until("end");
    assert_eq!((near.events.len(), near.gaps.len()), (8_002, 0));
    far.until("end");
    let [gap] = &far.gaps[..] else { panic!("{:?}", far.gaps) };
    assert_eq!((gap.reason.as_str(), gap.at), ("expired", 1));
    let missed = 8_002 - far.events.len();
    assert!(missed > 4_000 && far.events[1..] == near.events[missed + 1..], "{missed} {gap:?}");
    assert_kept(&[&a], "a", &near.events);
}
