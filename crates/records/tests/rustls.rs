//! rustls on the other side of our records, with every suite.

mod support;

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use rustls::{ClientConnection, ServerConnection, StreamOwned};
use support::{Ours, SUITES, certificate, client_config, name, server_config};

/// More than fits in one record.
const LONG: usize = 40_000;

fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (listener.accept().unwrap().0, client)
}

/// What rustls does on its side: it echoes what it reads, and goes on with a new key in the middle.
macro_rules! echo {
    ($stream:expr) => {{
        let mut stream = $stream;
        let mut bytes = vec![0; LONG];
        stream.read_exact(&mut bytes).unwrap();
        stream.write_all(&bytes[..LONG / 2]).unwrap();
        // This asks the other side to do the same.
        stream.conn.refresh_traffic_keys().unwrap();
        stream.write_all(&bytes[LONG / 2..]).unwrap();
        let mut after = [0; 5];
        stream.read_exact(&mut after).unwrap();
        assert_eq!(&after, b"after");
        stream.conn.send_close_notify();
        stream.flush().unwrap();
        assert_eq!(stream.read(&mut after).unwrap(), 0, "a close_notify came");
    }};
}

/// Our side of the same.
fn talk(mut ours: Ours) {
    let bytes: Vec<u8> = (0..LONG).map(|at| at as u8).collect();
    ours.send(&[&bytes[..3], b"", &bytes[3..20_000]]);
    ours.update_key(false);
    ours.send(&[&bytes[20_000..]]);
    assert_eq!(ours.receive_bytes(LONG), bytes);
    assert_eq!(ours.updates_seen, 1);
    ours.send(&[b"after"]);
    assert_eq!(ours.receive(), None);
    ours.close();
}

#[test]
fn a_client_of_rustls_reads_and_writes_and_updates_keys_both_ways() {
    for (suite, _) in SUITES {
        let (server, client) = sockets();
        let made = certificate();
        let config = Arc::new(client_config(suite, &made));
        let peer = thread::spawn(move || {
            echo!(StreamOwned::new(ClientConnection::new(config, name()).unwrap(), client));
        });
        talk(Ours::server(server, server_config(suite, &made)));
        peer.join().unwrap();
    }
}

#[test]
fn a_server_of_rustls_reads_and_writes_and_updates_keys_both_ways() {
    for (suite, _) in SUITES {
        let (server, client) = sockets();
        let made = certificate();
        let config = Arc::new(server_config(suite, &made));
        let peer = thread::spawn(move || {
            echo!(StreamOwned::new(ServerConnection::new(config).unwrap(), server));
        });
        talk(Ours::client(client, client_config(suite, &made)));
        peer.join().unwrap();
    }
}

#[test]
fn a_peer_may_ask_for_a_new_key_each_time() {
    for (suite, _) in SUITES {
        let (server, client) = sockets();
        let made = certificate();
        let config = Arc::new(client_config(suite, &made));
        let peer = thread::spawn(move || {
            let mut stream = StreamOwned::new(ClientConnection::new(config, name()).unwrap(), client);
            for number in 0..20_u8 {
                let mut read = [0];
                stream.read_exact(&mut read).unwrap();
                assert_eq!(read[0], number);
                stream.write_all(&read).unwrap();
            }
        });
        let mut ours = Ours::server(server, server_config(suite, &made));
        for number in 0..20 {
            ours.send(&[&[number]]);
            assert_eq!(ours.receive().unwrap(), [number]);
            // The answer of rustls comes in front of what it sends next.
            ours.update_key(true);
        }
        assert_eq!(ours.updates_seen, 19);
        peer.join().unwrap();
    }
}
