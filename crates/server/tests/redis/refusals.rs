//! A Redis that answers but takes no writes. Publishes are refused without doubt, `/readyz` names the reason, streams
//! and history go on, and publishing works again as soon as Redis takes writes.

use crate::{
    node::{AWAY, assert_kept, assert_refused},
    rig::{RedisServer, free_port},
    support::server::Server,
    watch::Watch,
};

/// A state in which Redis refuses writes: the commands that begin and end it, and its name.
struct Refusal<'a> {
    begin: &'a [&'a str],
    end: &'a [&'a str],
    said: &'a str,
    /// Whether connections end with it. The first publish may then have an unknown outcome.
    ends_connections: bool,
}

#[track_caller]
fn assert_refused_until_it_ends(refusal: &Refusal<'_>) {
    let redis = RedisServer::start(&[]);
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&redis.url(), &[]));
    let mut streams = [&a, &b].map(|node| Watch::open(node, "/channels/a"));
    let mut published = Vec::new();
    for round in 0..2 {
        let data = format!("before {round}");
        published.push((a.publish("/channels/a", &data), data));
        redis.call(refusal.begin).ok();
        let key = format!("{round}");
        for node in [&a, &b] {
            if refusal.ends_connections {
                assert_eq!(node.post("/channels/a", &[], "refused").status, 503);
                node.until_ill();
            }
            assert_refused(&node.post("/channels/a", &[], "refused"));
            assert_refused(&node.post("/channels/a", &[("idempotency-key", &key)], &format!("with a key {round}")));
            let batch = "{\"channel\":\"a\",\"data\":\"of a batch\"}\n".repeat(3);
            let answer = node.post("/publish", &[], &batch);
            assert_refused(&answer);
            assert_eq!((&answer.json()["published"], &answer.json()["unknown"]), (&0.into(), &().into()));
            let said = node.until_ill();
            assert!(said.starts_with(AWAY) && said.contains(refusal.said), "{said:?}");
            assert_kept(&[node], "a", &published);
        }
        // It says so for as long as it is so, also when nobody publishes.
        streams.iter_mut().for_each(|watch| watch.heartbeat(30));
        for node in [&a, &b] {
            let said = node.get("/readyz").body;
            assert!(said.contains(AWAY) && said.contains(refusal.said), "{said:?}");
        }
        redis.call(refusal.end).ok();
        // Nobody publishes meanwhile.
        [&a, &b].into_iter().for_each(Server::until_well);
        // Only successes are kept.
        let data = format!("with a key {round}");
        let answer = b.post("/channels/a", &[("idempotency-key", &key)], &data);
        assert_eq!(answer.header("idempotent-replayed"), None);
        published.push((answer.id(), data));
    }
    published.push((b.publish("/channels/a", "end"), "end".to_owned()));
    for watch in &mut streams {
        watch.assert_told(&published[..]);
    }
    assert_kept(&[&a, &b], "a", &published);
}

#[test]
fn a_redis_whose_memory_is_full_refuses_publishes_until_there_is_room() {
    assert_refused_until_it_ends(&Refusal {
        begin: &["CONFIG", "SET", "maxmemory", "1"],
        end: &["CONFIG", "SET", "maxmemory", "0"],
        said: "OOM",
        ends_connections: false,
    });
}

#[test]
fn a_redis_without_the_replicas_that_it_wants_refuses_publishes() {
    assert_refused_until_it_ends(&Refusal {
        begin: &["CONFIG", "SET", "min-replicas-to-write", "1"],
        end: &["CONFIG", "SET", "min-replicas-to-write", "0"],
        said: "NOREPLICAS",
        ends_connections: false,
    });
}

#[test]
fn a_redis_that_forbids_scripts_refuses_publishes() {
    assert_refused_until_it_ends(&Refusal {
        begin: &["ACL", "SETUSER", "default", "-@scripting"],
        end: &["ACL", "SETUSER", "default", "+@all"],
        said: "NOPERM",
        ends_connections: false,
    });
}

#[test]
fn a_redis_that_was_made_a_replica_refuses_publishes() {
    assert_refused_until_it_ends(&Refusal {
        begin: &["REPLICAOF", "127.0.0.1", &free_port().to_string()],
        end: &["REPLICAOF", "NO", "ONE"],
        said: "replica",
        ends_connections: true,
    });
}

#[test]
fn nodes_at_which_nobody_publishes_see_by_themselves_that_their_redis_is_a_replica() {
    let redis = RedisServer::start(&[]);
    let nodes = [0; 3].map(|_| Server::node(&redis.url(), &[]));
    redis.call(&["REPLICAOF", "127.0.0.1", &free_port().to_string()]).ok();
    for node in &nodes {
        let said = node.until_ill();
        assert!(said.contains("replica"), "{said:?}");
    }
    redis.call(&["REPLICAOF", "NO", "ONE"]).ok();
    nodes.iter().for_each(Server::until_well);
}
