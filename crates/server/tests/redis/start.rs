//! A starting node is ready only after it has read all events. The node waits for a Redis that is away or silent, and
//! requests wait with it.

use std::thread;

use crate::{
    node::{STREAM, assert_kept, until_redis},
    rig::{Proxy, RedisServer},
    support::{
        curl_once,
        server::{Server, id},
        settings::limits,
        until,
    },
    watch::Watch,
};

/// Checks that the node lives and is not ready. Returns the reason.
fn assert_not_ready(node: &Server) -> String {
    let answer = node.get("/healthz");
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok\n"));
    let answer = node.get("/readyz");
    assert_eq!(answer.status, 503, "{answer:?}");
    answer.body
}

#[test]
fn a_node_that_starts_later_has_all_that_was_published_before() {
    let redis = RedisServer::start(&[]);
    let a = Server::node(&redis.url(), &["--history-events=5000"]);
    let batch: String = (0..3_000).map(|line| format!("{{\"channel\":\"a\",\"data\":\"{line}\"}}\n")).collect();
    assert_eq!(a.post("/publish", &[], &batch).json()["published"], 3_000);
    let mine = a.publish("/clients/me", "mine");
    let b = Server::node(&redis.url(), &["--history-events=5000"]);
    let kept = a.kept("a");
    assert_eq!(kept.len(), 3_000);
    assert_kept(&[&b], "a", &kept);
    let mut watch = Watch::resume(&b, "/sse?channel=a&id=me", &kept[2_990].0);
    let due = [&kept[2_991..], &[(mine, "mine".to_owned())]].concat();
    watch.assert_told(&due[..]);
    // Both are left, and the stream alone says what there was.
    a.end("TERM");
    b.end("KILL");
    let c = Server::node(&redis.url(), &["--history-events=5000"]);
    assert_kept(&[&c], "a", &kept);
}

#[test]
fn a_node_is_not_ready_while_redis_is_silent_and_says_why() {
    let redis = RedisServer::start(&[]);
    let first = Server::node(&redis.url(), &[]).publish("/channels/a", "first");
    redis.pause();
    let node = Server::unready_node(&redis.url(), &[]);
    let said = assert_not_ready(&node);
    assert!(said.contains("journal"), "{said:?}");
    redis.resume();
    node.until_ready();
    assert_eq!(node.get("/readyz").body, "ready\n");
    assert_kept(&[&node], "a", &[(first, "first".to_owned())]);
}

#[test]
fn who_asks_before_a_node_is_ready_waits_for_it() {
    let redis = RedisServer::start(&[]);
    let first = Server::node(&redis.url(), &[]).publish("/channels/a", "first");
    let proxy = Proxy::start(redis.port());
    proxy.stall();
    let node = Server::unready_node(&proxy.url(), &["--redis-timeout=5s"]);
    assert_not_ready(&node);
    thread::scope(|scope| {
        let watch = scope.spawn(|| Watch::resume(&node, "/channels/a", &first));
        let page = scope.spawn(|| node.kept("a"));
        let answer = scope.spawn(|| node.post("/channels/a", &[], "second"));
        assert_not_ready(&node);
        proxy.mend();
        let answer = answer.join().unwrap();
        let second = (answer.id(), "second".to_owned());
        assert!(page.join().unwrap().contains(&(first.clone(), "first".to_owned())));
        let mut watch = watch.join().unwrap();
        watch.assert_told(&[second][..]);
    });
}

#[test]
fn nobody_waits_for_ever_for_a_node_that_is_not_ready_and_browsers_come_back() {
    let redis = RedisServer::start(&[]);
    redis.pause();
    let node = Server::unready_node(&redis.url(), &[&limits(&["ready-timeout = '300ms'"])]);
    for answer in [node.post("/channels/a", &[], "x"), node.get("/channels/a/history"), node.get("/sse")] {
        assert!(answer.status == 503 && answer.header("retry-after").is_some(), "{answer:?}");
    }
    let stream = curl_once(&["-i", "-H", "accept: text/event-stream", &format!("{}/sse", node.url)]);
    assert!(stream.starts_with("HTTP/1.1 200 ") && stream.contains("retry: "), "{stream}");
    redis.resume();
    node.until_ready();
    assert_kept(&[&node], "a", &[]);
}

#[test]
fn a_node_waits_for_a_redis_that_is_not_there_yet() {
    let mut redis = RedisServer::start(&[]);
    redis.kill();
    let mut node = Server::unready_node(&redis.url(), &[]);
    // Its first look at Redis is before it tries to read: only the second is what `/readyz` tells.
    until("readyz says why", || assert_not_ready(&node).contains("refused"));
    node.until_logged("refused");
    redis.restart();
    node.until_ready();
    let mut watch = Watch::open(&node, "/channels/a");
    node.publish("/channels/a", "x");
    watch.until("x");
}

#[test]
fn what_a_node_cannot_find_when_it_starts_is_told_as_expired() {
    let redis = RedisServer::start(&[]);
    let a = Server::node(&redis.url(), &[]);
    let published: Vec<_> = (0..10).map(|number| (a.publish("/channels/a", &number.to_string()), number)).collect();
    assert_eq!(redis.call(&["XTRIM", STREAM, "MAXLEN", "4"]).int(), 6);
    let b = Server::node(&redis.url(), &[]);
    let mut watch = Watch::resume(&b, "/channels/a", &published[2].0);
    let due: Vec<_> = published[6..].iter().map(|(id, number)| (id.clone(), number.to_string())).collect();
    assert_eq!(watch.until("9"), due);
    let [gap] = &watch.gaps[..] else { panic!("{:?}", watch.gaps) };
    assert_eq!((gap.reason.as_str(), &gap.from, gap.at), ("expired", &published[2].0, 0));
    assert!(id(&gap.to) >= id(&published[5].0) && id(&gap.to) < id(&published[6].0), "{gap:?}");
    let page = b.history("a", &format!("after={}", published[2].0));
    assert_eq!((&page["gap"]["reason"], page["events"].as_array().unwrap().len()), (&"expired".into(), 4));
    // Who has what stands behind it is told nothing.
    let mut watch = Watch::resume(&b, "/channels/a", &published[6].0);
    watch.assert_told(&due[1..]);
}

#[test]
fn the_stream_is_kept_small_in_bytes() {
    const BYTES: i64 = 4 << 20;
    let redis = RedisServer::start(&[]);
    let node = Server::node(&redis.url(), &["--redis-bytes=4MiB", "--history-bytes=64MiB"]);
    let mut watch = Watch::open(&node, "/channels/a");
    let large = "x".repeat(10_000);
    let first = node.publish("/channels/a", "first");
    for number in 0..20 {
        let batch = format!("{{\"channel\":\"a\",\"data\":\"{large}\"}}\n").repeat(50);
        assert_eq!(node.post("/publish", &[], &batch).json()["published"], 50);
        let data = number.to_string();
        node.publish("/channels/a", &data);
        watch.until(&data);
    }
    // Counted by the events it is BYTES; what Redis needs for them may be a quarter more (contract.md, several nodes).
    until_redis(&redis, &["MEMORY", "USAGE", STREAM, "SAMPLES", "0"], |bytes| bytes <= BYTES + BYTES / 4);
    assert_eq!((watch.events.len(), watch.gaps.len()), (1 + 20 * 51, 0));
    let later = Server::node(&redis.url(), &["--history-bytes=64MiB"]);
    let page = later.history("a", &format!("after={first}"));
    assert_eq!(page["gap"]["reason"], "expired", "{}", page["gap"]);
    assert!(page["events"].as_array().unwrap().len() > 50, "no more went than had to");
}

#[test]
fn the_stream_is_kept_short_and_nodes_that_were_there_miss_nothing() {
    let redis = RedisServer::start(&[]);
    let flags = ["--history-events=100000", &limits(&["redis-events = 2000"])];
    let nodes = [0; 2].map(|_| Server::node(&redis.url(), &flags));
    let mut streams = nodes.each_ref().map(|node| Watch::open(node, "/channels/a"));
    for round in 0..8 {
        let line = |line| format!("{{\"channel\":\"a\",\"data\":\"{round} {line}\"}}\n");
        let batch: String = (0..1_000).map(line).collect();
        assert_eq!(nodes[round % 2].post("/publish", &[], &batch).json()["published"], 1_000);
        for watch in &mut streams {
            watch.until(&format!("{round} 999"));
            assert_eq!((watch.events.len(), watch.gaps.len()), (1_000 * (round + 1), 0));
        }
    }
    // About: whole nodes of the stream's tree go.
    until("it is trimmed", || (2_000..4_000).contains(&redis.call(&["XLEN", STREAM]).int()));
    let later = Server::node(&redis.url(), &flags);
    let gap = later.history("a", &format!("after={}", streams[0].events[0].0))["gap"].clone();
    assert_eq!(gap["reason"], "expired", "{gap}");
}
