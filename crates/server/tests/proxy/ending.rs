//! A node ends, in order or not. Its streams come back at the other node, and no publish is made twice.

use std::{fs, thread};

use crate::{
    SILENT, Site, data, post,
    support::{curl_once, until, wire::Requests},
};

#[test]
fn a_stream_of_a_killed_node_comes_back_at_the_other_and_misses_nothing() {
    let mut site = Site::start(SILENT, &[]);
    let (mut stream, node) = site.stream_of("me", "/channels/a");
    let seen = post(site.nginx.address, "/channels/a", "seen").id();
    assert_eq!(data(&mut stream), "seen");
    site.nodes.remove(node).process.kill();
    let ended = stream.next();
    assert!(!matches!(ended, Ok(Some(_))), "{ended:?}");

    let meanwhile: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    for data in &meanwhile {
        post(site.nodes[0].address, "/channels/a", data).id();
    }
    let mut stream = site.stream("/channels/a?id=me", Some(&seen));
    for expected in &meanwhile {
        assert_eq!(&data(&mut stream), expected);
    }
    post(site.nginx.address, "/channels/a", "live").id();
    assert_eq!(data(&mut stream), "live");
}

#[test]
fn a_node_that_drains_ends_its_streams_in_order_and_the_other_goes_on() {
    let mut site = Site::start(SILENT, &[]);
    let (mut stream, node) = site.stream_of("me", "/channels/a");
    let seen = post(site.nginx.address, "/channels/a", "seen").id();
    assert_eq!(data(&mut stream), "seen");
    site.nodes[node].process.signal("TERM");
    assert_eq!(stream.next().unwrap(), None, "its end is told, by the last chunk");

    // It does not listen any more, so nginx goes to the other one at once.
    let meanwhile: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    for data in &meanwhile {
        post(site.nginx.address, "/channels/a", data).id();
    }
    let mut stream = site.stream("/channels/a?id=me", Some(&seen));
    for expected in &meanwhile {
        assert_eq!(&data(&mut stream), expected);
    }
    post(site.nginx.address, "/channels/a", "live").id();
    assert_eq!(data(&mut stream), "live");
    assert_eq!(site.nodes[node].process.exit().code(), Some(0));
}

#[test]
fn a_publish_whose_node_is_killed_is_not_made_again_at_the_other() {
    let mut site = Site::start(SILENT, &[]);
    let (mut stream, node) = site.stream_of("me", "/channels/a");
    // The one without a stream has the fewest connections, so it is asked.
    let asked = site.nodes.remove(1 - node).process;
    site.redis.pause();
    let large = "x".repeat(64 << 10);
    let (address, body) = (site.nginx.address, large.clone());
    let publisher = thread::spawn(move || post(address, "/channels/a", &body).status);
    until("it is on its way to Redis", || unread_bytes_max(site.redis.port()) >= large.len());
    asked.kill();
    assert_eq!(publisher.join().unwrap(), 502, "nobody knows whether it was published");
    site.redis.resume();
    // It was: Redis has it from the node that is dead.
    assert!(data(&mut stream) == large, "it is published");
    post(site.nodes[0].address, "/channels/a", "the next").id();
    assert_eq!(data(&mut stream), "the next", "it is published once");
}

#[test]
fn without_any_node_a_stream_is_told_to_come_back_and_a_publisher_that_it_failed() {
    let mut site = Site::start(SILENT, &[]);
    site.nodes.drain(..).for_each(|node| drop(node.process.kill()));
    let url = format!("{}/channels/a", site.nginx.url());
    let answer = curl_once(&["-i", "-H", "Accept: text/event-stream", &url]);
    // A browser gives up for ever at any other status.
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("\r\nContent-Type: text/event-stream\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nretry: 3000\n"), "{answer}");
    let status = Requests::open(site.nginx.address).unwrap().post("/channels/a", &[], "").unwrap().status;
    assert_eq!(status, 502);
}

/// The largest number of unread bytes among all connections to this port of 127.0.0.1; see proc_net_tcp(5).
fn unread_bytes_max(port: u16) -> usize {
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let local = format!("0100007F:{port:04X}");
    let unread = table.lines().filter_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let (_, unread) = words.next().filter(|&word| word == local).and(words.nth(2))?.split_once(':')?;
        usize::from_str_radix(unread, 16).ok()
    });
    unread.max().unwrap_or(0)
}
