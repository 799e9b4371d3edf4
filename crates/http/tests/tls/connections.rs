//! Connections of rustls clients: versions, suites, keys, tickets, back-pressure and ends.

use std::{
    io::{Read as _, Write as _},
    sync::Arc,
};

use fanfare_http::{Pem, TlsAcceptor, TlsConfig, TlsOutlet};
use rustls::{ClientConfig, HandshakeKind, ProtocolVersion};

use crate::support::{
    frames::{PREFACE, SETTINGS, frame, request},
    server::{H1_WAYS, Server, Way, config},
    tls::{Authority, Secure, suites},
    until,
};

/// Of 20 kB each.
const EVENTS: usize = 60;
const OUTLETS: [TlsOutlet; 2] = [TlsOutlet::Records, TlsOutlet::Rustls];

fn server(authority: &Authority, way: Way, outlet: TlsOutlet) -> Server {
    Server::secure(way, TlsAcceptor::new(TlsConfig { outlet, ..authority.config() }).unwrap())
}

/// Publishes over a connection of its own.
#[track_caller]
fn publish(server: &Server, client: &Arc<ClientConfig>, data: &str) {
    let mut publisher = Secure::open(server.address, client);
    let head = "POST /broadcast?wait=written HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    publisher.send(format!("{head}Content-Length: {}\r\n\r\n{data}", data.len()));
    assert!(publisher.rest().starts_with("HTTP/1.1 202"), "{data}");
}

#[test]
fn a_stream_carries_events_with_every_version_and_suite_and_outlet() {
    let authority = Authority::new();
    for way in H1_WAYS {
        for outlet in OUTLETS {
            let server = server(&authority, way, outlet);
            for part in
                ["TLS13_AES_128", "TLS13_AES_256", "TLS13_CHACHA20", "ECDSA_WITH_AES_256", "ECDSA_WITH_CHACHA20"]
            {
                let client = Arc::new(authority.client_with(suites(part)));
                let mut stream = Secure::open(server.address, &client);
                stream.get("/sse?channel=a");
                assert!(stream.until("\r\n\r\n").starts_with("HTTP/1.1 200"), "{part}");
                for data in ["one", "two"] {
                    publish(&server, &client, data);
                    stream.until(&format!("data: {data}\n\n\r\n"));
                }
                let is_13 = part.starts_with("TLS13");
                let version = if is_13 { ProtocolVersion::TLSv1_3 } else { ProtocolVersion::TLSv1_2 };
                assert_eq!(stream.stream.conn.protocol_version(), Some(version));
            }
        }
    }
}

#[test]
fn keys_are_updated_in_the_middle_of_a_stream() {
    let authority = Authority::new();
    for outlet in OUTLETS {
        let server = server(&authority, Way::Socket, outlet);
        let client = Arc::new(authority.client());
        let mut stream = Secure::open(server.address, &client);
        stream.get("/sse?channel=a");
        stream.until("\r\n\r\n");
        for number in 0..5 {
            // This asks the server to do the same.
            stream.stream.conn.refresh_traffic_keys().unwrap();
            stream.stream.flush().unwrap();
            publish(&server, &client, &format!("event {number}"));
            stream.until(&format!("data: event {number}\n\n\r\n"));
        }
    }
}

#[test]
fn too_many_key_updates_without_data_end_the_connection() {
    let authority = Authority::new();
    for outlet in OUTLETS {
        let server = server(&authority, Way::Socket, outlet);
        let mut stream = Secure::open(server.address, &Arc::new(authority.client()));
        stream.get("/sse?channel=a");
        stream.until("\r\n\r\n");
        for _ in 0..40 {
            let _ = stream.stream.conn.refresh_traffic_keys();
            let _ = stream.stream.flush();
        }
        let error = stream.stream.read_to_end(&mut Vec::new()).unwrap_err();
        assert!(!error.to_string().contains("timed out"), "{outlet:?}: {error}");
    }
}

#[test]
fn a_client_comes_back_with_its_one_ticket() {
    let authority = Authority::new();
    let server = server(&authority, Way::Socket, TlsOutlet::Records);
    let client = Arc::new(authority.client());
    let mut kinds = Vec::new();
    for _ in 0..3 {
        let mut connection = Secure::open(server.address, &client);
        connection.get("/readyz");
        connection.until("ready\n");
        kinds.push(connection.stream.conn.handshake_kind());
    }
    assert_eq!(kinds, [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Resumed].map(Some));
}

#[test]
fn a_client_that_has_to_show_a_certificate_shows_it_each_time() {
    let authority = Authority::new();
    let client_ca = Some(Pem::Bytes(authority.pem().into()));
    let acceptor = TlsAcceptor::new(TlsConfig { client_ca, ..authority.config() }).unwrap();
    let server = Server::secure(Way::Socket, acceptor);
    let client = Arc::new(authority.client_of(&authority));
    for _ in 0..3 {
        let mut connection = Secure::open(server.address, &client);
        connection.get("/readyz");
        connection.until("ready\n");
        assert_eq!(connection.stream.conn.handshake_kind(), Some(HandshakeKind::Full));
    }
}

#[test]
fn a_key_update_and_a_request_may_come_together_with_the_end_of_the_handshake() {
    let authority = Authority::new();
    for outlet in OUTLETS {
        let server = server(&authority, Way::Socket, outlet);
        let client = Arc::new(authority.client());
        let mut connection = Secure::open(server.address, &client);
        connection.shake_but_for_the_last_flight();
        connection.stream.conn.refresh_traffic_keys().unwrap();
        connection.get("/readyz");
        connection.until("ready\n");
    }
}

#[test]
fn bodies_of_any_size_come_whole() {
    let authority = Authority::new();
    for outlet in OUTLETS {
        let server = server(&authority, Way::Socket, outlet);
        let client = Arc::new(authority.client());
        let mut stream = Secure::open(server.address, &client);
        stream.get("/sse?channel=a");
        stream.until("\r\n\r\n");
        for bytes in [1, 16_383, 16_384, 16_385, 500_000] {
            let data = "x".repeat(bytes);
            publish(&server, &client, &data);
            let came = stream.until("\n\n\r\n");
            assert!(came.ends_with(&format!("data: {data}\n\n\r\n")), "{outlet:?}, {bytes}");
        }
    }
}

#[test]
fn a_slow_reader_gets_everything_in_order() {
    let authority = Authority::new();
    for outlet in OUTLETS {
        let server = server(&authority, Way::Socket, outlet);
        let client = Arc::new(authority.client());
        let mut stream = Secure::open_narrow(server.address, &client);
        stream.get("/sse?channel=a");
        stream.until("\r\n\r\n");
        let mut publisher = Secure::open(server.address, &client);
        // More than the buffers of the kernel hold.
        let data = "y".repeat(20_000);
        for _ in 0..EVENTS {
            publisher.send(format!("POST /broadcast HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n{data}"));
            publisher.until("\r\n\r\n");
        }
        let end = format!("data: {data}\n\n\r\n");
        for number in 0..EVENTS {
            let came = stream.until("\n\n\r\n");
            assert!(came.ends_with(&end), "{outlet:?}, {number}: {}", &came[..came.len().min(200)]);
        }
        publish(&server, &client, "the last");
        stream.until("data: the last\n\n\r\n");
    }
}

#[test]
fn a_drain_ends_a_stream_with_a_close_notify() {
    let authority = Authority::new();
    for way in H1_WAYS {
        for outlet in OUTLETS {
            let mut server = server(&authority, way, outlet);
            let mut stream = Secure::open(server.address, &Arc::new(authority.client()));
            stream.get("/sse?channel=a");
            stream.until("\r\n\r\n");
            server.begin_drain();
            assert!(stream.rest().ends_with("0\r\n\r\n"), "{way:?} {outlet:?}");
            drop(stream);
            assert_eq!(server.drain().cut, 0, "{way:?} {outlet:?}");
        }
    }
}

#[test]
fn a_request_that_comes_in_one_piece_with_the_end_of_the_handshake_is_answered() {
    let authority = Authority::new();
    for outlet in OUTLETS {
        let server = server(&authority, Way::Socket, outlet);
        let mut client = Secure::open(server.address, &Arc::new(authority.client()));
        // rustls holds it back until it may be sent, and sends it together with Finished.
        client.stream.conn.writer().write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        client.until("ready\n");
    }
}

/// The start of a record whose rest does not come counts as what waits for a slow client, and makes room like that.
#[test]
fn records_that_never_end_hold_no_more_than_slow_streams_may() {
    const OFFENDERS: usize = 40;
    const BEGUN_BYTES: usize = 16_000;
    let authority = Authority::new();
    let (mut client, publisher) = (authority.client(), Arc::new(authority.client()));
    client.alpn_protocols = vec![b"h2".to_vec()];
    let client = Arc::new(client);
    for outlet in OUTLETS {
        let mut config = config(Way::H2);
        config.core.hub_ring_bytes_max = OFFENDERS * BEGUN_BYTES / 4;
        config.core.shards = 1;
        let acceptor = TlsAcceptor::new(TlsConfig { outlet, ..authority.config() }).unwrap();
        let server = Server::start_secure(Way::H2, config, acceptor);
        let ask = |id: &str| {
            let path = format!("/sse?id={id}");
            let mut stream = Secure::open(server.address, &client);
            stream
                .send([PREFACE, &frame(SETTINGS, 0, 0, &[]), &request(1, b"GET", path.as_bytes(), &[], None)].concat());
            stream.bytes_until("retry: ");
            stream
        };
        let matched = |id: &str| {
            let mut publisher = Secure::open(server.address, &publisher);
            publisher.send(format!(
                "POST /clients/{id} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 1\r\n\r\n?"
            ));
            let answer = publisher.rest();
            let count = answer.split_once("\"matched\":").unwrap().1.trim_end_matches(['}', '\n']);
            count.parse::<usize>().unwrap()
        };
        let mut honest = ask("honest");
        let mut offenders: Vec<_> = (0..OFFENDERS).map(|_| ask("offender")).collect();
        for offender in &mut offenders {
            offender.send_unsealed(&[&[23, 3, 3, 0x40, 0x11], &[0; BEGUN_BYTES][..]].concat());
        }
        until("most of them have been ended", || matched("offender") <= OFFENDERS / 4);
        assert!(matched("offender") > 0, "{outlet:?}: as many as have to");
        assert_eq!(matched("honest"), 1, "{outlet:?}");
        honest.bytes_until("data: ");
    }
}
