//! `since=`: how far back a stream goes that has no last event.

use std::time::{Duration, SystemTime};

use crate::{
    everywhere,
    support::{
        events::{Gap, position},
        server::{Server, Way},
        until,
    },
};

/// An RFC 3339 time of `ms`, Unix time, as clocks show it so many hours east.
fn time(ms: u64, hours_east: u64) -> String {
    let shown = SystemTime::UNIX_EPOCH + Duration::from_millis(ms) + Duration::from_secs(hours_east * 3_600);
    let text = humantime::format_rfc3339_millis(shown).to_string();
    if hours_east == 0 { text } else { text.replace('Z', &format!("+{hours_east:02}:00")) }
}

/// Waits until the clock has moved on from `ms`.
fn until_after(ms: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(ms + 3);
    until("the clock has moved on", || SystemTime::now() > time);
}

#[test]
fn a_time_is_inclusive_and_may_have_any_offset_however_its_plus_is_written() {
    everywhere(|server| {
        let (before, _) = position(&server.id_of("/channels/b", "not in the millisecond of the server's start"));
        until_after(before);
        let (first, _) = position(&server.id_of("/channels/a", "one"));
        until_after(first);
        let (second, _) = position(&server.id_of("/channels/a", "two"));
        for text in [time(second, 0), time(second, 2), time(second, 2).replace('+', "%2B"), time(second, 14)] {
            let mut stream = server.subscribe(&format!("/channels/a?since={text}"));
            assert_eq!(stream.data(), "two", "{text}");
        }
        let mut stream = server.subscribe(&format!("/channels/a?since={}", time(first, 1)));
        assert_eq!((stream.data(), stream.data()), ("one".into(), "two".into()));
        let mut stream = server.subscribe(&format!("/channels/a?since={}", time(second + 1, 0)));
        server.publish("/channels/a", "three");
        assert_eq!(stream.data(), "three");
    });
}

#[test]
fn a_time_before_the_server_is_told_as_a_restart_and_earliest_is_not() {
    everywhere(|server| {
        server.publish("/channels/a", "one");
        for since in ["10m", "1h30m", "1h+30m", "200y", "99999999999999999999y", "1970-01-01T00:00:00Z", "1-0"] {
            let mut stream = server.subscribe(&format!("/channels/a?since={since}"));
            let gap = stream.gap();
            assert_eq!((gap.missed, gap.reason.as_str()), (None, "restart"), "{since}");
            assert_eq!(stream.data(), "one");
        }
        assert_eq!(server.subscribe("/channels/a?since=earliest").data(), "one");
    });
}

#[test]
fn a_time_to_come_is_now_and_an_id_to_come_is_unknown() {
    everywhere(|server| {
        server.publish("/channels/a", "before");
        for since in ["0s", "2999-01-01T00:00:00Z"] {
            let mut stream = server.subscribe(&format!("/channels/a?since={since}"));
            let live = format!("live {since}");
            server.publish("/channels/a", &live);
            // With a clock that has not moved on, events published in this millisecond come as well.
            let earlier = stream.data_until(&live);
            assert!(earlier.iter().all(|data| data == "before" || data.starts_with("live")), "{since}: {earlier:?}");
        }
        assert_eq!(server.subscribe("/channels/a?since=99999999999999-0").gap(), Gap::unknown());
    });
}

#[test]
fn an_id_is_exclusive() {
    everywhere(|server| {
        let first = server.id_of("/channels/a", "one");
        server.publish("/channels/a", "two");
        assert_eq!(server.subscribe(&format!("/channels/a?since={first}")).data(), "two");
    });
}

#[test]
fn anything_else_is_400_and_says_what_is_known() {
    let server = Server::new(Way::Socket);
    for since in [
        "",
        "nonsense",
        "10",
        "-10m",
        "%2b10m%00",
        "10q",
        "99999999999999999999q",
        "Earliest",
        "2026-11-20",
        "2026-11-20T08:19:44",
        "2026-02-30T08:19:44Z",
        "2026-11-20T08:19:44%2B2:00",
        "2026-11-20T08:19:44%2B24:00",
        "1-1-1",
        "%F0%9F%A6%80",
    ] {
        for path in ["/sse", "/channels/a", "/"] {
            let answer = server.get(&format!("{path}?since={since}"));
            let told = answer.problem(400);
            assert!(told.contains("10m") && told.contains("RFC 3339") && told.contains("earliest"), "{told}");
            assert_eq!(answer.head.get("access-control-allow-origin"), Some("*"), "a page can read why");
        }
    }
    let known = server.client().request("GET", "/sse?since=x", &[("last-event-id", "1-1")], b"");
    known.problem(400);
}
