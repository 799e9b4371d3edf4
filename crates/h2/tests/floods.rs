//! Peers that make work which leads nowhere are cut off after a bounded number of frames, and slow honest ones never are.

mod support;

use std::task::Poll;

use fanfare_h2::{Broken, Connection, Limits, Reason, StreamId};
use support::peer::*;

/// As flood.rs has it.
const CREDIT: usize = 2_000;

/// Credit that shaking hands costs: two frames of settings.
const HANDSHAKE: usize = 10;

/// Says `frame` again and again while the output is drained, and returns how many were taken.
fn taken(peer: &mut Peer, mut say: impl FnMut(&mut Peer, u32) -> Result<(), Broken>) -> usize {
    for count in 0..100_000 {
        if let Err(broken) = say(peer, count) {
            assert_eq!(broken, Broken(Reason::ENHANCE_YOUR_CALM));
            assert_eq!(peer.frames().pop().unwrap().kind, GOAWAY);
            return count as usize;
        }
        peer.frames();
        peer.events.clear();
    }
    panic!("it was never cut off");
}

#[test]
fn a_flood_of_each_useless_frame_ends_the_connection() {
    for (kind, flags, stream, payload, cost) in [
        (PING, 0, 0, &[0; 8][..], 1),
        (PING, ACK, 0, &[0; 8], 1),
        (SETTINGS, 0, 0, &[], 5),
        (SETTINGS, ACK, 0, &[], 5),
        (PRIORITY, 0, 1, &[0; 5], 1),
        (PRIORITY, 0, 99, &[0; 5], 1),
        (WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1], 1),
        (WINDOW_UPDATE, 0, 1, &[0, 0, 0, 255], 1),
        (WINDOW_UPDATE, 0, 3, &[0, 0, 0, 1], 1),
        (DATA, 0, 1, &[], 1),
        (DATA, 0, 1, &[b'x'; 15], 1),
        (DATA, PADDED, 1, &[1, 0], 1),
        (RST_STREAM, 0, 3, &[0; 4], 1),
        (GOAWAY, 0, 0, &[0; 8], 1),
        (0x77, 0, 1, &[0; 1_000], 1),
    ] {
        let mut peer = Peer::new(LIMITS);
        peer.open(1, POST).unwrap();
        peer.head(3, GET).unwrap();
        peer.end(3);
        let frame = frame(kind, flags, stream, payload);
        let taken = taken(&mut peer, |peer, _| peer.say(&frame));
        assert_eq!(taken, (CREDIT - HANDSHAKE) / cost, "{kind} {flags} {stream}");
    }
}

#[test]
fn a_flood_of_empty_continuation_ends_the_connection() {
    let mut peer = Peer::new(LIMITS);
    peer.send(HEADERS, 0, 1, &[]).unwrap();
    assert_eq!(taken(&mut peer, |peer, _| peer.send(CONTINUATION, 0, 1, &[])), CREDIT - HANDSHAKE);
}

#[test]
fn a_flood_of_large_continuation_ends_the_connection() {
    for is_table_known in [false, true] {
        let mut peer = Peer::new(LIMITS);
        if is_table_known {
            peer.send(HEADERS, END_HEADERS | END_STREAM, 1, &[&[0x20], &block(GET)[..]].concat()).unwrap();
        }
        peer.send(HEADERS, 0, 3, &[]).unwrap();
        assert_eq!(taken(&mut peer, |peer, _| peer.send(CONTINUATION, 0, 3, &[0; 16_384])), 4);
    }
}

#[test]
fn rapid_resets_end_the_connection() {
    let mut peer = Peer::new(LIMITS);
    let taken = taken(&mut peer, |peer, count| {
        peer.head(2 * count + 1, GET)?;
        peer.send(RST_STREAM, 0, 2 * count + 1, &8_u32.to_be_bytes())
    });
    assert_eq!(taken, (CREDIT - HANDSHAKE) / 10);
}

#[test]
fn resets_that_the_peer_provokes_end_the_connection() {
    type Provoke = fn(&mut Peer, u32) -> Result<(), Broken>;
    let provocations: [(Provoke, usize); 5] = [
        (|peer, stream| peer.head(stream, &[(":method", "GET")]), 20),
        (|peer, stream| peer.head(stream, GET).and_then(|()| peer.give(stream, 0)), 20 + 1),
        (|peer, stream| peer.head(stream, GET).and_then(|()| peer.give(stream, i32::MAX as u32)), 20),
        (|peer, stream| peer.head(stream, GET).and_then(|()| peer.send(DATA, 0, stream, &[0; 20])), 20),
        (|peer, stream| peer.head(stream, &[GET, &[("x", &"y".repeat(16_200))]].concat()), 20),
    ];
    for (place, (provoke, cost)) in provocations.into_iter().enumerate() {
        let mut peer = Peer::new(LIMITS);
        let taken = taken(&mut peer, |peer, count| provoke(peer, 2 * count + 1));
        assert_eq!(taken, (CREDIT - HANDSHAKE) / cost, "{place}");
    }
    let mut peer = Peer::new(Limits { streams_max: 0, ..LIMITS });
    assert_eq!(taken(&mut peer, |peer, count| peer.head(2 * count + 1, GET)), (CREDIT - HANDSHAKE) / 10);
}

#[test]
fn a_window_that_opens_byte_by_byte_ends_the_connection() {
    let mut peer = Peer::new(LIMITS);
    peer.settings(&setting(4, 0));
    peer.stream(1);
    let taken = taken(&mut peer, |peer, _| {
        let _ = peer.write(1, &[b'x'; 200]);
        peer.give(1, 1)
    });
    assert!((1_900..=CREDIT).contains(&taken), "{taken}");
}

#[test]
fn a_bomb_of_indexed_fields_costs_its_bytes_and_is_answered_with_431() {
    let mut peer = Peer::before_the_preface(LIMITS);
    peer.say(PREFACE).unwrap();
    peer.send(SETTINGS, 0, 0, &[]).unwrap();
    peer.frames();
    let field = [&b"\x40\x01a\x7f\xd1\x1e"[..], &[b'x'; 4_048 - 16]].concat();
    let bomb = [&block(GET)[..], &field, &[0xbe; 12_000]].concat();
    peer.send(HEADERS, END_HEADERS | END_STREAM, 1, &bomb).unwrap();
    assert_eq!(peer.told(), [""; 0]);
    assert!(peer.frames()[0].payload.ends_with(b"431"));
}

#[test]
fn answers_that_nobody_reads_are_bounded() {
    // An answer to a PING has 17 bytes.
    let fit = 16_384 / 17;
    let mut peer = Peer::new(LIMITS);
    for _ in 0..fit {
        peer.send(PING, 0, 0, &[0; 8]).unwrap();
    }
    // Whoever reads again may ask again.
    peer.frames();
    for _ in 0..fit {
        peer.send(PING, 0, 0, &[0; 8]).unwrap();
    }
    let outcome = peer.send(PING, 0, 0, &[0; 8]);
    assert_over(&mut peer, outcome, Reason::ENHANCE_YOUR_CALM);
}

#[test]
fn output_is_bounded_whatever_is_asked_and_not_read() {
    let asks: [fn(&mut Connection, u32) -> Vec<u8>; 3] = [
        |_, _| frame(SETTINGS, 0, 0, &[]),
        |_, count| frame(HEADERS, END_HEADERS, 2 * count + 1, &block(&[(":method", "GET")])),
        |_, count| frame(HEADERS, END_HEADERS, 2 * count + 1, &block(&[GET, &[("x", &"y".repeat(16_200))]].concat())),
    ];
    for ask in asks {
        let mut peer = Peer::new(LIMITS);
        for count in 0..10_000 {
            let bytes = ask(&mut peer.connection, count);
            if peer.say(&bytes).is_err() {
                break;
            }
        }
        assert!(peer.say(&[]).is_err());
        assert!(peer.connection.output().len() < 17_000);
    }
}

#[test]
fn windows_that_are_given_back_and_not_read_are_bounded() {
    let mut peer = Peer::new(Limits { stream_window_bytes: 500, ..LIMITS });
    peer.open(1, POST).unwrap();
    let padded = [&[239][..], b"0123456789abcdef", &[0; 239]].concat();
    let outcome = (0..100_000).find_map(|_| {
        peer.took(1, 16);
        peer.send(DATA, PADDED, 1, &padded).err()
    });
    assert_eq!(outcome, Some(Broken(Reason::ENHANCE_YOUR_CALM)));
    assert!(peer.connection.output().len() < 17_000);
}

#[test]
fn who_returns_both_windows_for_every_event_is_never_cut_off() {
    let mut peer = Peer::new(LIMITS);
    peer.stream(1);
    for _ in 0..100_000 {
        assert_eq!(peer.write(1, &[b'x'; 130]), Poll::Ready(Ok(130)));
        peer.frames();
        peer.give(1, 130).unwrap();
        peer.give(0, 130).unwrap();
    }
}

#[test]
fn window_updates_of_decent_size_are_never_too_many() {
    let mut peer = Peer::new(LIMITS);
    peer.stream(1);
    for _ in 0..100_000 {
        peer.give(1, 256).unwrap();
        peer.give(0, 256).unwrap();
    }
}

#[test]
fn a_browser_that_says_priorities_of_each_request_is_never_cut_off() {
    let mut peer = Peer::new(LIMITS);
    for request in 0..10_000_u32 {
        let stream = 2 * request + 1;
        peer.send(0x10, 0, 0, &[&stream.to_be_bytes()[..], b"u=1, i"].concat()).unwrap();
        peer.head(stream, GET).unwrap();
        peer.send(PRIORITY, 0, stream, &[0, 0, 0, 0, 200]).unwrap();
        peer.connection.head(StreamId::new(stream), &response(204, &[]), true).unwrap();
        peer.give(0, 100).unwrap();
        peer.frames();
        peer.events.clear();
    }
}

#[test]
fn who_returns_windows_for_many_events_at_last_is_not_cut_off() {
    let mut peer = Peer::new(LIMITS);
    peer.stream(1);
    for _ in 0..250 {
        assert!(peer.write(1, &[b'x'; 130]).is_ready());
    }
    peer.frames();
    for _ in 0..250 {
        peer.give(1, 130).unwrap();
        peer.give(0, 130).unwrap();
    }
}

#[test]
fn who_opens_and_cancels_a_stream_every_second_for_a_day_is_never_cut_off() {
    let mut peer = Peer::new(LIMITS);
    for second in 0..86_400 {
        peer.stream(2 * second + 1);
        peer.send(RST_STREAM, 0, 2 * second + 1, &8_u32.to_be_bytes()).unwrap();
    }
    assert_eq!(peer.connection.streams(), 0);
}

#[test]
fn a_page_that_is_left_with_100_requests_open_is_not_cut_off() {
    let mut peer = Peer::new(LIMITS);
    for stream in 0..100 {
        peer.head(2 * stream + 1, GET).unwrap();
    }
    for stream in 0..100 {
        peer.send(RST_STREAM, 0, 2 * stream + 1, &8_u32.to_be_bytes()).unwrap();
    }
}

#[test]
fn who_asks_for_100_streams_where_few_are_allowed_is_not_cut_off() {
    let mut peer = Peer::new(Limits { streams_max: 1, ..LIMITS });
    for stream in 0..100 {
        peer.head(2 * stream + 1, GET).unwrap();
    }
}

#[test]
fn a_body_of_short_pieces_that_are_used_is_never_cut_off() {
    let mut peer = Peer::new(LIMITS);
    peer.open(1, POST).unwrap();
    for _ in 0..20_000 {
        peer.send(DATA, 0, 1, b"x").unwrap();
        peer.took(1, 1);
        peer.frames();
        peer.events.clear();
    }
    // Lines of a batch may wait until there is room for them.
    for _ in 0..65_535 / 16 {
        peer.send(DATA, 0, 1, &[b'x'; 16]).unwrap();
    }
}

#[test]
fn time_gives_credit_back() {
    let mut peer = Peer::new(LIMITS);
    for second in 0..10_000 {
        peer.send(PING, 0, 0, &[0; 8]).unwrap();
        peer.frames();
        if second % 100 == 99 {
            peer.connection.relent();
        }
    }
    for second in 0..10_000 {
        peer.send(PING, 0, 0, &[0; 8]).unwrap();
        if second % 100 == 99 {
            peer.connection.ping();
            let ping = peer.frames().pop().unwrap();
            peer.send(PING, ACK, 0, &ping.payload).unwrap();
        }
        peer.frames();
    }
}

#[test]
fn resets_on_their_way_are_remembered_up_to_a_number() {
    let uploads = |count: u32| {
        let mut peer = Peer::new(Limits { streams_max: 2_000, ..LIMITS });
        for stream in 0..count {
            peer.open(2 * stream + 1, POST).unwrap();
        }
        for stream in 0..count {
            peer.connection.reset(StreamId::new(2 * stream + 1), Reason::CANCEL);
        }
        peer.send(DATA, 0, 1, b"on its way, and not tiny")
    };
    assert_eq!(uploads(1_000), Ok(()));
    assert_eq!(uploads(1_001), Err(Broken(Reason::STREAM_CLOSED)));
}

#[test]
fn data_of_a_stream_that_was_reset_ends_the_connection_in_the_end() {
    let mut peer = Peer::new(LIMITS);
    peer.open(1, POST).unwrap();
    peer.connection.reset(StreamId::new(1), Reason::CANCEL);
    let sent = (0..10_000).take_while(|_| peer.send(DATA, 0, 1, &[b'x'; 999]).map(|()| peer.frames()).is_ok()).count();
    // A body on its way has far fewer.
    assert!((1_900..=2_000).contains(&sent), "{sent}");
}

#[test]
fn what_is_kept_of_the_input_is_counted() {
    let mut peer = Peer::new(LIMITS);
    let idle = peer.connection.held_bytes();
    peer.say(b"\0\x40\0\x06\0\0\0\0\0").unwrap();
    peer.say(&[0; 100]).unwrap();
    assert_eq!(peer.connection.held_bytes() - idle, 9 + 100);
}
