//! The answers to publishers that are sending when the server drains: how much of a batch was published, whenever they
//! read the answer.

mod support;

use std::{io::Write as _, thread, time::Duration};

use fanfare_http::Config;
use serde_json::Value;
use support::{
    client::{Answer, Client},
    h2::H2,
    server::{H1_WAYS, H2_WAYS, Server, Way, config},
    stream::Stream,
    until,
};

/// A race is lost seldom.
const ROUNDS: usize = 25;

const LINE: &str = "{\"channel\":\"a\",\"data\":1}\n";
const HEAD: &str = "POST /publish HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n";

/// A server, and one that follows the channel with room for all of the batch.
fn start(way: Way) -> (Server, Stream) {
    let mut config = config(way);
    config.core.ring_messages_max = 1 << 16;
    config.core.ring_bytes_max = 64 << 20;
    config.core.history.each.events_max = 1 << 20;
    config.core.history.each.bytes_max = 1 << 30;
    let server = Server::start(way, config);
    // Over HTTP/1, whichever way the publisher comes: the test's HTTP/2 client gives a connection up on which too many
    // small frames wait to be read.
    let mut stream = server.h1("/channels/a");
    stream.prelude();
    (server, stream)
}

/// A chunk of a hundred lines.
fn chunk() -> String {
    let lines = LINE.repeat(100);
    format!("{:x}\r\n{lines}\r\n", lines.len())
}

/// The answer must say that it drains, and how many of the events on `stream` the batch has published.
#[track_caller]
fn assert_counts(answer: &Answer, mut stream: Stream, already: usize) {
    answer.problem(503);
    let published = already + stream.data_until_end().len();
    assert_eq!(answer.json()["published"], Value::from(published), "{:?}", answer.json());
}

#[test]
fn one_that_never_stops_sending_is_told_what_was_published() {
    for way in H1_WAYS {
        for _ in 0..ROUNDS {
            let (mut server, mut stream) = start(way);
            let mut client = server.client();
            let mut writer = client.writer();
            let sending = thread::spawn(move || {
                writer.write_all(HEAD.as_bytes()).unwrap();
                let chunk = chunk();
                // Until the other side has closed, or this one has.
                while writer.write_all(chunk.as_bytes()).is_ok() {}
            });
            assert_eq!(stream.data(), "1");
            server.begin_drain();
            let answer = client.answer();
            client.finish_sending();
            assert_counts(&answer, stream, 1);
            assert_eq!(server.drain().cut, 0, "{way:?}");
            sending.join().unwrap();
        }
    }
}

#[test]
fn one_that_sends_all_before_it_reads_is_told_what_was_published() {
    for way in H1_WAYS {
        for _ in 0..ROUNDS {
            let (mut server, mut stream) = start(way);
            let mut client = server.client();
            client.send(HEAD);
            let chunk = chunk();
            client.send(&chunk);
            assert_eq!(stream.data(), "1");
            server.begin_drain();
            for _ in 0..1_000 {
                client.send(&chunk);
            }
            // The answer has come before the batch is whole, or the drain would not have cut it short.
            until("the answer comes", || client.writer().peek(&mut [0]).is_ok_and(|count| count > 0));
            client.send("0\r\n\r\n");
            let answer = client.answer();
            drop(client);
            assert_counts(&answer, stream, 1);
            assert_eq!(server.drain().cut, 0, "{way:?}");
        }
    }
}

#[test]
fn over_http_2_too() {
    for way in H2_WAYS {
        for _ in 0..ROUNDS {
            let (mut server, mut stream) = start(way);
            let address = server.address;
            let sending = thread::spawn(move || {
                H2::open(address).request("POST", "/publish", &[], LINE.repeat(1_200_000).as_bytes())
            });
            assert_eq!(stream.data(), "1");
            server.begin_drain();
            assert_counts(&sending.join().unwrap(), stream, 1);
            assert_eq!(server.drain().cut, 0);
        }
    }
}

#[test]
fn a_single_publish_that_is_still_coming_is_refused_and_the_refusal_can_be_read() {
    for way in H1_WAYS {
        for _ in 0..ROUNDS {
            let mut server = Server::new(way);
            let mut client = server.client();
            client.send(
                "POST /broadcast HTTP/1.1\r\nHost: test\r\nContent-Length: 900000\r\nExpect: 100-continue\r\n\r\n",
            );
            // So the request has been seen.
            assert_eq!(client.head().status, 100);
            client.send([b'x'; 1_000]);
            server.begin_drain();
            // All but the last byte: a body that is whole before the drain begins is published.
            client.send(vec![b'x'; 898_999]);
            client.answer().problem(503);
            drop(client);
            assert_eq!(server.drain().cut, 0, "{way:?}");
        }
    }
}

#[test]
fn a_sender_that_ignores_its_answer_does_not_hold_a_drain_up_for_longer_than_it_may_take() {
    for way in H1_WAYS {
        let server = Server::start(way, Config { drain_timeout: Duration::from_millis(300), ..config(way) });
        let client = server.client();
        let mut writer = client.writer();
        let sending = thread::spawn(move || {
            writer.write_all(HEAD.as_bytes()).unwrap();
            while writer.write_all(chunk().as_bytes()).is_ok() {}
        });
        let mut history = server.client();
        until("the batch is under way", || {
            history.request("GET", "/channels/a/history", &[], b"").json()["events"][0]["data"] == "1"
        });
        assert_eq!(server.drain().cut, 0, "{way:?}: it is not a reader that had to be cut");
        sending.join().unwrap();
        drop(client);
    }
}

#[test]
fn what_was_refused_early_can_be_read_by_one_that_sends_on() {
    for way in H1_WAYS {
        let server = Server::start(way, Config { publish_key: Some("k".to_owned()), ..config(way) });
        for path in ["/publish", "/channels/a", "/no/such/route"] {
            let mut client = server.client();
            let mut writer = client.writer();
            let head = HEAD.replace("/publish", path);
            let sending = thread::spawn(move || {
                writer.write_all(head.as_bytes()).unwrap();
                let chunk = chunk();
                while writer.write_all(chunk.as_bytes()).is_ok() {}
            });
            client.answer().problem(if path == "/no/such/route" { 404 } else { 401 });
            client.finish_sending();
            sending.join().unwrap();
        }
    }
}

#[test]
fn a_connection_goes_on_behind_a_refused_body_that_came_whole() {
    let server = Server::start(Way::Socket, Config { body_bytes_max: 10, ..config(Way::Socket) });
    let mut client: Client = server.client();
    for _ in 0..3 {
        client.request("POST", "/broadcast", &[], &[b'x'; 100_000]).problem(413);
    }
    assert_eq!(client.request("POST", "/broadcast", &[], b"x").status, 202);
}
