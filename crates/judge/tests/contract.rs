//! Streams of a Fanfare server: each rule of the contract, and a stream that breaks it.

use std::panic::catch_unwind;

use fanfare_judge::{Block, Dispatched, Gap, Judge};

const FIRST_LINES: &str = "retry: 2417\n: connection 42 client alice\n";
const GAP: &str = r#"{"from":"1-0","to":"1-7","missed":7,"reason":"busy"}"#;

#[test]
fn a_stream_of_the_contract_is_read_with_its_lines() {
    let stream = format!(
        "{FIRST_LINES}: note\nevent: fanfare.gap\ndata: {GAP}\n\nevent: fanfare.cursor\nid: 1-7\ndata:\n\n:\n:\n\
         event: t\nid: order 7\nretry: 100\ndata: a\ndata: \n\nid: 1-8\ndata: ü\n\n:\nretry: 9\n"
    );
    for piece_bytes in [1, 7, stream.len()] {
        let mut judge = Judge::default();
        let blocks: Vec<_> = stream.as_bytes().chunks(piece_bytes).flat_map(|piece| judge.blocks(piece)).collect();
        let block = |kind: &str, data: &str, last_id: &str, id: Option<&str>, lines: &str| Block {
            event: Dispatched { kind: kind.to_owned(), data: data.to_owned(), last_id: last_id.to_owned() },
            id: id.map(str::to_owned),
            lines: lines.to_owned(),
        };
        let expected = [
            block("fanfare.gap", GAP, "", None, &format!("event: fanfare.gap\ndata: {GAP}\n")),
            block("fanfare.cursor", "", "1-7", Some("1-7"), "event: fanfare.cursor\nid: 1-7\ndata:\n"),
            block("t", "a\n", "order 7", Some("order 7"), "event: t\nid: order 7\nretry: 100\ndata: a\ndata: \n"),
            block("message", "ü", "1-8", Some("1-8"), "id: 1-8\ndata: ü\n"),
        ];
        assert_eq!(blocks, expected);
        assert_eq!(blocks.iter().map(Block::gap).collect::<Vec<_>>(), [Some(Gap::read(GAP)), None, None, None]);
        assert_eq!(judge.comments, [" connection 42 client alice", " note", "", "", ""]);
        assert_eq!(judge.retries_ms, [2417, 100, 9]);
        assert!(judge.is_between_events());
    }
}

#[test]
fn what_no_fanfare_server_sends_is_not_taken() {
    let wrong = [
        // Lines.
        "id: 1-0\r\ndata: a\r\n\r\n",
        "id: 1-0\rdata: a\r\r",
        "\u{feff}id: 1-0\ndata: a\n\n",
        "id: 1-0\ndata: a\nfoo: b\n\n",
        "retry: 1s\n",
        "retry:\n",
        "id: a\0b\ndata: a\n\n",
        // Blocks.
        "\n",
        "id: 1-0\n\n",
        "data: a\n\n",
        "id:\ndata: a\n\n",
        "id: \ndata: a\n\n",
        "id:1-0\ndata: a\n\n",
        "id: 1-0\ndata:a\n\n",
        "id: 1-0\ndata:\n\n",
        "id: 1-0\ndata\n\n",
        "data: a\nid: 1-0\n\n",
        "id: 1-0\nevent: t\ndata: a\n\n",
        "id: 1-0\ndata: a\nretry: 100\n\n",
        "event: t\nevent: t\nid: 1-0\ndata: a\n\n",
        "id: 1-0\nid: 1-0\ndata: a\n\n",
        "id: 1-0\ndata: a\nid: 1-1\ndata: b\n\n",
        "event: a\u{85}b\nid: 1-0\ndata: a\n\n",
        // Comments.
        "id: 1-0\n:\ndata: a\n\n",
        "id: 1-0\ndata: a\n: note\n\n",
        ":note\n",
        ":\n\n",
        // The server's own.
        "event: fanfare.later\nid: 1-0\ndata: a\n\n",
        "event: fanfare.cursor\nid: 1-0\ndata: \n\n",
        "event: fanfare.cursor\nid: 1-0\ndata: a\n\n",
        "event: fanfare.cursor\nid: order 7\ndata:\n\n",
        "event: fanfare.cursor\ndata:\n\n",
        "id: 1-0\nevent: fanfare.cursor\ndata:\n\n",
        "event: fanfare.gap\ndata: {}\n\n",
    ];
    let with_id = format!("event: fanfare.gap\nid: 1-7\ndata: {GAP}\n\n");
    let after_another = format!("id: 1-0\ndata: a\n\nevent: fanfare.gap\nretry: 1\ndata: {GAP}\n\n");
    for stream in wrong.into_iter().chain([&*with_id, &*after_another]) {
        assert!(catch_unwind(|| Judge::default().feed(stream.as_bytes())).is_err(), "{stream:?}");
    }
    assert!(catch_unwind(|| Judge::default().feed(b"id: 1-0\ndata: \xff\n\n")).is_err(), "no UTF-8");
}
