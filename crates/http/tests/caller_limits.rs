//! What one address, one client id and one holder may take: each limit at its number and one past it.

mod support;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    num::{NonZeroU32, NonZeroU64},
    sync::Arc,
};

use fanfare_callers::{ForwardedBy, Limits, Networks, Rate};
use fanfare_http::{Access, Config, Gate, Proxies};
use serde_json::json;
use support::{
    client::{Answer, Client},
    h2::H2,
    server::{H2_WAYS, Server, Way, config},
    tokens::{access, api_key, bearer, token},
    until,
};

fn number(count: u32) -> Option<NonZeroU32> {
    NonZeroU32::new(count)
}

/// So many at once, and then one a second.
fn at_once(count: u64) -> Option<Rate> {
    let burst = NonZeroU64::new(count).unwrap();
    Some(Rate::per_second(NonZeroU64::MIN).with_burst(burst))
}

fn limited(way: Way, loopback_limits: Limits) -> Server {
    Server::start(way, Config { loopback_limits, ..config(way) })
}

fn refused(server: &Server, name: &str) -> u64 {
    server.handle().refusals().into_iter().find(|(one, _)| one == name).unwrap_or_else(|| panic!("no {name}")).1
}

#[track_caller]
fn is_too_many(answer: &Answer) {
    answer.problem(429);
    let seconds: u64 = answer.head.get("retry-after").unwrap().parse().unwrap();
    assert!(seconds >= 1);
}

/// Whether the server has reset the connection without an answer.
fn is_reset(server: &Server) -> bool {
    let Ok(mut stream) = TcpStream::connect(server.listener) else { return true };
    let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n");
    matches!(stream.read(&mut [0; 16]), Ok(0) | Err(_))
}

#[test]
fn sockets_of_one_address() {
    let server = limited(Way::Socket, Limits { sockets: number(3), ..Limits::NONE });
    let mut held: Vec<_> = (0..3).map(|_| server.client()).collect();
    for client in &mut held {
        assert_eq!(client.request("GET", "/healthz", &[], b"").status, 200);
    }
    assert!(is_reset(&server), "one more");
    assert_eq!(refused(&server, "sockets"), 1);
    for client in &mut held {
        assert_eq!(client.request("GET", "/healthz", &[], b"").status, 200, "no older one was closed");
    }
    held.pop();
    until("the place is free again", || !is_reset(&server));
}

#[test]
fn event_streams_that_were_taken_over_count_as_sockets_until_they_end() {
    let server = limited(Way::Socket, Limits { sockets: number(2), ..Limits::NONE });
    let (stream, _other) = (server.subscribe("/sse"), server.subscribe("/sse"));
    assert!(is_reset(&server));
    drop(stream);
    until("its place is free again", || !is_reset(&server));
}

#[test]
fn streams_of_one_address_over_http_2() {
    for way in H2_WAYS {
        let server = limited(way, Limits { streams: number(2), ..Limits::NONE });
        let connections = [H2::open(server.address), H2::open(server.address)];
        let held = [connections[0].subscribe("/sse"), connections[1].subscribe("/sse")];
        is_too_many(&connections[0].request("GET", "/sse", &[], b""));
        let soft = connections[1].request("GET", "/sse", &[("accept", "text/event-stream")], b"");
        assert_eq!(soft.status, 200, "{way:?}");
        assert!(soft.body.starts_with(b"retry: "), "{way:?}: a browser comes back");
        assert_eq!(refused(&server, "streams"), 2);
        drop(held);
        drop(connections);
        until("they are free again", || {
            let answer = H2::open(server.address).send("GET", "/sse", &[], b"").0;
            answer.status == 200
        });
    }
}

#[test]
fn requests_of_one_address() {
    let server = limited(Way::Socket, Limits { requests: at_once(3), ..Limits::NONE });
    for _ in 0..3 {
        assert_eq!(server.get("/healthz").status, 200);
    }
    is_too_many(&server.get("/healthz"));
    let soft = server.client().request("GET", "/sse", &[("accept", "text/event-stream")], b"");
    assert!(soft.status == 200 && soft.body.starts_with(b"retry: "), "{soft:?}");
    assert_eq!(refused(&server, "requests"), 2);
    until("a second is over", || server.get("/healthz").status == 200);
}

#[test]
fn publishes_and_bytes_of_one_address() {
    let server = limited(Way::Socket, Limits { publishes: at_once(2), ..Limits::NONE });
    for _ in 0..2 {
        server.publish("/broadcast", "x");
    }
    is_too_many(&server.post("/broadcast", &[], "x"));
    assert_eq!(server.get("/channels/a/history").status, 200, "to read is no publish");
    let server = limited(Way::Socket, Limits { published_bytes: at_once(10), ..Limits::NONE });
    server.publish("/broadcast", "x".repeat(9));
    server.publish("/broadcast", "x".repeat(20));
    is_too_many(&server.post("/broadcast", &[], "x"));
    assert_eq!(refused(&server, "published-bytes"), 1);
}

#[test]
fn a_batch_waits_instead() {
    let server = limited(Way::Socket, Limits { publishes: at_once(2), ..Limits::NONE });
    let lines = "{\"all\":true,\"data\":1}\n".repeat(3);
    let began = std::time::Instant::now();
    assert_eq!(server.post("/publish", &[], &lines).json()["published"], 3);
    assert!(began.elapsed().as_millis() >= 900, "the third one has to wait");
}

#[test]
fn bodies_and_pages_of_one_address() {
    let server = limited(Way::Socket, Limits { bodies: number(1), history_pages: number(1), ..Limits::NONE });
    let mut client = server.client();
    client.send("POST /broadcast HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    // The body is asked for, so it is under way. A publish that only looked whether it is could come before it.
    assert_eq!(client.head().status, 100);
    is_too_many(&server.post("/broadcast", &[], "y"));
    assert_eq!(refused(&server, "bodies"), 1);
    client.send("xx");
    assert_eq!(client.answer().status, 202);
    server.publish("/broadcast", "y");
    // A page whose reader takes nothing.
    for _ in 0..8 {
        server.publish("/channels/a", "x".repeat(512 << 10));
    }
    let mut slow = Client::open_narrow(server.address);
    slow.send("GET /channels/a/history HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(slow.head().status, 200);
    is_too_many(&server.get("/channels/a/history"));
    assert_eq!(refused(&server, "history-pages"), 1);
    slow.reset();
    until("it has gone", || server.get("/channels/b/history").status == 200);
}

#[test]
fn streams_that_catch_up_of_one_address() {
    for way in [Way::Socket, Way::Body, Way::H2] {
        let server = limited(way, Limits { catch_up_reads: number(1), ..Limits::NONE });
        for _ in 0..16 {
            server.publish("/channels/a", "x".repeat(512 << 10));
        }
        let slow = if way.is_h2() {
            H2::open_narrow(server.address).subscribe("/channels/a?since=all")
        } else {
            let mut client = Client::open_narrow(server.address);
            client.send("GET /channels/a?since=all HTTP/1.1\r\nHost: test\r\n\r\n");
            assert_eq!(client.head().status, 200);
            support::stream::Stream::chunked(client)
        };
        is_too_many(&server.get("/channels/a?since=all"));
        drop(server.subscribe("/channels/a"));
        drop(slow);
        until("it has gone", || {
            H2::open(server.address).send("GET", "/channels/a?since=all", &[], b"").0.status == 200
        });
    }
}

#[test]
fn streams_of_one_client_id() {
    let server = Server::start(Way::Socket, Config { client_streams_max: Some(2), ..config(Way::Socket) });
    let held = [server.subscribe("/sse?id=ann"), server.subscribe("/sse?id=ann")];
    is_too_many(&server.get("/sse?id=ann"));
    drop(server.subscribe("/sse?id=bob"));
    assert_eq!(refused(&server, "client-streams"), 1);
    drop(held);
    until("they are gone", || {
        server.client().request("GET", "/healthz", &[], b"").status == 200 && server.matched("ann") == 0
    });
    drop(server.subscribe("/sse?id=ann"));
}

#[test]
fn a_grant_has_limits_of_its_own() {
    let server = Server::start(Way::Socket, Config { gate: Gate::new(access()), ..config(Way::Socket) });
    let limits = json!({ "streams": 1, "channels": 2, "publishes_per_second": 1 });
    let token = token(json!({ "subscribe": ["*"], "publish": ["*"], "client": "ann", "limits": limits }));
    let header = bearer(&token);
    let headers = [("authorization", header.as_str())];
    let ask = |path: &str| server.client().request("GET", path, &headers, b"");
    ask("/sse?channel=a&channel=b&channel=c").problem(403);
    let _stream = server.subscribe_with("/sse?channel=a&channel=b*", &headers);
    is_too_many(&ask("/sse"));
    let post = || server.post("/channels/a", &headers, "x");
    until("its two at once are used up", || post().status == 429);
    is_too_many(&post());
}

#[test]
fn a_holder_has_a_rate_wherever_it_calls_from() {
    let (key, keys) = api_key(7, "all = true");
    let gate = Gate::new(Access { keys: Some(keys), ..Access::default() });
    let holder_limits = Limits { publishes: at_once(2), ..Limits::NONE };
    let server = Server::start(Way::Socket, Config { gate, holder_limits, ..config(Way::Socket) });
    let header = bearer(&key);
    let post = || server.post("/broadcast", &[("authorization", &header)], "x");
    assert_eq!([post().status, post().status], [202, 202]);
    is_too_many(&post());
    assert_eq!(refused(&server, "holder-publishes"), 1);
}

fn behind_proxy(proxies: Proxies) -> Server {
    let trusted = Networks::new(["127.0.0.1"]).unwrap();
    let caller_limits = Limits { requests: at_once(1), sockets: number(2), ..Limits::NONE };
    let proxies = Proxies { trusted, ..proxies };
    Server::start(Way::Socket, Config { proxies, caller_limits, ..config(Way::Socket) })
}

#[test]
fn a_trusted_proxy_names_the_client_in_a_header() {
    let server = behind_proxy(Proxies { forwarded: Some(ForwardedBy::XForwardedFor), ..Proxies::default() });
    let ask = |from: &str| server.client().request("GET", "/healthz", &[("x-forwarded-for", from)], b"");
    assert_eq!(ask("203.0.113.1").status, 200);
    is_too_many(&ask("203.0.113.1"));
    is_too_many(&ask("198.51.100.9, 203.0.113.1"));
    assert_eq!(ask("203.0.113.2").status, 200, "another client");
    let forwarded = [("forwarded", "for=203.0.113.3")];
    assert_eq!(
        server.client().request("GET", "/healthz", &forwarded, b"").status,
        200,
        "the other header says nothing"
    );
    let server = Server::start(
        Way::Socket,
        Config { caller_limits: Limits { requests: at_once(1), ..Limits::NONE }, ..config(Way::Socket) },
    );
    for _ in 0..3 {
        let told = server.client().request("GET", "/healthz", &[("x-forwarded-for", "203.0.113.1")], b"");
        assert_eq!(told.status, 200, "nobody is trusted, so nobody is named");
    }
}

#[test]
fn streams_of_a_client_behind_a_proxy_count_over_http_1_too() {
    for way in [Way::Socket, Way::Body] {
        let trusted = Networks::new(["127.0.0.1"]).unwrap();
        let proxies = Proxies { trusted, forwarded: Some(ForwardedBy::XForwardedFor), ..Proxies::default() };
        let caller_limits = Limits { streams: number(2), ..Limits::NONE };
        let server = Server::start(way, Config { proxies, caller_limits, ..config(way) });
        let from = |client: &'static str| [("x-forwarded-for", client)];
        let held = [0, 1].map(|_| server.subscribe_with("/sse", &from("203.0.113.1")));
        is_too_many(&server.client().request("GET", "/sse", &from("203.0.113.1"), b""));
        drop(server.subscribe_with("/sse", &from("203.0.113.2")));
        drop(held);
        until("they are free again", || {
            let mut client = server.client();
            client.send("GET /sse HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: 203.0.113.1\r\n\r\n");
            client.head().status == 200
        });
    }
}

#[test]
fn patterns_that_cost_time_with_every_event_have_a_limit_for_each_address() {
    let server = limited(Way::Socket, Limits { inner_patterns: number(2), ..Limits::NONE });
    let stream = server.subscribe("/sse?channel=a*b&channel=*c");
    is_too_many(&server.get("/channels/d*e"));
    drop(server.subscribe("/channels/free*"));
    drop(stream);
    until("they are free again", || {
        let mut client = server.client();
        client.send("GET /channels/d*e HTTP/1.1\r\nHost: test\r\n\r\n");
        client.head().status == 200
    });
}

#[test]
fn a_trusted_proxy_names_the_client_before_everything_else() {
    let server = behind_proxy(Proxies { proxy_protocol: true, ..Proxies::default() });
    let connect = |from: &str| {
        let mut client = Client::open(server.listener);
        client.send(format!("PROXY TCP4 {from} 192.0.2.1 4711 443\r\n"));
        client
    };
    let mut first = connect("203.0.113.1");
    assert_eq!(first.request("GET", "/healthz", &[], b"").status, 200);
    is_too_many(&first.request("GET", "/healthz", &[], b""));
    let mut second = connect("203.0.113.1");
    // It has its seat, or it would not be answered.
    is_too_many(&second.request("GET", "/healthz", &[], b""));
    until("two sockets are as many as it may have", || {
        let mut third = connect("203.0.113.1");
        third.try_send("GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n");
        third.try_read() == 0
    });
    assert_eq!(connect("203.0.113.2").request("GET", "/healthz", &[], b"").status, 200);
    // Without the header a trusted proxy is not served.
    let mut bare = Client::open(server.listener);
    bare.try_send("GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(bare.try_read(), 0);
}

#[test]
fn loopback_addresses_have_the_limits_that_are_meant_for_them_alone() {
    let caller_limits = Limits { requests: at_once(1), sockets: number(1), ..Limits::NONE };
    let server = Server::start(Way::Socket, Config { caller_limits, ..config(Way::Socket) });
    let mut clients: Vec<_> = (0..4).map(|_| server.client()).collect();
    for client in &mut clients {
        assert_eq!(client.request("GET", "/healthz", &[], b"").status, 200);
    }
}

#[test]
fn an_address_over_its_limits_takes_nothing_from_another() {
    let limits = Limits { sockets: number(8), requests: at_once(20), ..Limits::NONE };
    let config = Config { sockets_max: 12, idle_connections_max: 12, loopback_limits: limits, ..config(Way::Socket) };
    let server = Server::start(Way::Socket, config);
    let open_from = |ip: [u8; 4]| {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&std::net::SocketAddr::from((ip, 0)).into()).unwrap();
        // A server that closes a socket at once may do so before the system has told of the connection.
        let is_connected = socket.connect(&server.listener.into()).is_ok();
        let mut stream = TcpStream::from(socket);
        let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n");
        let mut answer = [0; 12];
        let is_served = is_connected && stream.read_exact(&mut answer).is_ok() && answer == *b"HTTP/1.1 200";
        (stream, is_served)
    };
    let mut honest = open_from([127, 0, 0, 9]);
    assert!(honest.1);
    let attackers: Vec<_> = (0..40).map(|_| open_from([127, 0, 0, 66])).collect();
    assert!(attackers.iter().filter(|(_, is_served)| *is_served).count() <= 8);
    let _ = honest.0.write_all(b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n");
    let mut bytes = [0; 512];
    let count = honest.0.read(&mut bytes).unwrap();
    assert!(count > 0, "its connection was idle, and was not closed for the attacker's");
    assert!(open_from([127, 0, 0, 10]).1, "there is room for another");
    let _ = Arc::new(attackers);
}
