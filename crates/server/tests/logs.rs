//! The log: lines for people and for programs, and nothing of a client that steers a terminal or forges a line.

mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    process::{Command, Stdio},
};

use serde_json::Value;
use support::{PATIENCE, Process, curl, curl_once, ended_within, fanfare, run, serve, settings::File, until};

/// What steers a terminal, breaks a line or turns text around: a colour, a title, a bell, a C1 introducer, the next line, a carriage
/// return, an override of direction, an isolate, and a mark without width.
const HARMFUL: &str = "\u{1b}[31m\u{1b}]0;t\u{7}\u{9b}2J\u{85}\r\nINFO \u{202e}\u{2066}\u{2028}\u{200b}\u{7f}end";

fn is_harmful(character: char) -> bool {
    character.is_control() || "\u{202e}\u{2066}\u{2028}\u{200b}".contains(character)
}

/// Text for a path or a query.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Sends a request as it stands, and waits for the head of its answer, or for the end.
fn sent(url: &str, head: &str) {
    let address = url.trim_start_matches("http://");
    let mut client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.write_all(format!("{head}\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    // Whether it is refused, and how, is not the question here.
    let mut lines = BufReader::new(client).split(b'\n').map_while(Result::ok);
    lines.find(|line| line == b"\r");
}

/// Puts what is harmful into everything that a client can write.
fn tried_everywhere(url: &str) {
    let bad = encoded(HARMFUL);
    // Names may not have control characters, but those of direction.
    let name = encoded("a\u{202e}\u{2066}\u{200b}\u{2028}b");
    for head in [
        format!("GET /{bad} HTTP/1.1"),
        format!("GET /sse?id={bad} HTTP/1.1"),
        format!("GET /channels/{bad}/history HTTP/1.1"),
        format!("GET /channels/{name}/history?{bad}={bad} HTTP/1.1"),
        format!("GET /sse?since={bad} HTTP/1.1"),
        format!("POST /channels/{name}?event={bad} HTTP/1.1\r\nContent-Length: 1\r\n\r\nx"),
        format!("POST /clients/{name} HTTP/1.1\r\nOrigin: http://{bad}\r\nContent-Length: 0"),
        format!("{bad} / HTTP/1.1"),
        "GET /nowhere HTTP/1.1\r\nX-Forwarded-For: \u{9b}\u{202e}".to_owned(),
        "GET /sse HTTP/1.1\r\nAuthorization: Bearer \u{9b}2J\u{202e}".to_owned(),
        "GET / HTTP/1.1\r\nOrigin: http://\u{202e}\u{9b}.example".to_owned(),
        "\u{1b}[2J \u{9b} \u{202e}".to_owned(),
    ] {
        sent(url, &head);
    }
    // A stream, so that there is a line at its begin and one at its end.
    drop(curl(&[&format!("{url}/sse?id={name}&channel={name}&{bad}=x")]));
    curl_once(&["-d", "x", &format!("{url}/channels/{name}")]);
}

#[track_caller]
fn assert_harmless(lines: &[String]) {
    let harmful: Vec<_> = lines.iter().filter(|line| line.contains(is_harmful)).collect();
    assert!(harmful.is_empty(), "{harmful:#?}");
    // It has been there, in codes.
    assert!(lines.iter().any(|line| line.contains("u202e") || line.contains("u{202e}")), "{lines:#?}");
}

#[test]
fn what_a_client_writes_reaches_the_log_in_codes() {
    let (mut server, url) = serve(&["--log", "debug"]);
    tried_everywhere(&url);
    server.line_with("close ");
    server.signal("TERM");
    let lines = [server.seen().to_vec(), server.remaining_lines()].concat();
    assert_harmless(&lines);
    let dated = |line: &String| line.starts_with("20") && line.contains('Z');
    assert!(lines.iter().all(dated), "a line that no server has written: {lines:#?}");
}

#[test]
fn what_a_client_writes_cannot_steer_the_terminal_of_a_server() {
    // Standard error is a terminal of its own, and what comes out of it is kept.
    let home = tempfile::tempdir().unwrap();
    let kept = home.path().join("typescript");
    // Without `exec`, a shell that waits beside the server would end of the signal with a status of its own.
    let line = format!("exec {} serve --listen 127.0.0.1:0 --admin off --log debug", env!("CARGO_BIN_EXE_fanfare"));
    let mut script = Command::new("script");
    script.args(["--quiet", "--flush", "--return", "--command", &line]).arg(&kept);
    script.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).env_remove("NO_COLOR");
    let child = script.spawn();
    let mut child = child.unwrap_or_else(|error| panic!("script: {error}; `cargo xtask test` installs it"));
    let seen = || String::from_utf8(fs::read(&kept).unwrap_or_default()).unwrap_or_default();
    let address = || {
        let text = plain(&seen());
        Some(text.split("listening on http://").nth(1)?.split_once(['\r', '\n', ' '])?.0.to_owned())
    };
    until("it listens", || address().is_some());
    tried_everywhere(&format!("http://{}", address().unwrap()));
    until("the stream is closed", || plain(&seen()).contains("close "));
    // The terminal makes SIGINT of it.
    child.stdin.take().unwrap().write_all(b"\x03").unwrap();
    assert!(ended_within(&mut child, PATIENCE).is_some_and(|status| status.success()), "{}", seen());
    let text = seen();
    assert!(text.contains("\u{1b}[3mclient\u{1b}[0m"), "names of fields are in italics: {text}");
    let lines: Vec<_> = plain(&text).split("\r\n").map(str::to_owned).collect();
    assert_harmless(&lines.iter().filter(|line| line.starts_with("20")).cloned().collect::<Vec<_>>());
    assert!(!plain(&text).contains('\u{1b}'), "{text:?}");
}

/// The text without the colours of the log itself.
fn plain(text: &str) -> String {
    ["0", "1", "2", "3", "31", "32", "33", "34", "35"]
        .iter()
        .fold(text.to_owned(), |text, colour| text.replace(&format!("\u{1b}[{colour}m"), ""))
}

/// The lines of a log in JSON.
#[track_caller]
fn objects(lines: &[String]) -> Vec<Value> {
    lines.iter().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

#[test]
fn a_program_reads_one_object_a_line_with_flat_fields() {
    let (mut server, url) = serve(&["--log-format", "json", "--log", "debug"]);
    tried_everywhere(&url);
    server.line_with("\"message\":\"close\"");
    server.signal("TERM");
    let lines = [server.seen().to_vec(), server.remaining_lines()].concat();
    assert_harmless(&lines);
    let objects = objects(&lines);
    for object in &objects {
        let time = object["timestamp"].as_str().unwrap();
        assert!(humantime::parse_rfc3339(time).is_ok() && time.ends_with('Z'), "{object}");
        assert!(["DEBUG", "INFO", "WARN", "ERROR"].contains(&object["level"].as_str().unwrap()), "{object}");
        assert!(object["message"].is_string(), "{object}");
        let is_flat = |value: &Value| !value.is_object() && !value.is_array();
        assert!(object.as_object().unwrap().values().all(is_flat), "{object}");
    }
    // Text is a string of JSON, and not the code of one.
    let texts = objects.iter().flat_map(|object| object.as_object().unwrap().values().filter_map(Value::as_str));
    let quoted: Vec<_> = texts.filter(|text| text.starts_with('"')).collect();
    assert!(quoted.is_empty(), "{quoted:#?}");
    let is_refused = |object: &&Value| object["message"] == "refused" && object["path"].is_string();
    let refused = objects.iter().find(is_refused).unwrap();
    assert!(refused["path"].as_str().unwrap().starts_with('/') && refused["reason"].is_string(), "{refused}");
    // Codes mean the characters.
    let name = "a\u{202e}\u{2066}\u{200b}\u{2028}b";
    let of_stream = |message: &str| {
        let is_its = |object: &&Value| object["message"] == message && object["client"] == name;
        objects.iter().filter(is_its).cloned().collect::<Vec<_>>()
    };
    let ([open], [close]) = (&of_stream("open")[..], &of_stream("close")[..]) else { panic!("{objects:#?}") };
    assert!(open["connection"].is_number() && open["connection"] == close["connection"], "{open} {close}");
    assert_eq!(open["channels"], "[\"a\\u{202e}\\u{2066}\\u{200b}\\u{2028}b\"]");
}

#[test]
fn a_connection_is_one_line_at_its_begin_and_one_at_its_end_however_much_it_gets() {
    let (mut server, url) = serve(&["--log-format", "json"]);
    let mut stream = curl(&[&format!("{url}/channels/news")]);
    let batch: String = (0..2_000).map(|number| format!("{{\"channel\":\"news\",\"data\":\"{number}\"}}\n")).collect();
    let file = File::new(batch);
    curl_once(&["--data-binary", &format!("@{}", file.path.display()), &format!("{url}/publish")]);
    stream.line_with("data: 1999");
    drop(stream);
    server.line_with("\"message\":\"close\"");
    server.signal("TERM");
    let lines = [server.seen().to_vec(), server.remaining_lines()].concat();
    let of_stream = |message: &str| objects(&lines).iter().filter(|object| object["message"] == message).count();
    assert_eq!((of_stream("open"), of_stream("close")), (1, 1));
    assert!(lines.len() < 100, "2,000 events have {} lines", lines.len());
}

#[test]
fn the_reason_for_which_a_server_ends_is_an_object_too() {
    let (_first, url) = serve(&[]);
    let address = url.trim_start_matches("http://");
    let (code, text) = run(fanfare().args(["serve", "--log-format=json", "--listen", address]));
    assert_eq!(code, 1, "{text}");
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    let last = objects(&lines).pop().unwrap();
    assert_eq!(last["level"], "ERROR");
    assert!(last["message"].as_str().unwrap().starts_with(&format!("cannot listen on {address}: ")), "{last}");
}

#[test]
fn the_form_comes_from_each_source() {
    let file = File::new("log-format = 'json'");
    let mut server = Process::start(file.command().args(["--listen", "127.0.0.1:0"]));
    assert!(server.line_with("listening on ").starts_with('{'));
    let mut server = Process::start(file.command().args(["--listen", "127.0.0.1:0"]).env("FANFARE_LOG_FORMAT", "text"));
    assert!(server.line_with("listening on ").starts_with("20"));
}
