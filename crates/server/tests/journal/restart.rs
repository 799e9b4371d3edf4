//! An acknowledged event is there after a restart, whether the server ended in order or was killed. So are idempotency
//! keys and positions in a stream. A gap before the restart is told as before.

use std::{fs, path::Path};

use fanfare_judge::{Block, CURSOR};
use serde_json::{Value, json};

use crate::{Server, data_until, id, support::settings::limits};

const FSYNC: [&str; 3] = ["always", "interval", "never"];
const SIGNALS: [&str; 2] = ["TERM", "KILL"];

#[test]
fn a_restart_keeps_history_and_keys_however_it_comes_and_whatever_fsync_is() {
    for (fsync, signal) in FSYNC.into_iter().flat_map(|fsync| SIGNALS.map(|signal| (fsync, signal))) {
        let directory = tempfile::tempdir().unwrap();
        let start = || Server::start(&directory.path().join("journal"), &["--fsync", fsync]);
        let key = [("idempotency-key", "k")];
        let server = start();
        let one = server.post("/channels/a", &key, "one").id();
        let two = server.publish("/channels/a", "two");
        server.end(signal);

        let server = start();
        assert_eq!(server.kept("a"), [(one.clone(), "one".into()), (two.clone(), "two".into())], "{fsync} {signal}");
        let again = server.post("/channels/a", &key, "one");
        assert_eq!((again.id(), again.header("idempotent-replayed")), (one.clone(), Some("true")), "{fsync} {signal}");
        assert_eq!(server.post("/channels/a", &key, "another").status, 422);
        let three = server.publish("/channels/a", "three");
        assert!(id(&one) < id(&two) && id(&two) < id(&three), "{fsync} {signal}: {one} {two} {three}");
        let mut stream = server.resume("/channels/a", &one);
        assert_eq!(data_until(&mut stream, "three"), ["two", "three"], "{fsync} {signal}");
        server.publish("/channels/a", "live");
        assert_eq!(data_until(&mut stream, "live"), ["live"], "{fsync} {signal}");
        // And once more, with the segments of two runs.
        server.end(signal);
        let server = start();
        let data: Vec<_> = server.kept("a").into_iter().map(|(_, data)| data).collect();
        assert_eq!(data, ["one", "two", "three", "live"], "{fsync} {signal}");
        let again = server.post("/channels/a", &key, "one");
        assert_eq!((again.id(), again.header("idempotent-replayed")), (one, Some("true")), "{fsync} {signal}");
        server.end("TERM");
    }
}

#[test]
fn every_member_of_an_event_and_every_target_comes_back() {
    for signal in SIGNALS {
        let directory = tempfile::tempdir().unwrap();
        let server = Server::start(directory.path(), &[]);
        let first = server.publish("/broadcast", "to all\nin two lines");
        server.publish("/channels/%C3%BC%2F1?event=price&id=order%207&retry=5000", "to a channel \u{1f980}");
        server.publish("/clients/me", "");
        server.publish("/channels/%C3%BC%2F1?keep=no", "live only");
        let batch = "{\"channels\":[\"ü/1\",\"b\"],\"data\":{\"n\":1.50}}\n{\"channel\":\"b\",\"data\":\"end\"}\n";
        assert_eq!(server.post("/publish", &[], batch).json()["published"], 2);
        let read = |server: &Server| {
            let mut stream = server.stream("/channels/b?channel=%C3%BC%2F1&id=me&since=earliest", None);
            let mut blocks = Vec::new();
            while blocks.last().is_none_or(|block: &Block| block.event.data != "end") {
                blocks.push(stream.next().unwrap().expect("the stream goes on"));
            }
            blocks
        };
        let before = read(&server);
        assert_eq!(before.len(), 5, "{before:?}");
        server.end(signal);
        let server = Server::start(directory.path(), &[]);
        assert_eq!(read(&server), before, "{signal}");
        // A publisher's own id is known, and only what comes behind it.
        let mut stream = server.resume("/channels/b?channel=%C3%BC%2F1&id=me", "order 7");
        assert_eq!(data_until(&mut stream, "end"), ["", "{\"n\":1.50}", "end"], "{signal}");
        let page = server.history("%C3%BC%2F1", "");
        assert_eq!(page["events"][0], json!({ "id": "order 7", "event": "price", "data": "to a channel \u{1f980}" }));
        let mut stream = server.resume("/channels/b", &first);
        assert_eq!(data_until(&mut stream, "end"), ["{\"n\":1.50}", "end"], "{signal}");
        server.end("TERM");
    }
}

#[test]
fn the_key_of_an_event_that_is_not_kept_and_those_of_a_batch_are_known_after_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    let key = [("idempotency-key", "k")];
    let live = server.post("/channels/a?keep=no", &key, "live").id();
    let batch = "{\"channel\":\"a\",\"data\":\"x\",\"idempotency_key\":\"k\"}\n";
    let first = server.post("/publish", &[], batch).json();
    server.end("KILL");
    let server = Server::start(directory.path(), &[]);
    let again = server.post("/channels/a?keep=no", &key, "live");
    assert_eq!((again.id(), again.header("idempotent-replayed")), (live, Some("true")));
    assert_eq!(server.post("/publish", &[], batch).json(), first);
    let kept: Vec<_> = server.kept("a").into_iter().map(|(_, data)| data).collect();
    assert_eq!(kept, ["x"]);
    server.end("TERM");
}

/// Restarts in these ways. At each start a stream goes on from the last position and gets no older one. Then an event
/// is published, and is the first that comes.
fn positions_are_good_over(directory: &Path, signals: &[&str]) {
    let mut last: Option<String> = None;
    for signal in signals {
        let server = Server::start(directory, &["--heartbeat=10ms"]);
        let mut stream = server.stream("/channels/a?heartbeat=cursor", last.as_deref());
        for _ in 0..3 {
            let block = stream.next().unwrap().expect("the stream goes on");
            assert_eq!(block.event.kind, CURSOR, "{signal}");
            let cursor = block.id.unwrap();
            assert!(last.as_ref().is_none_or(|last| id(last) <= id(&cursor)), "{last:?} {cursor}");
            last = Some(cursor);
        }
        drop(stream);
        server.end(signal);
    }
    let server = Server::start(directory, &[]);
    let mut stream = server.resume("/channels/a", &last.unwrap());
    server.publish("/channels/a", "end");
    assert_eq!(data_until(&mut stream, "end"), ["end"]);
    server.end("TERM");
}

#[test]
fn a_position_that_no_event_stands_for_is_good_over_restarts() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    server.publish("/channels/a", "before");
    server.end("KILL");
    positions_are_good_over(directory.path(), &["KILL", "KILL", "TERM", "KILL", "TERM", "TERM"]);
    let directory = tempfile::tempdir().unwrap();
    positions_are_good_over(directory.path(), &["TERM", "KILL", "KILL", "TERM"]);
}

#[test]
fn a_position_from_before_the_first_event_is_good_after_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    positions_are_good_over(directory.path(), &["KILL", "KILL", "TERM"]);
}

#[test]
fn what_was_before_the_journal_is_told_as_a_gap_and_what_was_before_a_restart_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    let one = server.publish("/channels/a", "one");
    server.end("KILL");
    let server = Server::start(directory.path(), &[]);
    let mut stream = server.resume("/channels/a", "1-0");
    let told = data_until(&mut stream, "one");
    assert_eq!(told.len(), 2, "{told:?}");
    let gap: Value = serde_json::from_str(&told[0]).unwrap();
    assert_eq!((&gap["from"], &gap["missed"], &gap["reason"]), (&json!("1-0"), &Value::Null, &json!("restart")));
    assert!(id(gap["to"].as_str().unwrap()) < id(&one), "{gap}");
    // The journal's birth, from which on nothing is missing.
    let born = gap["to"].as_str().unwrap();
    assert_eq!(data_until(&mut server.resume("/channels/a", born), "one"), ["one"]);
    server.end("TERM");
}

#[test]
fn events_larger_than_a_segment_are_written_as_a_whole_and_many_segments_are_read() {
    const FLAGS: [&str; 3] = ["--body-bytes=32MiB", "--history-bytes=128MiB", "--fsync=never"];
    let directory = tempfile::tempdir().unwrap();
    let large = ["x".repeat(20 << 20), "y".repeat(9 << 20), "z".repeat(9 << 20)];
    let server = Server::start(directory.path(), &FLAGS);
    let mut kept = Vec::new();
    for data in large.iter().map(String::as_str).chain(["small"]) {
        kept.push((server.publish("/channels/a", data), data.to_owned()));
    }
    server.end("KILL");
    let names = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(names.filter(|name| name.ends_with(".journal")).count() > 1, "it is more than one segment takes");
    let server = Server::start(directory.path(), &FLAGS);
    assert!(server.kept("a") == kept, "what is kept is not what was published");
    server.end("TERM");
}

#[test]
fn what_was_given_up_before_a_restart_is_told_in_the_same_way_behind_it() {
    let one_target = limits(&["history-targets = 1"]);
    for flag in ["--history-events=10", "--history-bytes=4KiB", &one_target, "--history-events=0"] {
        let directory = tempfile::tempdir().unwrap();
        let server = Server::start(directory.path(), &[flag]);
        let ids: Vec<String> = (0..30).map(|number| server.publish("/channels/a", &number.to_string())).collect();
        server.publish("/channels/b", "of another");
        let told = |server: &Server| {
            let page = server.history("a", &format!("after={}", ids[5]));
            (page["gap"].clone(), page["events"].clone())
        };
        let before = told(&server);
        assert_eq!(before.0["reason"], "expired", "{flag}");
        let mut server = server;
        for signal in SIGNALS {
            server.end(signal);
            server = Server::start(directory.path(), &[flag]);
            assert_eq!(told(&server), before, "{flag} {signal}");
        }
        server.end("TERM");
    }
}
