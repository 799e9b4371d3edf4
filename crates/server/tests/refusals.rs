//! Refusals: the client is told, and so is the operator, by a few log lines a second.

mod support;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use support::{curl_once, run, serve, until};

const STATUS: &str = "%{http_code}";

#[test]
fn the_log_says_who_was_refused_what_and_why() {
    let (mut server, url) = serve(&["--publish-key", "secret", "--connections-max", "1"]);
    let refused = |arguments: &[&str], path: &str| {
        curl_once(&[&["-o", "/dev/null", "-w", STATUS], arguments, &[&format!("{url}{path}")]].concat())
    };
    assert_eq!(refused(&["-d", "x"], "/broadcast"), "401");
    let line = server.line_with("refused status=401");
    assert!(
        line.contains("method=POST path=\"/broadcast\" peer=127.0.0.1:") && line.contains("no grant was shown"),
        "{line}"
    );
    assert_eq!(refused(&["-d", "x", "-H", "authorization: Bearer wrong"], "/broadcast"), "401");
    assert!(server.line_with("refused status=401").contains("rule=\"invalid-credential\""));
    assert_eq!(refused(&["-d", "x", "-H", "origin: http://evil.example"], "/broadcast"), "403");
    assert!(server.line_with("refused status=403").contains("a page of \\\"http://evil.example\\\" may not publish"));
    assert_eq!(refused(&[], "/nowhere?token=not-for-the-log"), "404");
    let line = server.line_with("refused status=404");
    assert!(line.contains("there are GET /sse") && !line.contains("not-for-the-log"), "{line}");
    assert_eq!(refused(&[], "/sse?heartbeat=not-for-the-log"), "400");
    let line = server.line_with("refused status=400");
    assert!(line.contains("heartbeat: only") && !line.contains("not-for-the-log"), "{line}");
    let cookie = format!("cookie: {}", "x".repeat(17_000));
    assert_eq!(refused(&["-H", &cookie], "/sse"), "431");
    server.line_with("the head of a request has more than 16384 bytes (head-bytes under [limits])");
    assert!(TcpStream::connect(url.trim_start_matches("http://")).unwrap().write_all(b"SSH-2.0-x\r\n\r\n").is_ok());
    server.line_with("what came is not HTTP");
    let _stream = support::curl(&[&format!("{url}/sse")]);
    // An EventSource would stay away at any other status.
    assert_eq!(refused(&["-H", "accept: text/event-stream"], "/sse"), "200");
    assert!(server.line_with("refused status=200").contains("reason=\"as many streams are open as may be"));
    assert_eq!(refused(&[], "/sse"), "503");
    server.line_with("refused status=503");
}

#[test]
fn what_a_client_puts_into_a_request_cannot_forge_a_line_and_many_are_counted() {
    let (mut server, url) = serve(&[]);
    let address = url.trim_start_matches("http://");
    let mut client = TcpStream::connect(address).unwrap();
    let mut sent = String::new();
    for number in 0..1_000 {
        sent += &format!("GET /%1b[31mred%0a{number} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    }
    sent +=
        &format!("GET /channels/a/history?limt=%1b%0aINFO HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let mut reader = client.try_clone().unwrap();
    let reading = std::thread::spawn(move || {
        let mut answers = String::new();
        reader.read_to_string(&mut answers).unwrap();
        answers
    });
    client.write_all(sent.as_bytes()).unwrap();
    let answers = reading.join().unwrap();
    assert_eq!(answers.matches("HTTP/1.1 404").count(), 1_000);
    // The first line of a later second has the count.
    until("a line counts those left out", || {
        curl_once(&[&format!("{url}/last")]);
        server.has_said("refused");
        server.seen().iter().any(|line| line.contains("left_out=") && !line.contains("left_out=0"))
    });
    server.signal("TERM");
    let lines = [server.seen().to_vec(), server.remaining_lines()].concat();
    let refused = lines.iter().filter(|line| line.contains("refused")).count();
    assert!((2..200).contains(&refused), "{refused} lines");
    assert!(lines.iter().all(|line| !line.contains('\u{1b}') && !line.starts_with("INFO")), "{lines:?}");
}

#[test]
fn tls_on_the_plain_port_is_told_to_both_sides() {
    let (mut server, url) = serve(&[]);
    let address = url.trim_start_matches("http://");
    let (code, text) = run(std::process::Command::new("curl").args(["-sS", &format!("https://{address}/sse")]));
    assert!(code == 35 && text.contains("wrong version number"), "{code} {text}");
    let line = server.line_with("refused peer=127.0.0.1:");
    assert!(line.contains("TLS on a port that speaks plain HTTP"), "{line}");
    let mut client = TcpStream::connect(address).unwrap();
    client.write_all(b"\x16\x03\x01\x02\x00\x01").unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.ends_with("use a URL that begins with http://\n"),
        "{answer}"
    );
    // Others are served.
    assert!(curl_once(&["-d", "x", &format!("{url}/broadcast")]).contains("matched"));
}
