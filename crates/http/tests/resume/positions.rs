//! A last event id may be a position, somebody's own id, or anything else, and never an error.

use crate::{
    everywhere,
    support::{
        events::{Gap, position},
        server::{Server, Way},
    },
};

#[test]
fn an_id_from_before_the_server_is_a_gap_and_then_everything_kept() {
    everywhere(|server| {
        let first = server.id_of("/channels/a", "one");
        server.publish("/channels/a", "two");
        for early in ["1-0", "0-0", "0001-007"] {
            let mut stream = server.resume("/channels/a", early);
            let gap = stream.gap();
            assert_eq!((gap.missed, gap.reason.as_str()), (None, "restart"), "{early}");
            assert!(position(gap.from.as_deref().unwrap()) < position(gap.to.as_deref().unwrap()));
            assert!(position(gap.to.as_deref().unwrap()) < position(&first), "{gap:?} {first}");
            assert_eq!((stream.data(), stream.data()), ("one".into(), "two".into()));
        }
    });
}

#[test]
fn an_id_from_the_future_is_unknown_and_the_stream_is_live() {
    everywhere(|server| {
        let last = server.id_of("/channels/a", "before");
        let (ms, n) = position(&last);
        let huge = format!("{}-{}", "9".repeat(100), "9".repeat(100));
        for future in [format!("{ms}-{}", n + 1), "99999999999999-0".to_owned(), huge] {
            let mut stream = server.resume("/channels/a", &future);
            assert_eq!(stream.gap(), Gap::unknown(), "{future}");
            server.publish("/channels/a?keep=no", "live");
            assert_eq!(stream.data(), "live", "{future}");
        }
        let newest = server.id_of("/channels/a", "newest");
        let mut stream = server.resume("/channels/a", &newest);
        server.publish("/channels/a", "live");
        assert_eq!(stream.data(), "live", "the newest is known");
    });
}

#[test]
fn an_id_that_nobody_has_is_unknown_and_the_stream_is_live() {
    everywhere(|server| {
        server.publish("/channels/a?id=mine", "before");
        server.publish("/channels/elsewhere?id=theirs", "before");
        let long = "x".repeat(10 << 10);
        for unknown in ["nobody's", "theirs", "Mine", "mine2", "1-", "-", "1-1-1", "+1-1", "１-１", "ü", &long] {
            let mut stream = server.resume("/channels/a", unknown);
            assert_eq!(stream.gap(), Gap::unknown(), "{unknown:.20}");
            server.publish("/channels/a?keep=no", "live");
            assert_eq!(stream.data(), "live");
        }
        for query in ["last_event_id=%00", "last_event_id=a%00b", "lastEventID=%0a", "last_event_id=mine%0d"] {
            assert_eq!(server.subscribe(&format!("/channels/a?{query}")).gap(), Gap::unknown(), "{query}");
        }
    });
}

#[test]
fn an_id_that_is_sent_as_latin_1_is_found() {
    let server = Server::new(Way::Socket);
    for (id, sent) in [("\u{fc}", &b"\xfc"[..]), ("\u{c3}\u{bc}", b"\xc3\xbc"), ("a\u{e9}\u{e9}", b"a\xe9\xe9")] {
        let encoded: String = id.bytes().map(|byte| format!("%{byte:02x}")).collect();
        server.publish(&format!("/channels/a?id={encoded}"), "had");
        server.publish("/channels/a", "missed");
        let mut client = server.client();
        client.send([b"GET /channels/a HTTP/1.1\r\nHost: test\r\nLast-Event-ID: ", sent, b"\r\n\r\n"].concat());
        assert_eq!(client.head().status, 200);
        let mut stream = crate::support::stream::Stream::chunked(client);
        stream.prelude();
        assert_eq!(stream.data(), "missed", "{id}");
    }
}

#[test]
fn an_id_that_is_not_utf8_and_unknown_as_latin_1_is_unknown_and_a_nul_is_not_http() {
    let server = Server::new(Way::Socket);
    let open = |id: &[u8]| {
        let mut client = server.client();
        client.send([b"GET /sse HTTP/1.1\r\nHost: test\r\nLast-Event-ID: ", id, b"\r\n\r\n"].concat());
        client
    };
    for id in [&b"\xff"[..], b"\xfc", b"1-1\xc3", b"\xc3\x28"] {
        let mut client = open(id);
        assert_eq!(client.head().status, 200);
        let mut stream = crate::support::stream::Stream::chunked(client);
        stream.prelude();
        assert_eq!(stream.gap(), Gap::unknown(), "{id:?}");
    }
    // No browser sends one: an id with NUL is none for it (WHATWG HTML 9.2.6).
    assert_eq!(open(b"a\0b").head().status, 400);
}

#[test]
fn an_own_id_is_found_by_its_bytes_and_the_oldest_event_with_it_counts() {
    everywhere(|server| {
        for id in ["order 7", "ü", "日本", "7", &"x".repeat(256)] {
            let encoded: String = id.bytes().map(|byte| format!("%{byte:02x}")).collect();
            server.publish(&format!("/channels/a?id={encoded}"), "older");
            server.publish("/channels/a", "between");
            server.publish(&format!("/channels/a?id={encoded}"), "newer");
            server.publish(&format!("/channels/b?id={encoded}"), "elsewhere, newer still");
            server.publish("/channels/a", "missed");
            for mut stream in [
                server.resume("/channels/a", id),
                server.subscribe(&format!("/channels/a?last_event_id={encoded}")),
                server.subscribe(&format!("/channels/a?lastEventID={encoded}")),
                server.subscribe(&format!("/channels/a?lastEventId={encoded}")),
                server.subscribe(&format!("/channels/a?Last-Event-ID={encoded}")),
            ] {
                let got = [stream.data(), stream.data(), stream.data()];
                assert_eq!(got, ["between", "newer", "missed"], "{id:.20}");
            }
        }
    });
}

#[test]
fn the_header_comes_before_the_query_and_the_query_before_since() {
    everywhere(|server| {
        let ids: Vec<_> = (0..4).map(|number| server.id_of("/channels/a", number.to_string())).collect();
        let open = |header: &str, query: &str| server.resume(&format!("/channels/a?{query}"), header).data();
        let (both, since) = (format!("last_event_id={}&since={}", ids[1], ids[0]), format!("since={}", ids[0]));
        assert_eq!(open(&ids[2], &both), "3");
        assert_eq!(open("", &both), "2", "an empty header is none");
        assert_eq!(open("", &since), "1");
        assert_eq!(open("", &format!("last_event_id=&lastEventID={}&{since}", ids[1])), "2");
        assert_eq!(open("", &format!("last_event_id=&{since}")), "1");
        assert_eq!(open("", "last_event_id=&since=earliest"), "0");
        // A browser that comes back does not begin anew.
        assert_eq!(open(&ids[2], "since=earliest"), "3");
    });
}

#[test]
fn of_several_headers_equal_ones_count_once_and_different_ones_are_unknown() {
    everywhere(|server| {
        let ids: Vec<_> = (0..3).map(|number| server.id_of("/channels/a", number.to_string())).collect();
        let open = |values: &[&str]| {
            let headers: Vec<_> = values.iter().map(|value| ("last-event-id", *value)).collect();
            server.subscribe_with("/channels/a", &headers).event()
        };
        assert_eq!(open(&["", &ids[1]]).data, "2");
        assert_eq!(open(&[&ids[1], &ids[1]]).data, "2");
        assert_eq!(open(&[&ids[0], &ids[1]]).gap(), Some(Gap::unknown()));
    });
}

#[test]
fn a_position_twice_in_the_query_is_400() {
    let server = Server::new(Way::Socket);
    for query in ["last_event_id=1-1&last_event_id=1-1", "lastEventID=&lastEventID=", "since=1h&since=1h"] {
        for (method, status) in [("GET", 400), ("HEAD", 400)] {
            let mut client = server.client();
            client.send(format!("{method} /sse?{query} HTTP/1.1\r\nHost: test\r\n\r\n"));
            assert_eq!(client.head().status, status, "{method} {query}");
        }
    }
}
