//! Proxies that say who their clients are: each client has limits of its own, whatever it says of itself.

use crate::{
    front::{Front, Kind},
    support::{curl_once, fanfare, server::Server, settings::limits},
};

const NGINX: [(&str, &str); 1] = [(
    "proxy_set_header Host $http_host;",
    "proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr;",
)];
/// In the file on port 3000, which the address of the node takes the place of.
const HAPROXY: [(&str, &str); 1] =
    [("server one 127.0.0.1:3000 pool-purge-delay 30s", "server fanfare 127.0.0.1:3000 send-proxy-v2")];

/// A server that takes one publish a second from each address, and believes 127.0.0.1.
fn served(flags: &[&str]) -> Server {
    let limits = limits(&["caller-publishes = '1/1'"]);
    Server::started(fanfare().args(["serve", "--listen=127.0.0.1:0", &limits]).args(flags))
}

/// The status of a publish of the client at this address.
fn publish(front: &Front, client: &str, headers: &[&str]) -> String {
    let url = format!("http://{}/channels/a", front.address);
    let rest = ["-o", "/dev/null", "-w", "%{http_code}", "-d", "x", "--interface", client];
    curl_once(&[&rest[..], headers, &[&url]].concat())
}

/// Publishes until the client is over its limit, which it is at once unless the machine is very slow.
#[track_caller]
fn exhaust(front: &Front, client: &str, headers: &[&str]) {
    let is_over = (0..50).any(|_| publish(front, client, headers) == "429");
    assert!(is_over, "{client} has no limit");
}

#[track_caller]
fn assert_each_client_has_its_own(mut node: Server, front: &Front) {
    let forged = ["-H", "X-Forwarded-For: 198.51.100.1", "-H", "Forwarded: for=198.51.100.1"];
    exhaust(front, "127.0.0.2", &[]);
    let line = node.process.line_with("refused status=429");
    assert!(line.contains("127.0.0.2"), "{line}");
    exhaust(front, "127.0.0.3", &forged);
    let line = node.process.line_with("refused status=429");
    assert!(line.contains("127.0.0.3"), "{line}");
    assert_eq!(publish(front, "127.0.0.4", &[]), "202");
    assert_eq!(node.post("/channels/a", &[], "x").status, 202, "the proxy's own address has no limit");
}

#[test]
fn nginx_says_it_in_x_forwarded_for() {
    let node = served(&["--trusted-proxy=127.0.0.1", "--forwarded-by=x-forwarded-for"]);
    let front = Front::start_with(Kind::Nginx, node.address, &NGINX);
    assert_each_client_has_its_own(node, &front);
}

#[test]
fn haproxy_says_it_with_the_proxy_protocol() {
    let mut node = served(&["--trusted-proxy=127.0.0.1", "--proxy-protocol"]);
    let front = Front::start_with(Kind::HaProxy, node.address, &HAPROXY);
    exhaust(&front, "127.0.0.2", &[]);
    let line = node.process.line_with("refused status=429");
    assert!(line.contains("127.0.0.2"), "{line}");
    exhaust(&front, "127.0.0.3", &["-H", "X-Forwarded-For: 198.51.100.1"]);
    assert_eq!(publish(&front, "127.0.0.4", &[]), "202");
    // Whoever is not trusted speaks plain HTTP.
    let url = format!("{}/channels/a", node.url);
    let direct = ["-o", "/dev/null", "-w", "%{http_code}", "-d", "x", "--interface", "127.0.0.9", &url];
    assert_eq!(curl_once(&direct), "202");
}

#[test]
fn a_proxy_that_is_not_trusted_is_one_client() {
    let node = served(&[]);
    let front = Front::start_with(Kind::Nginx, node.address, &NGINX);
    exhaust(&front, "127.0.0.2", &[]);
    exhaust(&front, "127.0.0.3", &[]);
    let mut node = node;
    for _ in 0..2 {
        let line = node.process.line_with("refused status=429");
        assert!(line.contains("127.0.0.1"), "{line}");
    }
}
