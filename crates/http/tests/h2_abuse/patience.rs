//! What is odd and no attack, or one that ends by a clock: the connection goes on, or ends in its time.

use std::{io::Write as _, net::TcpStream, thread, time::Duration};

use fanfare_http::Config;

use crate::{
    WAYS, World,
    attacker::Attacker,
    support::{
        PATIENCE,
        frames::{DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PREFACE, RST_STREAM, SETTINGS, frame, request},
        server::{Way, config},
        until,
    },
};

const PING: u8 = 6;
const STREAMS: u32 = 1_000;
/// Requests of a client that reads no answer, and the heap that all of them may take: at most as many are open as a connection may
/// have streams, with 4 KiB each.
const ASKED_MAX: u32 = 20_000;
const ASKED_BYTES_MAX: usize = 4 << 20;

fn get(stream: u32, path: &str) -> Vec<u8> {
    request(stream, b"GET", path.as_bytes(), &[], None)
}

fn streams() -> impl Iterator<Item = u32> {
    (0..STREAMS).map(|number| 2 * number + 1)
}

fn open_and_reset(world: &World) {
    let mut attacker = world.attacker();
    for stream in streams() {
        assert!(attacker.say(&get(stream, "/sse?id=attacker&channel=a")));
    }
    world.server.until_matched("attacker", STREAMS.into());
    attacker.until_heads(STREAMS as usize);
    // What it has got cannot be taken back, so this is no waste of the server's work.
    for stream in streams() {
        assert!(attacker.say(&frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])), "{:?}", attacker.code());
    }
    world.server.until_matched("attacker", 0);
    assert!(attacker.say(&get(2 * STREAMS + 1, "/sse?id=attacker")));
    attacker.until_heads(STREAMS as usize + 1);
    world.server.until_matched("attacker", 1);
    drop(attacker);
    world.server.until_matched("attacker", 0);
}

#[test]
fn a_thousand_streams_that_are_opened_and_reset_leave_nothing() {
    for way in WAYS {
        let mut world = World::new(way);
        // The tables of a server are as large as they ever had to be.
        open_and_reset(&world);
        world.begin();
        open_and_reset(&world);
        world.assert_untouched();
    }
}

#[test]
fn one_stream_more_than_a_connection_may_have_is_refused_and_the_others_go_on() {
    for way in WAYS {
        let mut world = World::start(way, Config { h2_streams_max: 10, ..config(way) });
        let mut attacker = world.attacker();
        for number in 0..30 {
            assert!(attacker.say(&get(2 * number + 1, "/sse?id=attacker")));
        }
        world.server.until_matched("attacker", 10);
        attacker.until_heads(10);
        assert_eq!((attacker.resets(), attacker.code()), (20, None), "{way:?}");
        drop(attacker);
        world.server.until_matched("attacker", 0);
        world.assert_untouched();
    }
}

/// Nobody takes what a subscriber sends, so its window stays shut.
#[test]
fn a_subscriber_that_sends_past_its_window_is_reset_and_the_others_go_on() {
    for way in WAYS {
        let mut world = World::new(way);
        let mut attacker = world.attacker();
        let head = get(1, "/sse?id=attacker");
        // It does not end with its head.
        assert!(attacker.say(&[&head[..4], &[END_HEADERS], &head[5..]].concat()));
        assert!(attacker.say(&get(3, "/sse?id=attacker")));
        world.server.until_matched("attacker", 2);
        // At the limit, and one byte past it.
        for bytes in [16_384; 4] {
            assert!(attacker.say(&frame(DATA, 0, 1, &vec![b'x'; bytes])));
        }
        assert!(attacker.say(&get(5, "/healthz")));
        attacker.until_heads(3);
        assert_eq!((world.server.matched("attacker"), attacker.resets()), (2, 0), "{way:?}");
        assert!(attacker.say(&frame(DATA, 0, 1, b"x")));
        world.server.until_matched("attacker", 1);
        until("it is told", || attacker.resets() == 1);
        assert_eq!(attacker.code(), None, "{way:?}");
        drop(attacker);
        world.server.until_matched("attacker", 0);
        world.assert_untouched();
    }
}

/// The server does without the answer, which a client may never send: the limits hold at once.
#[test]
fn a_client_that_never_acknowledges_settings_is_served() {
    for way in WAYS {
        let mut world = World::new(way);
        let mut attacker = world.attacker();
        for stream in streams().take(100) {
            assert!(attacker.say(&get(stream, "/sse?id=attacker")));
        }
        attacker.until_heads(100);
        world.server.until_matched("attacker", 100);
        assert_eq!(attacker.code(), None);
        drop(attacker);
        world.server.until_matched("attacker", 0);
        world.assert_untouched();
    }
}

/// A client that says GOAWAY takes no streams of the server's, of which there are none (RFC 9113 6.8).
#[test]
fn a_client_that_says_goaway_and_goes_on_is_served_until_it_leaves() {
    for way in WAYS {
        let mut world = World::new(way);
        let mut attacker = world.attacker();
        assert!(attacker.say(&get(1, "/sse?id=attacker")));
        assert!(attacker.say(&frame(GOAWAY, 0, 0, &[0; 8])));
        assert!(attacker.say(&get(3, "/sse?id=attacker")));
        world.server.until_matched("attacker", 2);
        assert_eq!(attacker.code(), None);
        drop(attacker);
        world.server.until_matched("attacker", 0);
        world.assert_untouched();
    }
}

/// Asks `ask` again and again, and reads nothing. Returns the most heap that was seen meanwhile.
fn ask_and_read_nothing(world: &World, ask: fn(u32) -> Vec<u8>) -> usize {
    let mut socket = TcpStream::connect(world.server.address).unwrap();
    socket.set_write_timeout(Some(Duration::from_millis(50))).unwrap();
    let window = [&[0, 4][..], &(i32::MAX as u32).to_be_bytes()].concat();
    socket.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &window)].concat()).unwrap();
    let mut most = 0;
    for first in (0..ASKED_MAX).step_by(100) {
        // Once the server reads no more, the kernel takes no more either.
        let together: Vec<u8> = (first..first + 100).flat_map(ask).collect();
        if socket.write_all(&together).is_err() {
            break;
        }
        most = most.max(world.grown_bytes());
    }
    most
}

#[test]
fn who_asks_and_never_reads_holds_little() {
    type Ask = fn(u32) -> Vec<u8>;
    let asks: [(&str, Ask); 4] = [
        ("PING", |_| frame(PING, 0, 0, &[0; 8])),
        ("requests that are wrong", |step| get(2 * step + 1, "/nowhere")),
        ("pages", |step| request(2 * step + 1, b"GET", b"/", &[(b"accept", b"text/html")], None)),
        ("streams", |step| get(2 * step + 1, "/sse?id=attacker")),
    ];
    for way in WAYS {
        let mut world = World::new(way);
        for (name, ask) in asks {
            // The tables of a server are as large as they ever had to be.
            for _ in 0..2 {
                ask_and_read_nothing(&world, ask);
                world.server.until_matched("attacker", 0);
            }
            world.begin();
            let most = ask_and_read_nothing(&world, ask);
            assert!(most < ASKED_BYTES_MAX, "{way:?}: {name}: {most} bytes");
            world.server.until_matched("attacker", 0);
            world.assert_untouched();
        }
    }
}

/// Bodies that begin and go no further are bounded, and end by the clock of bodies.
#[test]
fn a_thousand_bodies_that_never_end_hold_little_and_are_ended_in_their_time() {
    for way in WAYS {
        let config = Config { body_idle_timeout: Duration::from_millis(500), ..config(way) };
        let mut world = World::start(way, config);
        let mut attacker = world.attacker();
        for stream in streams() {
            let head = request(stream, b"POST", b"/broadcast", &[], Some(b""));
            // Without the frame that ends it.
            assert!(attacker.say(&head[..head.len() - 9]), "{way:?}: {:?}", attacker.code());
        }
        attacker.until_heads(STREAMS as usize);
        assert_eq!(attacker.code(), None, "{way:?}");
        drop(attacker);
        world.assert_untouched();
    }
}

#[test]
fn a_preface_that_is_not_followed_is_closed_in_its_time() {
    for way in WAYS {
        let config = Config { head_timeout: Duration::from_millis(300), ..config(way) };
        let mut world = World::start(way, config);
        for begun in [PREFACE, &PREFACE[..10], &[PREFACE, &[0, 0]].concat()] {
            let mut client = world.server.client();
            client.send(begun);
            client.until_closed();
        }
        world.assert_untouched();
    }
}

/// Half of a frame, and then nothing: there is nothing to wait for.
#[test]
fn a_frame_that_never_ends_is_closed_in_its_time() {
    for way in WAYS {
        let config = Config { head_timeout: Duration::from_millis(300), ..config(way) };
        let mut world = World::start(way, config);
        let mut attacker = Attacker::open(world.server.address);
        assert!(attacker.say(&get(1, "/healthz")));
        attacker.until_heads(1);
        let begun = get(3, "/healthz");
        assert!(attacker.say(&begun[..begun.len() - 1]));
        // Whether it is told or closed, the connection does not stay.
        let start = std::time::Instant::now();
        attacker.until_ended();
        assert!(start.elapsed() < PATIENCE);
        drop(attacker);
        world.assert_untouched();
    }
}

/// Beside an open stream there is no clock for a frame. What has come of it counts as what waits for a slow client does.
#[test]
fn frames_that_never_end_beside_streams_hold_no_more_than_slow_streams_may() {
    const OFFENDERS: usize = 40;
    const BEGUN_BYTES: usize = 16_000;
    for way in WAYS {
        let mut config = config(way);
        config.core.hub_ring_bytes_max = OFFENDERS * BEGUN_BYTES / 4;
        let mut world = World::start(way, config);
        // A frame of a type that is not known.
        let begun = [&[0, 0x40, 0, 0xfa, 0, 0, 0, 0, 0], &[0; BEGUN_BYTES][..]].concat();
        let mut offenders: Vec<_> = (0..OFFENDERS).map(|_| world.attacker()).collect();
        for offender in &mut offenders {
            assert!(offender.say(&get(1, "/sse?channel=slow")));
            offender.until_heads(1);
            assert!(offender.say(&begun));
        }
        let ended = || offenders.iter().filter(|offender| offender.has_ended()).count();
        until("most of them have been ended", || ended() >= OFFENDERS * 3 / 4);
        assert!(ended() < OFFENDERS, "as many as have to");
        drop(offenders);
        world.assert_untouched();
    }
}

#[test]
fn a_client_that_waits_to_be_asked_for_its_body_is_asked() {
    let mut world = World::new(Way::H2);
    let mut client = world.attacker();
    let head = request(1, b"POST", b"/broadcast", &[(b"expect", b"100-continue")], Some(b""));
    assert!(client.say(&head[..head.len() - 9]));
    client.until_heads(1);
    assert!(client.say(&frame(DATA, END_STREAM, 1, b"text")));
    client.until_heads(2);
    assert_eq!((world.observer.data(), client.code()), ("text".to_owned(), None));
    // Not if the body is refused.
    let head =
        request(3, b"POST", b"/broadcast", &[(b"expect", b"100-continue"), (b"content-length", b"9999999")], Some(b""));
    assert!(client.say(&head[..head.len() - 9]));
    client.until_heads(3);
    assert!(client.say(&get(5, "/healthz")));
    client.until_heads(4);
}

/// Whoever sends in the moment in which an idle connection is closed reads which of its requests were answered.
#[test]
fn the_last_word_of_an_idle_connection_comes_though_the_client_sends() {
    for way in WAYS {
        let config = Config { keep_alive_timeout: Duration::from_millis(300), ..config(way) };
        let mut world = World::start(way, config);
        let mut client = world.attacker();
        assert!(client.say(&get(1, "/healthz")));
        client.until_heads(1);
        let start = std::time::Instant::now();
        while start.elapsed() < PATIENCE && client.say(&frame(PING, 0, 0, &[0; 8])) {
            // A flood would end the connection for its own reason.
            thread::sleep(Duration::from_millis(1));
        }
        client.until_ended();
        assert_eq!(client.code(), Some(0), "{way:?}");
        drop(client);
        world.assert_untouched();
    }
}

/// A few bytes of HPACK name a long field of the table that a client has before it knows that ours is empty. What the heads of open bodies
/// hold counts as bodies do.
#[test]
fn long_heads_of_bodies_that_never_come_hold_no_more_than_bodies_may() {
    const ROOM_BYTES: usize = 1 << 20;
    for way in WAYS {
        let mut world = World::start(way, Config { bodies_bytes_max: ROOM_BYTES, ..config(way) });
        let mut offender = world.attacker();
        let block = |method: &[u8], more: &[u8]| [&request(1, method, b"/broadcast", &[], None)[9..], more].concat();
        let entry = [&b"\x40\x01a\x7f\xa1\x1e"[..], &[b'x'; 4_000]].concat();
        assert!(offender.say(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &block(b"OPTIONS", &entry))));
        offender.until_heads(1);
        for stream in streams().skip(1) {
            // Three times the field: 12 KiB, which a head may have.
            let head = frame(HEADERS, END_HEADERS, stream, &block(b"POST", &[0xbe; 3]));
            assert!(offender.say(&head), "{way:?}: {:?}", offender.code());
        }
        // All but those for which there is room are refused.
        offender.until_heads(STREAMS as usize - ROOM_BYTES / 11_000);
        assert!(world.grown_bytes() < 4 * ROOM_BYTES, "{way:?}: {} bytes", world.grown_bytes());
        drop(offender);
        world.assert_untouched();
    }
}

/// The same without an event stream, where no shard sees it: a body is open that may take its time, and a byte comes now and then.
#[test]
fn frames_that_never_end_beside_a_body_hold_no_more_than_slow_streams_may() {
    const OFFENDERS: usize = 40;
    const BEGUN_BYTES: usize = 8_000;
    for way in WAYS {
        let mut config = Config { h2_ping_interval: Duration::from_millis(200), ..config(way) };
        config.core.hub_ring_bytes_max = OFFENDERS * BEGUN_BYTES / 4;
        let mut world = World::start(way, config);
        let begun = [&[0, 0x40, 0, 0xfa, 0, 0, 0, 0, 0], &[0; BEGUN_BYTES][..]].concat();
        let head = request(1, b"POST", b"/publish", &[], Some(b""));
        let mut offenders: Vec<_> = (0..OFFENDERS).map(|_| world.attacker()).collect();
        for offender in &mut offenders {
            assert!(offender.say(&head[..head.len() - 9]) && offender.say(&begun));
        }
        let ended = |offenders: &[Attacker]| offenders.iter().filter(|offender| offender.has_ended()).count();
        let start = std::time::Instant::now();
        while ended(&offenders) < OFFENDERS * 3 / 4 {
            assert!(start.elapsed() < PATIENCE, "{way:?}: {} have been ended", ended(&offenders));
            for offender in &mut offenders {
                offender.say(&[0]);
            }
            thread::sleep(Duration::from_millis(20));
        }
        assert!(ended(&offenders) < OFFENDERS, "as many as have to");
        drop(offenders);
        world.assert_untouched();
    }
}
