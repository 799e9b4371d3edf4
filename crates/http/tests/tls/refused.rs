//! Clients that get no connection: what they send is no handshake, or none that the server can do.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use fanfare_http::{Pem, TlsAcceptor, TlsConfig};
use rustls::ClientConfig;

use crate::support::{
    PATIENCE,
    server::{Server, Way},
    tls::{Authority, Secure},
};

fn connect(server: &Server) -> TcpStream {
    let socket = TcpStream::connect(server.address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Sends `bytes`, and gives all that comes back.
fn answer_to(server: &Server, bytes: &[u8]) -> Vec<u8> {
    let mut socket = connect(server);
    socket.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    answer
}

#[test]
fn plain_http_gets_an_answer_that_says_so() {
    let server = Server::secure(Way::Socket, Authority::new().acceptor());
    let answer = answer_to(&server, b"GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n") && answer.contains("https://"), "{answer}");
}

/// A ClientHello of SSL 3.0 or TLS 1.0 with one suite.
fn old_hello(minor: u8) -> Vec<u8> {
    let body = [&[3, minor][..], &[7; 32], &[0], &[0, 2, 0, 47], &[1, 0]].concat();
    let length = u8::try_from(body.len()).unwrap();
    [&[22, 3, minor, 0, length + 4, 1, 0, 0, length][..], &body].concat()
}

#[test]
fn an_old_version_is_refused_with_an_alert() {
    let server = Server::secure(Way::Socket, Authority::new().acceptor());
    for minor in [0, 1, 2] {
        let answer = answer_to(&server, &old_hello(minor));
        assert_eq!((answer[0], answer.len()), (21, 7), "an alert: {answer:?}");
    }
}

#[test]
fn what_is_no_handshake_is_closed() {
    let server = Server::secure(Way::Socket, Authority::new().acceptor());
    for bytes in [&b"\0\0\0\0"[..], b"\x80\x2e\x01\x03\x01", &[23, 3, 3, 0, 1, 0]] {
        assert_eq!(answer_to(&server, bytes), b"", "{bytes:?}");
    }
    // A record that is too long.
    let answer = answer_to(&server, &[&[22, 3, 1, 0xff, 0xff][..], &[0; 70_000]].concat());
    assert_eq!(answer[0], 21, "{answer:?}");
}

#[test]
fn a_client_of_another_protocol_is_refused() {
    let authority = Authority::new();
    let server = Server::secure(Way::Socket, authority.acceptor());
    // The second is spoken only while an authority is to check a name.
    for protocol in ["imap", "acme-tls/1"] {
        let mut config = authority.client();
        config.alpn_protocols = vec![protocol.into()];
        let error = Secure::open(server.address, &Arc::new(config)).shake().unwrap_err();
        assert!(error.to_string().contains("NoApplicationProtocol"), "{protocol}: {error}");
    }
    for (protocol, chosen) in [("http/1.1", "http/1.1"), ("h2", "h2")] {
        let mut config = authority.client();
        config.alpn_protocols = vec![b"imap".to_vec(), protocol.into()];
        let mut client = Secure::open(server.address, &Arc::new(config));
        client.shake().unwrap();
        assert_eq!(client.stream.conn.alpn_protocol(), Some(chosen.as_bytes()));
    }
}

fn is_served(server: &Server, config: ClientConfig) -> bool {
    let mut client = Secure::open(server.address, &Arc::new(config));
    let _ = client.stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    client.stream.read_to_string(&mut answer).is_ok() && answer.contains("200 OK")
}

#[test]
fn a_client_without_a_certificate_is_refused_where_one_is_required() {
    let (authority, others) = (Authority::new(), Authority::new());
    let client_ca = Some(Pem::Bytes(authority.pem().into()));
    let acceptor = TlsAcceptor::new(TlsConfig { client_ca, ..authority.config() }).unwrap();
    let server = Server::secure(Way::Socket, acceptor);
    assert!(is_served(&server, authority.client_of(&authority)));
    assert!(!is_served(&server, authority.client()));
    assert!(!is_served(&server, authority.client_of(&others)), "of an authority that is not trusted");
}

#[test]
fn other_authorities_of_clients_take_the_place_of_the_first_unless_something_is_wrong_with_them() {
    let (authority, others) = (Authority::new(), Authority::new());
    let client_ca = Some(Pem::Bytes(authority.pem().into()));
    let acceptor = TlsAcceptor::new(TlsConfig { client_ca, ..authority.config() }).unwrap();
    let server = Server::secure(Way::Socket, acceptor.clone());
    let file = |bytes: &str| Pem::FileBytes { path: "clients.pem".into(), bytes: bytes.into() };
    let error = acceptor.replace_client_ca(&file("nothing")).unwrap_err().to_string();
    assert!(error.starts_with("clients.pem: there is no certificate in it"), "{error}");
    assert!(is_served(&server, authority.client_of(&authority)));
    acceptor.replace_client_ca(&file(&others.pem())).unwrap();
    assert!(is_served(&server, authority.client_of(&others)));
    assert!(!is_served(&server, authority.client_of(&authority)));
    assert!(!is_served(&server, authority.client()));
}

/// The bytes of a handshake that a client sends until it waits for the server.
fn hello(authority: &Authority) -> Vec<u8> {
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let mut connection = rustls::ClientConnection::new(Arc::new(authority.client()), name).unwrap();
    let mut bytes = Vec::new();
    connection.write_tls(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_client_that_stops_in_its_handshake_is_closed_in_time() {
    let authority = Authority::new();
    let handshake_timeout = Duration::from_millis(300);
    let acceptor = TlsAcceptor::new(TlsConfig { handshake_timeout, ..authority.config() }).unwrap();
    let server = Server::secure(Way::Socket, acceptor);
    let hello = hello(&authority);
    let begun = Instant::now();
    thread::scope(|scope| {
        for bytes in [0, 1, 5, hello.len() / 2, hello.len() - 1, hello.len()] {
            let (server, hello) = (&server, &hello);
            scope.spawn(move || {
                let begun = Instant::now();
                answer_to(server, &hello[..bytes]);
                assert!(begun.elapsed() >= handshake_timeout, "{bytes} bytes");
            });
        }
        // A byte now and then does not help.
        scope.spawn(|| {
            let mut socket = connect(&server);
            let mut bytes = hello.iter().cycle();
            while socket.write_all(&[*bytes.next().unwrap()]).is_ok() {
                assert!(begun.elapsed() < PATIENCE, "it may go on for ever");
                thread::sleep(Duration::from_millis(10));
            }
        });
    });
}

#[test]
fn open_streams_go_on_while_others_break_their_handshakes() {
    let authority = Authority::new();
    let server = Server::secure(Way::Socket, authority.acceptor());
    let client = Arc::new(authority.client());
    let mut stream = Secure::open(server.address, &client);
    stream.get("/sse?channel=a");
    stream.until("\r\n\r\n");
    let hello = hello(&authority);
    for end in (0..hello.len()).step_by(16) {
        connect(&server).write_all(&hello[..end]).unwrap();
        let mut broken = hello.clone();
        broken[end] ^= 0x55;
        connect(&server).write_all(&broken).unwrap();
    }
    let mut publisher = Secure::open(server.address, &client);
    publisher.send("POST /broadcast HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello");
    publisher.until("\r\n\r\n");
    stream.until("data: hello\n\n\r\n");
}
