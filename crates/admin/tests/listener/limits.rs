//! What the listener takes at most: each limit, and one past it.

use std::{
    net::{Shutdown, SocketAddr},
    thread,
    time::Duration,
};

use fanfare_admin::Limits;
use serde_json::json;

use crate::support::{
    client::{Client, request},
    listener::Listener,
    until,
};

/// Far below what a test waits, far above what a request takes.
const SHORT: Duration = Duration::from_millis(300);

fn address(listener: &Listener) -> SocketAddr {
    listener.serving.as_ref().unwrap().address()
}

#[test]
fn the_defaults_are_those_that_the_guide_names() {
    let limits = Limits::default();
    assert_eq!((limits.sockets_max, limits.sockets_of_address_max), (64, 48));
    assert_eq!((limits.streams_max, limits.questions_max), (32, 4));
    assert_eq!((limits.body_bytes_max, limits.head_bytes_max), (64 << 10, 16 << 10));
    let times = [limits.head_timeout, limits.body_timeout, limits.answer_timeout, limits.write_timeout];
    assert_eq!(times.map(|time| time.as_secs()), [10, 10, 30, 30]);
}

#[test]
fn one_socket_too_many_is_told_so_and_closed() {
    let listener = Listener::with_limits(Limits { sockets_max: 3, ..Limits::default() });
    // Each has sent a request, so the listener has it.
    let mut clients: Vec<_> = (0..3).map(|_| listener.client()).collect();
    for client in &mut clients {
        assert_eq!(client.request("GET", "/healthz", &[], b"").status, 200);
    }
    let mut refused = listener.client();
    refused.send(request("GET", "/healthz", &[], b""));
    let answer = refused.answer();
    assert_eq!(answer.problem(503), "3 sockets are open, which is the limit");
    assert_eq!(answer.field("retry-after"), Some("5"));
    assert!(refused.until_closed().is_empty());
    for client in &mut clients {
        assert_eq!(client.request("GET", "/healthz", &[], b"").status, 200, "nobody else is closed for it");
    }
    drop(clients.pop());
    until("there is room again", || {
        let mut client = listener.client();
        // A refused socket may be closed before the request is out.
        let _ = std::io::Write::write_all(&mut client.socket, &request("GET", "/healthz", &[], b""));
        client.until_head() == Some(200)
    });
}

#[test]
fn one_address_cannot_take_every_socket() {
    let listener = Listener::with_limits(Limits { sockets_max: 4, sockets_of_address_max: 2, ..Limits::default() });
    let address = address(&listener);
    let is_served = |client: &mut Client| client.request("GET", "/healthz", &[], b"").status == 200;
    let mut clients: Vec<_> = (0..2).map(|_| Client::open_from("127.0.0.1", address)).collect();
    assert!(clients.iter_mut().all(is_served));
    let mut refused = Client::open_from("127.0.0.1", address);
    refused.send(request("GET", "/healthz", &[], b""));
    let answer = refused.answer();
    assert_eq!(answer.problem(503), "2 sockets of this address are open, which is the limit");
    assert_eq!(answer.field("retry-after"), Some("5"));

    let mut others: Vec<_> = (0..2).map(|_| Client::open_from("127.0.0.2", address)).collect();
    assert!(others.iter_mut().chain(&mut clients).all(is_served), "the other address has its own");
    let mut refused = Client::open_from("127.0.0.3", address);
    refused.send(request("GET", "/healthz", &[], b""));
    assert_eq!(refused.answer().problem(503), "4 sockets are open, which is the limit");

    drop((clients.pop(), others.pop()));
    until("the place of a closed socket is free again", || {
        let mut client = Client::open_from("127.0.0.1", address);
        // A refused socket may be closed before the request is out.
        let _ = std::io::Write::write_all(&mut client.socket, &request("GET", "/healthz", &[], b""));
        client.until_head() == Some(200)
    });
}

#[test]
fn many_sockets_at_once_do_no_harm() {
    let listener = Listener::new();
    let address = address(&listener);
    let crowd: Vec<_> = (0..500).map(|_| Client::open(address)).collect();
    drop(crowd);
    until("the sockets are free again", || {
        let mut client = Client::open(address);
        let _ = std::io::Write::write_all(&mut client.socket, &request("GET", "/healthz", &[], b""));
        client.until_head() == Some(200)
    });
}

#[test]
fn one_stream_too_many_is_refused_and_room_comes_back() {
    let listener = Listener::with_limits(Limits { streams_max: 2, ..Limits::default() });
    let events = listener.stream("/api/v1/events");
    let tail = listener.stream("/api/v1/tail?channel=news");
    for target in ["/api/v1/events", "/api/v1/tail?channel=news"] {
        let refused = listener.get(target);
        assert_eq!(refused.problem(503), "2 event streams are open, which is the limit");
        assert_eq!(refused.field("retry-after"), Some("5"));
    }
    drop(events);
    until("the stream of who has gone is given up", || {
        let mut client = listener.client();
        client.send(request("GET", "/api/v1/events", &[], b""));
        client.head().status == 200
    });
    drop(tail);
    until("the engine has no tail", || listener.handle.connections() == 0);
}

#[test]
fn a_body_may_have_64_kib_and_no_byte_more() {
    let listener = Listener::new();
    let body = |bytes: usize| {
        let frame = json!({ "all": true, "data": "" }).to_string().len();
        json!({ "all": true, "data": "x".repeat(bytes - frame) }).to_string().into_bytes()
    };
    let json = [("content-type", "application/json")];
    let max = 64 << 10;
    assert_eq!(listener.client().request("POST", "/api/v1/publish", &json, &body(max)).status, 202);
    let refused = listener.client().request("POST", "/api/v1/publish", &json, &body(max + 1));
    assert_eq!(refused.problem(413), "a body may have at most 65536 bytes");

    // The same without a length.
    let mut client = listener.client();
    client.send("POST /api/v1/publish HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n");
    client.send(format!("{:x}\r\n{}\r\n0\r\n\r\n", max + 1, "x".repeat(max + 1)));
    client.answer().problem(413);

    // What is far too large is read for a while, so that the answer is not destroyed by a reset.
    let refused = listener.client().request("POST", "/api/v1/publish", &json, &body(1 << 20));
    refused.problem(413);

    // Whoever only says that it comes is not read at all.
    let mut client = listener.client();
    client.send("POST /api/v1/publish HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99999999999\r\n\r\n");
    client.answer().problem(413);
}

#[test]
fn a_body_that_does_not_come_ends() {
    let listener = Listener::with_limits(Limits { body_timeout: SHORT, ..Limits::default() });
    let mut client = listener.client();
    client.send("POST /api/v1/publish HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{");
    assert!(client.answer().problem(408).contains("did not come within"));
    assert!(client.until_closed().is_empty());

    let mut client = listener.client();
    client.send("POST /api/v1/publish HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{");
    client.socket.shutdown(Shutdown::Write).unwrap();
    let said = String::from_utf8(client.until_closed()).unwrap();
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 400"), "{said}");
}

#[test]
fn a_head_that_does_not_come_and_a_silent_socket_end() {
    let listener = Listener::with_limits(Limits { head_timeout: SHORT, ..Limits::default() });
    for beginning in ["", "GET /healthz HT", "GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: "] {
        let mut client = listener.client();
        client.send(beginning);
        let said = String::from_utf8(client.until_closed()).unwrap();
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
    }
    let mut client = listener.client();
    assert_eq!(client.request("GET", "/healthz", &[], b"").status, 200);
    assert!(client.until_closed().is_empty(), "between two requests too");
}

#[test]
fn a_head_may_not_be_too_large() {
    let listener = Listener::new();
    let with = |bytes: usize| request("GET", "/healthz", &[("x", &"y".repeat(bytes))], b"");
    let mut client = listener.client();
    client.send(with(15 << 10));
    assert_eq!(client.answer().status, 200);
    let mut client = listener.client();
    // The listener may close before all of it is out.
    let _ = std::io::Write::write_all(&mut client.socket, &with(32 << 10));
    assert_eq!(client.until_head(), Some(431));
    let many: Vec<_> = (0..200).map(|_| ("x", "y")).collect();
    let mut client = listener.client();
    client.send(request("GET", "/healthz", &many, b""));
    assert_eq!(client.until_head(), Some(431));
}

#[test]
fn what_is_no_http_is_refused() {
    let listener = Listener::new();
    for garbage in
        ["\u{16}\u{3}\u{1}\u{2}\r\n\r\n", "GET\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"]
    {
        let mut client = listener.client();
        client.send(garbage);
        let said = String::from_utf8(client.until_closed()).unwrap();
        assert!(
            said.is_empty() || said.starts_with("HTTP/1.1 4") || said.starts_with("HTTP/1.1 5"),
            "{garbage:?}: {said}"
        );
    }
    assert_eq!(listener.get("/healthz").status, 200);
}

#[test]
fn only_so_many_questions_go_to_the_shards_at_a_time() {
    let listener = Listener::with_limits(Limits { questions_max: 2, ..Limits::default() });
    listener.made_up.hold(true);
    let mut clients: Vec<_> = (0..6).map(|_| listener.client()).collect();
    for client in &mut clients {
        client.send(request("GET", "/api/v1/connections", &[], b""));
    }
    until("two are asked", || listener.made_up.world().questions == 2);
    // Figures ask nobody, so they need no place.
    assert_eq!(listener.get("/api/v1/figures").status, 200);
    listener.made_up.hold(false);
    for client in &mut clients {
        assert_eq!(client.answer().status, 200, "the others have waited");
    }
    assert_eq!(listener.made_up.world().questions_max, 2);
}

#[test]
fn an_answer_that_does_not_come_is_told_and_its_question_is_given_up() {
    let listener = Listener::with_limits(Limits { questions_max: 1, answer_timeout: SHORT, ..Limits::default() });
    listener.made_up.hold(true);
    for target in ["/api/v1/connections", "/api/v1/clients/ann", "/api/v1/explain?event=1-1&client=ann"] {
        assert!(listener.get(target).problem(504).contains("did not answer within"), "{target}");
    }
    until("nobody asks any more", || listener.made_up.world().questions == 0);
    listener.made_up.hold(false);
    assert_eq!(listener.get("/api/v1/connections").status, 200);
}

#[test]
fn a_reader_that_takes_nothing_is_given_up() {
    let listener = Listener::with_limits(Limits { sockets_max: 1, write_timeout: SHORT, ..Limits::default() });
    let mut client = listener.client();
    // Answers fill both buffers, because nobody reads them.
    let one = request("GET", "/api/v1/openapi.json", &[], b"");
    let mut socket = client.socket.try_clone().unwrap();
    let writing = thread::spawn(move || while std::io::Write::write_all(&mut socket, &one).is_ok() {});
    until("its place is free", || {
        let mut other = listener.client();
        let _ = std::io::Write::write_all(&mut other.socket, &request("GET", "/healthz", &[], b""));
        other.until_head() == Some(200)
    });
    writing.join().unwrap();
    client.until_closed();
}

#[test]
fn the_end_of_the_listener_ends_streams_in_good_order() {
    let mut listener = Listener::new();
    let mut events = listener.stream("/api/v1/events");
    let mut tail = listener.stream("/api/v1/tail?channel=news");
    events.next_of("figures");
    let (address, serving) = (address(&listener), listener.serving.take().unwrap());
    serving.end();
    while events.next().is_some() {}
    assert_eq!(tail.next(), None);
    assert!(std::net::TcpStream::connect(address).is_err(), "the port is free");
}

#[test]
fn a_listener_that_is_dropped_closes() {
    let mut listener = Listener::new();
    let address = address(&listener);
    drop(listener.serving.take());
    until("the port is free", || std::net::TcpStream::connect(address).is_err());
}
