//! The end of a server. Streams get the rest of their events, a time to come back and a proper end. Publishers are
//! refused. A reader that does not take its bytes is cut and counted, and nobody waits longer than the timeout.

mod support;

use std::{
    collections::HashSet,
    net::TcpStream,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use fanfare_http::Config;
use support::{
    PATIENCE,
    client::Client,
    h2::H2,
    server::{ALL_WAYS, H1_WAYS, H2_WAYS, Server, WAYS, Way, config},
    stream::Stream,
    until,
};

/// Longer than any test.
const HOUR: Duration = Duration::from_secs(3_600);

/// A stream of each kind that a server of this kind can have.
fn all_kinds(server: &Server) -> Vec<Stream> {
    let mut old = server.client();
    old.send("GET /sse?channel=a HTTP/1.0\r\n\r\n");
    assert_eq!(old.head().status, 200);
    let h2 = H2::open(server.address);
    let mut streams = vec![
        server.h1("/sse?channel=a"),
        Stream::bare(old),
        h2.subscribe("/sse?channel=a"),
        h2.subscribe("/channels/a"),
    ];
    for stream in &mut streams {
        stream.prelude();
    }
    streams
}

#[test]
fn every_stream_gets_all_that_was_accepted_then_its_own_retry_and_a_proper_end() {
    for way in H1_WAYS {
        let mut config = config(way);
        config.core.drain_spread_ms = 500;
        // All is accepted before anybody reads.
        config.core.ring_messages_max = 256;
        let server = Server::start(way, config);
        let mut streams = all_kinds(&server);
        for number in 0..100 {
            server.publish(if number % 2 == 0 { "/broadcast" } else { "/channels/a" }, number.to_string());
        }
        let reading = std::thread::spawn(move || {
            for stream in &mut streams {
                let expected: Vec<_> = (0..100).map(|number| number.to_string()).collect();
                assert_eq!(stream.data_until_end(), expected, "{way:?}");
                let [retry_ms] = stream.judge.retries_ms[..] else { panic!("{:?}", stream.judge.retries_ms) };
                assert!((1_000..=1_500).contains(&retry_ms), "{retry_ms}");
                assert!(stream.bytes.ends_with(format!("\n\nretry: {retry_ms}\n").as_bytes()), "it is the last line");
                stream.assert_closed();
            }
        });
        let ended = server.drain();
        reading.join().unwrap();
        assert_eq!(ended.cut, 0, "{way:?}");
    }
}

#[test]
fn the_last_retry_is_drawn_for_each_stream() {
    for way in ALL_WAYS {
        let server = Server::new(way);
        let mut streams: Vec<_> = (0..20).map(|_| server.subscribe("/sse")).collect();
        let reading = std::thread::spawn(move || {
            let drawn: HashSet<_> = streams
                .iter_mut()
                .map(|stream| {
                    assert_eq!(stream.next(), None);
                    stream.judge.retries_ms[0]
                })
                .collect();
            assert!(drawn.iter().all(|ms| (1_000..=1_100).contains(ms)), "{drawn:?}");
            assert!(drawn.len() > 5, "{drawn:?}");
        });
        assert_eq!(server.drain().cut, 0);
        reading.join().unwrap();
    }
}

#[test]
fn a_drain_with_nobody_there_is_clean_and_quick() {
    for way in ALL_WAYS {
        assert_eq!(drained_by_itself(patient(way)), 0);
    }
}

/// A server that takes an hour for all that a drain may wait for.
fn patient(way: Way) -> Server {
    let mut config = Config { drain_timeout: HOUR, ..config(way) };
    config.core.linger_ms = 3_600_000;
    Server::start(way, config)
}

/// Drains a server that must not wait for bytes that never come. Gives the number of connections that it has cut.
#[track_caller]
fn drained_by_itself(server: Server) -> usize {
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || sender.send(server.drain()));
    ended.recv_timeout(PATIENCE).expect("it waits for what never comes").cut
}

/// Drains a server while `idle` holds a connection, which must be closed and not counted.
#[track_caller]
fn assert_is_not_counted<T>(idle: impl FnOnce(&Server) -> T) {
    let server = patient(Way::Socket);
    let idle = idle(&server);
    // Behind it, so it has been accepted, whichever shard has it.
    for _ in 0..4 {
        assert_eq!(server.get("/healthz").status, 200);
    }
    assert_eq!(drained_by_itself(server), 0);
    drop(idle);
}

#[test]
fn a_kept_connection_does_not_hold_a_drain_up() {
    assert_is_not_counted(|server| {
        let mut client = server.client();
        assert_eq!(client.request("GET", "/healthz", &[], b"").status, 200);
        client
    });
}

#[test]
fn an_h2_connection_without_streams_does_not_hold_a_drain_up() {
    assert_is_not_counted(|server| {
        let h2 = H2::open(server.address);
        assert_eq!(h2.request("GET", "/healthz", &[], b"").status, 200);
        h2
    });
}

#[test]
fn a_connection_that_has_sent_nothing_does_not_hold_a_drain_up() {
    assert_is_not_counted(Server::client);
}

#[test]
fn a_connection_that_has_sent_half_a_head_is_not_counted_as_cut() {
    assert_is_not_counted(|server| {
        let mut client = server.client();
        client.send("GET /sse HTTP/1.1\r\nHost: te");
        client
    });
}

#[test]
fn an_h2_peer_that_answers_nothing_is_not_counted_as_cut() {
    assert_is_not_counted(|server| {
        let mut client = server.client();
        client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
        client
    });
}

#[test]
fn a_client_that_keeps_its_side_open_after_the_end_is_not_cut() {
    let server = Server::new(Way::Socket);
    let mut stream = server.subscribe("/sse");
    // Nothing is closed on this side until the server is gone.
    assert_eq!(server.drain().cut, 0);
    assert_eq!(stream.next(), None);
    stream.assert_closed();
}

/// Settings under which a reader that is stuck holds the drain up for as long as `drain_timeout`. One shard: one that
/// has drained closes its connections, and so they would not see the drain of another.
fn narrow(way: Way, drain_timeout: Duration) -> Config {
    let mut config = config(way);
    config.core.shards = 1;
    Config { send_buffer_bytes: 4 << 10, drain_timeout, ..config }
}

/// More than all buffers on the way hold, and no more than is kept.
const STUCK_EVENTS: usize = 15;
const STUCK_BYTES: usize = 200 << 10;

/// A subscriber that has not taken all it is due and never will.
fn stuck(server: &Server, way: Way) -> Stream {
    let path = "/sse?id=stuck";
    let stream = if way.is_h2() {
        H2::open_narrow(server.address).subscribe(path)
    } else {
        let mut client = Client::open_narrow(server.address);
        client.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
        assert_eq!(client.head().status, 200);
        Stream::chunked(client)
    };
    for _ in 0..STUCK_EVENTS {
        server.publish("/clients/stuck", "x".repeat(STUCK_BYTES));
    }
    stream
}

#[test]
fn a_stuck_h1_reader_is_cut_at_the_timeout_and_counted_once() {
    H1_WAYS.into_iter().for_each(assert_cuts_the_stuck_reader);
}

#[test]
fn a_stuck_h2_reader_is_cut_at_the_timeout_and_counted_once() {
    H2_WAYS.into_iter().for_each(assert_cuts_the_stuck_reader);
}

/// Drains while one reads and one does not.
fn assert_cuts_the_stuck_reader(way: Way) {
    let drain_timeout = Duration::from_secs(2);
    let server = Server::start(way, narrow(way, drain_timeout));
    let mut fine = server.subscribe("/sse");
    let mut stuck = stuck(&server, way);
    server.publish("/broadcast", "last");
    let reading = std::thread::spawn(move || assert_eq!(fine.data_until_end(), ["last"], "{way:?}"));
    let start = Instant::now();
    let cut = drained_by_itself(server);
    reading.join().unwrap();
    assert!(start.elapsed() >= drain_timeout, "{way:?}: it had its time");
    if !way.is_h2() {
        let bytes = stuck.client().until_closed();
        assert!(!bytes.ends_with(b"\r\n0\r\n\r\n"), "{way:?}: it must not look like a proper end");
    }
    assert_eq!(cut, 1, "{way:?}");
}

#[test]
fn a_slow_reader_that_takes_all_in_time_is_not_cut() {
    for way in WAYS {
        let server = Server::start(way, narrow(way, HOUR));
        let mut stuck = stuck(&server, way);
        let mut server = server;
        server.begin_drain();
        until("the listener is closed", || TcpStream::connect(server.listener).is_err());
        stuck.prelude();
        let got = stuck.data_until_end();
        assert_eq!(got.len(), STUCK_EVENTS, "{way:?}: what was accepted is delivered");
        assert!(got.iter().all(|data| data.len() == STUCK_BYTES));
        assert!((1_000..=1_100).contains(&stuck.judge.retries_ms[0]));
        drop(stuck);
        assert_eq!(server.drain().cut, 0, "{way:?}");
    }
}

#[test]
fn while_a_drain_is_held_up_publishes_are_503_and_new_streams_are_told_when_to_come_back() {
    for way in WAYS {
        let mut server = Server::start(way, narrow(way, HOUR));
        let stuck = stuck(&server, way);
        let mut observer = server.subscribe("/sse");
        let h2 = H2::open(server.address);
        assert_eq!(h2.request("GET", "/readyz", &[], b"").status, 200);
        let mut kept: Vec<_> = (0..3).map(|_| server.client()).collect();
        for client in &mut kept {
            assert_eq!(client.request("GET", "/readyz", &[], b"").status, 200);
        }
        server.begin_drain();
        until("it is not ready", || kept[0].request("GET", "/readyz", &[], b"").status == 503);
        assert_eq!(kept[0].request("GET", "/healthz", &[], b"").status, 200, "the process lives");
        for path in ["/broadcast", "/channels/a", "/clients/stuck?wait=written", "/ping/stuck"] {
            let answer = kept[0].request("POST", path, &[], b"too late");
            answer.problem(503);
            assert!(answer.head.get("retry-after").is_some());
        }
        until("the listener is closed", || TcpStream::connect(server.address).is_err());

        let [_, browser, other] = &mut kept[..] else { unreachable!() };
        let answer = other.request("GET", "/channels/a", &[("Accept", "*/*")], b"");
        answer.problem(503);
        assert!(answer.head.get("retry-after").is_some());
        let answer = browser.request("GET", "/sse", &[("Accept", "text/event-stream")], b"");
        let over_h2 = h2.request("GET", "/sse", &[("accept", "text/event-stream")], b"");
        for answer in [answer, over_h2] {
            assert_eq!(answer.status, 200, "any other makes a browser give up for ever");
            assert_eq!(answer.head.get("content-type"), Some("text/event-stream; charset=utf-8"));
            let text = String::from_utf8(answer.body).unwrap();
            let retry = text.strip_prefix("retry: ").and_then(|text| text.strip_suffix('\n')).unwrap();
            assert!((1_000..=1_100).contains(&retry.parse::<u64>().unwrap()), "{text:?}");
        }
        assert_eq!(browser.until_closed(), b"", "the stream has ended");
        h2.request("POST", "/broadcast", &[], b"too late").problem(503);
        h2.request("GET", "/sse", &[], b"").problem(503);
        assert!(observer.data_until_end().is_empty(), "what was refused was not published");
        drop(observer);
        // Only this one held it up, and it goes now.
        assert!(!server.has_ended(), "{way:?}");
        drop(stuck);
        assert_eq!(drained_by_itself(server), 0, "{way:?}");
    }
}

#[test]
fn what_was_asked_on_an_idle_connection_before_the_end_is_answered() {
    for way in WAYS {
        let mut server = Server::new(way);
        let mut clients: Vec<_> = (0..40).map(|_| server.client()).collect();
        for client in &mut clients {
            assert_eq!(client.request("GET", "/healthz", &[], b"").status, 200);
        }
        for client in &mut clients {
            client.send("POST /broadcast HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\ndata");
        }
        server.begin_drain();
        for client in &mut clients {
            assert!([202, 503].contains(&client.answer().status), "{way:?}");
        }
        assert_eq!(server.drain().cut, 0, "{way:?}");
    }
}

#[test]
fn a_publish_whose_body_is_under_way_is_answered_503() {
    let mut server = Server::new(Way::Socket);
    let mut client = server.client();
    client.send("POST /broadcast HTTP/1.1\r\nHost: test\r\nContent-Length: 8\r\nExpect: 100-continue\r\n\r\n");
    // So the request has been seen.
    assert_eq!(client.head().status, 100);
    client.send("half");
    server.begin_drain();
    // Whoever sends the rest of a body on a connection that was closed may lose the answer.
    client.answer().problem(503);
    drop(client);
    assert_eq!(server.drain().cut, 0);
}
