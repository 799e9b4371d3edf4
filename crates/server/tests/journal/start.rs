//! A slow start: a signal ends it in order, and the journal stays whole.

use std::fmt::Write as _;

use crate::{
    Server,
    support::{Process, fanfare, run},
};

const EVENTS: usize = 60_000;
const ATTEMPTS_MAX: usize = 30;

#[test]
fn a_signal_while_the_journal_is_read_ends_the_server_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let flags = ["--history-events=1000000", "--history-bytes=1GiB"];
    let server = Server::start(directory.path(), &flags);
    let mut batch = String::new();
    for number in 0..EVENTS {
        writeln!(batch, "{{\"channel\":\"a\",\"data\":\"{number}\"}}").unwrap();
    }
    assert_eq!(server.post("/publish", &[], &batch).json()["published"], EVENTS);
    let last = server.publish("/channels/a", "last");
    server.end("KILL");
    for signal in ["TERM", "INT"] {
        // On a fast machine it may have been read before the signal came; then it ends in order as well.
        let was_reading = (0..ATTEMPTS_MAX).any(|_| {
            let mut command = fanfare();
            command.args(["serve", "--listen", "127.0.0.1:0", "--journal"]).arg(directory.path()).args(flags);
            let mut process = Process::start(&mut command);
            process.line_with("reading the journal");
            process.signal(signal);
            let lines = process.remaining_lines();
            assert_eq!(process.exit().code(), Some(0), "{lines:#?}");
            !lines.iter().any(|line| line.contains("listening on"))
        });
        assert!(was_reading, "the journal is too small for this");
        let (code, text) = run(fanfare().args(["journal", "check"]).arg(directory.path()));
        assert_eq!(code, 0, "{text}");
        assert!(text.contains(&format!("{} events", EVENTS + 1)), "{text}");
    }
    let server = Server::start(directory.path(), &flags);
    let mut stream = server.stream("/channels/a?since=earliest", None);
    let mut next = 0;
    while let Some(block) = stream.next().unwrap() {
        if block.id.as_deref() == Some(&last) {
            break;
        }
        assert_eq!(block.event.data, next.to_string());
        next += 1;
    }
    assert_eq!(next, EVENTS);
    server.end("TERM");
}
