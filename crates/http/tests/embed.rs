//! The example that has Fanfare inside a program of its own, run as its reader would run it.

mod support;

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use support::{client::Client, stream::Stream};

#[test]
fn a_program_of_ones_own_publishes_and_answers_all_routes() {
    // Examples are built next to the tests.
    let tests = std::env::current_exe().unwrap();
    let example = tests.parent().and_then(|deps| deps.parent()).unwrap().join("examples/embed");
    let mut child = Command::new(&example)
        .arg("127.0.0.1:0")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}; `cargo build --examples` builds it", example.display()));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let address = lines.next().unwrap().trim_start_matches("listening on http://").parse().unwrap();

    let mut client = Client::open(address);
    client.send("GET /channels/dice HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(client.head().status, 200);
    let mut stream = Stream::chunked(client);
    stream.prelude();
    let told = Client::open(address).request("POST", "/dice", &[], b"3");
    assert!(String::from_utf8(told.body).unwrap().starts_with("1 streams heard of "));
    let roll = stream.event();
    assert_eq!((roll.kind.as_str(), roll.data.as_str()), ("roll", "a 3"));
    assert_eq!(Client::open(address).request("POST", "/broadcast", &[], b"hi").status, 202);
    assert_eq!(stream.data(), "hi");

    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(stream.next(), None, "a whole end");
    assert_eq!(lines.next().unwrap(), "connections that had to be cut: 0");
    assert!(child.wait().unwrap().success());
}
