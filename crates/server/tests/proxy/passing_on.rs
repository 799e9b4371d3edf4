//! The requests of nginx to a node. The test answers instead of both nodes, so it sees every request of nginx.

use std::thread;

use crate::{
    data,
    nginx::{Nginx, example, with},
    support::{
        peer::{Exchange, Peer},
        wire::{EventStream, Requests},
    },
};

/// Failures of the first node.
const FAILURES: [fn(Exchange); 2] =
    [drop::<Exchange>, |asked| asked.answer("503 Service Unavailable", "text/plain", "draining")];

/// nginx with this peer as both nodes.
fn in_front_of(peer: &Peer) -> Nginx {
    let address = peer.url().trim_start_matches("http://").parse().unwrap();
    Nginx::start([address; 2], &[])
}

#[test]
fn a_stream_is_asked_for_at_another_node_with_all_that_the_client_sent() {
    for fail in FAILURES {
        let peer = Peer::new();
        let nginx = in_front_of(&peer);
        let client = thread::spawn(move || {
            let stream = EventStream::open(nginx.address, "/sse?channel=a%2Fb", Some("7-0"));
            (stream.unwrap(), nginx)
        });
        fail(peer.next());
        let mut asked = peer.next();
        assert!(asked.head.starts_with("GET /sse?channel=a%2Fb HTTP/1.1\r\n"), "{}", asked.head);
        assert_eq!(asked.header("host"), Some("localhost"), "the client's, by which origins are checked");
        assert_eq!(asked.header("last-event-id"), Some("7-0"));
        assert_eq!(asked.header("connection"), None, "nginx's own would end each connection");
        // Without `x-accel-buffering: no`, with which Fanfare asks for the same.
        asked.begin_stream();
        let (mut stream, _nginx) = client.join().unwrap();
        asked.write("id: 8-0\ndata: live\n\n");
        assert_eq!(data(&mut stream), "live", "it does not wait for more");
    }
}

#[test]
fn a_publish_is_asked_for_once_also_with_a_key() {
    let cases = ["/channels/a", "/publish"].into_iter().flat_map(|path| FAILURES.map(|fail| (path, fail)));
    for (path, fail) in cases {
        let peer = Peer::new();
        let nginx = in_front_of(&peer);
        let client = thread::spawn(move || {
            let mut requests = Requests::open(nginx.address).unwrap();
            let status = requests.post(path, &[("idempotency-key", "k")], "one").unwrap().status;
            (status, requests.get("/the-next").unwrap().status)
        });
        let mut asked = peer.next();
        assert!(asked.head.starts_with(&format!("POST {path} HTTP/1.1\r\n")), "{}", asked.head);
        assert_eq!(asked.body(), b"one");
        fail(asked);
        let asked = peer.next();
        assert!(asked.head.starts_with("GET /the-next HTTP/1.1\r\n"), "{}", asked.head);
        asked.answer("200 OK", "text/plain", "");
        let (status, next) = client.join().unwrap();
        assert!([502, 503].contains(&status), "the client hears of it: {status}");
        assert_eq!(next, 200);
    }
}

#[test]
fn the_nodes_of_compose_differ_from_those_of_the_plain_commands_in_their_addresses_alone() {
    let addresses = [("node-a:3000", "127.0.0.1:3001"), ("node-b:3000", "127.0.0.1:3002")];
    assert_eq!(with(example("compose-nodes.conf"), &addresses), example("nodes.conf"));
}
