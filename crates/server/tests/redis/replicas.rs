//! `--redis-wait-replicas`: an acknowledged event is on a replica too. An event that does not get there in time is
//! unknown until its publish is repeated.

use crate::{
    node::{assert_kept, assert_unknown, until_redis},
    rig::{RedisServer, until},
    support::server::Server,
    watch::Watch,
};

const FLAGS: [&str; 1] = ["--redis-wait-replicas=1"];
/// Flags for a wait in vain, which takes half of the timeout.
const IN_VAIN: [&str; 2] = [FLAGS[0], "--redis-timeout=4s"];

/// A primary and its replica, which has copied it.
fn pair() -> (RedisServer, RedisServer) {
    let primary = RedisServer::start(&["--repl-diskless-sync-delay", "0"]);
    let replica = replica_of(&primary);
    (primary, replica)
}

fn replica_of(primary: &RedisServer) -> RedisServer {
    let replica = RedisServer::start(&["--replicaof", "127.0.0.1", &primary.port().to_string()]);
    until("the replica has a copy", || replica.info("master_link_status") == "up");
    // Some time passes until it is sent what is written.
    let mut session = primary.session();
    session.call(&["SET", "probe", "x"]).unwrap().ok();
    until("the primary counts it", || session.call(&["WAIT", "1", "100"]).unwrap().int() == 1);
    replica
}

#[test]
fn what_was_answered_is_on_the_replica() {
    let (primary, replica) = pair();
    let (a, b) = (Server::node(&primary.url(), &FLAGS), Server::node(&primary.url(), &FLAGS));
    let mut streams = [&a, &b].map(|node| Watch::open(node, "/channels/a"));
    let mut published = Vec::new();
    for number in 0..20 {
        let data = format!("one {number}");
        published.push(([&a, &b][number % 2].publish("/channels/a", &data), data));
        until_redis(&replica, &["XLEN", crate::node::STREAM], |length| length >= published.len() as i64);
    }
    let line = |line| format!("{{\"channel\":\"a\",\"data\":\"line {line}\"}}\n");
    let batch: String = (0..500).map(line).collect();
    assert_eq!(a.post("/publish", &[], &batch).json()["published"], 500);
    for watch in &mut streams {
        watch.until("line 499");
        assert_eq!((watch.events.len(), watch.gaps.len()), (520, 0));
        assert_eq!(watch.events[..20], published);
    }
    // A node at what was the replica has all of it.
    replica.call(&["REPLICAOF", "NO", "ONE"]).ok();
    let c = Server::node(&replica.url(), &[]);
    assert_kept(&[&a, &b, &c], "a", &streams[0].events);
}

#[test]
fn what_no_replica_has_in_time_is_unknown_and_a_repeat_finds_it() {
    let (primary, replica) = pair();
    let (a, b) = (Server::node(&primary.url(), &IN_VAIN), Server::node(&primary.url(), &IN_VAIN));
    let mut streams = [&a, &b].map(|node| Watch::open(node, "/channels/a"));
    let key = [("idempotency-key", "k")];
    let first = a.publish("/channels/a", "first");
    replica.pause();
    assert_unknown(&a.post("/channels/a", &key, "with a key"));
    assert_unknown(&b.post("/channels/a", &key, "with a key"));
    // It comes all the same.
    streams.iter_mut().for_each(|watch| _ = watch.until("with a key"));
    replica.resume();
    let answers = [&b, &a].map(|node| node.publish_at_last("/channels/a", &key, "with a key"));
    assert_eq!(answers[0].id(), answers[1].id());
    assert_eq!(answers[1].header("idempotent-replayed"), Some("true"));
    let end = b.publish_at_last("/channels/a", &[], "end").id();
    let due = [(first, "first"), (answers[0].id(), "with a key"), (end, "end")].map(|(id, data)| (id, data.to_owned()));
    for watch in &mut streams {
        watch.assert_told(&due[..]);
    }
    assert_kept(&[&a, &b], "a", &due);
}

#[test]
fn a_replica_that_is_dead_leaves_all_unknown_until_another_is_there() {
    let (primary, mut replica) = pair();
    let a = Server::node(&primary.url(), &IN_VAIN);
    let mut watch = Watch::open(&a, "/channels/a");
    a.publish("/channels/a", "first");
    replica.kill();
    assert_unknown(&a.post("/channels/a", &[("idempotency-key", "k")], "with a key"));
    let _another = replica_of(&primary);
    let id = a.publish_at_last("/channels/a", &[("idempotency-key", "k")], "with a key").id();
    a.publish_at_last("/channels/a", &[], "end");
    watch.until("end");
    assert_eq!((watch.data(), watch.gaps.len()), (vec!["first", "with a key", "end"], 0));
    assert_eq!(watch.events[1].0, id);
}
