//! Streams by the standard, case by case, wherever they are cut.

mod support;

use std::time::Duration;

use fanfare_sse::{Comment, Item, Parser};
use support::{EVERYTHING, Event, feed};

fn event(id: Option<&str>, kind: &str, data: &str) -> Event {
    Event { id: id.map(ToOwned::to_owned), kind: kind.to_owned(), data: data.to_owned() }
}

/// Every way to cut the stream in two gives the same events, and so does every byte by itself.
fn check(stream: &str, expected: &[Event]) {
    let stream = stream.as_bytes();
    for cut in 0..=stream.len() {
        let mut parser = Parser::new(&EVERYTHING);
        let mut seen = feed(&mut parser, &stream[..cut]);
        seen.extend(feed(&mut parser, &stream[cut..]));
        assert_eq!(seen, expected, "cut at {cut} of {}", stream.escape_ascii());
    }
    let mut parser = Parser::new(&EVERYTHING);
    let seen: Vec<_> = stream.iter().flat_map(|byte| feed(&mut parser, &[*byte])).collect();
    assert_eq!(seen, expected, "byte by byte: {}", stream.escape_ascii());
}

fn check_data(stream: &str, expected: &[&str]) {
    check(stream, &expected.iter().map(|data| event(None, "message", data)).collect::<Vec<_>>());
}

#[test]
fn an_event_is_its_data_at_a_blank_line() {
    for end in ["\n", "\r\n", "\r"] {
        let stream =
            "retry: 1000\n: hello\nid: 1\ndata: one\n\n:\nevent: x\ndata:two\ndata:  three\n\nid: 2\n\ndata: cut";
        let expected = [event(Some("1"), "message", "one"), event(None, "x", "two\n three")];
        check(&stream.replace('\n', end), &expected);
    }
    check("data: a\ndata\ndata: b\nid: 1\nevent: t\n\n", &[event(Some("1"), "t", "a\n\nb")]);
    check("event: a:b\ndata: ü:€\n\n", &[event(None, "a:b", "ü:€")]);
    check_data("data: unfinished\n", &[]);
}

#[test]
fn line_ends_may_be_mixed() {
    check_data("data: a\r\n\ndata: b\r\r\ndata: c\n\rdata: d\r\n\r\n", &["a", "b", "c", "d"]);
    check_data("data:a\r\rdata:  b\r\n\r\n", &["a", " b"]);
}

#[test]
fn data_without_a_value_is_an_event_and_a_blank_line_alone_is_none() {
    check_data("\n\ndata\n\ndata:\n\ndata\ndata\n\n\ndata:", &["", "", "\n"]);
}

#[test]
fn other_fields_say_nothing() {
    check_data("dataset: 1\n\nDATA: 1\n\n data: 1\n\ndata : 1\n\nfoo: 1\n\ndat\n\n: note\nfoo\n\n", &[]);
}

#[test]
fn one_byte_order_mark_at_the_start_is_passed_over() {
    check_data("\u{feff}data: a\n\n\u{feff}data: b\n\n", &["a"]);
    check_data("\u{feff}\n\ndata: a\n\n", &["a"]);
    check_data("\u{feff}\u{feff}data: a\n\n", &[]);
    check_data(":\u{feff}\n\u{feff}data: a\n\n", &[]);
}

#[test]
fn the_type_is_of_one_event_and_the_id_lasts() {
    check("event: t\nid: 1\n\ndata: a\n\n", &[event(None, "message", "a")]);
    check("event: t\nevent\ndata: a\n\n", &[event(None, "message", "a")]);
    let mut parser = Parser::new(&EVERYTHING);
    feed(&mut parser, b"id: 7\ndata: a\n\ndata: b\n\nid: 8\ndata: c\n");
    assert_eq!(parser.last_id(), b"7", "an id counts from the blank line on");
    feed(&mut parser, b"\n");
    assert_eq!(parser.last_id(), b"8");
    feed(&mut parser, b"id: 9\n\n");
    assert_eq!(parser.last_id(), b"9", "also without data");
}

#[test]
fn an_id_with_a_nul_is_none_and_an_empty_one_is_one() {
    let stream = "id: a\0b\ndata: x\n\nid\ndata: y\n\nid: 1\nid: 2\0\ndata: z\n\n";
    let expected = [event(None, "message", "x"), event(Some(""), "message", "y"), event(Some("1"), "message", "z")];
    check(stream, &expected);
}

#[test]
fn the_last_id_outlives_events_without_one_and_the_connection() {
    let mut parser = Parser::after(&EVERYTHING, b"0".to_vec());
    feed(&mut parser, b"data: a\n\n");
    assert_eq!(parser.last_id(), b"0");
    feed(&mut parser, b"id: 1\n\ndata: b\n\nid: 2\ndata: unfinished");
    assert_eq!(parser.last_id(), b"1");
    parser.reconnect();
    assert_eq!(feed(&mut parser, b"\n\ndata: c\n\n"), [event(None, "message", "c")]);
    assert_eq!(parser.last_id(), b"1");
    feed(&mut parser, b"id\n\n");
    assert_eq!(parser.last_id(), b"");
}

#[test]
fn only_digits_are_a_retry() {
    let mut parser = Parser::new(&EVERYTHING);
    for bad in ["retry\n", "retry: \n", "retry: 1s\n", "retry: -1\n", "retry: +1\n", "retry:  1\n"] {
        feed(&mut parser, bad.as_bytes());
        assert_eq!(parser.retry(), None, "{bad:?}");
    }
    feed(&mut parser, b"retry: 99999999999999999999999\n");
    assert_eq!(parser.retry(), Some(Duration::from_millis(u64::MAX)));
    feed(&mut parser, b"retry:7\n");
    parser.reconnect();
    assert_eq!(parser.retry(), Some(Duration::from_millis(7)));
}

#[test]
fn comments_are_told_and_whether_they_follow_each_other() {
    let stream = b": one\n:two\n\n:\n:  x\r\ndata: a\n: y\n\n:z";
    let mut seen = Vec::new();
    let mut parser = Parser::new(&EVERYTHING);
    for byte in stream {
        parser.feed(&[*byte], |item| {
            if let Item::Comment(Comment { text, follows_comment }) = item {
                seen.push((String::from_utf8(text.to_vec()).unwrap(), follows_comment));
            }
        });
    }
    let expected = [("one", false), ("two", true), ("", false), (" x", true), ("y", false)];
    assert_eq!(seen, expected.map(|(text, follows)| (text.to_owned(), follows)));
}
