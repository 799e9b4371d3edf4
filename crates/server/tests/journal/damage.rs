//! Damaged files: the server serves the readable events, the log names the others, and clients that may miss some
//! receive a gap.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::{Server, data_until, id};

/// The newest segment.
fn segment(directory: &Path) -> PathBuf {
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|suffix| suffix == "journal")).max().expect("a segment")
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// Flips a bit of this text, which the file has only once.
fn flip(path: &Path, text: &str) {
    let mut bytes = fs::read(path).unwrap();
    let places: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(text.as_bytes())).collect();
    assert_eq!(places.len(), 1, "{text}");
    bytes[places[0]] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// Publishes events with these numbers. Returns their ids.
fn publish(server: &Server, numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| server.publish("/channels/a", &data(number))).collect()
}

fn data(number: usize) -> String {
    format!("event {number:03}")
}

fn numbers(server: &Server) -> Vec<usize> {
    let kept = server.history("a", "");
    let number = |event: &Value| event["data"].as_str().unwrap()["event ".len()..].parse().unwrap();
    kept["events"].as_array().unwrap().iter().map(number).collect()
}

#[test]
fn one_damaged_byte_costs_one_event_and_whoever_may_miss_it_is_told() {
    for signal in ["TERM", "KILL"] {
        let directory = tempfile::tempdir().unwrap();
        let server = Server::start(directory.path(), &[]);
        let mut ids = publish(&server, 0..30);
        server.end(signal);
        let damaged = segment(directory.path());
        let server = Server::start(directory.path(), &[]);
        ids.extend(publish(&server, 30..40));
        server.end(signal);
        flip(&damaged, &data(15));

        let server = Server::start(directory.path(), &[]);
        let without_it: Vec<usize> = (0..40).filter(|number| *number != 15).collect();
        assert_eq!(numbers(&server), without_it, "{signal}");
        let mut stream = server.resume("/channels/a", &ids[10]);
        let told = data_until(&mut stream, &data(39));
        let gap: Value = serde_json::from_str(&told[0]).unwrap();
        assert_eq!((&gap["from"], &gap["reason"]), (&json!(ids[10]), &json!("restart")), "{gap}");
        let to = id(gap["to"].as_str().unwrap());
        assert!(to >= id(&ids[15]) && to < id(&ids[16]), "{gap}: {} was lost", ids[15]);
        let expected: Vec<String> = (11..40).filter(|number| *number != 15).map(data).collect();
        assert_eq!(told[1..], expected);
        assert_eq!(server.history("a", &format!("after={}", ids[10]))["gap"], gap);
        // Who has what stands behind it misses nothing.
        let mut stream = server.resume("/channels/a", &ids[16]);
        assert_eq!(data_until(&mut stream, &data(39))[0], data(17));
        let log = server.log();
        let said = format!("behind event {} and before {}", ids[14], ids[16]);
        let line = log.iter().find(|line| line.contains(&said)).unwrap_or_else(|| panic!("{said}: {log:#?}"));
        assert!(line.contains("WARN") && line.contains(name(&damaged)) && line.contains("are damaged"), "{line}");
    }
}

#[test]
fn a_journal_goes_on_behind_damage_and_says_so_at_each_start() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    let mut ids = publish(&server, 0..10);
    server.end("KILL");
    // At the end, where nothing behind it tells how much is lost.
    flip(&segment(directory.path()), &data(9));
    for round in 0..3 {
        let server = Server::start(directory.path(), &[]);
        let kept = numbers(&server);
        assert_eq!(kept, (0..10 + round).filter(|number| *number != 9).collect::<Vec<_>>());
        let mut stream = server.resume("/channels/a", &ids[5]);
        ids.extend(publish(&server, 10 + round..11 + round));
        let told = data_until(&mut stream, &data(10 + round));
        let gap: Value = serde_json::from_str(&told[0]).unwrap();
        assert_eq!((&gap["from"], &gap["reason"]), (&json!(ids[5]), &json!("restart")), "{gap}");
        let to = id(gap["to"].as_str().unwrap());
        assert!(to >= id(&ids[9]) && to < id(&ids[10]), "{gap}: {} was lost", ids[9]);
        // And what came after the damage was found is safe.
        if round > 0 {
            let mut stream = server.resume("/channels/a", &ids[10]);
            assert_eq!(data_until(&mut stream, &data(10 + round))[0], data(11));
        }
        let mut log = server.log();
        log.retain(|line| line.contains("WARN"));
        assert!(log.len() == 1 && log[0].contains("damaged") && log[0].contains(&ids[8]), "{log:#?}");
    }
}

#[test]
fn a_write_that_was_not_finished_is_cut_off_and_reported_and_nobody_is_told_a_gap() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    let mut ids = publish(&server, 0..10);
    server.end("KILL");
    let torn = segment(directory.path());
    let bytes = fs::metadata(&torn).unwrap().len();
    fs::File::options().write(true).open(&torn).unwrap().set_len(bytes - 3).unwrap();

    let server = Server::start(directory.path(), &[]);
    assert_eq!(numbers(&server), (0..9).collect::<Vec<_>>());
    ids.extend(publish(&server, 10..11));
    let mut stream = server.resume("/channels/a", &ids[5]);
    assert_eq!(data_until(&mut stream, &data(10)), [6, 7, 8, 10].map(data));
    assert!(id(&ids[10]) > id(&ids[9]), "no id is given twice");
    let log = server.log();
    let line = log.iter().find(|line| line.contains("was not finished and is ignored"));
    let line = line.unwrap_or_else(|| panic!("{log:#?}"));
    assert!(line.contains("WARN") && line.contains(name(&torn)), "{line}");

    // It is known now how much of it counts.
    let server = Server::start(directory.path(), &[]);
    assert_eq!(numbers(&server), [0, 1, 2, 3, 4, 5, 6, 7, 8, 10]);
    let log = server.log();
    assert!(!log.iter().any(|line| line.contains("WARN")), "{log:#?}");
}

#[test]
fn segments_and_a_state_that_are_gone_are_reported_and_told() {
    let directory = tempfile::tempdir().unwrap();
    let (mut ids, mut segments) = (Vec::new(), Vec::new());
    for run in 0..3 {
        let server = Server::start(directory.path(), &[]);
        ids.extend(publish(&server, run * 5..run * 5 + 5));
        server.end("TERM");
        segments.push(segment(directory.path()));
    }
    fs::remove_file(&segments[1]).unwrap();
    let server = Server::start(directory.path(), &[]);
    assert_eq!(numbers(&server), [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]);
    let mut stream = server.resume("/channels/a", &ids[2]);
    let told = data_until(&mut stream, &data(14));
    let gap: Value = serde_json::from_str(&told[0]).unwrap();
    assert!(gap["reason"] == "restart" && id(gap["to"].as_str().unwrap()) >= id(&ids[9]), "{gap}");
    let log = server.log();
    assert!(
        log.iter().any(|line| line.contains("WARN") && line.contains("missing") && line.contains(&ids[4])),
        "{log:#?}"
    );

    fs::remove_file(directory.path().join("state")).unwrap();
    let server = Server::start(directory.path(), &[]);
    assert_eq!(numbers(&server), [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]);
    let log = server.log();
    assert!(log.iter().any(|line| line.contains("WARN") && line.contains("state: ")), "{log:#?}");
}

#[test]
fn ids_of_a_segment_whose_header_is_damaged_are_not_given_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut ids = Vec::new();
    for run in 0..4 {
        let server = Server::start(directory.path(), &[]);
        ids.extend(publish(&server, run * 5..run * 5 + 5));
        server.end("KILL");
    }
    let newest = segment(directory.path());
    let mut bytes = fs::read(&newest).unwrap();
    bytes[20] ^= 1;
    fs::write(newest, bytes).unwrap();
    let server = Server::start(directory.path(), &[]);
    let next = server.publish("/channels/a", &data(20));
    assert!(id(&next) > id(&ids[19]), "{} was given before {next}", ids[19]);
    let gap = server.history("a", &format!("after={}", ids[2]))["gap"].clone();
    assert!(id(gap["to"].as_str().unwrap()) >= id(&ids[19]), "{gap} does not tell of {}", ids[19]);
    server.end("TERM");
}

#[test]
fn damage_to_the_last_event_before_an_orderly_end_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    let ids = publish(&server, 0..10);
    server.end("TERM");
    flip(&segment(directory.path()), &data(9));
    let server = Server::start(directory.path(), &[]);
    assert_eq!(numbers(&server), (0..9).collect::<Vec<_>>());
    for cursor in [&ids[5], &ids[8]] {
        let gap = server.history("a", &format!("after={cursor}"))["gap"].clone();
        let to = gap["to"].as_str().unwrap_or_else(|| panic!("no gap behind {cursor}"));
        assert!(id(to) >= id(&ids[9]), "{gap} does not tell of {}", ids[9]);
    }
    server.end("TERM");
}
