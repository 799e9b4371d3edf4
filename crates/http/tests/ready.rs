//! A server whose journal is read after it has begun to listen: requests wait for that for a while, and are not answered as if
//! nothing had been before.

mod support;

use std::{thread, time::Duration};

use fanfare_http::Config;
use support::{
    h2::H2,
    journal::{Mood, Script},
    server::{ALL_WAYS, Server, Way, config},
    until,
};

#[test]
fn readyz_says_that_it_is_not_ready_and_why() {
    let script = Script::new(Mood::Late);
    let server = Server::behind(Way::Socket, config(Way::Socket), &script);
    let said = "not ready: the journal has not been read\njournal unavailable: it is late\n";
    until("readyz says so", || server.text("/readyz") == (503, said.to_owned()));
    assert_eq!(server.text("/healthz"), (200, "ok\n".to_owned()));
    let page = server.client().request("GET", "/", &[("accept", "text/html")], b"");
    assert!(page.status == 200 && page.body.starts_with(b"<!"), "a page needs no journal");
    script.set(Mood::Takes);
    until("readyz says so", || server.text("/readyz") == (200, "ready\n".to_owned()));
}

#[test]
fn requests_wait_until_the_server_is_ready() {
    for way in ALL_WAYS {
        let script = Script::new(Mood::Late);
        let server = Server::behind(way, config(way), &script);
        thread::scope(|scope| {
            let stream = scope.spawn(|| server.subscribe("/channels/a"));
            let publish = scope.spawn(|| server.publish("/channels/b", "x"));
            let history = scope.spawn(|| server.get("/channels/a/history").status);
            until("it is not ready", || server.get("/readyz").status == 503);
            assert!(!stream.is_finished() && !publish.is_finished() && !history.is_finished());
            script.set(Mood::Takes);
            let mut stream = stream.join().unwrap();
            assert!(publish.join().unwrap()["id"].is_string());
            assert_eq!(history.join().unwrap(), 200);
            server.publish("/channels/a", "y");
            assert_eq!(stream.data(), "y");
        });
    }
}

#[test]
fn who_has_waited_for_too_long_is_told_to_come_back() {
    for way in ALL_WAYS {
        let script = Script::new(Mood::Late);
        let config = Config { ready_timeout: Duration::from_millis(1), ..config(way) };
        let server = Server::behind(way, config, &script);
        let answer = server.post("/channels/a", &[], "x");
        assert_eq!((answer.status, answer.json().get("published")), (503, None));
        assert!(
            answer.json()["detail"].as_str().unwrap().contains("not ready") && answer.head.get("retry-after").is_some()
        );
        assert_eq!(server.get("/channels/a/history").status, 503);
        assert_eq!(server.get("/channels/a").status, 503);
        let browser = server.client().request("GET", "/channels/a", &[("accept", "text/event-stream")], b"");
        let body = String::from_utf8(browser.body.clone()).unwrap();
        assert!(browser.status == 200 && body.starts_with("retry: "), "or it would never come back: {browser:?}");
    }
}

#[test]
fn a_drain_does_not_wait_for_a_server_to_be_ready() {
    let script = Script::new(Mood::Late);
    let server = Server::behind(Way::Socket, config(Way::Socket), &script);
    let mut client = server.client();
    // Both in one piece: when the first is answered the second is there.
    client.send(
        "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\nPOST /channels/a HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx",
    );
    assert_eq!(client.answer().status, 200);
    server.drain();
    assert!(client.answer().problem(503).contains("draining"));
    assert!(script.has_ended());
}

#[test]
fn a_stream_that_was_asked_for_too_early_is_cut_alone() {
    let script = Script::new(Mood::Late);
    let mut config = config(Way::H2);
    config.core.connections_max = 1;
    config.core.write_timeout_ms = 300;
    let server = Server::behind(Way::H2, config, &script);
    let h2 = H2::open_narrow(server.address);
    thread::scope(|scope| {
        let asked = scope.spawn(|| h2.send("GET", "/channels/a", &[], b""));
        until("it is not ready", || server.get("/readyz").status == 503);
        script.set(Mood::Takes);
        let (head, mut body) = asked.join().unwrap();
        assert_eq!(head.status, 200);
        // A window of 4 KiB is shut by the first, and hyper has asked for no more.
        for _ in 0..4 {
            server.publish("/channels/a", "x".repeat(50_000));
        }
        script.set(Mood::Holds);
        let publish = scope.spawn(|| h2.request("POST", "/channels/b", &[], b"x"));
        until("the publish is under way", || script.held() == 1);
        // It takes nothing, so it is cut, and there is room for another.
        until("the stream is cut", || {
            let mut client = server.client();
            client.send("GET /channels/c HTTP/1.1\r\nHost: test\r\n\r\n");
            client.head().status == 200
        });
        assert!(!body.ends_properly() && !publish.is_finished());
        script.set(Mood::Takes);
        assert_eq!(publish.join().unwrap().status, 202);
    });
}
