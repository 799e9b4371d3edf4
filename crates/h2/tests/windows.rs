//! Flow control: what may be sent and received, and that no stream holds up its neighbours.

mod support;

use std::{io::IoSlice, task::Poll};

use fanfare_h2::{Gone, Limits, Reason, StreamId};
use support::peer::*;

#[test]
fn a_response_is_head_data_and_end() {
    let mut peer = Peer::new(LIMITS);
    peer.head(1, GET).unwrap();
    let fields = [("content-type", "text/event-stream"), ("connection", "close")];
    peer.connection.head(StreamId::new(1), &response(200, &fields), false).unwrap();
    let parts = [&b"data: "[..], b"", b"hello\n\n"].map(IoSlice::new);
    assert_eq!(peer.connection.write(StreamId::new(1), &parts, 1_000), Poll::Ready(Ok(13)));
    peer.end(1);
    let seen: Vec<_> = peer.frames().into_iter().map(|frame| (frame.kind, frame.flags, frame.payload)).collect();
    let head = [&[0x88, 0x0f, 0x10, 17], &b"text/event-stream"[..]].concat();
    let data = b"data: hello\n\n".to_vec();
    assert_eq!(seen, [(HEADERS, END_HEADERS, head), (DATA, 0, data), (DATA, END_STREAM, Vec::new())]);
    assert_eq!((peer.connection.streams(), peer.write(1, b"x")), (0, Poll::Ready(Err(Gone))));
}

#[test]
fn long_heads_and_long_data_are_cut_into_frames() {
    let mut peer = Peer::new(LIMITS);
    peer.head(1, GET).unwrap();
    let long: &'static str = "y".repeat(40_000).leak();
    peer.connection.head(StreamId::new(1), &response(200, &[("x", long)]), false).unwrap();
    assert_eq!(peer.write(1, &[b'z'; 20_000]), Poll::Ready(Ok(20_000)));
    let seen: Vec<_> = peer.frames().iter().map(|frame| (frame.kind, frame.flags, frame.payload.len())).collect();
    let block_bytes = 40_000 + 1 + 3 + 4;
    let head = [(HEADERS, 0, 16_384), (CONTINUATION, 0, 16_384), (CONTINUATION, END_HEADERS, block_bytes - 32_768)];
    assert_eq!(seen[..3], head);
    assert_eq!(seen[3..], [(DATA, 0, 16_384), (DATA, 0, 20_000 - 16_384)]);
}

#[test]
fn room_is_for_heads_of_frames_too() {
    let mut peer = Peer::new(LIMITS);
    peer.stream(1);
    for (room, taken) in [(10, 1), (16_393, 16_384), (16_402, 16_384), (16_403, 16_385)] {
        let parts = [IoSlice::new(&[b'x'; 20_000])];
        assert_eq!(peer.connection.write(StreamId::new(1), &parts, room), Poll::Ready(Ok(taken)));
        assert!(peer.connection.output().len() <= room);
        peer.frames();
    }
    // The caller has no room, and knows when there is some.
    assert!(peer.connection.write(StreamId::new(1), &[IoSlice::new(b"x")], 9).is_pending());
    peer.give(1, 1_000).unwrap();
    assert_eq!(peer.told(), [""; 0]);
    assert_eq!(peer.connection.write(StreamId::new(1), &[], 0), Poll::Ready(Ok(0)));
}

#[test]
fn a_stream_without_a_window_waits_and_is_told_of_room_once() {
    let mut peer = Peer::new(LIMITS);
    peer.settings(&setting(4, 5));
    peer.stream(1);
    assert_eq!(peer.write(1, b"1234567"), Poll::Ready(Ok(5)));
    assert!(peer.write(1, b"67").is_pending());
    assert_eq!(peer.told(), [""; 0]);
    peer.give(1, 1).unwrap();
    peer.give(1, 300).unwrap();
    assert_eq!(peer.told(), ["1 room"]);
    assert_eq!(peer.write(1, b"67"), Poll::Ready(Ok(2)));
}

#[test]
fn settings_move_open_windows_also_below_nothing() {
    let mut peer = Peer::new(LIMITS);
    peer.settings(&setting(4, 10));
    peer.stream(1);
    assert_eq!(peer.write(1, b"12345678"), Poll::Ready(Ok(8)));
    peer.frames();
    peer.settings(&setting(4, 3));
    assert!(peer.write(1, b"9").is_pending());
    peer.settings(&setting(4, 8));
    assert_eq!(peer.told(), [""; 0]);
    peer.settings(&setting(4, 9));
    assert_eq!(peer.told(), ["1 room"]);
    assert_eq!(peer.write(1, b"9a"), Poll::Ready(Ok(1)));
}

#[test]
fn of_many_values_in_one_frame_the_last_is_in_force() {
    let mut peer = Peer::new(LIMITS);
    peer.settings(&[setting(4, 1), setting(4, 2)].concat());
    peer.stream(1);
    assert_eq!(peer.write(1, b"123"), Poll::Ready(Ok(2)));
}

#[test]
fn a_window_may_have_31_bits_and_no_more() {
    let most = i32::MAX as u32;
    let mut peer = Peer::new(LIMITS);
    peer.stream(1);
    peer.give(1, most - 65_535).unwrap();
    peer.give(0, most - 65_535).unwrap();
    peer.give(1, 1).unwrap();
    assert_reset(&mut peer, 1, Reason::FLOW_CONTROL_ERROR);
    assert_eq!(peer.told(), ["1 reset 3"]);
    let outcome = peer.give(0, 1);
    assert_over(&mut peer, outcome, Reason::FLOW_CONTROL_ERROR);

    let mut peer = Peer::new(LIMITS);
    peer.stream(1);
    peer.give(1, 1).unwrap();
    let outcome = peer.send(SETTINGS, 0, 0, &setting(4, most));
    assert_over(&mut peer, outcome, Reason::FLOW_CONTROL_ERROR);
}

#[test]
fn one_stream_alone_takes_the_whole_window_of_the_connection() {
    let mut peer = Peer::new(LIMITS);
    peer.settings(&setting(4, 1 << 20));
    peer.stream(1);
    assert_eq!(peer.fill(1), 65_535);
    peer.give(0, 1_000).unwrap();
    assert_eq!(peer.told(), ["1 room"]);
    assert_eq!(peer.fill(1), 1_000);
}

/// A peer that reads some streams at once, and returns a window when half of it is used.
struct Lazy {
    window: u32,
    stream_window: u32,
    used: u32,
    used_of: [u32; 10],
}

impl Lazy {
    fn new(peer: &mut Peer, window: u32, stream_window: u32) -> Self {
        peer.settings(&setting(4, stream_window));
        if window > 65_535 {
            peer.give(0, window - 65_535).unwrap();
        }
        Self { window, stream_window, used: 0, used_of: [0; 10] }
    }

    fn read(&mut self, peer: &mut Peer, stream: u32, bytes: usize) {
        self.used += bytes as u32;
        self.used_of[stream as usize] += bytes as u32;
        if self.used >= self.window / 2 {
            peer.give(0, std::mem::take(&mut self.used)).unwrap();
        }
        if self.used_of[stream as usize] >= self.stream_window / 2 {
            peer.give(stream, std::mem::take(&mut self.used_of[stream as usize])).unwrap();
        }
    }

    /// The streams go on for many windows.
    #[track_caller]
    fn assert_go_on(&mut self, peer: &mut Peer, streams: &[u32]) {
        let mut read = 0;
        while read < 20 * self.window as usize {
            let mut now = 0;
            for stream in streams {
                let bytes = peer.fill(*stream);
                self.read(peer, *stream, bytes);
                now += bytes;
            }
            assert!(now > 0, "nothing goes on after {read} bytes");
            read += now;
        }
    }
}

#[test]
fn one_reader_that_stands_still_does_not_stop_the_other_in_equal_windows() {
    let mut peer = Peer::new(LIMITS);
    let mut lazy = Lazy::new(&mut peer, 65_535, 65_535);
    peer.stream(1);
    peer.stream(3);
    assert_eq!(peer.fill(1), 32_768);
    lazy.assert_go_on(&mut peer, &[3]);
}

#[test]
fn two_readers_that_stand_still_do_not_stop_others_in_the_windows_of_a_browser() {
    let mut peer = Peer::new(LIMITS);
    let mut lazy = Lazy::new(&mut peer, 15_728_640, 6_291_456);
    for stream in [1, 3, 5] {
        peer.stream(stream);
    }
    peer.fill(1);
    peer.fill(3);
    lazy.assert_go_on(&mut peer, &[5]);
}

#[test]
fn readers_that_all_go_on_never_stop_whatever_the_windows_are() {
    for (window, stream_window) in
        [(65_535, 65_535), (65_535, 1 << 20), (65_535, 10_000), (1 << 20, 65_535), (65_536, 65_536)]
    {
        for streams in [&[1][..], &[1, 3], &[1, 3, 5, 7, 9]] {
            for active in [1, streams.len()] {
                let mut peer = Peer::new(LIMITS);
                let mut lazy = Lazy::new(&mut peer, window, stream_window);
                for stream in streams {
                    peer.stream(*stream);
                }
                lazy.assert_go_on(&mut peer, &streams[..active]);
            }
        }
    }
}

#[test]
fn many_readers_that_stand_still_do_not_stop_one_that_returns_what_it_reads() {
    let mut peer = Peer::new(LIMITS);
    for stream in [1, 3, 5, 7] {
        peer.stream(stream);
    }
    let event = |peer: &mut Peer, stream: u32| match peer.write(stream, &[b'x'; 130]) {
        Poll::Ready(bytes) => bytes.unwrap(),
        Poll::Pending => 0,
    };
    // Every event is for all, and one of them reads.
    let mut stalled = 0;
    for _ in 0..10_000 {
        assert_eq!(event(&mut peer, 7), 130);
        stalled += [1, 3, 5].into_iter().map(|stream| event(&mut peer, stream)).sum::<usize>();
        peer.frames();
        peer.give(7, 130).unwrap();
        peer.give(0, 130).unwrap();
    }
    // A quarter of the window each, and one is left.
    assert!((48_000..50_000).contains(&stalled), "{stalled}");
}

#[test]
fn the_end_of_a_neighbour_gives_room() {
    let mut peer = Peer::new(LIMITS);
    peer.stream(1);
    peer.stream(3);
    peer.fill(1);
    peer.end(3);
    let mut events = Vec::new();
    peer.connection.rooms(&mut events);
    peer.events.extend(events);
    assert_eq!(peer.told(), ["1 room"]);
    assert_eq!(peer.fill(1), 32_767);
}

#[test]
fn those_who_wait_have_room_in_turn() {
    let mut peer = Peer::new(LIMITS);
    peer.settings(&setting(4, 100));
    for stream in [1, 3, 5] {
        peer.stream(stream);
    }
    let give_all = |peer: &mut Peer| {
        for stream in [1, 3, 5] {
            peer.fill(stream);
        }
        let all = [1_u32, 5, 3].map(|stream| frame(WINDOW_UPDATE, 0, stream, &100_u32.to_be_bytes()));
        peer.say(&all.concat()).unwrap();
        peer.told()
    };
    assert_eq!(give_all(&mut peer), ["1 room", "3 room", "5 room"]);
    peer.fill(1);
    peer.give(1, 100).unwrap();
    assert_eq!(peer.told(), ["1 room"]);
    // The first of them was told last.
    assert_eq!(give_all(&mut peer), ["3 room", "5 room", "1 room"]);
}

#[test]
fn a_peer_may_fill_the_window_of_a_stream_and_no_more() {
    let mut peer = Peer::new(Limits { stream_window_bytes: 10, ..LIMITS });
    peer.open(1, POST).unwrap();
    peer.send(DATA, 0, 1, b"0123456789").unwrap();
    peer.send(DATA, 0, 1, b"a").unwrap();
    assert_reset(&mut peer, 1, Reason::FLOW_CONTROL_ERROR);
}

#[test]
fn a_peer_may_use_the_default_until_it_knows_better() {
    let mut peer = Peer::before_the_preface(Limits { stream_window_bytes: 10, ..LIMITS });
    peer.frames();
    peer.say(PREFACE).unwrap();
    peer.settings(&[]);
    peer.open(1, POST).unwrap();
    peer.send(DATA, 0, 1, &[b'x'; 11]).unwrap();
    peer.send(SETTINGS, ACK, 0, &[]).unwrap();
    peer.send(DATA, 0, 1, b"x").unwrap();
    assert_reset(&mut peer, 1, Reason::FLOW_CONTROL_ERROR);
}

#[test]
fn a_peer_may_fill_the_window_of_the_connection_and_no_more() {
    let mut peer = Peer::new(Limits { stream_window_bytes: 1 << 20, connection_window_bytes: 65_535, ..LIMITS });
    peer.open(1, POST).unwrap();
    for _ in 0..3 {
        peer.send(DATA, 0, 1, &[b'x'; 16_384]).unwrap();
    }
    peer.send(DATA, 0, 1, &[b'x'; 16_383]).unwrap();
    let outcome = peer.send(DATA, 0, 1, b"x");
    assert_over(&mut peer, outcome, Reason::FLOW_CONTROL_ERROR);
}

#[test]
fn what_is_taken_is_given_back_by_halves() {
    let mut peer = Peer::new(Limits { stream_window_bytes: 100, connection_window_bytes: 65_535, ..LIMITS });
    peer.open(1, POST).unwrap();
    peer.send(DATA, 0, 1, &[b'x'; 100]).unwrap();
    peer.took(1, 49);
    assert_eq!(peer.frames(), []);
    // No more than has come.
    peer.took(1, 1_000);
    let frames = peer.frames();
    assert_eq!((frames.len(), frames[0].kind, frames[0].stream, frames[0].word()), (1, WINDOW_UPDATE, 1, 100));
    peer.send(DATA, END_STREAM, 1, &[b'x'; 100]).unwrap();
    peer.took(1, 100);
    assert_eq!(peer.frames(), [], "there is nothing to come for the stream");
}

#[test]
fn what_nobody_takes_goes_back_to_the_connection() {
    let mut peer = Peer::new(Limits { connection_window_bytes: 65_535, ..LIMITS });
    for stream in 0..20 {
        let stream = 2 * stream + 1;
        peer.open(stream, POST).unwrap();
        peer.send(DATA, 0, stream, &[b'x'; 16_384]).unwrap();
        peer.connection.reset(StreamId::new(stream), Reason::CANCEL);
        // On its way when it was reset: padding counts as well.
        peer.send(DATA, PADDED, stream, &[&[255], &[0; 300][..]].concat()).unwrap();
    }
    let given: u32 = peer.frames().iter().filter(|frame| frame.kind == WINDOW_UPDATE).map(Frame::word).sum();
    assert!(given >= 20 * (16_384 + 301) - 65_535 / 2, "{given}");
}
