//! `heartbeat=cursor`: a client that has received nothing has a position to come back to.

use fanfare_http::Config;

use crate::{
    everywhere,
    support::{
        events::{Gap, position},
        server::{ALL_WAYS, Server, Way, config},
    },
};

/// Settings with a heartbeat every few moments.
fn lively(way: Way) -> Config {
    let mut config = config(way);
    config.core.heartbeat_ms = 40;
    config
}

#[test]
fn the_first_lines_end_with_a_cursor_from_which_nothing_is_missed() {
    everywhere(|server| {
        let before = server.id_of("/channels/a", "before");
        let mut stream = server.subscribe("/channels/a?heartbeat=cursor");
        let cursor = stream.cursor();
        assert_eq!(cursor, before);
        drop(stream);
        server.publish("/channels/a", "missed");
        let mut stream = server.resume("/channels/a?heartbeat=cursor", &cursor);
        assert_eq!(stream.cursor(), cursor, "it is due what comes behind it");
        assert_eq!(stream.data(), "missed");
    });
}

#[test]
fn a_gap_comes_before_the_cursor() {
    everywhere(|server| {
        let last = server.id_of("/channels/a", "before");
        let mut stream = server.resume("/channels/a?heartbeat=cursor", "nobody's");
        assert_eq!(stream.gap(), Gap::unknown());
        assert_eq!(stream.cursor(), last);
    });
}

#[test]
fn later_heartbeats_move_the_cursor_past_what_was_for_others() {
    for way in ALL_WAYS {
        let server = Server::start(way, lively(way));
        let mut stream = server.subscribe("/channels/a?heartbeat=cursor");
        let first = stream.cursor();
        let elsewhere = server.id_of("/channels/b", "for others");
        let mut last = first.clone();
        // Heartbeats go on and on, so this ends.
        while last != elsewhere {
            let next = stream.cursor();
            assert!(position(&last) <= position(&next), "{way:?}: {last} {next}");
            last = next;
        }
        assert_eq!(stream.judge.comments.len(), 0, "a position instead of the comment");
        drop(stream);
        server.publish("/channels/a", "missed");
        let mut stream = server.resume("/channels/a", &last);
        assert_eq!(stream.data(), "missed", "{way:?}");
    }
}

#[test]
fn who_follows_by_cursors_and_comes_back_again_and_again_misses_nothing() {
    for way in ALL_WAYS {
        let server = Server::start(way, lively(way));
        let mut stream = server.subscribe("/channels/a?heartbeat=cursor");
        let mut cursor = stream.cursor();
        for number in 0..20 {
            // Half of the time nobody is there when it is published, and half of the time it is for others.
            if number % 4 < 2 {
                drop(stream);
                server.publish("/channels/b", "for others");
                server.publish("/channels/a", number.to_string());
                stream = server.resume("/channels/a?heartbeat=cursor", &cursor);
                assert_eq!(stream.cursor(), cursor);
            } else {
                server.publish("/channels/a", number.to_string());
            }
            let event = loop {
                let event = stream.next().unwrap();
                if event.kind == "message" {
                    break event;
                }
            };
            assert_eq!(event.data, number.to_string(), "{way:?}");
            cursor = if number % 2 == 0 { stream.cursor() } else { event.id };
        }
    }
}

#[test]
fn without_it_a_heartbeat_is_a_comment_and_moves_nothing() {
    for way in ALL_WAYS {
        let server = Server::start(way, lively(way));
        let mut stream = server.subscribe("/channels/a");
        server.publish("/channels/b", "for others");
        for _ in 0..3 {
            assert_eq!(stream.comment(), "");
        }
        assert_eq!(stream.judge.last_id, "");
    }
}

#[test]
fn other_heartbeats_and_two_of_them_are_400() {
    let server = Server::new(Way::Socket);
    for query in ["heartbeat=", "heartbeat=comment", "heartbeat=Cursor", "heartbeat=cursor&heartbeat=cursor"] {
        let told = server.get(&format!("/sse?{query}")).problem(400);
        assert!(told.contains("heartbeat"), "{told}");
    }
}
