//! Journal files that were removed while no server ran. `fanfare journal check` names them, clients that may miss
//! events receive a gap, and no id is given twice.

use std::{fs, path::Path};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    Server, data_until, id,
    support::{fanfare, newest_segment, run},
};

const SIGNALS: [&str; 2] = ["TERM", "KILL"];
const RUNS: usize = 3;
const EVENTS_A_RUN: usize = 5;

/// Makes a journal of several runs with a segment each, all of which ended with this signal. Returns the ids of its
/// events, and its segments.
fn journal(signal: &str, runs: usize) -> (TempDir, Vec<String>, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    let (mut ids, mut segments) = (Vec::new(), Vec::new());
    for run in 0..runs {
        let server = Server::start(directory.path(), &[]);
        let numbers = run * EVENTS_A_RUN..(run + 1) * EVENTS_A_RUN;
        ids.extend(numbers.map(|number| server.publish("/channels/a", &number.to_string())));
        server.end(signal);
        segments.push(newest_segment(directory.path()).unwrap());
    }
    (directory, ids, segments)
}

fn without(directory: &Path, names: &[&str]) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        if !names.iter().any(|name| entry.file_name() == *name) {
            fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
    }
    copy
}

fn check(directory: &Path) -> (i32, String) {
    run(fanfare().args(["journal", "check"]).arg(directory))
}

/// Reads a stream behind `cursor`. If `is_told`, a gap comes first. Then come all events that are kept, and the gap
/// covers the others. Returns the end of the gap.
fn read(server: &Server, cursor: &str, ids: &[String], last: &str, is_told: bool, why: &str) -> Option<(u64, u64)> {
    let told = data_until(&mut server.resume("/channels/a", cursor), last);
    let gap = serde_json::from_str::<Value>(&told[0]).ok().filter(Value::is_object);
    let to = gap.map(|gap| {
        assert_eq!((&gap["reason"], &gap["from"]), (&"restart".into(), &cursor.into()), "{why}: {gap}");
        id(gap["to"].as_str().unwrap())
    });
    assert_eq!(to.is_some(), is_told, "{why}, behind {cursor}: {told:?}");
    for (number, event) in ids.iter().enumerate().filter(|(_, event)| id(event) > id(cursor)) {
        let is_covered = told.contains(&number.to_string()) || to >= Some(id(event));
        assert!(is_covered, "{why}: behind {cursor} event {number} is missing: {told:?}");
    }
    to
}

/// Removes the files and checks every promise. `is_told`: whether a client with the old cursor receives a gap.
fn take_away(signal: &str, runs: usize, victims: impl Fn(&[String]) -> Vec<String>, is_told: bool) {
    let (whole, ids, segments) = journal(signal, runs);
    let victims = victims(&segments);
    let why = format!("{signal}, {runs} runs, without {victims:?}");
    let (code, text) = check(whole.path());
    assert_eq!(code, 0, "{why}: {text}");
    let directory = without(whole.path(), &victims.iter().map(String::as_str).collect::<Vec<_>>());
    let (code, text) = check(directory.path());
    assert!(code == 1 && text.contains("events may be missing"), "{why}: {text}");

    let server = Server::start(directory.path(), &[]);
    let next = server.publish("/channels/a", "next");
    assert!(ids.iter().all(|before| id(before) < id(&next)), "{why}: {next} after {ids:?}");
    let to = read(&server, &ids[1], &ids, "next", is_told, &why);
    assert!(to < Some(id(&next)), "{why}: the gap ends at {to:?}, before {next}");
    // Who has the last one skips nothing new.
    let told = data_until(&mut server.resume("/channels/a", &ids[ids.len() - 1]), "next");
    assert!(told.len() <= 2, "{why}: {told:?}");
    // From before it began: told whatever is known.
    read(&server, "1-0", &ids, "next", true, &why);

    // A kill, and an orderly end: it is told as it was, and not as something new.
    for signal in ["KILL", "TERM"] {
        server_again(directory.path(), signal, |server| {
            assert_eq!(read(server, &ids[1], &ids, "next", is_told, &why), to, "{why}");
            let told = data_until(&mut server.resume("/channels/a", &next), "later");
            assert!(told.iter().all(|data| data == "later"), "{why}: {told:?}");
        });
    }
    server.end("KILL");
}

/// Copies the files as a kill leaves them. One server publishes an event there and ends with this signal. Calls `look`
/// with the next server.
fn server_again(directory: &Path, signal: &str, look: impl FnOnce(&Server)) {
    let copy = without(directory, &[]);
    let server = Server::start(copy.path(), &[]);
    server.publish("/channels/a", "later");
    server.end(signal);
    let server = Server::start(copy.path(), &[]);
    look(&server);
    server.end("TERM");
}

#[test]
fn the_newest_the_oldest_or_a_middle_segment_that_is_gone_is_found_and_told() {
    for (signal, gone) in SIGNALS.into_iter().flat_map(|signal| (0..RUNS).map(move |gone| (signal, gone))) {
        take_away(signal, RUNS, |segments| vec![segments[gone].clone()], true);
    }
}

#[test]
fn all_segments_that_are_gone_are_found_and_told() {
    for (signal, runs) in SIGNALS.into_iter().flat_map(|signal| [(signal, 1), (signal, RUNS)]) {
        take_away(signal, runs, |segments| segments.to_vec(), true);
        take_away(signal, runs, |segments| [segments, &["state".to_owned()]].concat(), true);
        take_away(signal, runs, |segments| [segments, &["newest".to_owned()]].concat(), true);
    }
}

#[test]
fn a_small_file_that_is_gone_is_found_and_what_it_would_have_told_is_told_as_lost() {
    for signal in SIGNALS {
        take_away(signal, RUNS, |_| vec!["newest".to_owned()], true);
        // Nothing was given up, so all is there.
        take_away(signal, RUNS, |_| vec!["state".to_owned()], false);
        take_away(signal, RUNS, |_| vec!["state".to_owned(), "newest".to_owned()], true);
        take_away(signal, RUNS, |segments| vec![segments[RUNS - 1].clone(), "newest".to_owned()], true);
    }
}

#[test]
fn a_check_and_the_log_name_the_segment_that_is_missing_at_the_end() {
    let (directory, ids, segments) = journal("TERM", 2);
    fs::remove_file(directory.path().join(&segments[1])).unwrap();
    let said = format!("segment 2 is missing, behind event {}", ids[EVENTS_A_RUN - 1]);
    let (_, text) = check(directory.path());
    assert!(text.lines().any(|line| line == said), "{text}");
    let log = Server::start(directory.path(), &[]).log();
    assert!(log.iter().any(|line| line.contains("WARN") && line.contains(&said)), "{log:#?}");
}

#[test]
fn losses_in_a_row_never_bring_an_id_back() {
    let directory = tempfile::tempdir().unwrap();
    let (mut last, mut seen) = ((0, 0), Vec::<String>::new());
    for number in 0..8 {
        let server = Server::start(directory.path(), &[]);
        let published = server.publish("/channels/a", &number.to_string());
        assert!(id(&published) > last, "{published} after {last:?}");
        last = id(&published);
        if let Some(first) = seen.first() {
            read(&server, first, &seen, &number.to_string(), true, "a loss in each run");
        }
        seen.push(published);
        server.end(SIGNALS[number % 2]);
        let newest = newest_segment(directory.path()).unwrap();
        fs::remove_file(directory.path().join(newest)).unwrap();
        assert_eq!(check(directory.path()).0, 1);
    }
}

#[test]
fn a_lock_that_is_gone_is_no_loss() {
    let (whole, ids, _) = journal("KILL", 1);
    let directory = without(whole.path(), &["lock"]);
    assert_eq!(check(directory.path()).0, 0);
    let server = Server::start(directory.path(), &[]);
    assert_eq!(server.kept("a").len(), ids.len());
    server.end("TERM");
}

#[test]
fn a_kill_at_any_moment_of_the_first_start_is_no_loss() {
    let directory = tempfile::tempdir().unwrap();
    for delay_us in (0..30).map(|step| step * 700) {
        let path = directory.path().join(delay_us.to_string());
        let server =
            crate::Process::start(fanfare().args(["serve", "--listen", "127.0.0.1:0", "--journal"]).arg(&path));
        // Wherever it has come to by then.
        std::thread::sleep(std::time::Duration::from_micros(delay_us));
        server.kill();
        let (code, text) = check(&path);
        let is_none = ["does not exist", "holds no journal"].iter().any(|none| text.contains(none));
        assert!(code == 0 || is_none, "{delay_us}: {text}");
        let log = Server::start(&path, &[]).log();
        assert!(!log.iter().any(|line| line.contains("WARN")), "{delay_us}: {log:#?}");
        assert_eq!(check(&path).0, 0);
    }
}
