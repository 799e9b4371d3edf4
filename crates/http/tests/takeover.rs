//! The take-over of a stream's socket from hyper. Nothing in hyper promises it, so these tests fail if a new hyper
//! breaks it: by keeping the socket, or by losing the head or bytes behind it.

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use support::{
    client::Client,
    server::{H1_WAYS, Server, Way, config},
    stream::Stream,
    until,
};

const BURST: usize = 640;
const BURST_THREADS: usize = 8;

/// Leaves in the way that hyper does not notice: a stray byte, then the end of its side.
fn leave_with_a_stray_byte(stream: &mut Stream) {
    stream.client().send("\r");
    stream.client().finish_sending();
}

#[test]
fn a_socket_that_left_hyper_notices_an_end_behind_a_stray_byte() {
    let server = Server::new(Way::Socket);
    let mut stream = server.subscribe("/sse?id=me");
    assert_eq!(server.matched("me"), 1);
    leave_with_a_stray_byte(&mut stream);
    server.until_matched("me", 0);
}

#[test]
fn hyper_itself_does_not_notice_an_end_behind_a_stray_byte() {
    let server = Server::new(Way::Body);
    let mut stream = server.subscribe("/sse?id=me");
    leave_with_a_stray_byte(&mut stream);
    // If this fails, hyper has learned it, and the test above proves nothing any more.
    let end = Instant::now() + Duration::from_millis(300);
    while Instant::now() < end {
        assert_eq!(server.matched("me"), 1);
    }
}

/// Opens a share of the burst, all requests before the first answer is read.
fn open_many(server: &Server, opened: &AtomicUsize, started: &AtomicUsize) -> Vec<(Stream, usize)> {
    let request = |mut client: Client| {
        client.send("GET /sse HTTP/1.1\r\nHost: test\r\n\r\n");
        client
    };
    let clients: Vec<_> = (0..BURST / BURST_THREADS).map(|_| request(server.client())).collect();
    let open = |mut client: Client| {
        let head = client.head();
        assert_eq!((head.status, head.names().len()), (200, 7), "{head:?}");
        let mut stream = Stream::chunked(client);
        stream.prelude();
        opened.fetch_add(1, Ordering::SeqCst);
        // Events published from now on have to come.
        (stream, started.load(Ordering::SeqCst))
    };
    clients.into_iter().map(open).collect()
}

#[test]
fn a_burst_of_streams_loses_nothing_while_events_are_published() {
    for way in H1_WAYS {
        let mut config = config(way);
        config.core.ring_messages_max = 4_096;
        config.core.ring_bytes_max = 16 << 20;
        let server = Arc::new(Server::start(way, config));
        let (opened, started) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let is_over = Arc::new(AtomicBool::new(false));
        let publisher = {
            let (server, started, is_over) = (Arc::clone(&server), Arc::clone(&started), Arc::clone(&is_over));
            thread::spawn(move || {
                let mut client = server.client();
                while !is_over.load(Ordering::SeqCst) {
                    let number = started.fetch_add(1, Ordering::SeqCst) + 1;
                    let answer = client.request("POST", "/broadcast", &[], number.to_string().as_bytes());
                    assert_eq!(answer.status, 202);
                }
            })
        };
        let openers: Vec<_> = (0..BURST_THREADS)
            .map(|_| {
                let (server, opened, started) = (Arc::clone(&server), Arc::clone(&opened), Arc::clone(&started));
                thread::spawn(move || open_many(&server, &opened, &started))
            })
            .collect();
        let streams: Vec<_> = openers.into_iter().flat_map(|opener| opener.join().unwrap()).collect();
        is_over.store(true, Ordering::SeqCst);
        publisher.join().unwrap();
        assert_eq!((opened.load(Ordering::SeqCst), streams.len()), (BURST, BURST));

        let last = started.load(Ordering::SeqCst);
        server.publish("/broadcast", "end");
        for (mut stream, started_before) in streams {
            let numbers: Vec<usize> = stream.data_until("end").iter().map(|data| data.parse().unwrap()).collect();
            let first = numbers.first().copied().unwrap_or(last + 1);
            assert!(first <= started_before + 1, "{way:?}: the first is {first}, {started_before} had been started");
            assert_eq!(numbers, (first..=last).collect::<Vec<_>>(), "{way:?}");
        }
    }
}

#[test]
fn a_request_that_comes_byte_by_byte_is_answered_and_becomes_a_stream() {
    for way in H1_WAYS {
        let server = Server::new(way);
        let mut client = server.client();
        for byte in b"GET /sse?id=me HTTP/1.1\r\nHost: test\r\n\r\n" {
            client.send([*byte]);
        }
        assert_eq!(client.head().status, 200);
        let mut stream = Stream::chunked(client);
        assert_eq!(stream.prelude().client, "me");
        server.publish("/clients/me", "here");
        assert_eq!(stream.data(), "here");
    }
}

#[test]
fn a_request_behind_a_stream_is_not_answered_and_disturbs_nothing() {
    for way in H1_WAYS {
        let server = Server::new(way);
        let mut observer = server.subscribe("/sse");
        let mut client = server.client();
        let behind = "POST /broadcast HTTP/1.1\r\nHost: test\r\nContent-Length: 6\r\n\r\nforged";
        client.send(format!("GET /sse?id=me HTTP/1.1\r\nHost: test\r\n\r\n{behind}"));
        assert_eq!(client.head().status, 200);
        let mut stream = Stream::chunked(client);
        stream.prelude();
        stream.client().send(behind);
        server.publish("/broadcast", "one");
        server.publish("/clients/me", "two");
        server.publish("/broadcast", "three");
        assert_eq!(stream.data_until("three"), ["one", "two"], "only what was meant for it, in whole chunks");
        assert_eq!(observer.data_until("three"), ["one"]);
        assert_eq!(server.drain().cut, 0);
        assert_eq!(stream.next(), None);
    }
}

#[test]
fn a_stream_may_follow_other_requests_on_its_connection() {
    for way in H1_WAYS {
        let server = Server::new(way);
        let mut client = server.client();
        assert_eq!(client.request("POST", "/broadcast", &[], b"before").status, 202);
        assert_eq!(client.request("GET", "/healthz", &[], b"").status, 200);
        // In one piece with the end of another request.
        client.send("GET /readyz HTTP/1.1\r\nHost: test\r\n\r\nGET /sse?id=me HTTP/1.1\r\nHost: test\r\n\r\n");
        assert_eq!(client.answer().status, 200);
        assert_eq!(client.head().status, 200);
        let mut stream = Stream::chunked(client);
        stream.prelude();
        server.publish("/broadcast", "after");
        assert_eq!(stream.data(), "after");
    }
}

#[test]
fn a_client_that_is_gone_before_its_head_is_out_leaves_nothing_behind() {
    let server = Server::new(Way::Socket);
    for _ in 0..200 {
        let mut client = server.client();
        client.send("GET /sse?id=me HTTP/1.1\r\nHost: test\r\n\r\n");
        client.reset();
    }
    server.until_matched("me", 0);
    let mut stream = server.subscribe("/sse?id=me");
    server.publish("/clients/me", "here");
    assert_eq!(stream.data(), "here");
}

/// A client that asks `answers` times, reads nothing of it, and has a stream's request behind that.
fn ask_behind(server: &Server, answers: usize) -> Client {
    let mut client = Client::open_narrow(server.address);
    client.send("HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n".repeat(answers));
    client.send("GET /sse?id=me HTTP/1.1\r\nHost: a\r\n\r\n");
    client
}

/// Reads the pending answers, and the stream's head and first lines.
fn read_on(mut client: Client, answers: usize) -> Stream {
    for _ in 0..answers {
        assert_eq!(client.head().get("content-length"), Some("3"));
    }
    assert_eq!(client.head().get("content-type"), Some("text/event-stream; charset=utf-8"), "behind {answers}");
    let mut stream = Stream::chunked(client);
    assert_eq!(stream.prelude().client, "me");
    stream
}

/// A server whose sockets are soon full.
fn narrow_server(way: Way) -> Server {
    Server::start(way, fanfare_http::Config { send_buffer_bytes: 4 << 10, ..config(way) })
}

#[test]
fn a_head_that_finds_the_socket_full_is_not_lost() {
    for way in H1_WAYS {
        let server = narrow_server(way);
        // With some of these numbers the head of the stream is the one that has to wait.
        for answers in (0..3_000).step_by(100) {
            let client = ask_behind(&server, answers);
            assert_eq!(server.get("/healthz").status, 200);
            let mut stream = read_on(client, answers);
            server.publish("/clients/me", "here");
            assert_eq!(stream.data(), "here", "{way:?}, behind {answers}");
            drop(stream);
            server.until_matched("me", 0);
        }
    }
}

#[test]
fn what_is_published_at_once_behind_a_registration_comes_behind_the_head() {
    for way in H1_WAYS {
        let server = narrow_server(way);
        for answers in (10..150).step_by(20) {
            let client = ask_behind(&server, answers);
            // The first that it is registered for comes at once behind that.
            until("the stream is registered", || server.publish("/clients/me", "early")["matched"] == 1);
            let mut stream = read_on(client, answers);
            server.publish("/clients/me", "late");
            assert_eq!(stream.data_until("late"), ["early"], "{way:?}, behind {answers}");
            drop(stream);
            server.until_matched("me", 0);
        }
    }
}

#[test]
fn an_offer_to_upgrade_is_ignored_and_the_stream_is_like_any_other() {
    for way in H1_WAYS {
        let server = Server::new(way);
        let mut client = server.client();
        // The fields of `curl --http2`.
        let offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA";
        client.send(format!("GET /sse?id=me HTTP/1.1\r\nHost: test\r\n{offer}\r\n\r\n"));
        assert_eq!(client.head().status, 200);
        let mut stream = Stream::chunked(client);
        stream.prelude();
        server.publish("/clients/me", "here");
        assert_eq!(stream.data(), "here");
        drop(stream);
        server.until_matched("me", 0);
    }
}
