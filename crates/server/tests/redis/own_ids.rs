//! Publishers' own ids as places to resume from on several nodes, also at a node that has not read so far, and with one
//! id on several events.

use std::thread;

use serde_json::json;

use crate::{
    rig::{Proxy, RedisServer},
    support::{server::Server, settings::limits},
    watch::Watch,
};

const PATH: &str = "/channels/a";

/// Data of the events so far.
fn data(watch: &Watch) -> Vec<&str> {
    watch.events.iter().map(|(_, data)| data.as_str()).collect()
}

#[test]
fn who_comes_with_an_own_id_to_a_node_that_is_behind_gets_what_comes_after_it_and_nothing_twice() {
    let redis = RedisServer::start(&[]);
    let proxy = Proxy::start(redis.port());
    // A link that was silent takes seconds to come back on a busy machine.
    let patient = limits(&["ready-timeout = '1min'"]);
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&proxy.url(), &[&patient]));
    a.publish(&format!("{PATH}?id=one"), "one");
    Watch::resume(&b, PATH, "1-0").until("one");
    proxy.stall();
    for id in ["two", "three"] {
        a.publish(&format!("{PATH}?id={id}"), id);
    }
    thread::scope(|scope| {
        let streams = ["two", "three"].map(|id| {
            let b = &b;
            scope.spawn(move || Watch::resume(b, PATH, id))
        });
        let page = scope.spawn(|| b.get(&format!("{PATH}/history?after=two")).json());
        // What it has read it answers at once.
        assert_eq!(b.get(&format!("{PATH}/history?after=one")).json()["events"], json!([]));
        assert!(!page.is_finished() && streams.iter().all(|stream| !stream.is_finished()));
        proxy.mend();
        // It may have been asked when the node had read the one and not the other.
        let page = page.join().unwrap();
        assert!(page["gap"].is_null(), "{page}");
        assert!(page["events"].as_array().unwrap().iter().all(|event| event["data"] == "three"), "{page}");
        let end = a.publish(PATH, "end");
        let [mut two, mut three] = streams.map(|stream| stream.join().unwrap());
        two.assert_told(&[("three".to_owned(), "three".to_owned()), (end.clone(), "end".to_owned())]);
        three.assert_told(&[(end, "end".to_owned())]);
    });
}

#[test]
fn an_own_id_that_stands_on_two_events_is_the_older_one_at_every_node() {
    let redis = RedisServer::start(&[]);
    let nodes = [Server::node(&redis.url(), &[]), Server::node(&redis.url(), &[])];
    for (node, (path, text, id)) in [
        ("/channels/a", "A1", "1"),
        ("/channels/b", "B1", "1"),
        ("/channels/a", "A2", "2"),
        ("/channels/b", "B2", "2"),
        ("/channels/a", "A3", "3"),
    ]
    .into_iter()
    .enumerate()
    {
        nodes[node % 2].publish(&format!("{path}?id={id}"), text);
    }
    let late = Server::node(&redis.url(), &[]);
    for node in nodes.iter().chain([&late]) {
        let mut watch = Watch::resume(node, "/sse?channel=a&channel=b", "2");
        watch.until("A3");
        assert_eq!((data(&watch), watch.gaps.len()), (vec!["B2", "A3"], 0));
        let page = node.get("/channels/a/history?after=1").json();
        let events = page["events"].as_array().unwrap();
        assert_eq!(events.iter().map(|event| event["data"].as_str().unwrap()).collect::<Vec<_>>(), ["A2", "A3"]);
    }
}

#[test]
fn at_a_node_that_does_not_get_so_far_in_time_an_own_id_is_unknown() {
    let redis = RedisServer::start(&[]);
    let proxy = Proxy::start(redis.port());
    let impatient = limits(&["ready-timeout = '200ms'"]);
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&proxy.url(), &[&impatient]));
    proxy.stall();
    a.publish(&format!("{PATH}?id=one"), "one");
    let mut watch = Watch::resume(&b, PATH, "one");
    assert_eq!(watch.until_gap().reason, "unknown-id");
}

#[test]
fn who_has_everything_is_told_of_no_gap_by_a_node_that_was_trimmed_past() {
    let redis = RedisServer::start(&[]);
    let proxy = Proxy::start(redis.port());
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&proxy.url(), &[]));
    a.publish(PATH, "0");
    Watch::resume(&b, PATH, "1-0").until("0");
    proxy.cut();
    b.until_ill();
    let ids: Vec<_> = (1..=50).map(|number| a.publish(PATH, &number.to_string())).collect();
    redis.call(&["XTRIM", "{fanfare}:events", "MAXLEN", "10"]);
    let behind = &ids[3];
    let mut streams = [behind, ids.last().unwrap()].map(|last| Watch::resume(&b, PATH, last));
    streams.iter_mut().for_each(|watch| watch.heartbeat(1));
    proxy.mend();
    b.until_well();
    let end = a.publish(PATH, "end");
    let [behind, up_to_date] = &mut streams;
    up_to_date.assert_told(&[(end, "end".to_owned())]);
    behind.until("end");
    assert_eq!((behind.gaps.len(), behind.events.len()), (1, 11), "{behind:?}");
    assert_eq!((behind.gaps[0].reason.as_str(), &behind.gaps[0].from), ("expired", &ids[3]));
}
