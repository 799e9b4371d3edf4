//! HTTP/2: the same answers as over HTTP/1.1, and no way in for line breaks.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use fanfare_http::Config;

use crate::{
    Observed,
    support::{
        PATIENCE,
        frames::{GOAWAY, HEADERS, PREFACE, RST_STREAM, SETTINGS, frame, request},
        h2::H2,
        server::{Way, config},
    },
};

const FRAMED: [Way; 3] = [Way::H2, Way::H2Body, Way::TlsH2];

/// A connection that sends `frames` behind the preface.
fn connect(world: &Observed, frames: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(world.server.address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let settings = frame(SETTINGS, 0, 0, &[]);
    socket.write_all(&[PREFACE, &settings, frames].concat()).unwrap();
    socket
}

/// Reads until a frame tells how a request fared, and gives its type and stream.
fn outcome(socket: &mut TcpStream) -> (u8, u32) {
    loop {
        let mut head = [0; 9];
        socket.read_exact(&mut head).unwrap();
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        socket.read_exact(&mut payload).unwrap();
        if [HEADERS, RST_STREAM, GOAWAY].contains(&head[3]) {
            return (head[3], u32::from_be_bytes([head[5], head[6], head[7], head[8]]));
        }
    }
}

/// Sends one POST of raw fields, and gives the type of the frame that tells how it fared.
fn post_raw(world: &Observed, path: &[u8], fields: &[(&[u8], &[u8])], body: &[u8]) -> u8 {
    outcome(&mut connect(world, &request(1, b"POST", path, fields, Some(body)))).0
}

#[test]
fn a_connection_has_as_many_streams_as_the_limit_says_and_not_one_more() {
    for way in FRAMED {
        let mut world = Observed::start(way, Config { h2_streams_max: 3, ..config(way) });
        let get = |stream| request(stream, b"GET", b"/sse?id=me", &[], None);
        let mut socket = connect(&world, &[get(1), get(3), get(5)].concat());
        let mut opened = [outcome(&mut socket), outcome(&mut socket), outcome(&mut socket)];
        opened.sort_unstable();
        assert_eq!(opened, [(HEADERS, 1), (HEADERS, 3), (HEADERS, 5)]);
        socket.write_all(&get(7)).unwrap();
        assert_eq!(outcome(&mut socket), (RST_STREAM, 7));
        assert_eq!(world.server.matched("me"), 3);
        world.assert_untouched();
    }
}

#[test]
fn line_breaks_in_raw_fields_do_not_come_in() {
    for way in FRAMED {
        let mut world = Observed::start(way, config(way));
        assert_eq!(post_raw(&world, b"/broadcast", &[(b"content-type", b"image/png")], b"\xff"), HEADERS);
        assert_eq!(world.observer.data(), "data:image/png;base64,/w==");

        for value in [&b"image/png\nid: 7"[..], b"image/png\r\n\r\ndata: forged", b"a\rb/c", b"image/png\0"] {
            let end = post_raw(&world, b"/broadcast", &[(b"content-type", value)], b"\xff");
            assert!([RST_STREAM, GOAWAY].contains(&end), "{value:?}");
            world.assert_untouched();
        }
        for path in [&b"/broadcast?event=a\nid: 7"[..], b"/channels/a\r\n", b"/broadcast?id=a\r\rb"] {
            let end = post_raw(&world, path, &[], b"x");
            assert!([RST_STREAM, GOAWAY].contains(&end), "{path:?}");
            world.assert_untouched();
        }
        let end = post_raw(&world, b"/broadcast", &[(b"x\r\ny", b"")], b"x");
        assert!([RST_STREAM, GOAWAY].contains(&end));
        let end = post_raw(&world, b"/broadcast", &[(b"connection", b"close")], b"x");
        assert!([RST_STREAM, GOAWAY].contains(&end), "RFC 9113 8.2.2");
        world.assert_untouched();
    }
}

#[test]
fn a_publish_over_h2_is_like_one_over_h1() {
    for way in FRAMED {
        let mut world = Observed::start(way, config(way));
        let h2 = H2::open(world.server.address);
        let publish = |path: &str, headers: &[(&str, &str)], body: &[u8]| {
            let answer = h2.request("POST", path, headers, body);
            assert_eq!(answer.status, 202, "{answer:?}");
            assert_eq!(answer.head.get("content-type"), Some("application/json"));
            answer.json()
        };
        let receipt = publish("/channels/a/broadcast?event=price&retry=500&wait=written", &[], b"one\r\ntwo");
        assert_eq!(receipt["matched"], 1);
        let event = world.observer.event();
        assert_eq!(
            event.block,
            format!("event: price\nid: {}\nretry: 500\ndata: one\ndata: two\n", receipt["id"].as_str().unwrap())
        );
        publish("/clients/observer", &[("content-type", "image/gif")], b"\xff");
        assert_eq!(world.observer.data(), "data:image/gif;base64,/w==");
        publish("/ping/observer", &[], b"");
        assert!(world.observer.data().contains("hello"));
        let large = vec![b'x'; 1 << 20];
        publish("/broadcast", &[], &large);
        assert_eq!(world.observer.data().len(), large.len());
    }
}

#[test]
fn what_is_wrong_over_h2_gets_the_same_answer() {
    for way in FRAMED {
        let mut world = Observed::start(way, config(way));
        let h2 = H2::open(world.server.address);
        h2.request("GET", "/nowhere", &[], b"").problem(404);
        h2.request("POST", "/nowhere", &[], &[b'x'; 100_000]).problem(404);
        let answer = h2.request("DELETE", "/channels/a", &[], b"");
        answer.problem(405);
        assert_eq!(answer.head.get("allow"), Some("GET, HEAD, POST, OPTIONS"));
        h2.request("POST", "/channels/%0a", &[], b"x").problem(400);
        h2.request("POST", "/broadcast?event=a%0d%0aid:7", &[], b"x").problem(400);
        h2.request("GET", "/sse?id=a&id=b", &[], b"").problem(400);
        h2.request("POST", "/broadcast", &[("content-encoding", "gzip")], b"x").problem(415);
        h2.request("POST", "/broadcast", &[], &vec![b'x'; (1 << 20) + 1]).problem(413);
        h2.request("POST", "/broadcast", &[], &vec![b'x'; 5 << 20]).problem(413);
        assert_eq!(h2.request("GET", "/healthz", &[], b"").status, 200, "the connection goes on");
        world.assert_untouched();
    }
}

#[test]
fn a_head_over_the_limit_is_431_over_h2() {
    for way in FRAMED {
        let mut world = Observed::start(way, config(way));
        let h2 = H2::open(world.server.address);
        let answer = h2.request("GET", "/healthz", &[("x", &"x".repeat(17 << 10))], b"");
        assert_eq!(answer.status, 431);
        assert_eq!(h2.request("GET", "/healthz", &[], b"").status, 200);
        world.assert_untouched();
    }
}

#[test]
fn a_connection_on_which_nothing_happens_is_closed_and_one_with_a_stream_is_not() {
    for way in FRAMED {
        let head_timeout = std::time::Duration::from_millis(200);
        let world = Observed::start(way, Config { head_timeout, ..config(way) });
        let busy = H2::open(world.server.address);
        let mut stream = busy.subscribe("/sse?id=busy");
        stream.prelude();
        let mut client = world.server.client();
        client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
        client.until_closed();
        world.server.publish("/clients/busy", "still here");
        assert_eq!(stream.data(), "still here");
    }
}

/// What begins as the preface of HTTP/2 and goes on as something else is no HTTP/2 (RFC 9113 3.4).
#[test]
fn a_preface_that_is_not_whole_is_closed_and_nothing_is_published() {
    for way in FRAMED {
        let mut world = Observed::start(way, config(way));
        for preface in
            ["PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r.", "PRI / HTTP/2.0\r\n\r\nSM\r\n\r\n"]
        {
            let mut client = world.server.client();
            let frames = [frame(SETTINGS, 0, 0, &[]), request(1, b"POST", b"/broadcast", &[], Some(b"text"))].concat();
            client.try_send([preface.as_bytes(), &frames].concat());
            client.until_closed();
        }
        world.assert_untouched();
    }
}
