//! Other forms of Redis: behind sentinels, as a cluster, behind TLS, and with several streams.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use crate::{
    node::{STREAM, assert_kept, command},
    rig::{Cluster, RedisServer, Sentinels, Tls},
    support::{
        server::{Server, id},
        until,
    },
    watch::{Watch, assert_rising},
};

/// Checks that publishing and following work at two nodes.
#[track_caller]
fn assert_works(a: &Server, b: &Server) {
    let mut streams = [a, b].map(|node| Watch::open(node, "/channels/a"));
    let mut published = a.kept("a");
    let before = published.len();
    for number in 0..20 {
        let data = number.to_string();
        published.push(([a, b][number % 2].publish("/channels/a", &data), data));
    }
    published.push((a.publish("/channels/a", "end"), "end".to_owned()));
    for watch in &mut streams {
        watch.assert_told(&published[before..]);
    }
    assert_kept(&[a, b], "a", &published);
}

#[test]
fn sentinels_name_another_server_and_what_a_replica_had_is_there_once() {
    let mut sentinels = Sentinels::start();
    let url = sentinels.url();
    let nodes = [0; 2].map(|_| Server::node(&url, &["--redis-wait-replicas=1"]));
    assert_works(&nodes[0], &nodes[1]);
    let mut streams = nodes.each_ref().map(|node| Watch::open(node, "/channels/b"));
    let is_over = AtomicBool::new(false);
    let told: Vec<_> = thread::scope(|scope| {
        let publishers = nodes.each_ref().map(|node| {
            let is_over = &is_over;
            let mut requests = node.requests();
            scope.spawn(move || {
                let mut told = Vec::new();
                for number in 0.. {
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    let data = format!("{} {number}", node.url);
                    let answer = requests.post("/channels/b", &[], &data).unwrap();
                    assert!([202, 503].contains(&answer.status), "{answer:?}");
                    told.extend((answer.status == 202).then(|| (answer.id(), data)));
                    thread::sleep(Duration::from_millis(5));
                }
                told
            })
        });
        until("events are there", || nodes[1].kept("b").len() > 20);
        sentinels.failover();
        // There is no replica now, so that nothing is answered until there is one.
        sentinels.restart_replica();
        nodes.iter().for_each(|node| _ = node.publish_at_last("/channels/c", &[], "it works again"));
        is_over.store(true, Ordering::Relaxed);
        publishers.into_iter().flat_map(|publisher| publisher.join().unwrap()).collect()
    });
    nodes[0].publish_at_last("/channels/b", &[], "end");
    for watch in &mut streams {
        watch.until("end");
        assert_rising(&watch.events);
        for event in &told {
            let times = watch.events.iter().filter(|seen| *seen == event).count();
            let is_told = watch.gaps.iter().any(|gap| id(&gap.from) < id(&event.0) && id(&event.0) <= id(&gap.to));
            assert!(times == 1 || (times == 0 && is_told), "{event:?} {times} times; {:?}", watch.gaps);
        }
        let mut data = watch.data();
        data.sort_unstable();
        let twice = data.windows(2).find(|pair| pair[0] == pair[1]);
        assert_eq!(twice, None);
    }
    assert!(told.len() > 20, "{}", told.len());
}

#[test]
fn a_primary_that_is_changed_in_order_costs_nothing_that_was_answered() {
    let mut sentinels = Sentinels::start();
    let nodes = [0; 2].map(|_| Server::node(&sentinels.url(), &["--redis-wait-replicas=1"]));
    let mut streams = nodes.each_ref().map(|node| Watch::open(node, "/channels/a"));
    let mut published = Vec::new();
    for round in 0..2 {
        for node in &nodes {
            let data = format!("{round} {}", node.url);
            let answer = node.publish_at_last("/channels/a", &[("idempotency-key", &data)], &data);
            published.push((answer.id(), data));
        }
        if round == 0 {
            sentinels.switch_over();
        }
    }
    published.push((nodes[0].publish_at_last("/channels/a", &[], "end").id(), "end".to_owned()));
    for watch in &mut streams {
        watch.assert_told(&published[..]);
    }
}

#[test]
fn a_cluster_is_one_redis_for_the_nodes_also_while_it_moves_the_stream() {
    let mut cluster = Cluster::start();
    let nodes = [0; 2].map(|_| Server::node(&cluster.url(), &[]));
    assert_works(&nodes[0], &nodes[1]);
    let mut streams = nodes.each_ref().map(|node| Watch::open(node, "/channels/b"));
    let one = nodes[0].post("/channels/b", &[("idempotency-key", "k")], "one").id();
    cluster.move_slot_of(STREAM);
    let again = nodes[1].publish_at_last("/channels/b", &[("idempotency-key", "k")], "one");
    assert_eq!(again.id(), one);
    nodes.iter().for_each(|node| _ = node.publish_at_last("/channels/c", &[], "it works again"));
    for data in ["two", "three"] {
        nodes[1].publish_at_last("/channels/b", &[("idempotency-key", data)], data);
    }
    for watch in &mut streams {
        watch.until("three");
        assert_eq!((watch.data(), watch.gaps.len()), (vec!["one", "two", "three"], 0));
    }
    cluster.nodes().iter_mut().for_each(RedisServer::kill);
    nodes.iter().for_each(|node| _ = node.until_ill());
    streams.iter_mut().for_each(|watch| watch.heartbeat(3));
}

#[test]
fn a_cluster_whose_replica_takes_over_goes_on_with_all_that_it_had() {
    let mut cluster = Cluster::start();
    cluster.add_replica_of(STREAM);
    let nodes = [0; 2].map(|_| Server::node(&cluster.url(), &["--redis-wait-replicas=1"]));
    let mut streams = nodes.each_ref().map(|node| Watch::open(node, "/channels/a"));
    let mut due = Vec::new();
    for number in 0..10 {
        let data = number.to_string();
        let answer = nodes[number % 2].publish_at_last("/channels/a", &[("idempotency-key", &data)], &data);
        due.push((answer.id(), data));
    }
    cluster.failover(STREAM);
    // It has no replica any more.
    let answer = nodes[0].post("/channels/a", &[("idempotency-key", "last")], "last");
    assert_eq!(answer.status, 503, "{answer:?}");
    cluster.add_replica_of(STREAM);
    due.push((nodes[1].publish_at_last("/channels/a", &[("idempotency-key", "last")], "last").id(), "last".to_owned()));
    streams.iter_mut().for_each(|watch| watch.assert_told(&due));
}

#[test]
fn tls_is_spoken_with_a_redis_whose_authority_is_trusted_and_with_no_other() {
    let tls = Tls::new();
    let redis = RedisServer::start_tls(&tls, &[]);
    let start = || Server::started(command(&redis.tls_url(), &[]).env("SSL_CERT_FILE", tls.ca()));
    let nodes = [start(), start()];
    nodes.iter().for_each(Server::until_ready);
    assert_works(&nodes[0], &nodes[1]);
    // What has no certificate that is trusted is not spoken with.
    let other = Tls::new();
    let mut command = command(&redis.tls_url(), &[]);
    let mut node = crate::support::Process::start(command.env("SSL_CERT_FILE", other.ca()));
    let said = node.line_with("ertificate");
    assert!(said.contains("redis") || said.contains("Redis"), "{said}");
}

#[test]
fn nodes_of_two_streams_and_two_databases_do_not_know_each_other() {
    let redis = RedisServer::start(&[]);
    let nodes = [("", "one"), ("", "two"), ("/1", "one")].map(|(database, stream)| {
        Server::node(&format!("{}{database}", redis.url()), &[&format!("--redis-stream={stream}")])
    });
    let mut ids = Vec::new();
    for node in &nodes {
        let answer = node.post("/channels/a", &[("idempotency-key", "k")], &node.url);
        assert_eq!(answer.header("idempotent-replayed"), None);
        ids.push(answer.id());
    }
    for (node, id) in nodes.iter().zip(ids) {
        assert_kept(&[node], "a", &[(id, node.url.clone())]);
    }
    assert_eq!(redis.call(&["XLEN", "{two}:events"]).int(), 1);
}
