//! Rules of frames: lengths, streams, states, and what is ignored.

mod support;

use fanfare_h2::{Limits, Reason, StreamId};
use support::peer::*;

/// What one frame does to a connection with stream 1 open for a body, stream 3 whole, and stream 5 ended both ways.
#[track_caller]
fn outcome_of(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Result<Peer, Reason> {
    let mut peer = Peer::new(LIMITS);
    peer.open(1, POST).unwrap();
    peer.stream(3);
    peer.stream(5);
    peer.end(5);
    peer.frames();
    peer.events.clear();
    match peer.send(kind, flags, stream, payload) {
        Ok(()) => Ok(peer),
        Err(broken) => {
            let last = peer.frames().pop().unwrap();
            assert_eq!((last.kind, last.word()), (GOAWAY, 5));
            Err(broken.0)
        }
    }
}

#[test]
fn the_connection_ends_for_what_no_stream_can_answer() {
    let long = [0; 16_385];
    let head = &block(GET)[..];
    for (reason, kind, flags, stream, payload) in [
        (Reason::FRAME_SIZE_ERROR, DATA, 0, 1, &long[..]),
        (Reason::PROTOCOL_ERROR, DATA, 0, 0, b"x"),
        (Reason::PROTOCOL_ERROR, DATA, 0, 2, b"x"),
        (Reason::PROTOCOL_ERROR, DATA, 0, 7, b"x"),
        (Reason::STREAM_CLOSED, DATA, 0, 5, b"x"),
        (Reason::PROTOCOL_ERROR, DATA, PADDED, 1, &[1]),
        (Reason::PROTOCOL_ERROR, DATA, PADDED, 1, &[]),
        (Reason::PROTOCOL_ERROR, HEADERS, END_HEADERS, 0, head),
        (Reason::PROTOCOL_ERROR, HEADERS, END_HEADERS, 8, head),
        (Reason::STREAM_CLOSED, HEADERS, END_HEADERS | END_STREAM, 5, head),
        (Reason::PROTOCOL_ERROR, HEADERS, END_HEADERS | PADDED, 7, &[9]),
        (Reason::FRAME_SIZE_ERROR, HEADERS, END_HEADERS | 0x20, 7, &[0; 4]),
        (Reason::COMPRESSION_ERROR, HEADERS, END_HEADERS, 7, &[0x80]),
        (Reason::COMPRESSION_ERROR, HEADERS, END_HEADERS, 7, &[0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]),
        (Reason::COMPRESSION_ERROR, HEADERS, END_HEADERS, 7, &[0x00, 0x81, 0xfe, 0x00]),
        (Reason::COMPRESSION_ERROR, HEADERS, END_HEADERS, 7, &[0x20, 0x20, 0x20, 0x82]),
        (Reason::PROTOCOL_ERROR, PRIORITY, 0, 0, &[0; 5]),
        (Reason::FRAME_SIZE_ERROR, PRIORITY, 0, 1, &[0; 4]),
        (Reason::FRAME_SIZE_ERROR, PRIORITY, 0, 1, &[0; 6]),
        (Reason::PROTOCOL_ERROR, PRIORITY, 0, 7, &[0, 0, 0, 7, 0]),
        (Reason::PROTOCOL_ERROR, RST_STREAM, 0, 0, &[0; 4]),
        (Reason::PROTOCOL_ERROR, RST_STREAM, 0, 7, &[0; 4]),
        (Reason::FRAME_SIZE_ERROR, RST_STREAM, 0, 1, &[0; 3]),
        (Reason::PROTOCOL_ERROR, SETTINGS, 0, 1, &[]),
        (Reason::FRAME_SIZE_ERROR, SETTINGS, 0, 0, &[0; 5]),
        (Reason::FRAME_SIZE_ERROR, SETTINGS, ACK, 0, &[0; 6]),
        (Reason::PROTOCOL_ERROR, SETTINGS, 0, 0, &setting(2, 2)),
        (Reason::FLOW_CONTROL_ERROR, SETTINGS, 0, 0, &setting(4, 1 << 31)),
        (Reason::PROTOCOL_ERROR, SETTINGS, 0, 0, &setting(5, 16_383)),
        (Reason::PROTOCOL_ERROR, SETTINGS, 0, 0, &setting(5, 1 << 24)),
        (Reason::PROTOCOL_ERROR, SETTINGS, 0, 0, &setting(9, 2)),
        (Reason::PROTOCOL_ERROR, PUSH_PROMISE, END_HEADERS, 1, head),
        (Reason::PROTOCOL_ERROR, PING, 0, 1, &[0; 8]),
        (Reason::FRAME_SIZE_ERROR, PING, 0, 0, &[0; 7]),
        (Reason::PROTOCOL_ERROR, GOAWAY, 0, 1, &[0; 8]),
        (Reason::FRAME_SIZE_ERROR, GOAWAY, 0, 0, &[0; 7]),
        (Reason::FRAME_SIZE_ERROR, WINDOW_UPDATE, 0, 0, &[0; 3]),
        (Reason::PROTOCOL_ERROR, WINDOW_UPDATE, 0, 0, &[0; 4]),
        (Reason::PROTOCOL_ERROR, WINDOW_UPDATE, 0, 7, &[0, 0, 0, 1]),
        (Reason::PROTOCOL_ERROR, CONTINUATION, END_HEADERS, 1, head),
    ] {
        let case = format!("{kind} {flags} {stream} {} bytes", payload.len());
        assert_eq!(outcome_of(kind, flags, stream, payload).err(), Some(reason), "{case}");
    }
}

#[test]
fn a_stream_ends_for_what_only_it_is_about() {
    let head = &block(GET)[..];
    for (reason, kind, flags, stream, payload) in [
        (Reason::STREAM_CLOSED, DATA, END_STREAM, 3, &b"x"[..]),
        (Reason::STREAM_CLOSED, HEADERS, END_HEADERS | END_STREAM, 3, head),
        (Reason::PROTOCOL_ERROR, PRIORITY, 0, 1, &[0, 0, 0, 1, 0]),
        (Reason::PROTOCOL_ERROR, WINDOW_UPDATE, 0, 3, &[0; 4]),
    ] {
        let mut peer = outcome_of(kind, flags, stream, payload).unwrap();
        assert_reset(&mut peer, stream, reason);
        assert_eq!(peer.told(), [format!("{stream} reset {}", reason.code())]);
        assert_eq!(peer.connection.streams(), 1);
    }
    let with_priority = [&[0, 0, 0, 7, 0][..], head].concat();
    let mut peer = outcome_of(HEADERS, END_HEADERS | END_STREAM | 0x20, 7, &with_priority).unwrap();
    assert_reset(&mut peer, 7, Reason::PROTOCOL_ERROR);
}

#[test]
fn what_means_nothing_here_is_ignored() {
    for (kind, flags, stream, payload) in [
        (PRIORITY, 0, 1, &[0; 5][..]),
        (PRIORITY, 0, 5, &[0; 5]),
        (PRIORITY, 0, 99, &[0; 5]),
        (RST_STREAM, 0, 5, &[0; 4]),
        (WINDOW_UPDATE, 0, 5, &[0, 0, 0, 1]),
        (0x10, 0xff, 1, b"unknown"),
        (0xff, 0, 0, &[]),
        (PING, ACK, 0, b"not ours"),
        (SETTINGS, ACK, 0, &[]),
    ] {
        let mut peer = outcome_of(kind, flags, stream, payload).unwrap();
        assert_eq!((peer.told(), peer.frames()), (Vec::new(), Vec::new()), "{kind} {stream}");
    }
    let mut peer = outcome_of(SETTINGS, 0, 0, &[setting(0xff, 7), setting(5, 16_384), setting(2, 1)].concat()).unwrap();
    assert_eq!(peer.frames().len(), 1);
}

#[test]
fn the_preface_comes_first_and_then_settings() {
    for (first, rest) in
        [(&b"GET / HTTP/1.1\r\n"[..], None), (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rx", None), (PREFACE, Some(PING))]
    {
        let mut peer = Peer::before_the_preface(LIMITS);
        assert!(peer.connection.is_in_frame());
        let mut outcome = peer.say(first);
        if let Some(kind) = rest {
            assert_eq!(outcome, Ok(()));
            outcome = peer.send(kind, 0, 0, &[0; 8]);
        }
        assert_over(&mut peer, outcome, Reason::PROTOCOL_ERROR);
    }
    let mut peer = Peer::before_the_preface(LIMITS);
    peer.say(PREFACE).unwrap();
    assert!(!peer.connection.is_in_frame());
    let outcome = peer.send(SETTINGS, ACK, 0, &[]);
    assert_over(&mut peer, outcome, Reason::PROTOCOL_ERROR);
}

#[test]
fn a_frame_that_is_not_whole_is_known() {
    let mut peer = Peer::new(LIMITS);
    let ping = frame(PING, 0, 0, b"12345678");
    for cut in 1..ping.len() {
        peer.say(&ping[..cut]).unwrap();
        assert!(peer.connection.is_in_frame());
        peer.say(&ping[cut..]).unwrap();
        assert!(!peer.connection.is_in_frame());
        assert_eq!(peer.frames(), [Frame { kind: PING, flags: ACK, stream: 0, payload: b"12345678".to_vec() }]);
    }
}

#[test]
fn streams_go_up() {
    let mut peer = Peer::new(LIMITS);
    peer.head(5, GET).unwrap();
    let outcome = peer.head(3, GET);
    assert_over(&mut peer, outcome, Reason::PROTOCOL_ERROR);
}

#[test]
fn nothing_comes_between_the_frames_of_a_head() {
    for (kind, stream) in [(PING, 0), (DATA, 1), (CONTINUATION, 3), (0x10, 1)] {
        let mut peer = Peer::new(LIMITS);
        peer.send(HEADERS, END_STREAM, 1, &block(GET)).unwrap();
        let outcome = peer.send(kind, END_HEADERS, stream, &[0; 8]);
        assert_over(&mut peer, outcome, Reason::PROTOCOL_ERROR);
    }
}

#[test]
fn frames_on_their_way_to_a_stream_that_was_reset_are_ignored() {
    let mut peer = Peer::new(LIMITS);
    peer.open(1, POST).unwrap();
    peer.connection.reset(StreamId::new(1), Reason::CANCEL);
    assert_reset(&mut peer, 1, Reason::CANCEL);
    peer.told();
    peer.send(DATA, 0, 1, b"late").unwrap();
    peer.give(1, 1).unwrap();
    peer.head(1, &[("x-sum", "1")]).unwrap();
    assert_eq!((peer.told(), peer.frames()), (Vec::new(), Vec::new()));
    // It has ended its side now.
    let outcome = peer.send(DATA, 0, 1, b"too late");
    assert_over(&mut peer, outcome, Reason::STREAM_CLOSED);
}

#[test]
fn an_answered_ping_ends_the_time_of_frames_on_their_way() {
    let mut peer = Peer::new(LIMITS);
    for stream in [1, 3] {
        peer.open(stream, POST).unwrap();
    }
    peer.connection.reset(StreamId::new(1), Reason::CANCEL);
    peer.connection.ping();
    peer.connection.reset(StreamId::new(3), Reason::CANCEL);
    let ping = peer.frames().into_iter().find(|frame| frame.kind == PING).unwrap();
    assert!(peer.connection.is_ping_unanswered());
    peer.send(PING, ACK, 0, &ping.payload).unwrap();
    assert!(!peer.connection.is_ping_unanswered());
    peer.send(DATA, 0, 3, b"late").unwrap();
    let outcome = peer.send(DATA, 0, 1, b"too late");
    assert_over(&mut peer, outcome, Reason::STREAM_CLOSED);
}

#[test]
fn an_early_end_tells_the_peer_that_the_rest_is_not_needed() {
    let mut peer = Peer::new(LIMITS);
    peer.open(1, POST).unwrap();
    peer.connection.head(StreamId::new(1), &response(401, &[]), true).unwrap();
    let seen: Vec<_> = peer.frames().iter().map(|frame| (frame.kind, frame.flags)).collect();
    assert_eq!(seen, [(HEADERS, END_HEADERS | END_STREAM), (RST_STREAM, 0)]);
    peer.send(DATA, 0, 1, b"late").unwrap();
}

#[test]
fn a_reset_of_the_peer_is_told_and_ends_the_stream() {
    let mut peer = Peer::new(LIMITS);
    peer.stream(1);
    peer.send(RST_STREAM, 0, 1, &8_u32.to_be_bytes()).unwrap();
    assert_eq!(peer.told(), ["1 reset 8"]);
    assert!(peer.answer(1).is_err());
    assert_eq!(peer.connection.streams(), 0);
    let outcome = peer.send(DATA, 0, 1, b"x");
    assert_over(&mut peer, outcome, Reason::STREAM_CLOSED);
}

#[test]
fn an_end_in_two_steps_serves_what_comes_between_them() {
    let mut peer = Peer::new(LIMITS);
    peer.stream(1);
    peer.connection.shut_down();
    let last = peer.frames().pop().unwrap();
    assert_eq!((last.kind, last.word(), last.payload[7]), (GOAWAY, i32::MAX as u32, 0));
    peer.open(3, POST).unwrap();
    assert_eq!(peer.told().len(), 1);
    peer.connection.finish();
    let last = peer.frames().pop().unwrap();
    assert_eq!((last.kind, last.word(), last.payload[7]), (GOAWAY, 3, 0));
    // Not any more: but what was begun goes on, and the table and the window stay right.
    peer.open(5, POST).unwrap();
    peer.send(DATA, END_STREAM, 5, b"x").unwrap();
    assert_eq!((peer.told(), peer.frames()), (Vec::new(), Vec::new()));
    peer.send(DATA, END_STREAM, 3, b"x").unwrap();
    assert_eq!(peer.told(), ["3 data x end"]);
    let outcome = peer.send(PUSH_PROMISE, 0, 1, &[]);
    assert_over(&mut peer, outcome, Reason::PROTOCOL_ERROR);
}

#[test]
fn the_streams_of_a_peer_that_goes_away_go_on() {
    let mut peer = Peer::new(LIMITS);
    peer.stream(1);
    peer.send(GOAWAY, 0, 0, &[0; 8]).unwrap();
    peer.send(GOAWAY, 0, 0, b"12345678why").unwrap();
    assert!(peer.told().is_empty());
    assert!(peer.write(1, b"x").is_ready());
}

#[test]
fn sent_bytes_leave() {
    let mut peer = Peer::new(Limits { streams_max: 1, ..LIMITS });
    peer.stream(1);
    assert!(peer.write(1, b"hello").is_ready());
    peer.connection.sent(9);
    assert_eq!(peer.connection.output(), b"hello");
    peer.connection.sent(5);
    assert_eq!(peer.connection.output(), b"");
    peer.connection.ping();
    assert_eq!(peer.frames().len(), 1);
}

#[test]
fn nothing_follows_the_last_go_away() {
    let mut peer = Peer::new(LIMITS);
    peer.open(1, POST).unwrap();
    peer.send(DATA, 0, 1, &[b'x'; 16_384]).unwrap();
    let outcome = peer.send(PUSH_PROMISE, 0, 1, &[]);
    assert_over(&mut peer, outcome, Reason::PROTOCOL_ERROR);
    assert!(peer.answer(1).is_err());
    peer.took(1, 16_384);
    peer.connection.reset(StreamId::new(1), Reason::CANCEL);
    peer.connection.ping();
    peer.connection.shut_down();
    peer.connection.finish();
    assert_eq!((peer.connection.streams(), peer.frames()), (0, Vec::new()));
}
