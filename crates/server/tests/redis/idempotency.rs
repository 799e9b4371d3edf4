//! A key that one node has taken is known to all nodes, no matter which node the repeat reaches and which has died
//! meanwhile.

use std::{sync::Barrier, thread};

use crate::{
    node::{DURABLE, SHORT_TIMEOUT, assert_kept, assert_unknown},
    rig::{Proxy, RedisServer},
    support::{server::Server, settings::limits, wire::Answer},
    watch::Watch,
};

fn post(node: &Server, key: &str, data: &str) -> Answer {
    node.post("/channels/a", &[("idempotency-key", key)], data)
}

fn is_replayed(answer: &Answer) -> bool {
    answer.header("idempotent-replayed") == Some("true")
}

#[test]
fn requests_with_one_key_at_several_nodes_at_the_same_time_are_one_event() {
    const REQUESTS: usize = 8;
    let redis = RedisServer::start(&[]);
    let nodes = [0; 2].map(|_| Server::node(&redis.url(), &[]));
    let mut streams = nodes.each_ref().map(|node| Watch::open(node, "/channels/a"));
    let mut due = Vec::new();
    for round in 0..20 {
        let (key, data, barrier) = (format!("key {round}"), format!("data {round}"), Barrier::new(REQUESTS));
        let answers: Vec<Answer> = thread::scope(|scope| {
            let requests: Vec<_> = (0..REQUESTS)
                .map(|request| {
                    let (key, data, barrier) = (&key, &data, &barrier);
                    let mut requests = nodes[request % 2].requests();
                    scope.spawn(move || {
                        barrier.wait();
                        requests.post("/channels/a", &[("idempotency-key", key)], data).unwrap()
                    })
                })
                .collect();
            requests.into_iter().map(|request| request.join().unwrap()).collect()
        });
        let id = answers[0].id();
        assert!(answers.iter().all(|answer| answer.id() == id), "{answers:?}");
        assert_eq!(answers.iter().filter(|answer| !is_replayed(answer)).count(), 1, "{answers:?}");
        due.push((id, data));
    }
    due.push((nodes[1].publish("/channels/a", "end"), "end".to_owned()));
    for watch in &mut streams {
        assert_eq!(watch.until("end"), due);
    }
}

#[test]
fn a_key_that_was_used_for_another_event_is_refused_by_every_node() {
    let redis = RedisServer::start(&[]);
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&redis.url(), &[]));
    let _stream = Watch::open(&a, "/channels/a");
    let first = post(&a, "k", "first");
    for node in [&b, &a] {
        assert_eq!(post(node, "k", "another").status, 422);
        assert_eq!(node.post("/channels/a?event=x", &[("idempotency-key", "k")], "first").status, 422);
        let again = post(node, "k", "first");
        assert_eq!((again.id(), is_replayed(&again)), (first.id(), true));
        assert_eq!(again.json()["matched"], 1, "it is the first answer");
    }
    // Another target has keys of its own.
    let of_another = b.post("/channels/b", &[("idempotency-key", "k")], "another");
    assert!(of_another.id() != first.id() && !is_replayed(&of_another));
    let line = "{\"channel\":\"a\",\"data\":\"of a batch\",\"idempotency_key\":\"k\"}\n";
    let batch = a.post("/publish", &[], line).json();
    assert_eq!(b.post("/publish", &[], line).json(), batch);
    let of_batch = batch["first"].as_str().unwrap().to_owned();
    // It fails its line alone.
    let good = "{\"channel\":\"a\",\"data\":\"good\"}\n";
    let mixed = format!("{good}{}{good}", line.replace("of a batch", "another"));
    let answer = b.post("/publish", &[], &mixed);
    let counts = answer.json();
    assert_eq!((answer.status, &counts["published"], &counts["failed"]), (202, &2.into(), &1.into()), "{answer:?}");
    assert_eq!(counts["errors"][0]["line"], 2, "{counts}");
    let text = |member: &str| counts[member].as_str().unwrap().to_owned();
    let due = [
        (first.id(), "first".to_owned()),
        (of_batch, "of a batch".to_owned()),
        (text("first"), "good".to_owned()),
        (text("last"), "good".to_owned()),
    ];
    // The other node reads them as soon as it can.
    Watch::resume(&a, "/channels/a", &due[2].0).until("good");
    assert_kept(&[&a, &b], "a", &due);
}

#[test]
fn a_request_that_is_late_in_redis_finds_that_its_repeat_was_faster() {
    let redis = RedisServer::start(&[]);
    let proxy = Proxy::start(redis.port());
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&proxy.url(), &[SHORT_TIMEOUT]));
    let mut streams = [&a, &b].map(|node| Watch::open(node, "/channels/a"));
    let mut due = Vec::new();
    for round in 0..3 {
        let key = round.to_string();
        proxy.stall();
        assert_unknown(&post(&b, &key, &key));
        // Its publisher asks again, elsewhere.
        due.push((post(&a, &key, &key).id(), key.clone()));
        proxy.mend();
        let again = b.publish_at_last("/channels/a", &[("idempotency-key", &key)], &key);
        assert_eq!((again.id(), is_replayed(&again)), (due[round].0.clone(), true));
    }
    due.push((b.publish("/channels/a", "end"), "end".to_owned()));
    streams.iter_mut().for_each(|watch| watch.assert_told(&due));
}

#[test]
fn a_key_outlives_redis_and_every_node() {
    let mut redis = RedisServer::start(&DURABLE);
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&redis.url(), &[]));
    let first = post(&a, "k", "first");
    let live = a.post("/channels/a?keep=no", &[("idempotency-key", "live")], "live only");
    redis.restart();
    let again = b.publish_at_last("/channels/a", &[("idempotency-key", "k")], "first");
    assert_eq!((again.id(), is_replayed(&again)), (first.id(), true));
    a.end("KILL");
    b.end("KILL");
    redis.restart();
    let c = Server::node(&redis.url(), &[]);
    let again = post(&c, "k", "first");
    assert_eq!((again.id(), is_replayed(&again)), (first.id(), true));
    assert_eq!(post(&c, "k", "another").status, 422);
    let again = c.post("/channels/a?keep=no", &[("idempotency-key", "live")], "live only");
    assert_eq!((again.id(), is_replayed(&again)), (live.id(), true));
    assert_kept(&[&c], "a", &[(first.id(), "first".to_owned())]);
}

#[test]
fn more_keys_than_are_kept_push_out_the_oldest_of_all_nodes() {
    let redis = RedisServer::start(&[]);
    let few = limits(&["idempotency-keys = 100"]);
    let (a, b) = (Server::node(&redis.url(), &[&few]), Server::node(&redis.url(), &[&few]));
    let first = post(&a, "first", "x");
    let line = |line| format!("{{\"channel\":\"a\",\"data\":\"{line}\",\"idempotency_key\":\"{line}\"}}\n");
    let batch: String = (0..500).map(line).collect();
    assert_eq!(b.post("/publish", &[], &batch).json()["published"], 500);
    let last = post(&b, "last", "x");
    let again = post(&a, "last", "x");
    assert_eq!((again.id(), is_replayed(&again)), (last.id(), true));
    let anew = post(&a, "first", "x");
    assert!(anew.id() != first.id() && !is_replayed(&anew), "{anew:?}");
}
