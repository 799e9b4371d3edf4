//! Drains. With `--drain-delay` a load balancer learns of the end first, and the server refuses nothing meanwhile. Then nobody can
//! connect any more, however long a slow client takes.

mod support;

use support::{
    curl, curl_once, fanfare, serve,
    server::{Server, is_closed, patient},
    until,
};

/// The status and the body of `/readyz`.
fn ready(url: &str) -> String {
    curl_once(&["-w", "%{http_code}", &format!("{url}/readyz")])
}

#[test]
fn everything_is_served_as_before_until_the_delay_is_over_or_a_second_signal_comes() {
    let (mut server, url) = serve(&["--drain-delay", "1h"]);
    let mut before = curl(&[&format!("{url}/sse")]);
    assert_eq!(ready(&url), "ready\n200");
    server.signal("TERM");
    until("it is not ready", || ready(&url) == "draining\n503");
    // Each on a connection that comes only now.
    let mut after = curl(&[&format!("{url}/channels/a")]);
    assert!(curl_once(&["-d", "still", &format!("{url}/broadcast")]).contains("\"matched\":2}"));
    before.line_with("data: still");
    after.line_with("data: still");
    let lines = "{\"channel\":\"a\",\"data\":1}\n{\"channel\":\"a\",\"data\":2}";
    assert!(curl_once(&["-d", lines, &format!("{url}/publish")]).contains("\"published\":2"));
    assert!(curl_once(&[&format!("{url}/channels/a/history")]).contains("\"data\":\"2\""));
    server.signal("TERM");
    assert_eq!(server.exit().code(), Some(1));
}

#[test]
fn after_the_delay_it_drains() {
    let (mut server, url) = serve(&["--drain-delay", "100ms"]);
    let mut stream = curl(&[&url]);
    server.signal("TERM");
    server.line_with("draining");
    stream.line_with("retry: ");
    assert_eq!((server.exit().code(), stream.exit().code()), (Some(0), Some(0)));
}

#[test]
fn nobody_can_connect_while_it_waits_for_a_slow_client() {
    let mut server =
        Server::started(fanfare().args(["serve", "--listen", "127.0.0.1:0", "--drain-timeout", "1h", &patient()]));
    let _slow = server.stuck("/channels/news");
    server.process.signal("TERM");
    server.process.line_with("draining connections=1");
    until("connections are refused", || is_closed(server.address));
    server.process.signal("TERM");
    assert_eq!(server.process.exit().code(), Some(1));
}
