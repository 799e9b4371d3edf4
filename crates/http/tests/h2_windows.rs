//! HTTP/2 peers that open their windows a little and take nothing more. Bytes that wait for them count against every
//! limit, as bytes that wait for a socket do.

mod support;

use std::{thread, time::Duration};

use fanfare_http::Config;
use support::{
    h2::{H2, H2Body},
    server::{Server, Way, config},
    steady::steadily,
};

const MIB: usize = 1 << 20;

/// No heartbeat moves anything, and one event fits into each ring.
fn silent() -> Config {
    let mut config = config(Way::H2);
    config.core.heartbeat_ms = 3_600_000;
    config.core.ring_bytes_max = 2 * MIB;
    config
}

/// A client `name` whose window takes 4 KiB. Its first lines have come.
fn narrow(server: &Server, name: &str) -> (H2, H2Body) {
    let h2 = H2::open_narrow(server.address);
    let headers = [("accept", "text/event-stream")];
    let (head, mut body) = h2.send("GET", &format!("/sse?id={name}"), &headers, b"");
    assert_eq!(head.status, 200);
    assert!(body.piece().unwrap().starts_with(b"retry: "));
    (h2, body)
}

#[test]
fn a_peer_that_takes_part_of_a_message_and_no_more_is_cut_off_after_the_write_timeout() {
    let mut config = silent();
    config.core.write_timeout_ms = 300;
    let server = Server::start(Way::H2, config);
    let (_h2, mut body) = narrow(&server, "stuck");
    server.publish("/clients/stuck", "x".repeat(MIB));
    // Nothing else waits for it: the message that is on its way out counts.
    server.until_matched("stuck", 0);
    assert!(!body.ends_properly(), "it is reset");
}

#[test]
fn a_peer_that_takes_a_little_now_and_then_is_not() {
    let mut config = silent();
    config.core.write_timeout_ms = 1_000;
    let server = Server::start(Way::H2, config);
    steadily(Duration::from_millis(500), |pulse| {
        let (_h2, mut body) = narrow(&server, "slow");
        server.publish("/clients/slow", "x".repeat(200 << 10));
        server.publish("/clients/slow", "end");
        let mut got = Vec::new();
        while !got.ends_with(b"data: end\n\n") {
            got.extend(body.piece().expect("it is not reset"));
            pulse.beat();
            // The whole takes longer than the timeout, and no piece does.
            thread::sleep(Duration::from_millis(30));
        }
        assert!(got.len() > 200 << 10);
    });
}

/// How many of `count` clients are left. 1 MiB waits for each of them, which it does not take, and all together may
/// have `hub_ring_bytes_max`.
fn left(count: usize, hub_ring_bytes_max: usize) -> usize {
    let mut config = silent();
    config.core.hub_ring_bytes_max = hub_ring_bytes_max;
    config.core.shards = 1;
    let server = Server::start(Way::H2, config);
    let mut clients: Vec<_> = (0..count).map(|number| narrow(&server, &format!("c{number}"))).collect();
    for number in 0..count {
        server.publish(&format!("/clients/c{number}"), "x".repeat(MIB - 1_000));
    }
    // Behind it comes an event for all, so that every client that is left shows that it was served.
    server.publish("/broadcast", "end");
    let mut left = 0;
    for (_, body) in &mut clients {
        let mut got = Vec::new();
        while let Some(Ok(piece)) = body.next() {
            got.extend(piece);
            if got.ends_with(b"data: end\n\n") {
                left += 1;
                break;
            }
        }
    }
    left
}

#[test]
fn messages_that_peers_do_not_take_count_against_the_limit_of_all_rings() {
    assert_eq!(left(4, 5 * MIB), 4);
    let left = left(8, 4 * MIB);
    assert!((1..=4).contains(&left), "{left} hold more than all may");
}
