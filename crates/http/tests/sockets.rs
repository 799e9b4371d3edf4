//! How many sockets, and streams over HTTP/2, there may be: at the limit all are served, one past it something has to go.

mod support;

use std::{
    io::{ErrorKind, Read as _},
    net::TcpStream,
    time::Duration,
};

use fanfare_http::Config;
use support::{
    PATIENCE,
    client::Client,
    h2::H2,
    server::{H2_WAYS, Server, WAYS, Way, config},
    steady::steadily,
    until,
};

/// A connection that has to make room and whose thread stands still for longer does not stay the only one.
const CLOSING_TIME: Duration = Duration::from_millis(50);

/// On one thread, so that connections become idle in the order of the test.
fn limited(way: Way, sockets_max: usize) -> Server {
    let mut config = Config { sockets_max, ..config(way) };
    config.core.shards = 1;
    Server::start(way, config)
}

fn ask(client: &mut Client) {
    assert_eq!(client.request("GET", "/healthz", &[], b"").status, 200);
}

/// Asked through a connection that is there already: fails if it was closed.
fn asked(server: &Server) -> Client {
    let mut client = server.client();
    ask(&mut client);
    client
}

#[test]
fn at_the_limit_of_sockets_the_one_that_was_idle_for_longest_makes_room() {
    for way in WAYS {
        steadily(CLOSING_TIME, |_| assert_makes_room(way));
    }
}

#[track_caller]
fn assert_makes_room(way: Way) {
    let server = limited(way, 5);
    let mut stream = server.subscribe("/sse?id=a");
    // Each is served before the next one comes.
    let mut kept = asked(&server);
    let h2 = H2::open(server.address);
    assert_eq!(h2.request("GET", "/healthz", &[], b"").status, 200);
    let mut half = asked(&server);
    let mut fourth = asked(&server);
    half.send("GET /healthz HT");
    ask(&mut kept);
    assert!(!h2.is_closed(), "{way:?}: there is room for five");

    let mut first_more = asked(&server);
    until("the HTTP/2 connection is closed", || h2.is_closed());
    let mut second_more = asked(&server);
    assert_eq!(half.until_closed(), b"", "{way:?}: a head that began does not keep its connection");
    let mut third_more = asked(&server);
    assert_eq!(fourth.until_closed(), b"", "{way:?}");
    for client in [&mut kept, &mut first_more, &mut second_more, &mut third_more] {
        ask(client);
    }
    server.client().request("POST", "/clients/a", &[], b"here");
    assert_eq!(stream.data(), "here", "{way:?}: streams are never closed for others");
}

#[test]
fn a_connection_that_sends_nothing_or_never_ends_its_first_head_makes_room_too() {
    for begun in
        ["", "P", "PRI * HTTP/2.0\r\n\r\nSM", "GET / HTTP/1.1\r\nHost:", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0"]
    {
        steadily(CLOSING_TIME, |_| {
            let server = limited(Way::Socket, 2);
            let mut idle = server.client();
            idle.send(begun);
            // It is served behind the one that came first.
            let mut last = asked(&server);
            let mut new = asked(&server);
            // One that speaks HTTP/2 has got settings.
            assert!(!idle.until_closed().starts_with(b"HTTP"), "{begun:?}");
            ask(&mut new);
            ask(&mut last);
        });
    }
}

#[test]
fn where_none_is_idle_the_newest_is_reset_and_comes_in_when_there_is_room() {
    for way in WAYS {
        let server = limited(way, 5);
        let _stream = server.subscribe("/sse?id=a");
        let mut busy: Vec<_> = (0..4).map(|_| server.client()).collect();
        for client in &mut busy {
            client.send("POST /clients/a HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
            assert_eq!(client.head().status, 100);
        }
        let mut newest = TcpStream::connect(server.address).unwrap();
        newest.set_read_timeout(Some(PATIENCE)).unwrap();
        let ended = newest.read_exact(&mut [0]).unwrap_err();
        assert_eq!(ended.kind(), ErrorKind::ConnectionReset, "{way:?}: Firefox gives up for ever at a plain end");
        for client in &mut busy {
            client.send("x");
            assert_eq!(client.answer().status, 202, "{way:?}");
        }
        asked(&server);
    }
}

#[test]
fn streams_over_http_1_leave_a_quarter_of_few_sockets_to_others() {
    let server = limited(Way::Socket, 16);
    let streams: Vec<_> = (0..12).map(|_| server.subscribe("/sse?id=a")).collect();
    server.get("/sse").problem(503);
    let h2 = H2::open(server.address);
    let mut other = h2.subscribe("/sse?id=a");
    other.prelude();
    assert_eq!(server.matched("a"), 13, "over HTTP/2 it needs no socket of its own");
    drop(streams);
    server.until_matched("a", 1);
    drop(server.subscribe("/sse?id=b"));
}

#[test]
fn streams_over_http_2_have_their_own_limit_and_one_connection_no_more_than_it_leaves() {
    for way in H2_WAYS {
        let server = Server::start(way, Config { h2_streams_total_max: 4, ..config(way) });
        let (greedy, other) = (H2::open(server.address), H2::open(server.address));
        let open = |h2: &H2| h2.subscribe("/sse?id=a");
        let mut streams = vec![open(&greedy), open(&greedy)];
        let refused = |h2: &H2| h2.request("GET", "/sse", &[], b"").problem(503);
        refused(&greedy);
        let told = greedy.request("GET", "/sse", &[("accept", "text/event-stream")], b"");
        assert!(told.status == 200 && told.body.starts_with(b"retry: "), "{told:?}");
        streams.push(open(&other));
        refused(&other);
        let third = H2::open(server.address);
        streams.push(open(&third));
        refused(&H2::open(server.address));
        assert_eq!(server.matched("a"), 4);
        assert_eq!(greedy.request("GET", "/healthz", &[], b"").status, 200, "only streams are counted");

        let mut h1 = server.h1("/sse?id=b");
        h1.prelude();
        streams.clear();
        server.until_matched("a", 0);
        let _again = [open(&greedy), open(&greedy)];
        refused(&greedy);
    }
}

#[test]
fn one_http_2_connection_does_not_take_what_all_streams_may_have() {
    for way in H2_WAYS {
        let mut limits = config(way);
        (limits.core.connections_max, limits.core.shards) = (4, 1);
        let server = Server::start(way, limits);
        let greedy = H2::open(server.address);
        let _streams = [greedy.subscribe("/sse?id=a"), greedy.subscribe("/sse?id=a")];
        greedy.request("GET", "/sse", &[], b"").problem(503);
        let mut others = [server.h1("/sse?id=b"), server.h1("/sse?id=b")];
        for stream in &mut others {
            stream.prelude();
        }
        server.get("/sse").problem(503);
        assert_eq!((server.matched("a"), server.matched("b")), (2, 2));
    }
}
