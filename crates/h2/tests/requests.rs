//! Requests and bodies: what becomes of heads, of DATA, and of what is malformed.

mod support;

use fanfare_h2::Reason;
use support::peer::*;

#[test]
fn a_request_without_a_body_comes_whole() {
    let mut peer = Peer::new(LIMITS);
    let fields = [GET, &[("last-event-id", "7"), ("te", "trailers")]].concat();
    peer.head(1, &fields).unwrap();
    assert_eq!(peer.told(), ["1 GET https://example.org/sse end; last-event-id: 7; te: trailers"]);
    assert_eq!(peer.connection.streams(), 1);
}

#[test]
fn a_body_comes_in_its_pieces_and_ends_with_the_flag() {
    let mut peer = Peer::new(LIMITS);
    peer.open(1, POST).unwrap();
    peer.send(DATA, 0, 1, b"one").unwrap();
    peer.send(DATA, PADDED | END_STREAM, 1, b"\x02two\0\0").unwrap();
    assert_eq!(peer.told(), ["1 POST https://example.org/publish", "1 data one", "1 data two end"]);
}

#[test]
fn trailers_end_a_body_with_no_bytes() {
    let mut peer = Peer::new(LIMITS);
    peer.open(1, POST).unwrap();
    peer.send(DATA, 0, 1, b"one").unwrap();
    peer.head(1, &[("x-sum", "3")]).unwrap();
    assert_eq!(peer.told()[1..], ["1 data one", "1 data  end"]);
}

#[test]
fn trailers_without_an_end_or_with_a_pseudo_header_are_malformed() {
    for (flags, fields) in [(END_HEADERS, [("x-sum", "3")]), (END_HEADERS | END_STREAM, [(":path", "/")])] {
        let mut peer = Peer::new(LIMITS);
        peer.open(1, POST).unwrap();
        peer.send(HEADERS, flags, 1, &block(&fields)).unwrap();
        assert_reset(&mut peer, 1, Reason::PROTOCOL_ERROR);
        assert_eq!(peer.told()[1..], ["1 reset 1"]);
    }
}

#[test]
fn crumbs_of_a_cookie_are_one_cookie() {
    let mut peer = Peer::new(LIMITS);
    peer.head(1, &[GET, &[("cookie", "a=1"), ("cookie", "b=2"), ("cookie", "c=3")]].concat()).unwrap();
    assert_eq!(peer.told(), ["1 GET https://example.org/sse end; cookie: a=1; b=2; c=3"]);
}

#[test]
fn a_host_is_a_field_like_others() {
    let mut peer = Peer::new(LIMITS);
    let fields = [(":method", "GET"), (":scheme", "http"), (":path", "/"), ("host", "a.example:8080")];
    peer.head(1, &fields).unwrap();
    assert_eq!(peer.told(), ["1 GET / end; host: a.example:8080"]);
    peer.head(3, &[GET, &[("host", "EXAMPLE.org")]].concat()).unwrap();
    assert_eq!(peer.told().len(), 1);
    peer.head(5, &fields[..3]).unwrap();
    assert_eq!(peer.told(), ["5 GET / end"]);
}

#[test]
fn connect_has_an_authority_and_nothing_else() {
    let mut peer = Peer::new(LIMITS);
    peer.open(1, &[(":method", "CONNECT"), (":authority", "a.example:443")]).unwrap();
    assert_eq!(peer.told(), ["1 CONNECT a.example:443"]);
    peer.open(3, &[(":method", "CONNECT"), (":authority", "a.example:443"), (":path", "/")]).unwrap();
    assert_reset(&mut peer, 3, Reason::PROTOCOL_ERROR);
    peer.open(5, &[(":method", "CONNECT")]).unwrap();
    assert_reset(&mut peer, 5, Reason::PROTOCOL_ERROR);
}

#[test]
fn the_path_of_options_may_be_a_star_and_no_other() {
    let star = |method| [(":method", method), (":scheme", "https"), (":authority", "example.org"), (":path", "*")];
    let mut peer = Peer::new(LIMITS);
    peer.head(1, &star("OPTIONS")).unwrap();
    assert_eq!(peer.told().len(), 1);
    peer.head(3, &star("GET")).unwrap();
    assert_reset(&mut peer, 3, Reason::PROTOCOL_ERROR);
}

#[test]
fn what_is_malformed_is_reset_and_the_connection_goes_on() {
    let with = |more: &[(&'static str, &'static str)]| [GET, more].concat();
    let without = |name: &str| GET.iter().copied().filter(|(one, _)| *one != name).collect::<Vec<_>>();
    let instead = |name: &'static str, value: &'static str| [&without(name)[..], &[(name, value)]].concat();
    let bad = [
        without(":method"),
        without(":scheme"),
        without(":path"),
        instead(":path", ""),
        instead(":path", "sse"),
        instead(":path", "/a b"),
        instead(":path", "/a#b"),
        instead(":method", "G T"),
        instead(":scheme", "1"),
        instead(":authority", ""),
        instead(":authority", "user@example.org"),
        instead(":authority", "a b"),
        with(&[(":path", "/again")]),
        with(&[(":status", "200")]),
        with(&[(":protocol", "websocket")]),
        with(&[(":unknown", "x")]),
        [&[("x-first", "1")], GET].concat(),
        with(&[("X-Upper", "1")]),
        with(&[("", "1")]),
        with(&[("a b", "1")]),
        with(&[("connection", "close")]),
        with(&[("keep-alive", "1")]),
        with(&[("proxy-connection", "1")]),
        with(&[("transfer-encoding", "chunked")]),
        with(&[("upgrade", "websocket")]),
        with(&[("te", "gzip")]),
        with(&[("x", "a\rb")]),
        with(&[("x", "a\nb")]),
        with(&[("x", "a\0b")]),
        with(&[("x", " a")]),
        with(&[("x", "a\t")]),
        with(&[("content-length", "1")]),
        with(&[("content-length", "+0")]),
        with(&[("content-length", "")]),
        with(&[("content-length", "0"), ("content-length", "1")]),
        with(&[("content-length", "99999999999999999999")]),
    ];
    let mut peer = Peer::new(LIMITS);
    for (place, fields) in bad.iter().enumerate() {
        let stream = 2 * place as u32 + 1;
        peer.head(stream, fields).unwrap();
        assert_eq!(peer.told(), [""; 0], "{fields:?}");
        assert_reset(&mut peer, stream, Reason::PROTOCOL_ERROR);
    }
    peer.head(1_001, &with(&[("content-length", "0"), ("x", "")])).unwrap();
    assert_eq!(peer.told().len(), 1);
}

#[test]
fn a_body_has_the_length_that_was_said() {
    let fields = [POST, &[("content-length", "3")]].concat();
    for (pieces, is_good) in [(&["ab", "c"][..], true), (&["ab"], false), (&["ab", "cd"], false), (&[""], false)] {
        let mut peer = Peer::new(LIMITS);
        peer.open(1, &fields).unwrap();
        for (place, piece) in pieces.iter().enumerate() {
            let flags = if place + 1 == pieces.len() { END_STREAM } else { 0 };
            peer.send(DATA, flags, 1, piece.as_bytes()).unwrap();
        }
        if is_good {
            assert_eq!(peer.told().last().unwrap(), "1 data c end");
        } else {
            assert_reset(&mut peer, 1, Reason::PROTOCOL_ERROR);
            assert_eq!(peer.told().last().unwrap(), "1 reset 1");
        }
    }
    let mut peer = Peer::new(LIMITS);
    peer.open(1, &fields).unwrap();
    peer.head(1, &[("x-sum", "3")]).unwrap();
    assert_reset(&mut peer, 1, Reason::PROTOCOL_ERROR);
}

#[test]
fn a_head_may_come_in_many_frames() {
    let mut peer = Peer::new(LIMITS);
    let whole = block(&[GET, &[("x", &"y".repeat(2_000))]].concat());
    peer.send(HEADERS, END_STREAM, 1, &whole[..7]).unwrap();
    assert!(peer.connection.is_in_frame());
    for piece in whole[7..].chunks(300) {
        peer.send(CONTINUATION, 0, 1, piece).unwrap();
    }
    assert_eq!(peer.told(), [""; 0]);
    peer.send(CONTINUATION, END_HEADERS, 1, &[]).unwrap();
    assert!(!peer.connection.is_in_frame());
    assert!(peer.told()[0].starts_with("1 GET https://example.org/sse end; x: yyy"));
}

/// The size of these fields by RFC 9113 section 6.5.2.
fn head_bytes(fields: &[(&str, &str)]) -> usize {
    fields.iter().map(|(name, value)| name.len() + value.len() + 32).sum()
}

#[test]
fn a_head_of_the_limit_is_taken_and_one_byte_more_is_answered_with_431() {
    let head_bytes_max = head_bytes(GET) + 33 + 100;
    let mut peer = Peer::new(fanfare_h2::Limits { head_bytes_max, ..LIMITS });
    peer.head(1, &[GET, &[("x", &"y".repeat(100))]].concat()).unwrap();
    assert_eq!(peer.told().len(), 1);
    for (stream, flags) in [(3, END_STREAM), (5, 0)] {
        let fields = block(&[GET, &[("x", &"y".repeat(101))]].concat());
        peer.send(HEADERS, END_HEADERS | flags, stream, &fields).unwrap();
        assert_eq!(peer.told(), [""; 0]);
        let frames = peer.frames();
        let head = &frames[0];
        assert_eq!((head.kind, head.flags, head.stream), (HEADERS, END_HEADERS | END_STREAM, stream));
        assert!(head.payload.ends_with(b"431"));
        // The rest of the request is not needed.
        let resets: Vec<_> = frames[1..].iter().map(|frame| (frame.kind, frame.word())).collect();
        assert_eq!(resets, if flags == 0 { vec![(RST_STREAM, 0)] } else { Vec::new() });
    }
    peer.head(7, GET).unwrap();
    assert_eq!(peer.told().len(), 1);
}

#[test]
fn a_head_far_past_the_limit_is_answered_while_its_frames_are_skipped() {
    let mut peer = Peer::new(LIMITS);
    // An encoder that knows our settings says so in its first block.
    peer.send(HEADERS, END_HEADERS | END_STREAM, 1, &[&[0x20], &block(GET)[..]].concat()).unwrap();
    peer.send(HEADERS, END_STREAM, 3, &[]).unwrap();
    for _ in 0..4 {
        peer.send(CONTINUATION, 0, 3, &[0xff; 16_384]).unwrap();
    }
    peer.send(CONTINUATION, END_HEADERS, 3, &[]).unwrap();
    assert!(peer.frames()[0].payload.ends_with(b"431"));

    peer.send(HEADERS, END_STREAM, 5, &[]).unwrap();
    for _ in 0..4 {
        peer.send(CONTINUATION, 0, 5, &[0xff; 16_384]).unwrap();
    }
    let outcome = peer.send(CONTINUATION, 0, 5, &[0xff]);
    assert_over(&mut peer, outcome, Reason::ENHANCE_YOUR_CALM);
}

#[test]
fn fields_that_are_too_many_still_go_to_the_table() {
    let mut peer = Peer::before_the_preface(fanfare_h2::Limits { head_bytes_max: 300, ..LIMITS });
    peer.say(PREFACE).unwrap();
    peer.send(SETTINGS, 0, 0, &[]).unwrap();
    peer.frames();
    let long = block(&[GET, &[("x", &"y".repeat(300))]].concat());
    peer.send(HEADERS, END_HEADERS | END_STREAM, 1, &[&long[..], b"\x40\x01a\x01b"].concat()).unwrap();
    assert!(peer.frames()[0].payload.ends_with(b"431"));
    peer.send(HEADERS, END_HEADERS | END_STREAM, 3, &[&block(GET)[..], b"\xbe"].concat()).unwrap();
    assert_eq!(peer.told(), ["3 GET https://example.org/sse end; a: b"]);
}

#[test]
fn as_many_streams_as_allowed_are_open_and_one_more_is_refused() {
    let mut peer = Peer::new(fanfare_h2::Limits { streams_max: 2, ..LIMITS });
    for stream in [1, 3, 5] {
        peer.head(stream, GET).unwrap();
    }
    assert_eq!(peer.told().len(), 2);
    assert_reset(&mut peer, 5, Reason::REFUSED_STREAM);
    peer.end(1);
    peer.head(7, GET).unwrap();
    assert_eq!(peer.told().len(), 1);
}

#[test]
fn settings_say_the_limits() {
    let mut peer = Peer::before_the_preface(LIMITS);
    let frames = peer.frames();
    let expected = [setting(1, 0), setting(3, 100), setting(4, 65_535), setting(6, 16_384), setting(9, 1)].concat();
    assert_eq!((frames[0].kind, &frames[0].payload), (SETTINGS, &expected));
    assert_eq!((frames[1].kind, frames[1].stream, frames[1].word()), (WINDOW_UPDATE, 0, (1 << 20) - 65_535));
}
