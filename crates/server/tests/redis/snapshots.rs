//! A Redis that restarts from a snapshot has lost the events after it. The nodes that knew them may be gone too, so
//! every stream that may have had them receives a gap.

use std::thread;

use crate::{
    node::DURABLE,
    rig::RedisServer,
    support::{
        server::{Server, id},
        until,
    },
    watch::Watch,
};

/// Starts a Redis that has `kept`, and acknowledges `lost` after its snapshot. Returns the ids of `lost`.
fn snapshot(redis: &RedisServer, node: &Server, kept: &str, lost: &[&str]) -> Vec<String> {
    node.publish("/channels/a", kept);
    redis.call(&["SAVE"]).ok();
    lost.iter().map(|data| node.publish("/channels/a", data)).collect()
}

#[test]
fn it_is_told_where_all_nodes_were_ended_with_it() {
    let mut redis = RedisServer::start(&[]);
    let node = Server::node(&redis.url(), &[]);
    let ids = snapshot(&redis, &node, "kept", &["lost", "lost too"]);
    redis.kill();
    drop(node);
    redis.restart();
    let node = Server::node(&redis.url(), &[]);
    let mut watch = Watch::resume(&node, "/channels/a", &ids[0]);
    let next = node.publish("/channels/a", "next");
    watch.until("next");
    let [gap] = &watch.gaps[..] else { panic!("{:?}", watch.gaps) };
    assert_eq!((gap.reason.as_str(), gap.at, watch.data()), ("restart", 0, vec!["next"]));
    assert!(id(&gap.to) >= id(&ids[1]) && id(&next) > id(&gap.to), "{gap:?}");
}

#[test]
fn it_is_told_where_a_node_is_left_that_had_not_read_it() {
    let mut redis = RedisServer::start(&[]);
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&redis.url(), &[]));
    let mut watch = Watch::open(&b, "/channels/a");
    snapshot(&redis, &a, "kept", &[]);
    watch.until("kept");
    b.process.signal("STOP");
    redis.call(&["CLIENT", "KILL", "TYPE", "normal"]);
    let lost = a.publish_at_last("/channels/a", &[], "lost").id();
    drop(a);
    redis.kill();
    redis.restart();
    b.process.signal("CONT");
    let gap = watch.until_gap();
    assert!(gap.reason == "restart" && id(&gap.to) >= id(&lost), "{gap:?} for {lost}");
    b.publish_at_last("/channels/a", &[], "next");
    watch.until("next");
    assert_eq!(watch.data(), ["kept", "next"]);
}

#[test]
fn nothing_is_told_where_redis_has_a_log_of_all() {
    let mut redis = RedisServer::start(&DURABLE);
    let node = Server::node(&redis.url(), &[]);
    let ids = snapshot(&redis, &node, "kept", &["kept too", "and this"]);
    redis.kill();
    drop(node);
    redis.restart();
    let node = Server::node(&redis.url(), &[]);
    let mut watch = Watch::resume(&node, "/channels/a", &ids[0]);
    watch.until("and this");
    assert!(watch.gaps.is_empty(), "{:?}", watch.gaps);
}

/// A Redis that reads its log answers that it has none.
#[test]
fn nothing_is_told_where_a_node_comes_while_redis_reads_its_log() {
    let mut redis = RedisServer::start(&DURABLE);
    let node = Server::node(&redis.url(), &[]);
    let mut watch = Watch::open(&node, "/channels/a");
    node.publish("/channels/a", "first");
    // It hears its clients only between every thousand commands.
    let fill = "for i = 1, 20000 do redis.call('INCR', 'filler') end";
    redis.call(&["EVAL", fill, "0"]).ok();
    // Microseconds for each command: long enough to be found at it.
    redis.set_argument("--key-load-delay", "100");
    for again in ["second", "third"] {
        // The node may come just when all is read.
        let mut restarts = (0..5).map(|_| is_found_at_its_log(&mut redis, &node));
        assert!(restarts.any(|is_found| is_found), "the node finds Redis at its log");
        node.publish_at_last("/channels/a", &[], again);
    }
    watch.until("third");
    assert_eq!((watch.data(), watch.gaps.len()), (vec!["first", "second", "third"], 0));
}

/// Starts Redis again. Returns whether the node connects while Redis still reads its log.
fn is_found_at_its_log(redis: &mut RedisServer, node: &Server) -> bool {
    thread::scope(|scope| {
        let restarted = scope.spawn(|| redis.restart());
        let mut is_found = false;
        until("the node has found Redis", || {
            let said = node.get("/readyz").body;
            is_found |= said.contains("it is still reading its data from disk");
            is_found || (restarted.is_finished() && said == "ready\n")
        });
        is_found
    })
}
