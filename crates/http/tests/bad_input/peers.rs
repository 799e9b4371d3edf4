//! Subscribers that talk, vanish, or never read. The publisher and all others must not notice.

use fanfare_core::Policy;
use fanfare_http::Config;

use crate::{
    Observed,
    support::{
        h2::H2,
        server::{H2_WAYS, Server, WAYS, Way, config},
        stream::Stream,
    },
};

const RING_MESSAGES: usize = 8;
const DATA_BYTES: usize = 20_000;

/// Settings under which a subscriber that does not read is soon full.
fn narrow(way: Way) -> Config {
    let mut config = Config { send_buffer_bytes: 4 << 10, ..config(way) };
    config.core.ring_messages_max = RING_MESSAGES;
    config.core.ring_bytes_max = 1 << 20;
    // The test is about a full ring, not about how long it is put off.
    config.core.patience_ms = 0;
    config
}

/// How many events the stream says it has lost up to one that is `end`, and those that came.
fn lost_and_got(stream: &mut Stream, end: &str) -> (u64, Vec<usize>) {
    let (mut lost, mut got) = (0, Vec::new());
    loop {
        let event = stream.event();
        match event.gap() {
            Some(gap) => {
                assert_eq!(gap.reason, "busy");
                lost += gap.missed.expect("it was there all the time");
            }
            None if event.data == end => return (lost, got),
            None => got.extend(numbers(&[event.data])),
        }
    }
}

/// The data of event `number`.
fn data(number: usize) -> String {
    format!("{number} {}", "x".repeat(DATA_BYTES))
}

fn numbers(data: &[String]) -> Vec<usize> {
    data.iter().map(|data| data.split_once(' ').unwrap().0.parse().unwrap()).collect()
}

#[test]
fn under_drop_newest_what_a_stuck_reader_is_told_to_lose_is_exactly_what_it_loses() {
    for way in WAYS {
        let mut world = Observed::start(way, Config { policy: Policy::DropNewest, ..narrow(way) });
        let mut stuck = world.server.stuck();
        let (mut kept, mut dropped) = (Vec::new(), 0);
        // Far more than its ring and all buffers on the way hold.
        for number in 0..400 {
            let receipt = world.server.publish("/broadcast?wait=written", data(number));
            assert_eq!(receipt["matched"], 2);
            let lost = usize::try_from(receipt["dropped"].as_u64().unwrap()).unwrap();
            assert!(lost <= 1, "the observer reads: {receipt}");
            if lost == 0 {
                kept.push(number);
            }
            dropped += lost;
            assert_eq!(numbers(&[world.observer.data()]), [number], "everybody else gets everything");
            if dropped > 20 {
                break;
            }
        }
        assert!(dropped > 20, "{way:?}: its ring holds more than its limit");
        stuck.prelude();
        for number in &kept {
            assert_eq!(numbers(&[stuck.data()]), [*number], "{way:?}");
        }
        let gap = stuck.gap();
        assert_eq!((gap.missed, gap.reason.as_str()), (Some(dropped as u64), "busy"), "{way:?}");
        world.server.publish("/clients/stuck", "goes on");
        assert_eq!(stuck.data(), "goes on");
    }
}

#[test]
fn under_drop_oldest_a_stuck_reader_gets_the_newest() {
    for way in WAYS {
        let mut world = Observed::start(way, Config { policy: Policy::DropOldest, ..narrow(way) });
        let mut stuck = world.server.stuck();
        for number in 0..150 {
            world.server.publish("/broadcast", data(number));
            world.observer.data();
        }
        world.server.publish("/broadcast", "end 0");
        stuck.prelude();
        let (lost, got) = lost_and_got(&mut stuck, "end 0");
        assert!(got.is_sorted_by(|one, next| one < next), "{got:?}");
        assert_eq!(got.last(), Some(&149), "{way:?}: {got:?}");
        assert!(lost > 0, "{way:?}: nothing was dropped");
        assert_eq!(lost + got.len() as u64, 150, "{way:?}");
    }
}

#[test]
fn under_close_a_stuck_reader_is_closed_and_nobody_else() {
    for way in WAYS {
        let mut world = Observed::start(way, Config { policy: Policy::Close, ..narrow(way) });
        let stuck = world.server.stuck();
        let mut number = 0;
        while world.server.matched("stuck") > 0 {
            world.server.publish("/broadcast", data(number));
            world.observer.data();
            number += 1;
            assert!(number < 400, "{way:?}: it is never closed");
        }
        drop(stuck);
        world.assert_untouched();
    }
}

#[test]
fn a_stuck_reader_is_closed_after_the_write_timeout() {
    for way in WAYS {
        let mut config = narrow(way);
        config.core.write_timeout_ms = 200;
        // The sweep looks more often under a short heartbeat.
        config.core.heartbeat_ms = 100;
        let mut world = Observed::start(way, config);
        let mut stuck = world.server.stuck();
        for number in 0..60 {
            world.server.publish("/channels/a", data(number));
            world.observer.data();
            world.server.publish("/clients/stuck", data(number));
        }
        world.server.until_matched("stuck", 0);
        if !way.is_h2() {
            let bytes = stuck.client().until_closed();
            assert!(!bytes.ends_with(b"\r\n0\r\n\r\n"), "{way:?}: it must not look like a proper end");
        }
        world.assert_untouched();
    }
}

#[test]
fn a_subscriber_may_send_four_kibibytes_and_not_one_more() {
    let mut world = Observed::new();
    let mut stream = world.server.subscribe("/sse?id=me");
    // Once an event has come, its socket has left hyper, and every byte counts.
    assert_eq!(world.server.matched("me"), 1);
    assert_eq!(stream.data(), "how many");
    stream.client().send([b'x'; 4 << 10]);
    // A second one is read behind it, so the bytes have been counted.
    for _ in 0..3 {
        assert_eq!(world.server.matched("me"), 1);
        assert_eq!(stream.data(), "how many");
    }
    stream.client().send("x");
    world.server.until_matched("me", 0);
    stream.client().until_closed();
    world.assert_untouched();
}

#[test]
fn what_came_together_with_the_request_counts_as_well() {
    let mut world = Observed::new();
    let mut client = world.server.client();
    client.send(format!("GET /sse?id=me HTTP/1.1\r\nHost: test\r\n\r\n{}", "x".repeat(9_000)));
    client.until_closed();
    world.server.until_matched("me", 0);
    world.assert_untouched();
}

#[test]
fn subscribers_that_go_away_are_forgotten_however_they_go() {
    for way in [Way::Socket, Way::Body, Way::Tls] {
        let mut world = Observed::start(way, config(way));
        for path in ["/sse?id=me", "/channels/a?id=me"] {
            drop(world.server.subscribe(path));
            world.server.until_matched("me", 0);
            world.server.subscribe(path).reset();
            world.server.until_matched("me", 0);
            let mut stream = world.server.subscribe(path);
            stream.client().finish_sending();
            world.server.until_matched("me", 0);
            stream.client().until_closed();
        }
        world.assert_untouched();
    }
}

#[test]
fn h2_streams_that_are_let_go_are_forgotten_and_their_connection_goes_on() {
    for way in [Way::H2, Way::H2Body, Way::TlsH2] {
        let server = Server::new(way);
        let h2 = H2::open(server.address);
        let (one, mut other) = (h2.subscribe("/sse?id=one"), h2.subscribe("/sse?id=other"));
        assert_eq!(server.matched("one"), 1);
        drop(one);
        server.until_matched("one", 0);
        other.prelude();
        server.publish("/clients/other", "here");
        assert_eq!(other.data(), "here");
        drop((h2, other));
        server.until_matched("other", 0);
    }
}

#[test]
fn a_stuck_h2_stream_is_broken_off_and_the_others_of_its_connection_go_on() {
    for way in H2_WAYS {
        let mut config = narrow(way);
        config.core.write_timeout_ms = 200;
        config.core.heartbeat_ms = 100;
        let server = Server::start(way, config);
        let h2 = H2::open_narrow(server.address);
        let (head, mut stuck) = h2.send("GET", "/sse?id=stuck", &[], b"");
        assert_eq!(head.status, 200);
        let mut other = h2.subscribe("/sse?id=other");
        other.prelude();
        for number in 0..20 {
            server.publish("/clients/stuck", data(number));
        }
        server.until_matched("stuck", 0);
        server.publish("/clients/other", "here");
        assert_eq!(other.data(), "here");
        assert!(!stuck.ends_properly(), "it must not look like a proper end");
        server.publish("/clients/other", "still here");
        assert_eq!(other.data(), "still here");
    }
}

#[test]
fn many_that_come_and_go_at_once_disturb_nobody() {
    for way in [Way::Socket, Way::Body, Way::Tls] {
        let mut world = Observed::start(way, config(way));
        for number in 0..300 {
            let mut client = world.server.client();
            client.send("GET /sse?id=me&channel=a HTTP/1.1\r\nHost: test\r\n\r\n");
            match number % 3 {
                0 => client.reset(),
                1 => client.finish_sending(),
                _ => drop(client),
            }
            if number % 10 == 0 {
                world.server.publish("/channels/a", number.to_string());
                assert_eq!(world.observer.data(), number.to_string());
            }
        }
        world.server.until_matched("me", 0);
        world.assert_untouched();
    }
}
