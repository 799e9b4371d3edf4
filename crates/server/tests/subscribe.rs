//! `fanfare subscribe`: its output and its reconnects, against `fanfare serve` and against a server whose every byte
//! the test writes.

mod support;

use std::{
    process::{Command, Stdio},
    thread,
    time::Instant,
};

use support::{Process, curl_once, fanfare, peer::Peer, run, serve, settings::limits};

fn subscribe(url: &str, arguments: &[&str]) -> Process {
    Process::start(fanfare().args(["subscribe", url]).args(arguments))
}

/// Waits with probe events until this many streams are open, and then publishes `body`.
fn publish_when_open(url: &str, body: &str, matched: u32) {
    let deadline = Instant::now() + support::PATIENCE;
    while !curl_once(&["-d", "", &format!("{url}?wait=written&event=probe")])
        .contains(&format!("\"matched\":{matched},"))
    {
        assert!(Instant::now() < deadline, "nobody for {url}");
        thread::yield_now();
    }
    curl_once(&["-d", body, url]);
}

#[test]
fn it_prints_what_comes_for_its_client_and_its_channels() {
    let (_server, url) = serve(&[]);
    let mut stream = subscribe(&url, &["--id", "a b", "--channel", "news", "--channel", "o/42", "--json"]);
    publish_when_open(&format!("{url}/clients/a%20b"), "to the client", 1);
    stream.line_with("\"event\":\"message\",\"data\":\"to the client\"}");
    curl_once(&["-d", "to a channel", &format!("{url}/channels/o%2F42?event=note&id=mine")]);
    assert_eq!(stream.line_with("channel"), r#"{"id":"mine","event":"note","data":"to a channel"}"#);
    curl_once(&["--data-binary", "two\nlines \"ü\"", &format!("{url}/broadcast?id=x")]);
    assert_eq!(stream.line_with("lines"), r#"{"id":"x","event":"message","data":"two\nlines \"ü\""}"#);
}

#[test]
fn people_see_id_type_and_data() {
    let peer = Peer::new();
    let mut stream = subscribe(&peer.url(), &["--max-events", "4"]);
    let mut exchange = peer.next();
    assert!(exchange.head.starts_with("GET /sse HTTP/1.1\r\n"), "{}", exchange.head);
    assert_eq!(exchange.header("accept"), Some("text/event-stream"));
    assert_eq!(exchange.header("last-event-id"), None);
    exchange.begin_stream();
    // Each is printed when it is whole, though more of the stream is to come.
    exchange.write("\u{feff}: hello\r\ndata: plain\r\n\r");
    assert_eq!(stream.line_with("plain"), "plain");
    exchange.write("\nid: 1-0\nevent: note\ndata: one\ndata: two\n\nid: 2-0\n\n");
    assert_eq!(stream.line_with("one"), "[1-0] note: one");
    assert_eq!(stream.line_with("two"), "two");
    exchange.write("id: 3\ndata: typeless\n\nevent: nameless\ndata: x\n\ndata: too many\n\n");
    assert_eq!(stream.remaining_lines(), ["[3] typeless", "nameless: x"]);
    assert_eq!(stream.exit().code(), Some(0));
}

#[test]
fn the_url_and_its_query_are_kept() {
    let peer = Peer::new();
    let url = format!("{}/channels/ü?heartbeat=cursor", peer.url());
    let _stream = subscribe(&url, &["--channel", "a&b", "--id", "é", "--since", "2026-01-01T00:00:00+01:00"]);
    let head = peer.next().head;
    let query = "heartbeat=cursor&id=%C3%A9&channel=a%26b&since=2026-01-01T00%3A00%3A00%2B01%3A00";
    assert!(head.starts_with(&format!("GET /channels/%C3%BC?{query} HTTP/1.1\r\n")), "{head}");
}

#[test]
fn it_comes_back_after_retry_with_the_last_id_until_204() {
    let peer = Peer::new();
    let mut stream = subscribe(&peer.url(), &["--last-event-id", "seën"]);
    let mut first = peer.next();
    assert_eq!(first.header("last-event-id"), Some("seën"));
    first.begin_stream();
    first.write("retry: 20\nid: 7-0\ndata: a\n\ndata: b\n\nid: 8-0\ndata: lost");
    stream.line_with("b");
    drop(first);
    assert!(stream.line_with("connecting again").contains("20ms"));
    // Cut in the middle of a chunk: the same as an end.
    let mut second = peer.next();
    assert_eq!(second.header("last-event-id"), Some("7-0"));
    second.write(
        "HTTP/1.1 200 OK\r\ncontent-type: Text/Event-Stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n",
    );
    second.write("7\r\ndata: c\r\n2\r\n\n\n\r\n10\r\nid: 9-0\n");
    stream.line_with("c");
    drop(second);
    stream.line_with("connecting again");
    let third = peer.next();
    assert_eq!(third.header("last-event-id"), Some("7-0"));
    third.answer("204 No Content", "text/plain", "");
    assert_eq!(stream.exit().code(), Some(0));
}

#[test]
fn an_id_without_data_moves_on_and_an_empty_one_resets() {
    let peer = Peer::new();
    let _stream = subscribe(&peer.url(), &[]);
    for (bytes, expected) in [("retry: 1\nid: 5-0\n\n", None), ("id\n\n", Some("5-0")), ("data: x\n\n", None)] {
        let mut exchange = peer.next();
        assert_eq!(exchange.header("last-event-id"), expected);
        exchange.begin_stream();
        exchange.write(bytes);
    }
}

#[test]
fn a_gap_is_a_line_of_its_own_and_told_on_standard_error() {
    let gap = r#"{"from":"1-0","to":"3-0","missed":2,"reason":"busy"}"#;
    let quoted = gap.replace('"', "\\\"");
    let in_json = [
        r#"{"id":"1-0","event":"message","data":"a"}"#.to_owned(),
        format!(r#"{{"id":null,"event":"fanfare.gap","data":"{quoted}"}}"#),
        r#"{"id":"4-0","event":"message","data":"b"}"#.to_owned(),
    ];
    let for_people = ["[1-0] a".to_owned(), format!("fanfare.gap: {gap}"), "[4-0] b".to_owned()];
    for (form, printed) in [(&["--json"][..], in_json), (&[], for_people)] {
        let peer = Peer::new();
        let mut command = fanfare();
        // A gap is none of the two events.
        command.args(["subscribe", &peer.url(), "--max-events", "2"]).args(form);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut exchange = peer.next();
        exchange.begin_stream();
        let gap = format!("event: fanfare.gap\ndata: {gap}\n\n");
        exchange.write(format!("id: 1-0\ndata: a\n\n{gap}id: 4-0\ndata: b\n\ndata: too many\n\n"));
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).lines().collect::<Vec<_>>(), printed);
        let told = "events that were missed: 2; they were not taken in time (busy)\n";
        assert_eq!(String::from_utf8_lossy(&output.stderr), told);
        assert_eq!(output.status.code(), Some(0));
    }
}

#[test]
fn a_gap_does_not_move_the_place_to_go_on_from() {
    let peer = Peer::new();
    let mut stream = subscribe(&peer.url(), &[]);
    let mut first = peer.next();
    first.begin_stream();
    first.write("retry: 1\nid: 1-0\ndata: a\n\nevent: fanfare.gap\ndata: {\"to\":\"3-0\",\"reason\":\"expired\"}\n\n");
    stream.line_with("events may have been missed; the server does not keep them any more (expired)");
    drop(first);
    assert_eq!(peer.next().header("last-event-id"), Some("1-0"));
}

#[test]
fn a_heartbeat_with_the_cursor_is_asked_for_and_gives_a_place_to_go_on_from() {
    let peer = Peer::new();
    let _stream = subscribe(&peer.url(), &["--heartbeat", "cursor", "--id", "a"]);
    let mut first = peer.next();
    assert!(first.head.starts_with("GET /sse?id=a&heartbeat=cursor HTTP/1.1\r\n"), "{}", first.head);
    first.begin_stream();
    first.write("retry: 1\n: connection 1 client a\nid: 5-0\n\n");
    drop(first);
    assert_eq!(peer.next().header("last-event-id"), Some("5-0"));
}

#[test]
fn a_cursor_is_a_place_to_go_on_from_and_is_neither_printed_nor_counted() {
    for form in [&["--json"][..], &[]] {
        let peer = Peer::new();
        let mut stream = subscribe(&peer.url(), &[&["--heartbeat", "cursor", "--max-events", "2"], form].concat());
        let mut first = peer.next();
        first.begin_stream();
        first.write("retry: 1\n: connection 1 client a\nevent: fanfare.cursor\nid: 5-0\ndata:\n\n");
        first.write("id: 6-0\ndata: one\n\nevent: fanfare.cursor\nid: 7-0\ndata:\n\n");
        stream.line_with("one");
        drop(first);
        let mut second = peer.next();
        assert_eq!(second.header("last-event-id"), Some("7-0"));
        second.begin_stream();
        second.write("event: fanfare.cursor\nid: 8-0\ndata\n\nevent: fanfare.later\ndata: x\n\ndata: two\n\n");
        stream.line_with("two");
        assert_eq!(stream.exit().code(), Some(0));
        let shown = [stream.seen().to_vec(), stream.remaining_lines()].concat().join("\n");
        assert!(!shown.contains("cursor") && shown.contains("fanfare.later"), "{shown}");
    }
}

#[test]
fn a_server_that_is_busy_for_a_while_is_waited_for() {
    for status in ["408 Request Timeout", "429 Too Many", "502 Bad Gateway", "503 Unavailable", "504 Gateway Timeout"] {
        let peer = Peer::new();
        let mut stream = subscribe(&peer.url(), &[]);
        let mut first = peer.next();
        first.begin_stream();
        first.write("retry: 20\nid: 1-0\ndata: a\n\n");
        drop(first);
        // As long as before, whoever says nothing, nothing that can be read, or no time at all.
        for header in ["", "retry-after: soon\r\n", "retry-after: 0\r\n"] {
            let mut refused = peer.next();
            assert_eq!(refused.header("last-event-id"), Some("1-0"));
            let header = format!("{header}content-type: text/plain\r\n");
            refused.write(format!("HTTP/1.1 {status}\r\n{header}content-length: 5\r\nconnection: close\r\n\r\nbusy\n"));
            let line = stream.line_with("busy");
            assert!(line.contains(&status[..3]) && line.ends_with("busy; connecting again in 20ms"), "{line}");
        }
        // Any other status is a refusal then too.
        peer.next().answer("500 Internal Server Error", "text/plain", "");
        assert_eq!(stream.exit().code(), Some(1));
    }
}

#[test]
fn before_the_first_stream_a_server_is_waited_for_if_it_says_how_long() {
    let peer = Peer::new();
    let mut stream = subscribe(&peer.url(), &[]);
    let mut busy = |header: &str, expected: &str| {
        let head =
            format!("HTTP/1.1 503 Busy\r\nretry-after: {header}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        peer.next().write(head);
        stream.line_with(expected);
    };
    busy("1", "connecting again in 1s");
    busy("99999999999", "connecting again in 5m");
    drop(stream);
    let mut stream = subscribe(&peer.url(), &[]);
    peer.next().write("HTTP/1.1 404 None\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    assert_eq!(stream.exit().code(), Some(1));
}

#[test]
fn what_the_server_says_of_the_request_is_printed_once_and_cannot_steer_the_terminal() {
    let peer = Peer::new();
    let mut command = fanfare();
    command.args(["subscribe", &peer.url(), "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    for note in ["`a,b` is one channel\u{1b}[2J", "`a,b` is one channel\u{1b}[2J", "another"] {
        let mut exchange = peer.next();
        exchange.begin_stream();
        exchange.write(format!("retry: 10\n: connection 7 client a\n: {note}\n:\n: heartbeat\nid: 1-0\ndata: x\n\n"));
    }
    peer.next().answer("204 No Content", "text/plain", "");
    let output = child.wait_with_output().unwrap();
    let again = "the stream ended; connecting again in 10ms";
    let expected = ["the server says: `a,b` is one channel\\u{1b}[2J", again, again, "the server says: another", again];
    assert_eq!(String::from_utf8_lossy(&output.stderr).lines().collect::<Vec<_>>(), expected);
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 3, "events alone");
}

#[test]
fn what_the_server_finds_odd_in_the_request_is_told() {
    let (_server, url) = serve(&[]);
    for (url, channel, said) in
        [(url.clone(), "a,b", "\"a,b\""), (format!("{url}/sse?utm_source=x"), "a", "utm_source")]
    {
        let mut stream = subscribe(&url, &["--channel", channel]);
        let line = stream.line_with("the server says: ");
        assert!(line.contains(said), "{line}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_person_is_told_that_the_stream_is_open() {
    let (_server, url) = serve(&[]);
    // `script` runs it at a terminal.
    let command = format!("'{}' subscribe {url}", env!("CARGO_BIN_EXE_fanfare"));
    let mut terminal = Process::start(Command::new("script").args(["-qec", &command, "/dev/null"]));
    terminal.line_with("connected; waiting for events");
    publish_when_open(&format!("{url}/broadcast"), "hello", 1);
    terminal.line_with("hello");
    let mut stream = subscribe(&url, &[]);
    publish_when_open(&format!("{url}/broadcast"), "hello again", 2);
    stream.line_with("hello again");
    assert!(!stream.has_said("connected"), "{:?}", stream.seen());
}

#[test]
fn where_to_begin_is_passed_on_as_it_is() {
    for (since, query) in [("latest", "latest"), ("all", "all"), ("1795172087", "1795172087"), ("a b&c", "a%20b%26c")] {
        let peer = Peer::new();
        let _stream = subscribe(&peer.url(), &["--since", since]);
        let head = peer.next().head;
        assert!(head.starts_with(&format!("GET /sse?since={query} HTTP/1.1\r\n")), "{head}");
    }
}

#[test]
fn refusals_are_told_and_exit_1() {
    let problem = r#"{"title":"Bad Request","status":400,"detail":"`id` twice"}"#;
    for (status, kind, body, said) in [
        ("400 Bad Request", "application/problem+json", problem, "error: Bad Request: `id` twice"),
        (
            "500 Internal Server Error",
            "text/plain",
            "oh\u{1b}[2J",
            "error: the server answered 500 Internal Server Error: oh\\u{1b}",
        ),
        ("503 Service Unavailable", "text/plain", "", "error: the server answered 503 Service Unavailable"),
        ("502 Bad Gateway", "text/html", "<html>\n", "/sse cannot reach its server (502 Bad Gateway)"),
        (
            "504 Gateway Timeout",
            "text/html",
            "<html>\n",
            "/sse has no answer of its server in time (504 Gateway Timeout)",
        ),
        ("200 OK", "text/html", "<p>", "is no event stream: its type is `text/html`"),
        ("200 OK", "text/event-streams", "", "`text/event-streams`"),
    ] {
        let peer = Peer::new();
        let mut stream = subscribe(&peer.url(), &[]);
        peer.next().answer(status, kind, body);
        assert!(stream.line_with("error: ").contains(said), "{status}");
        assert_eq!(stream.exit().code(), Some(1));
    }
}

#[test]
fn a_redirect_is_followed() {
    let (old, new) = (Peer::new(), Peer::new());
    let _stream = subscribe(&old.url(), &["--last-event-id", "4-0"]);
    old.next()
        .write(format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {}/new\r\ncontent-length: 0\r\n\r\n", new.url()));
    let exchange = new.next();
    assert!(exchange.head.starts_with("GET /new HTTP/1.1\r\n"));
    assert_eq!(exchange.header("last-event-id"), Some("4-0"));
}

#[test]
fn a_server_that_is_not_there_is_tried_again() {
    let mut stream = subscribe("http://127.0.0.1:1", &[]);
    let line = stream.line_with("connecting again");
    assert!(line.contains("connection refused") && line.contains("fanfare serve") && line.contains("in 3s"), "{line}");
    stream.signal("INT");
    assert_eq!(stream.exit().code(), Some(0));
}

#[test]
fn it_goes_on_with_a_server_that_was_restarted() {
    let soon = limits(&["retry-min = '20ms'", "retry-max = '20ms'", "drain-spread = '0s'"]);
    let (mut server, url) = serve(&[&soon]);
    let mut stream = subscribe(&url, &[]);
    publish_when_open(&format!("{url}/broadcast"), "before", 1);
    stream.line_with("before");
    server.signal("TERM");
    assert_eq!(server.exit().code(), Some(0));
    let listen = url.trim_start_matches("http://");
    let mut again = Process::start(fanfare().args(["serve", "--listen", listen, &soon]));
    again.line_with("listening on ");
    publish_when_open(&format!("{url}/broadcast"), "after", 1);
    stream.line_with("after");
    stream.signal("INT");
    assert_eq!(stream.exit().code(), Some(0));
}

#[test]
fn one_stream_too_many_is_told_to_come_back() {
    let (_server, url) = serve(&["--connections-max", "1", &limits(&["drain-spread = '0s'"])]);
    let mut first = subscribe(&url, &[]);
    publish_when_open(&format!("{url}/broadcast"), "to the first", 1);
    first.line_with("to the first");
    let mut second = subscribe(&url, &[]);
    second.line_with("the stream ended; connecting again in");
    first.signal("INT");
    assert_eq!(first.exit().code(), Some(0));
    publish_when_open(&format!("{url}/broadcast"), "to the second", 1);
    second.line_with("to the second");
}

#[test]
fn it_ends_quietly_when_nobody_reads_any_more() {
    let (_server, url) = serve(&["--clock", "10ms"]);
    let script = format!("'{}' subscribe {url} | head -n 1", env!("CARGO_BIN_EXE_fanfare"));
    let (code, text) = run(Command::new("bash").args(["-o", "pipefail", "-c", &script]));
    assert!(code == 0 && text.lines().count() == 1 && text.contains("the time is"), "{code}: {text}");
}

#[test]
fn urls_that_make_no_sense_exit_2() {
    for (url, said) in [
        ("localhost:3000", "http://"),
        ("ftp://localhost", "`ftp`"),
        ("http://", "not a URL"),
        ("http://a b/", "not a URL"),
        ("http://a:99999", "port"),
    ] {
        for command in ["subscribe", "publish"] {
            let (code, text) = run(fanfare().args([command, url]));
            assert!(code == 2 && text.contains(said), "{command} {url}: {text}");
        }
    }
    assert_eq!(run(fanfare().args(["subscribe", "http://a", "--max-events", "0"])).0, 2);
    assert_eq!(run(fanfare().args(["subscribe", "http://a", "--last-event-id", "a\nb"])).0, 2);
    assert_eq!(run(fanfare().args(["subscribe", "http://a", "--heartbeat", "comment"])).0, 2);
}
