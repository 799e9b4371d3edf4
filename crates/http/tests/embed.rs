//! The examples that have Fanfare inside a program of its own, run as their reader would run them.

mod support;

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use support::{client::Client, stream::Stream};

/// Starts an example. Gives its process, its address, and its output from then on.
fn start(name: &str) -> (Child, SocketAddr, impl Iterator<Item = String>) {
    // Examples are built next to the tests.
    let tests = std::env::current_exe().unwrap();
    let example = tests.parent().and_then(|deps| deps.parent()).unwrap().join("examples").join(name);
    let mut child = Command::new(&example)
        .arg("127.0.0.1:0")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}; `cargo build --examples` builds it", example.display()));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let address = lines.next().unwrap().trim_start_matches("listening on http://").parse().unwrap();
    (child, address, lines)
}

fn follow(address: SocketAddr, path: &str) -> Stream {
    let mut client = Client::open(address);
    client.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
    assert_eq!(client.head().status, 200);
    let mut stream = Stream::chunked(client);
    stream.prelude();
    stream
}

fn interrupt(child: &Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn a_program_of_ones_own_publishes_and_answers_all_routes() {
    let (mut child, address, mut lines) = start("embed");
    let mut stream = follow(address, "/channels/dice");
    let told = Client::open(address).request("POST", "/dice", &[], b"3");
    assert!(String::from_utf8(told.body).unwrap().starts_with("1 streams heard of "));
    let roll = stream.event();
    assert_eq!((roll.kind.as_str(), roll.data.as_str()), ("roll", "a 3"));
    assert_eq!(Client::open(address).request("POST", "/broadcast", &[], b"hi").status, 202);
    assert_eq!(stream.data(), "hi");

    interrupt(&child);
    assert_eq!(stream.next(), None, "a whole end");
    assert_eq!(lines.next().unwrap(), "connections that had to be cut: 0");
    assert!(child.wait().unwrap().success());
}

#[test]
fn an_axum_application_publishes_follows_and_answers_all_routes() {
    let (mut child, address, mut lines) = start("axum");
    let mut stream = follow(address, "/channels/orders");
    let told = Client::open(address).request("POST", "/orders/42", &[], b"two of them");
    assert!(String::from_utf8(told.body).unwrap().starts_with("order 42 is event "));
    assert_eq!(stream.data(), "42: two of them");
    assert_eq!(lines.next().unwrap(), "42: two of them", "its own task follows too");
    let large = "x".repeat(500_000);
    assert_eq!(Client::open(address).request("POST", "/channels/orders", &[], large.as_bytes()).status, 202);
    assert_eq!(stream.data(), large);
    assert_eq!(lines.next().unwrap(), large);
    let history = Client::open(address).request("GET", "/channels/orders/history", &[], b"").json();
    assert_eq!(history["events"].as_array().unwrap().len(), 2);
    interrupt(&child);
    assert_eq!(stream.next(), None, "a whole end");
    assert_eq!(lines.next().unwrap(), "connections that had to be cut: 0");
    assert!(child.wait().unwrap().success());
}
