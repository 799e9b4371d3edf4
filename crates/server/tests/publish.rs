//! `fanfare publish`: the sources of the data, the bytes on the wire, and the messages to the user.

mod support;

use std::{
    fs::{self, File},
    io::Write as _,
    process::{Command, Stdio},
    time::Instant,
};

use support::{Process, curl, fanfare, peer::Peer, run, serve, settings::limits};

fn publish(arguments: &[&str]) -> Command {
    let mut command = fanfare();
    command.arg("publish").args(arguments);
    command
}

const TAKEN: &str = r#"{"id":"1-0","matched":0}"#;

#[test]
fn from_an_argument_a_file_and_standard_input() {
    let (_server, url) = serve(&[]);
    let mut stream = curl(&[&format!("{url}/sse?id=42&channel=news")]);
    let (code, answer) = run(&mut publish(&[&url, "to all", "--wait", "written", "--event", "note"]));
    assert_eq!(code, 0);
    assert!(answer.contains("\"matched\":1,\"written\":1,"), "{answer}");
    assert_eq!(stream.line_with("event: "), "event: note");
    assert_eq!(stream.line_with("data: "), "data: to all");

    let directory = tempfile::tempdir().unwrap();
    let (text, image) = (directory.path().join("a.txt"), directory.path().join("a.PNG"));
    fs::write(&text, "from a file").unwrap();
    fs::write(&image, b"\x89PNG\xff\x00").unwrap();
    let channel = format!("{url}/channels/news");
    assert_eq!(run(&mut publish(&[&channel, "--file", text.to_str().unwrap(), "--retry", "2s"])).0, 0);
    assert_eq!(stream.line_with("retry: "), "retry: 2000");
    assert_eq!(stream.line_with("data: "), "data: from a file");
    assert_eq!(run(&mut publish(&[&channel, "--file", image.to_str().unwrap()])).0, 0);
    assert_eq!(stream.line_with("data: "), "data: data:image/png;base64,iVBOR/8A");

    for arguments in [&[][..], &["--file", "-"]] {
        let mut command = publish(&[&format!("{url}/clients/42"), "--id", "mine"]);
        let mut process = Process::start_with_input(command.args(arguments), File::open(&text).unwrap());
        assert_eq!(process.exit().code(), Some(0));
        assert_eq!(stream.line_with("id: "), "id: mine");
        assert_eq!(stream.line_with("data: "), "data: from a file");
    }
}

#[test]
fn what_goes_over_the_wire() {
    let peer = Peer::new();
    let url = format!("{}/channels/a?x=1", peer.url());
    let options = ["--event", "n&m", "--id", "ü", "--retry", "100ms", "--wait", "written", "--content-type", "a/b"];
    let options = [&options[..], &["--idempotency-key", "a key: ü"]].concat();
    let mut process = Process::start(publish(&[&url, "--key", "geheim"]).args(options).args(["--", "-data"]));
    let mut exchange = peer.next();
    let line = "POST /channels/a?x=1&event=n%26m&id=%C3%BC&retry=100&wait=written HTTP/1.1\r\n";
    assert!(exchange.head.starts_with(line), "{}", exchange.head);
    assert_eq!(exchange.header("authorization"), Some("Bearer geheim"));
    assert_eq!(exchange.header("content-type"), Some("a/b"));
    assert_eq!(exchange.header("idempotency-key"), Some("a key: ü"));
    assert_eq!(exchange.body(), b"-data");
    exchange.answer("202 Accepted", "application/json", TAKEN);
    assert_eq!(process.remaining_lines(), [TAKEN]);
    assert_eq!(process.exit().code(), Some(0));
}

#[test]
fn the_key_comes_from_the_environment_too_and_bytes_stay_bytes() {
    let peer = Peer::new();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), b"\xff\x00\r\n").unwrap();
    let mut command = publish(&[&peer.url()]);
    let _process = Process::start_with_input(command.env("FANFARE_PUBLISH_KEY", "k"), file.reopen().unwrap());
    let mut exchange = peer.next();
    assert!(exchange.head.starts_with("POST /broadcast HTTP/1.1\r\n"), "{}", exchange.head);
    assert_eq!(exchange.header("authorization"), Some("Bearer k"));
    assert_eq!(exchange.header("content-type"), Some("application/octet-stream"));
    assert_eq!(exchange.header("idempotency-key"), None);
    assert_eq!(exchange.body(), b"\xff\x00\r\n");
    exchange.answer("202 Accepted", "application/json", TAKEN);
}

#[test]
fn a_batch_goes_out_line_by_line() {
    let peer = Peer::new();
    let mut child = publish(&[&peer.url(), "--ndjson"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut exchange = peer.next();
    assert!(exchange.head.starts_with("POST /publish HTTP/1.1\r\n"), "{}", exchange.head);
    assert_eq!(exchange.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(exchange.header("transfer-encoding"), Some("chunked"));
    exchange.write("HTTP/1.1 100 Continue\r\n\r\n");
    let mut input = child.stdin.take().unwrap();
    for line in ["{\"all\":true}\n", "{\"all\":false}\n"] {
        input.write_all(line.as_bytes()).unwrap();
        // It is here before the next one is written.
        assert!(exchange.read_until(line).ends_with(line));
    }
    drop(input);
    exchange.read_until("\r\n0\r\n\r\n");
    exchange.answer("202 Accepted", "application/json", r#"{"published":1,"failed":1}"#);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.stdout, b"{\"published\":1,\"failed\":1}\n");
    assert_eq!(output.stderr, b"error: lines that were not published: 1\n");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_batch_that_is_refused_is_refused_before_its_first_line() {
    let peer = Peer::new();
    let mut child = publish(&[&peer.url(), "--ndjson"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let never_closed = child.stdin.take().unwrap();
    peer.next().answer("401 Unauthorized", "application/problem+json", r#"{"title":"Unauthorized"}"#);
    let output = child.wait_with_output().unwrap();
    let said = "error: Unauthorized; give the key in FANFARE_PUBLISH_KEY or with --key, or a token in FANFARE_TOKEN or with --token\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), said);
    assert_eq!(output.status.code(), Some(1));
    drop(never_closed);
}

#[test]
fn what_the_server_refuses_is_told_and_exits_1() {
    let (_server, url) = serve(&["--body-bytes", "4"]);
    for (path, options, said) in [
        ("/nowhere", &[][..], "error: Not Found: there is no route \"/nowhere\"; there are GET /sse"),
        ("/broadcast", &[], "error: Payload Too Large: "),
        ("", &["--event", "fanfare.x", "--content-type", "text/plain"], "error: "),
    ] {
        let (code, text) = run(publish(&[&format!("{url}{path}"), "12345"]).args(options));
        assert!(code == 1 && text.starts_with(said), "{path}: {text}");
    }
    // More than the server would read and throw away.
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(32 << 20).unwrap();
    let (code, text) = run(&mut publish(&[&url, "--file", file.path().to_str().unwrap()]));
    assert!(code == 1 && text.starts_with("error: Payload Too Large: "), "{text}");
    let peer = Peer::new();
    let mut process = Process::start(&mut publish(&[&peer.url(), "x"]));
    peer.next().write("HTTP/1.1 301 Moved Permanently\r\nlocation: https://new/\r\ncontent-length: 0\r\n\r\n");
    assert!(process.line_with("error: ").contains("use https://new/"));
    assert_eq!(process.exit().code(), Some(1));
}

#[test]
fn a_server_that_cannot_be_reached_says_what_to_do() {
    let (code, text) = run(&mut publish(&["http://127.0.0.1:1", "x"]));
    assert!(code == 1 && text.contains("connection refused") && text.contains("`fanfare serve`"), "{text}");
    let (code, text) = run(&mut publish(&["http://nowhere.invalid", "x"]));
    assert!(code == 1 && text.contains("nowhere.invalid") && text.contains("check the name"), "{text}");
    let (_server, url) = serve(&[]);
    let (code, text) = run(&mut publish(&[&url.replace("http", "https"), "x"]));
    assert!(code == 1 && text.starts_with("error: "), "{text}");
}

#[test]
fn only_who_has_the_key_publishes() {
    let (_server, url) = serve(&["--publish-key", "k3y"]);
    let batch = tempfile::NamedTempFile::new().unwrap();
    fs::write(batch.path(), "{\"all\":true,\"data\":1}\n").unwrap();
    let batch = ["--ndjson", "--file", batch.path().to_str().unwrap()];
    let without = "; give the key in FANFARE_PUBLISH_KEY or with --key";
    let wrong = "; the server does not take the key of --key (FANFARE_PUBLISH_KEY)";
    for (key, expected, cure) in [(&[][..], 1, without), (&["--key", "wr0ng"], 1, wrong), (&["--key", "k3y"], 0, "\"")]
    {
        for what in [&["data"][..], &batch] {
            let (code, text) = run(publish(&[&url]).args(what).args(key));
            assert_eq!(code, expected, "{key:?} {what:?}: {text}");
            assert_eq!(text.starts_with("error: Unauthorized: "), expected == 1, "{text}");
            assert!(text.contains(cure) && !text.contains("wr0ng"), "{text}");
        }
    }
}

#[test]
fn data_of_64_mib_is_sent_and_one_byte_more_is_not() {
    let (_server, url) = serve(&["--body-bytes", "64MiB"]);
    let file = tempfile::NamedTempFile::new().unwrap();
    for (length, expected, said) in [(64 << 20, 0, "matched"), ((64 << 20) + 1, 1, "larger than 64MiB")] {
        file.as_file().set_len(length).unwrap();
        let (code, text) = run(&mut publish(&[&url, "--file", file.path().to_str().unwrap()]));
        assert!(code == expected && text.contains(said), "{text}");
    }
}

#[test]
fn a_publish_that_is_repeated_with_its_key_is_done_once() {
    let (_server, url) = serve(&[&limits(&["idempotency-keys = 1"])]);
    let mut stream = curl(&[&url]);
    let longest = "k".repeat(256);
    let with = |key: &str, data: &str| run(&mut publish(&[&url, data, "--idempotency-key", key]));
    let first = with(&longest, "once");
    assert!(first.0 == 0 && first.1.contains("\"id\":"), "{first:?}");
    assert_eq!(with(&longest, "once"), first);
    let (code, text) = with(&longest, "another");
    assert!(code == 1 && text.starts_with("error: Unprocessable"), "{text}");
    // One key is remembered.
    assert_eq!(with("ü", "between").0, 0);
    assert_ne!(with(&longest, "once"), first);
    for data in ["once", "between", "once"] {
        assert_eq!(stream.line_with("data: "), format!("data: {data}"));
    }
}

#[test]
fn without_keys_remembered_a_repeat_is_published_again() {
    let (_server, url) = serve(&[&limits(&["idempotency-keys = 0"])]);
    let mut stream = curl(&[&url]);
    for _ in 0..2 {
        assert_eq!(run(&mut publish(&[&url, "again", "--idempotency-key", "k"])).0, 0);
        assert_eq!(stream.line_with("data: "), "data: again");
    }
}

#[test]
fn a_key_is_forgotten_after_the_window() {
    let (_server, url) = serve(&["--idempotency-window", "1ms"]);
    let with_key = || run(&mut publish(&[&url, "x", "--idempotency-key", "k"]));
    let first = with_key();
    let deadline = Instant::now() + support::PATIENCE;
    while with_key() == first {
        assert!(Instant::now() < deadline, "{first:?}");
    }
}

#[test]
fn a_batch_goes_to_its_own_route_and_to_no_other() {
    let peer = Peer::new();
    for path in ["/channels/a", "/channels/publish", "/clients/publish", "/broadcast", "/sse", "/publish/", "/x/"] {
        let (code, text) = run(&mut publish(&[&format!("{}{path}?x=1", peer.url()), "--ndjson"]));
        let said = "error: --ndjson sends a batch to /publish, and each line says its channel: leave the path out of \
                    the URL";
        assert_eq!((code, text.as_str()), (2, said), "{path}");
    }
    for (path, route) in
        [("", "/publish"), ("/", "/publish"), ("/publish", "/publish"), ("/sub/publish", "/sub/publish")]
    {
        let mut process = Process::start(&mut publish(&[&format!("{}{path}", peer.url()), "--ndjson"]));
        let exchange = peer.next();
        assert!(exchange.head.starts_with(&format!("POST {route} HTTP/1.1\r\n")), "{}", exchange.head);
        exchange.answer("202 Accepted", "application/json", TAKEN);
        process.line_with(TAKEN);
    }
}

#[test]
fn a_page_of_a_proxy_is_told_as_what_it_means() {
    let peer = Peer::new();
    let mut process = Process::start(&mut publish(&[&peer.url(), "x"]));
    peer.next().answer("502 Bad Gateway", "text/html", "<html>\r\n<title>502</title>\r\n</html>");
    let said = format!("error: the proxy at {}/broadcast cannot reach its server (502 Bad Gateway)", peer.url());
    assert_eq!(process.remaining_lines(), [said]);
    assert_eq!(process.exit().code(), Some(1));
}

#[test]
fn what_was_mistyped_exits_2() {
    let too_long = "k".repeat(257);
    for arguments in [
        &["http://a", "data", "--file", "x"][..],
        &["http://a", "data", "--ndjson"],
        &["http://a", "--ndjson", "--event", "x"],
        &["http://a", "--ndjson", "--idempotency-key", "x"],
        &["http://a", "x", "--idempotency-key", ""],
        &["http://a", "x", "--idempotency-key", "a\nb"],
        &["http://a", "x", "--idempotency-key", " a"],
        &["http://a", "x", "--idempotency-key", &too_long],
        &["http://a", "x", "--wait", "read"],
        &["http://a", "x", "--keep-alive", "5s"],
        &["http://a", "--file", "-", "--keep-alive", "5s"],
        &["http://a", "x", "--retry", "99ms"],
        &["http://a", "x", "--event", ""],
        &["http://a", "x", "--key", "two words"],
        &["http://a", "x", "--content-type", "a\r\nb: c"],
        &["http://a", "--file", "/nowhere/at/all"],
        &["http://a", "--file", "/"],
    ] {
        let (code, text) = run(&mut publish(arguments));
        assert_eq!(code, 2, "{arguments:?}: {text}");
    }
}
