//! More is published at once than any socket holds: readers that read get all of it.

mod support;

use std::{fmt::Write as _, thread};

use support::server::{Server, Way, config};

const EVENTS: usize = 30_000;

fn data(number: usize) -> String {
    format!("{number} {}", "x".repeat(500))
}

#[test]
fn a_flood_loses_nothing_for_readers_that_read() {
    let mut config = config(Way::Socket);
    config.send_buffer_bytes = 4 << 10;
    // However slow the machine is.
    config.core.patience_ms = 60_000;
    let server = Server::start(Way::Socket, config);
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let mut stream = server.subscribe("/sse?channel=a");
            thread::spawn(move || (0..EVENTS).take_while(|n| stream.next().unwrap().data == data(*n)).count())
        })
        .collect();
    let mut batch = String::new();
    for number in 0..EVENTS {
        writeln!(batch, "{{\"channel\":\"a\",\"data\":\"{}\"}}", data(number)).unwrap();
    }
    let headers = [("content-type", "application/x-ndjson")];
    let answer = server.client().request("POST", "/publish", &headers, batch.as_bytes());
    assert_eq!(answer.status, 202, "{answer:?}");
    for reader in readers {
        assert_eq!(reader.join().unwrap(), EVENTS);
    }
}
