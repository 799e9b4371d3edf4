//! `POST /publish`: one event a line, in order, published as the lines come, with one answer at the end.

mod support;

use std::{net::SocketAddr, time::Duration};

use fanfare_http::Config;
use serde_json::{Value, json};
use support::{
    client::{Answer, Client},
    server::{H2_WAYS, Server, Way, config},
    steady::steadily,
};

const SHORT: Duration = Duration::from_millis(200);

/// A publisher that sends a batch as it comes.
struct Producer(Client);

impl Producer {
    fn open(server: &Server) -> Self {
        Self::open_at(server.address)
    }

    fn open_at(address: SocketAddr) -> Self {
        let mut client = Client::open(address);
        client.send("POST /publish HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
        Self(client)
    }

    fn send(&mut self, text: &str) {
        self.0.send(format!("{:x}\r\n{text}\r\n", text.len()));
    }

    fn finish(mut self) -> Answer {
        self.0.send("0\r\n\r\n");
        self.0.answer()
    }
}

fn line(data: &str) -> String {
    format!("{{\"channel\":\"a\",\"data\":{data}}}\n")
}

/// Until a body that began just now has paused for too long.
fn outlast_a_body(server: &Server) {
    let mut client = server.client();
    client.send("POST /broadcast HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\nx");
    assert_eq!(client.answer().status, 408);
}

fn post(server: &Server, lines: &str) -> (u16, Value) {
    let answer = server.post("/publish", &[("content-type", "application/x-ndjson")], lines);
    (answer.status, answer.json())
}

#[test]
fn lines_are_published_in_their_order_and_counted() {
    let server = Server::new(Way::Socket);
    let mut stream = server.subscribe("/sse?id=u&channel=a&channel=b");
    let lines = [
        r#"{"channel":"a","data":"one"}"#,
        r#"{"client":"u","data":{"two": 2.0},"event":"k"}"#,
        "",
        r#"{"all":true,"data":"three","id":"own"}"#,
        r#"{"channels":["a","b"],"data":"once"}"#,
        r#"{"channel":"elsewhere","data":"not here"}"#,
    ];
    let (status, answer) = post(&server, &lines.join("\r\n"));
    assert_eq!((status, &answer["published"], &answer["failed"]), (202, &json!(5), &json!(0)));
    assert_eq!(answer["errors"], json!([]));
    assert!(answer["first"].is_string() && answer["last"].is_string());
    assert_eq!(stream.data(), "one");
    let second = stream.event();
    assert_eq!((second.kind.as_str(), second.data.as_str()), ("k", r#"{"two":2.0}"#));
    assert_eq!(stream.data(), "three");
    assert_eq!(stream.data(), "once");
    server.publish("/broadcast", "end");
    assert_eq!(stream.data(), "end", "the event on two channels came once");
}

#[test]
fn lines_that_are_no_events_are_named_and_the_others_go_on() {
    let server = Server::new(Way::Socket);
    let mut stream = server.subscribe("/channels/a");
    let (status, answer) = post(
        &server,
        "{\"channel\":\"a\",\"data\":1}\n{\"chanel\":\"a\",\"data\":2}\n\n{\"channel\":\"a\"}\n{\"channel\":\"a\",\"data\":3}",
    );
    assert_eq!((status, &answer["published"], &answer["failed"]), (202, &json!(2), &json!(2)));
    assert_eq!((&answer["errors"][0]["line"], &answer["errors"][1]["line"]), (&json!(2), &json!(4)));
    assert!(answer["errors"][0]["title"].as_str().unwrap().contains("chanel"));
    assert_eq!((stream.data(), stream.data()), ("1".into(), "3".into()));
}

#[test]
fn mistakes_that_many_make_in_a_line_are_answered_with_what_to_write() {
    let server = Server::new(Way::Socket);
    for (line, cure) in [
        (r#"{"channel":["a"],"data":1}"#, "several are \"channels\""),
        (r#"{"channels":"a","data":1}"#, "one name is \"channel\""),
        (r#"{"client":42,"data":1}"#, "as in \"client\":\"42\""),
        (r#"{"all":true,"data":1,"id":7}"#, "\"id\" is a string"),
        (r#"{"all":true,"data":1,"retry":"5s"}"#, "a number of milliseconds"),
        (r#"{"all":true,"data":1} {"all":true,"data":2}"#, "put each event into a line of its own"),
        (r#"{"all":true,"data":1},"#, "without commas between them"),
        (r#"{"all":true,"dta":1}"#, "unknown field `dta`"),
    ] {
        let (status, answer) = post(&server, &format!("{line}\n"));
        assert!(status == 400 && answer["errors"][0]["title"].as_str().unwrap().contains(cure), "{line}: {answer}");
    }
}

#[test]
fn of_an_array_nothing_is_published() {
    let server = Server::new(Way::Socket);
    let mut stream = server.subscribe("/sse");
    let array = "[\n{\"all\":true,\"data\":1},\n{\"all\":true,\"data\":2}\n]\n";
    for body in [array.to_owned(), format!("\n\u{feff}{array}"), "[{\"all\":true,\"data\":1}]".to_owned()] {
        let (status, answer) = post(&server, &body);
        assert_eq!((status, &answer["published"]), (400, &0.into()), "{answer}");
        assert!(answer["detail"].as_str().unwrap().starts_with("a batch is NDJSON: one JSON object in each line"));
    }
    // It is a line like any other where events stand before it.
    let (status, answer) = post(&server, "{\"all\":true,\"data\":\"x\"}\n[]\n");
    assert_eq!((status, &answer["published"], &answer["failed"]), (202, &1.into(), &1.into()));
    assert_eq!(stream.data(), "x");
}

#[test]
fn a_batch_of_which_no_line_is_published_is_400_with_the_counts() {
    let server = Server::new(Way::Socket);
    for lines in ["", "\n\n", "nonsense\n[1]"] {
        let (status, answer) = post(&server, lines);
        assert_eq!((status, &answer["status"], &answer["published"]), (400, &json!(400), &json!(0)), "{lines:?}");
    }
}

#[test]
fn the_answer_names_a_hundred_errors_and_counts_all() {
    let server = Server::new(Way::Socket);
    let lines = format!("{}{{\"all\":true,\"data\":1}}\n", "x\n".repeat(250));
    let (status, answer) = post(&server, &lines);
    assert_eq!((status, &answer["failed"], &answer["published"]), (202, &json!(250), &json!(1)));
    assert_eq!(answer["errors"].as_array().unwrap().len(), 100);
}

#[test]
fn the_size_limit_is_that_of_a_line_and_not_of_the_body() {
    let server = Server::start(Way::Socket, Config { body_bytes_max: 1_000, ..config(Way::Socket) });
    let line = |bytes: usize| {
        let around = r#"{"channel":"a","data":""}"#.len();
        format!(r#"{{"channel":"a","data":"{}"}}"#, "x".repeat(bytes - around))
    };
    let lines: Vec<_> = (0..20).map(|_| line(1_000)).collect();
    let (status, answer) = post(&server, &format!("{}\n{}\n{}", lines.join("\n"), line(1_001), line(100)));
    assert_eq!((status, &answer["published"], &answer["failed"]), (202, &json!(21), &json!(1)));
    assert_eq!(answer["errors"][0]["line"], json!(21));
}

#[test]
fn lines_are_published_as_they_come_and_a_long_pause_ends_the_batch_with_its_counts() {
    let server = Server::start(Way::Socket, Config { batch_idle_timeout: SHORT, ..config(Way::Socket) });
    let mut stream = server.subscribe("/channels/a");
    let mut producer = Producer::open(&server);
    for data in ["1", "2"] {
        producer.send(&line(data));
        assert_eq!(stream.data(), data, "before the batch is over");
    }
    let answer = producer.0.answer();
    assert_eq!((answer.status, &answer.json()["published"]), (408, &json!(2)));
}

#[test]
fn a_producer_may_be_quiet_between_two_lines_for_longer_than_a_body_may() {
    let server = Server::start(Way::Socket, Config { body_idle_timeout: SHORT, ..config(Way::Socket) });
    let mut stream = server.subscribe("/channels/a");
    let mut producer = Producer::open(&server);
    for data in ["1", "2", "3"] {
        outlast_a_body(&server);
        producer.send(&line(data));
        assert_eq!(stream.data(), data);
    }
    outlast_a_body(&server);
    let answer = producer.finish();
    assert_eq!((answer.status, &answer.json()["published"]), (202, &json!(3)));
}

#[test]
fn a_line_that_has_begun_may_not_pause_for_longer_than_a_body() {
    let server = Server::start(Way::Socket, Config { body_idle_timeout: SHORT, ..config(Way::Socket) });
    let mut producer = Producer::open(&server);
    producer.send(&format!("{}{{\"channel\":", line("1")));
    let answer = producer.0.answer();
    assert_eq!((answer.status, &answer.json()["published"]), (408, &json!(1)));
}

#[test]
fn empty_lines_keep_a_batch_open() {
    let batch_idle_timeout = Duration::from_millis(800);
    let server = Server::start(Way::Socket, Config { batch_idle_timeout, ..config(Way::Socket) });
    steadily(batch_idle_timeout / 2, |pulse| {
        let mut producer = Producer::open(&server);
        let address = server.address;
        // Twice as long as a batch may be quiet.
        let quiet = std::thread::spawn(move || {
            for _ in 0..2 {
                assert_eq!(Producer::open_at(address).0.answer().status, 408);
            }
        });
        while !quiet.is_finished() {
            producer.send("\n");
            pulse.beat();
            std::thread::sleep(Duration::from_millis(20));
        }
        quiet.join().unwrap();
        producer.send("\n\r\n");
        producer.send(&line("1"));
        let answer = producer.finish();
        assert_eq!((answer.status, &answer.json()["published"]), (202, &json!(1)), "{:?}", answer.json());
    });
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let server = Server::new(Way::Socket);
    let lines = [line("1"), line("2")].concat();
    for lines in [format!("\u{feff}{lines}"), format!("\u{feff}{lines}\u{feff}{lines}"), format!("\u{feff}\r\n{lines}")]
    {
        let (status, answer) = post(&server, &lines);
        assert_eq!((status, &answer["failed"]), (202, &json!(0)), "{lines:?}: {answer}");
    }
}

#[test]
fn an_endless_line_takes_no_memory_and_ends_with_its_end() {
    let limits = Config { body_bytes_max: 1_000, bodies_bytes_max: 200_000, ..config(Way::Socket) };
    let server = Server::start(Way::Socket, limits);
    let mut client = server.client();
    client.send("POST /publish HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
    for _ in 0..100 {
        client.send(format!("2710\r\n{}\r\n", "x".repeat(10_000)));
    }
    let line = "\n{\"all\":true,\"data\":1}";
    client.send(format!("{:x}\r\n{line}\r\n0\r\n\r\n", line.len()));
    let answer = client.answer().json();
    assert_eq!((&answer["published"], &answer["failed"]), (&json!(1), &json!(1)), "{answer}");
}

#[test]
fn a_batch_goes_on_over_http_2_too() {
    for way in H2_WAYS {
        let server = Server::new(way);
        let h2 = support::h2::H2::open(server.address);
        let answer = h2.request("POST", "/publish", &[], b"{\"all\":true,\"data\":1}\n{\"all\":true,\"data\":2}\n");
        assert_eq!((answer.status, &answer.json()["published"]), (202, &json!(2)));
    }
}

#[test]
fn a_long_batch_into_slow_shards_is_whole_and_in_order() {
    let mut limits = config(Way::Socket);
    limits.core.inbox_messages_max = 4;
    let server = Server::start(Way::Socket, limits);
    let mut stream = server.subscribe("/channels/a");
    let lines: String = (0..5_000).map(|number| format!("{{\"channel\":\"a\",\"data\":{number}}}\n")).collect();
    let reading = std::thread::spawn(move || (0..5_000).all(|number| stream.data() == number.to_string()));
    let (status, answer) = post(&server, &lines);
    assert_eq!((status, &answer["published"]), (202, &json!(5_000)));
    assert!(reading.join().unwrap());
}

#[test]
fn an_error_repeats_little_of_what_was_sent() {
    let server = Server::new(Way::Socket);
    let (_, answer) = post(&server, &format!("{{\"{}\":1}}", "k".repeat(100_000)));
    assert!(answer["errors"][0]["title"].as_str().unwrap().len() <= 200);
}

#[test]
fn a_drain_ends_a_batch_that_waits_for_its_next_line_with_its_counts() {
    let mut server = Server::new(Way::Socket);
    let mut stream = server.subscribe("/channels/a");
    let mut client = server.client();
    client.send("POST /publish HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
    let line = "{\"channel\":\"a\",\"data\":1}\n";
    client.send(format!("{:x}\r\n{line}\r\n", line.len()));
    assert_eq!(stream.data(), "1");
    server.begin_drain();
    let answer = client.answer();
    answer.problem(503);
    assert_eq!(answer.json()["published"], json!(1));
    drop(client);
    assert_eq!(server.drain().cut, 0);
}
