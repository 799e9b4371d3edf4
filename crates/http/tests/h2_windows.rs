//! HTTP/2 peers that open their windows a little and take nothing more. Bytes that wait for them count against every
//! limit, as bytes that wait for a socket do.

mod support;

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    thread,
    time::Duration,
};

use fanfare_http::Config;
use support::{
    PATIENCE,
    frames::{DATA, PREFACE, SETTINGS, frame, request},
    h2::{H2, H2Body},
    server::{H2_WAYS, Server, Way, config},
    steady::steadily,
};

const MIB: usize = 1 << 20;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
/// The setting of the window that a new stream has.
const INITIAL_WINDOW_SIZE: u8 = 4;

/// No heartbeat moves anything, and one event fits into each ring.
fn silent(way: Way) -> Config {
    let mut config = config(way);
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
    for way in H2_WAYS {
        let mut config = silent(way);
        config.core.write_timeout_ms = 300;
        let server = Server::start(way, config);
        let (_h2, mut body) = narrow(&server, "stuck");
        server.publish("/clients/stuck", "x".repeat(MIB));
        // Nothing else waits for it: the message that is on its way out counts.
        server.until_matched("stuck", 0);
        assert!(!body.ends_properly(), "it is reset");
    }
}

#[test]
fn a_stream_that_is_not_read_is_cut_off_and_its_neighbour_goes_on() {
    for way in H2_WAYS {
        let mut config = silent(way);
        config.core.write_timeout_ms = 300;
        let server = Server::start(way, config);
        let (h2, mut stuck) = narrow(&server, "stuck");
        let (_, mut other) = h2.send("GET", "/sse?id=other", &[("accept", "text/event-stream")], b"");
        assert!(other.piece().unwrap().starts_with(b"retry: "));
        server.publish("/clients/stuck", "x".repeat(MIB));
        server.until_matched("stuck", 0);
        assert!(!stuck.ends_properly(), "it is reset");
        server.publish("/clients/other", "still there");
        let piece = other.piece().unwrap();
        assert!(piece.ends_with(b"data: still there\n\n"), "{way:?}: {}", String::from_utf8_lossy(&piece));
    }
}

#[test]
fn a_peer_that_takes_a_little_now_and_then_is_not() {
    H2_WAYS.into_iter().for_each(assert_takes_a_little_now_and_then);
}

fn assert_takes_a_little_now_and_then(way: Way) {
    let mut config = silent(way);
    config.core.write_timeout_ms = 1_000;
    let server = Server::start(way, config);
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
fn left(way: Way, count: usize, hub_ring_bytes_max: usize) -> usize {
    let mut config = silent(way);
    config.core.hub_ring_bytes_max = hub_ring_bytes_max;
    config.core.shards = 1;
    let server = Server::start(way, config);
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
    for way in H2_WAYS {
        assert_eq!(left(way, 4, 5 * MIB), 4);
        let left = left(way, 8, 4 * MIB);
        assert!((1..=4).contains(&left), "{way:?}: {left} hold more than all may");
    }
}

/// A client whose windows take all there is, and that reads nothing. It has asked for one stream.
fn deaf(server: &Server, name: &str) -> TcpStream {
    let mut socket = TcpStream::connect(server.address).unwrap();
    let window = 0x7fff_ffff_u32.to_be_bytes();
    let settings = frame(SETTINGS, 0, 0, &[&[0, INITIAL_WINDOW_SIZE][..], &window].concat());
    let more = frame(WINDOW_UPDATE, 0, 0, &(0x7fff_ffff_u32 - 65_535).to_be_bytes());
    let asked = request(1, b"GET", format!("/sse?id={name}").as_bytes(), &[], None);
    socket.write_all(&[PREFACE, &settings, &more, &asked].concat()).unwrap();
    socket
}

#[test]
fn a_peer_whose_socket_takes_nothing_is_closed_after_the_write_timeout() {
    let mut config = silent(Way::H2);
    config.core.write_timeout_ms = 300;
    config.send_buffer_bytes = 4 << 10;
    let server = Server::start(Way::H2, config);
    let mut socket = deaf(&server, "deaf");
    server.until_matched("deaf", 1);
    let fine = server.subscribe("/sse?id=fine");
    for _ in 0..20 {
        server.publish("/clients/deaf", "x".repeat(MIB - 1_000));
    }
    server.until_matched("deaf", 0);
    // What the kernel had taken can be read, and then the connection is over.
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut came = Vec::new();
    let end = socket.read_to_end(&mut came);
    assert!(end.is_ok() || end.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
    assert!(came.len() < 20 * MIB);
    assert_eq!(server.matched("fine"), 1);
    drop(fine);
}

#[test]
fn a_peer_that_does_not_answer_a_ping_is_gone() {
    for way in H2_WAYS {
        let server = Server::start(way, Config { h2_ping_interval: Duration::from_millis(200), ..silent(way) });
        let mut socket = deaf(&server, "deaf");
        server.until_matched("deaf", 1);
        let mut answers = server.subscribe("/sse?id=answers");
        let mut came = Vec::new();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let _ = socket.read_to_end(&mut came);
        assert!(came.windows(9).any(|nine| nine.starts_with(&[0, 0, 8, PING, 0, 0, 0, 0, 0])), "{way:?}: it was asked");
        server.until_matched("deaf", 0);
        server.publish("/clients/answers", "here");
        assert_eq!(answers.data(), "here", "{way:?}: the client answers every PING");
    }
}

/// It was asked at every tick once, which wakes a sleeping phone several times a second.
#[test]
fn a_lone_peer_is_not_asked_more_often_than_the_interval_says() {
    for way in H2_WAYS {
        let mut config = Config { h2_ping_interval: Duration::from_secs(20), ..config(way) };
        config.core.heartbeat_ms = 50;
        let server = Server::start(way, config);
        let mut socket = deaf(&server, "calm");
        server.until_matched("calm", 1);
        let mut clock = server.subscribe("/sse?id=clock");
        for _ in 0..10 {
            clock.comment();
        }
        server.publish("/clients/calm", "the end");
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        loop {
            let mut head = [0; 9];
            socket.read_exact(&mut head).unwrap();
            assert_ne!(head[3], PING, "{way:?}");
            let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
            socket.read_exact(&mut payload).unwrap();
            if payload.ends_with(b"data: the end\n\n") {
                break;
            }
        }
    }
}

#[test]
fn first_lines_that_do_not_fit_in_the_window_come_as_it_opens() {
    let server = Server::start(Way::H2, silent(Way::H2));
    let mut socket = TcpStream::connect(server.address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let settings = frame(SETTINGS, 0, 0, &[&[0, INITIAL_WINDOW_SIZE][..], &10_u32.to_be_bytes()].concat());
    let asked = request(1, b"GET", b"/sse?id=small", &[], None);
    socket.write_all(&[PREFACE, &settings, &asked].concat()).unwrap();
    server.until_matched("small", 1);
    server.publish("/clients/small", "x");
    let mut lines = Vec::new();
    while !lines.ends_with(b"data: x\n\n") {
        let (head, payload) = read_frame(&mut socket);
        if head[3] == DATA {
            lines.extend_from_slice(&payload);
            socket.write_all(&frame(WINDOW_UPDATE, 0, 1, &10_u32.to_be_bytes())).unwrap();
        }
    }
    assert!(lines.starts_with(b"retry: "), "{:?}", String::from_utf8_lossy(&lines));
}

fn read_frame(socket: &mut TcpStream) -> ([u8; 9], Vec<u8>) {
    let mut head = [0; 9];
    socket.read_exact(&mut head).unwrap();
    let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
    socket.read_exact(&mut payload).unwrap();
    (head, payload)
}
