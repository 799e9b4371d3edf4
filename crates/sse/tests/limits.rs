//! Limits: no more of a stream is kept than they say, however long a part of it is.

use fanfare_sse::{Item, Limits, Parser};

static SMALL: Limits = Limits { data_bytes: 224, id_bytes: 128, kind_bytes: 16, comment_bytes: 3 };

/// All that a stream says, byte by byte, as text.
fn said(parser: &mut Parser, stream: &str) -> Vec<String> {
    let mut said = Vec::new();
    for byte in stream.as_bytes() {
        parser.feed(&[*byte], |item| said.push(told(item)));
    }
    let mut at_once = Vec::new();
    Parser::new(&SMALL).feed(stream.as_bytes(), |item| at_once.push(told(item)));
    assert_eq!(said, at_once);
    said
}

fn told(item: Item<'_>) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    match item {
        Item::Event(event) => {
            let id = event.id.map(text);
            format!("{id:?} {} {} {}", text(event.kind), text(event.data), event.data_bytes)
        }
        Item::Comment(comment) => format!(": {}", text(comment.text)),
    }
}

#[test]
fn long_data_is_measured_and_its_first_bytes_are_kept() {
    let long = "0123456789".repeat(30);
    let stream = format!("foo: {long}\ndata: {long}\n\ndata: short\ndata: {long}\ndata: x\n\ndata: next\n\n");
    let kept = [&long[..224], &format!("short\n{}", &long[..218]), "next"];
    let expected = [300, 308, 4].iter().zip(kept).map(|(bytes, kept)| format!("None message {kept} {bytes}"));
    assert_eq!(said(&mut Parser::new(&SMALL), &stream), expected.collect::<Vec<_>>());
}

#[test]
fn data_of_exactly_the_limit_is_whole() {
    for data_bytes in [223, 224, 225] {
        let data = "x".repeat(data_bytes);
        let kept = "x".repeat(data_bytes.min(224));
        let expected = format!("None message {kept} {data_bytes}");
        assert_eq!(said(&mut Parser::new(&SMALL), &format!("\u{feff}data: {data}\n\n")), [expected]);
    }
}

#[test]
fn the_first_bytes_of_a_long_type_and_of_a_long_comment_are_kept() {
    let stream = "event: 0123456789abcdefg\ndata: a\n\nevent: 0123456789abcdef\ndata: b\n\n: abcd\n:abc\n";
    let expected = ["None 0123456789abcdef a 1", "None 0123456789abcdef b 1", ": abc", ": abc"];
    assert_eq!(said(&mut Parser::new(&SMALL), stream), expected);
}

#[test]
fn an_id_that_is_too_long_is_an_empty_one_and_that_is_known() {
    let longest = "9".repeat(128);
    let mut parser = Parser::new(&SMALL);
    let expected = format!("{:?} message a 1", Some(&longest));
    assert_eq!(said(&mut parser, &format!("id: {longest}\ndata: a\n\n")), [expected]);
    assert_eq!((parser.last_id(), parser.has_long_id()), (longest.as_bytes(), false));
    for more in [1, 1_000] {
        let expected = format!("{:?} message a 1", Some(""));
        assert_eq!(said(&mut parser, &format!("id: {longest}{}\ndata: a\n\n", "9".repeat(more))), [expected]);
        assert_eq!((parser.last_id(), parser.has_long_id()), (b"".as_slice(), true));
    }
    said(&mut parser, "id: 7\n\n");
    assert_eq!((parser.last_id(), parser.has_long_id()), (b"7".as_slice(), true));
}

#[test]
fn a_time_to_reconnect_whose_end_is_not_seen_is_none() {
    let mut parser = Parser::new(&SMALL);
    said(&mut parser, &format!("retry: {}\n", "1".repeat(300)));
    parser.feed(format!("retry: {}\n", "1".repeat(300)).as_bytes(), |_| {});
    assert_eq!(parser.retry(), None);
}

#[test]
fn what_does_not_end_is_counted() {
    let mut parser = Parser::new(&SMALL);
    for (piece, unfinished_bytes) in [
        ("data: 0123", 10),
        ("4567\n", 8),
        (&"x".repeat(1_000), 1_008),
        ("\r", 8),
        ("\ndata", 12),
        ("\n", 9),
        ("id: 1", 14),
        ("\n\n", 0),
        (":", 1),
    ] {
        parser.feed(piece.as_bytes(), |_| {});
        assert_eq!(parser.unfinished_bytes(), unfinished_bytes, "{piece:.20}");
    }
}
