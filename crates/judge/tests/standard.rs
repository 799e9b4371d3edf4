//! Streams of any server: the examples of WHATWG HTML 9.2.6 and the corners of 9.2.5.

use fanfare_judge::{Dispatched, Judge};

fn event(data: &str, last_id: &str) -> Dispatched {
    Dispatched { kind: "message".into(), data: data.into(), last_id: last_id.into() }
}

fn read(text: &str) -> Vec<Dispatched> {
    Judge::of_any_server().feed(text.as_bytes())
}

#[test]
fn the_judge_does_what_the_standard_says() {
    assert_eq!(read("data: YHOO\ndata: +2\ndata: 10\n\n"), [event("YHOO\n+2\n10", "")]);
    let text = ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n";
    assert_eq!(read(text), [event("first event", "1"), event("second event", ""), event(" third event", "")]);
    assert_eq!(read("data\n\ndata\ndata\n\ndata:"), [event("", ""), event("\n", "")]);
    assert_eq!(read("data:test\n\ndata: test\n\n"), [event("test", ""), event("test", "")]);
    assert_eq!(read("\u{feff}data:a\r\rdata:b\r\n\r\n"), [event("a", ""), event("b", "")]);
    assert_eq!(read("\u{feff}\u{feff}data:a\n\n"), []);
    assert_eq!(read("id:1\nid:2\0\ndata:a\n\n"), [event("a", "1")]);
    assert_eq!(read("id:1\nevent:lost\n\ndata:a\n\n"), [event("a", "1")]);
    let mut judge = Judge::of_any_server();
    judge.feed(b"retry: 5\nretry: 5x\nretry:\nretry: +1\n");
    assert_eq!(judge.retries_ms, [5]);
}
