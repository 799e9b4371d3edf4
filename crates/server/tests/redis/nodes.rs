//! Events of one node reach all nodes in one order and with the same ids. Each node can go on where another has
//! stopped.

use std::thread;

use serde_json::{Value, json};

use crate::{
    node::assert_kept,
    rig::RedisServer,
    support::{
        curl,
        server::{Server, id},
    },
    watch::{Watch, assert_rising},
};

#[test]
fn an_event_comes_from_every_node_with_the_id_that_its_publisher_was_told() {
    let redis = RedisServer::start(&[]);
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&redis.url(), &[]));
    let everything = "/sse?channel=a&channel=b&id=me";
    let mut streams = [&a, &b]
        .map(|node| ["/sse", "/channels/a", "/channels/other?id=me", everything].map(|path| Watch::open(node, path)));
    let mut published = Vec::new();
    for (node, path, data) in [
        (&a, "/broadcast", "to all"),
        (&b, "/channels/a", "to a channel"),
        (&a, "/channels/nobody", "to nobody"),
        (&a, "/clients/me", "to a client"),
        (&b, "/clients/another", "to another client"),
        (&b, "/channels/b/broadcast", "to another channel"),
        (&b, "/broadcast", "end"),
    ] {
        published.push((node.publish(path, data), data.to_owned()));
    }
    assert_rising(&published);
    for of_node in &mut streams {
        for (watch, due) in of_node.iter_mut().zip([&[0, 6][..], &[0, 1, 6], &[0, 3, 6], &[0, 1, 3, 5, 6]]) {
            let due: Vec<_> = due.iter().map(|index| published[*index].clone()).collect();
            watch.assert_told(&due[..]);
        }
    }
}

#[test]
fn publishers_on_all_nodes_have_one_order_everywhere() {
    const EACH: usize = 150;
    let redis = RedisServer::start(&[]);
    let nodes = [0; 3].map(|_| Server::node(&redis.url(), &[]));
    let mut streams = nodes.each_ref().map(|node| Watch::open(node, "/channels/a"));
    let told = thread::scope(|scope| {
        let publishers: Vec<_> = (0..6)
            .map(|publisher| {
                let mut requests = nodes[publisher % 3].requests();
                scope.spawn(move || {
                    let data = (0..EACH).map(|number| format!("{publisher} {number}"));
                    let post = |data: String| (requests.post("/channels/a", &[], &data).unwrap().id(), data);
                    data.map(post).collect::<Vec<_>>()
                })
            })
            .collect();
        publishers.into_iter().map(|publisher| publisher.join().unwrap()).collect::<Vec<_>>()
    });
    told.iter().for_each(|of_one| assert_rising(of_one));
    let end = nodes[0].publish("/channels/a", "end");
    let mut all = told.concat();
    all.sort_by_key(|(text, _)| id(text));
    all.push((end, "end".to_owned()));
    for watch in &mut streams {
        watch.until("end");
        assert!(watch.events == all && watch.gaps.is_empty(), "{:?} {:?}", watch.events, watch.gaps);
    }
    assert_kept(&nodes.each_ref(), "a", &all);
}

#[test]
fn counts_are_those_of_the_node_that_answers() {
    let redis = RedisServer::start(&[]);
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&redis.url(), &[]));
    let _streams = [&a, &b, &b].map(|node| Watch::open(node, "/channels/a"));
    for (node, count) in [(&a, 1), (&b, 2)] {
        let answer = node.post("/channels/a?wait=written", &[], "x").json();
        let counts = ["matched", "written", "queued", "dropped"].map(|member| answer[member].as_u64());
        assert_eq!(counts, [count, count, 0, 0].map(Some), "{answer}");
        assert_eq!(node.post("/channels/a", &[], "x").json()["matched"], count);
    }
}

#[test]
fn a_stream_goes_on_at_another_node_and_pages_of_history_are_the_same() {
    let redis = RedisServer::start(&[]);
    let nodes = [0; 2].map(|_| Server::node(&redis.url(), &[]));
    let published: Vec<_> = (0..30)
        .map(|number| (nodes[number % 2].publish("/channels/a", &number.to_string()), number.to_string()))
        .collect();
    let cursor = Watch::open(&nodes[0], "/channels/a");
    drop(cursor);
    for at in [0, 7, 28] {
        for node in &nodes {
            let mut watch = Watch::resume(node, "/channels/a", &published[at].0);
            watch.assert_told(&published[at + 1..]);
        }
    }
    for query in ["", "limit=7", &format!("limit=5&after={}", published[3].0), &format!("after={}", published[29].0)] {
        let pages = nodes.each_ref().map(|node| node.get(&format!("/channels/a/history?{query}")).json());
        assert_eq!(pages[0], pages[1], "{query}");
        assert_eq!(pages[0]["gap"], Value::Null, "{query}");
    }
    assert_kept(&nodes.each_ref(), "a", &published);
    // No node can have told of what is to come.
    let now_ms = id(&published[29].0).0;
    let mut watch = Watch::resume(&nodes[1], "/channels/a", &format!("{}-0", now_ms + 600_000));
    assert_eq!(watch.until_gap().reason, "unknown-id");
    // What follows is live everywhere.
    let mut watch = Watch::resume(&nodes[1], "/channels/a", &published[28].0);
    watch.until("29");
    nodes[0].publish("/channels/a", "live");
    watch.until("live");
    assert_eq!((watch.data(), watch.gaps.len()), (vec!["29", "live"], 0));
}

#[test]
fn a_batch_comes_in_its_order_from_every_node() {
    let redis = RedisServer::start(&[]);
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&redis.url(), &[]));
    let mut streams = [&a, &b].map(|node| Watch::open(node, "/sse?channel=a&channel=b&id=me"));
    let mut batch: String = (0..1_000).map(|line| format!("{{\"channel\":\"a\",\"data\":\"{line}\"}}\n")).collect();
    batch.push_str("no event\n{\"channels\":[\"a\",\"b\"],\"data\":{\"n\":1.50}}\n");
    batch.push_str("{\"client\":\"me\",\"data\":\"mine\"}\n{\"all\":true,\"data\":\"end\"}\n");
    let answer = a.post("/publish", &[], &batch);
    let counts = answer.json();
    assert_eq!((answer.status, &counts["published"], &counts["failed"]), (202, &json!(1_003), &json!(1)), "{counts}");
    let mut due: Vec<String> = (0..1_000).map(|line| line.to_string()).collect();
    due.extend(["{\"n\":1.50}", "mine", "end"].map(str::to_owned));
    for watch in &mut streams {
        watch.until("end");
        assert_rising(&watch.events);
        assert!(watch.data() == due && watch.gaps.is_empty(), "{:?} {:?}", watch.data(), watch.gaps);
        assert_eq!((&watch.events[0].0, &watch.events[1_002].0), (&id_of(&counts["first"]), &id_of(&counts["last"])));
    }
}

#[test]
fn events_as_large_as_a_body_may_be_come_as_they_are() {
    const MIB: usize = 1 << 20;
    let redis = RedisServer::start(&[]);
    // However slowly they are read, all of them are kept.
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&redis.url(), &["--history-bytes", "16MiB"]));
    let mut watch = Watch::open(&b, "/channels/a");
    let mut due = Vec::new();
    for letter in ["a", "b", "c", "d", "e", "f"] {
        let data = letter.repeat(MIB);
        due.push((a.publish("/channels/a", &data), data));
    }
    due.push((a.publish("/channels/a", "end"), "end".to_owned()));
    watch.until("end");
    assert!(watch.events == due && watch.gaps.is_empty(), "{} events, {:?}", watch.events.len(), watch.gaps);
}

#[test]
fn nodes_that_have_a_clock_tick_together() {
    const TICKS: usize = 10;
    let redis = RedisServer::start(&[]);
    let nodes = [0; 3].map(|_| Server::node(&redis.url(), &["--clock=200ms"]));
    let mut streams = nodes.each_ref().map(|node| Watch::open(node, "/sse"));
    let first = nodes[0].publish("/broadcast", "first");
    let ticks = streams.each_mut().map(|watch| {
        watch.until("first");
        watch.until_more(TICKS);
        let behind = watch.events.iter().filter(|(at, _)| id(at) > id(&first));
        behind.take(TICKS).cloned().collect::<Vec<_>>()
    });
    assert!(ticks[0] == ticks[1] && ticks[1] == ticks[2], "{ticks:#?}");
    assert!(ticks[0].iter().all(|(_, data)| data.starts_with("the time is ")), "{ticks:#?}");
    // Were each node to tick by itself, there would be three of them in the time of one.
    let took_ms = id(&ticks[0][TICKS - 1].0).0 - id(&ticks[0][0].0).0;
    assert!(took_ms > 200 * (TICKS as u64 - 1) / 2, "{took_ms} ms for {ticks:#?}");
}

fn id_of(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no id: {value}")).to_owned()
}

#[test]
fn every_member_of_an_event_and_every_byte_of_its_data_comes_from_another_node() {
    let redis = RedisServer::start(&[]);
    let (a, b) = (Server::node(&redis.url(), &[]), Server::node(&redis.url(), &[]));
    let mut lines = curl(&[&format!("{}/channels/%C3%BC%2F1", b.url)]);
    let mut watch = Watch::open(&b, "/channels/%C3%BC%2F1");
    let large: String = ('a'..='z').cycle().take(64 << 10).collect();
    a.publish("/channels/%C3%BC%2F1?event=price&id=order%207&retry=5000", "one\r\ntwo\rthree\n");
    a.publish("/channels/%C3%BC%2F1", "");
    a.publish("/channels/%C3%BC%2F1", "\u{1f980} \0 : \u{feff}");
    a.publish("/channels/%C3%BC%2F1", &large);
    let live = a.publish("/channels/%C3%BC%2F1?keep=no", "live only");
    a.publish("/channels/%C3%BC%2F1", "end");
    for line in ["event: price", "id: order 7", "retry: 5000", "data: one", "data: two", "data: three"] {
        assert_eq!(lines.line_with(&line[..4]), line);
    }
    let due = ["one\ntwo\nthree\n", "", "\u{1f980} \0 : \u{feff}", &large, "live only", "end"];
    watch.until("end");
    assert!(watch.data() == due && watch.events[4].0 == live, "{:?}", watch.events);

    // Nor does a node that starts later know what was live only.
    let c = Server::node(&redis.url(), &[]);
    let kept: Vec<_> = due.into_iter().filter(|data| *data != "live only").collect();
    for node in [&a, &b, &c] {
        let page = node.history("%C3%BC%2F1", "");
        let data: Vec<_> = page["events"].as_array().unwrap().iter().map(|event| &event["data"]).collect();
        assert!(data == kept, "{}", node.url);
        assert_eq!((&page["events"][0]["id"], &page["events"][0]["event"]), (&json!("order 7"), &json!("price")));
        // A publisher's own id is a position at every node.
        let mut watch = Watch::resume(node, "/channels/%C3%BC%2F1", "order 7");
        watch.until("end");
        assert_eq!((watch.data() == kept[1..], watch.gaps.len()), (true, 0));
    }
}
