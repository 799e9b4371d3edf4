//! Connections that wait for their next request: how long they are kept, how many, and what their clients hear of it.

mod support;

use std::time::Duration;

use fanfare_http::Config;
use support::{
    client::Client,
    h2::H2,
    server::{H1_WAYS, Server, Way, config},
    until,
};

const SHORT: Duration = Duration::from_millis(150);
const LONG: Duration = Duration::from_secs(3_600);

fn start(way: Way, head_timeout: Duration, keep_alive_timeout: Duration) -> Server {
    Server::start(way, Config { head_timeout, keep_alive_timeout, ..config(way) })
}

#[track_caller]
fn ask(client: &mut Client) {
    assert_eq!(client.request("POST", "/broadcast", &[], b"x").status, 202);
}

/// Begins a head and waits until the server has closed the connection for it.
fn outlast_a_head(server: &Server) {
    let mut client = server.client();
    client.send("POST /broadcast HTTP/1.1\r\n");
    assert_eq!(client.until_closed(), b"");
}

#[test]
fn a_connection_outlives_the_head_timeout_between_requests() {
    for way in H1_WAYS {
        let server = start(way, SHORT, LONG);
        let (mut client, h2) = (server.client(), H2::open(server.address));
        for _ in 0..3 {
            ask(&mut client);
            assert_eq!(h2.request("POST", "/broadcast", &[], b"x").status, 202);
            outlast_a_head(&server);
            outlast_a_head(&server);
        }
        ask(&mut client);
        assert_eq!(h2.request("POST", "/broadcast", &[], b"x").status, 202);
    }
}

#[test]
fn a_connection_that_waits_for_too_long_is_closed() {
    for way in H1_WAYS {
        let server = start(way, LONG, SHORT);
        let mut client = server.client();
        ask(&mut client);
        assert_eq!(client.until_closed(), b"", "{way:?}");
        let h2 = H2::open(server.address);
        assert_eq!(h2.request("POST", "/broadcast", &[], b"x").status, 202);
        until("it is closed over HTTP/2", || h2.is_closed());
    }
}

#[test]
fn a_stream_is_not_taken_for_a_connection_that_waits() {
    for way in support::server::ALL_WAYS {
        let mut config = Config { head_timeout: SHORT, keep_alive_timeout: SHORT, ..config(way) };
        config.core.heartbeat_ms = 50;
        let server = Server::start(way, config);
        let mut stream = server.subscribe("/sse");
        for _ in 0..8 {
            stream.comment();
        }
        server.publish("/broadcast", "still there");
        assert_eq!(stream.data(), "still there");
    }
}

#[test]
fn a_head_that_begins_on_a_kept_connection_has_its_timeout() {
    for way in H1_WAYS {
        let server = start(way, SHORT, LONG);
        let mut client = server.client();
        for _ in 0..2 {
            ask(&mut client);
        }
        client.send("P");
        assert_eq!(client.until_closed(), b"", "{way:?}");
    }
}

#[test]
fn a_frame_that_begins_on_a_kept_http_2_connection_has_the_time_of_a_head() {
    let server = start(Way::H2, SHORT, LONG);
    // A GET of /healthz in the static table of HPACK and one literal (RFC 7541), then half of the same. Each is behind
    // SETTINGS.
    let request = |stream: u8| {
        let block = [b"\x82\x86\x04\x08/healthz\x01\x04test".as_slice()].concat();
        [&[0, 0, u8::try_from(block.len()).unwrap(), 1, 5, 0, 0, 0, stream], block.as_slice()].concat()
    };
    for half in [&request(3)[..4], &request(3)[..12], &[0, 0, 0, 1, 1, 0, 0, 0, 3]] {
        let mut client = server.client();
        client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
        client.send(request(1));
        // The body is "ok\n".
        let mut came = Vec::new();
        while !came.windows(3).any(|three| three == b"ok\n") {
            came.extend(client.piece().expect("the answer"));
        }
        // The acknowledgement of SETTINGS is whole, so the connection waits. The next bytes are not whole.
        client.send([0, 0, 0, 4, 1, 0, 0, 0, 0]);
        client.send(half);
        client.until_closed();
    }
}

#[test]
fn clients_are_told_a_little_less_than_the_time_where_the_connection_is_kept() {
    let server = Server::new(Way::Socket);
    let mut client = server.client();
    let told = |answer: &support::client::Answer| answer.head.get("keep-alive").map(str::to_owned);
    for (path, status) in [("/broadcast", 202), ("/clients/%zz", 400), ("/nowhere", 404)] {
        let answer = client.request("POST", path, &[], b"x");
        assert_eq!((answer.status, told(&answer).as_deref()), (status, Some("timeout=85")), "{path}");
        assert_eq!(answer.head.get("connection"), Some("keep-alive"));
    }
    let closing = client.request("GET", "/healthz", &[("connection", "a, Close")], b"");
    assert_eq!((closing.head.get("keep-alive"), closing.head.get("connection")), (None, Some("close")));
    assert_eq!(client.until_closed(), b"");
    let mut old = server.client();
    old.send("GET /healthz HTTP/1.0\r\n\r\n");
    assert_eq!(old.head().get("keep-alive"), None);
    assert_eq!(told(&H2::open(server.address).request("GET", "/healthz", &[], b"")), None);
}

#[test]
fn as_many_are_kept_as_may_be_and_one_more_ends_the_longest_wait() {
    for way in H1_WAYS {
        let mut config = Config { idle_connections_max: 3, ..config(way) };
        // Of two, one might be slower to note that its connection waits.
        config.core.shards = 1;
        let server = Server::start(way, config);
        let mut clients: Vec<_> = (0..3).map(|_| server.client()).collect();
        // The first becomes the one that has waited longest, again and again.
        for _ in 0..3 {
            clients.iter_mut().for_each(ask);
        }
        let mut fourth = server.client();
        ask(&mut fourth);
        assert_eq!(clients[0].until_closed(), b"", "{way:?}");
        for client in clients.iter_mut().skip(1).chain([&mut fourth]) {
            ask(client);
        }
    }
}
