//! Journals with random damage. The server serves only the events that it can read, and clients that may miss some
//! receive a gap. `DAMAGE_SEED` repeats a run.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde_json::Value;

use crate::{
    Server, id,
    support::{rng::Rng, until},
};

const ROUNDS: u64 = 25;
const RUNS: usize = 4;
const EVENTS_A_RUN: usize = 25;

/// An event as its publisher knows it.
type Event = (String, String);

/// Makes a journal of several runs, each of which ended in order or was killed.
fn make(directory: &Path, rng: &mut Rng) -> Vec<Event> {
    let mut published = Vec::new();
    for run in 0..RUNS {
        let server = Server::start(directory, &[]);
        let mut requests = server.requests();
        for number in 0..EVENTS_A_RUN {
            let data = format!("{run}-{number} {}", "x".repeat(usize::try_from(rng.number(300)).unwrap()));
            let id = requests.post("/channels/a", &[], &data).unwrap().id();
            published.push((id, data));
        }
        drop(requests);
        server.end(rng.pick(&["TERM", "KILL"]));
    }
    // Ids run ahead of the clock when a server is killed again and again; what is lost has to be below now.
    let newest = u128::from(id(&published.last().unwrap().0).0);
    until("the clock is beyond the newest id", || unix_time().as_millis() > newest);
    published
}

fn unix_time() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap()
}

fn segments(directory: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|suffix| suffix == "journal")).collect();
    paths.sort();
    paths
}

/// Damages one file in one way. Returns a description for a failing test. The end of the newest segment is never cut,
/// because nobody could notice that.
fn damage(directory: &Path, rng: &mut Rng) -> String {
    let segments = segments(directory);
    let newest = segments.last().unwrap();
    let path = rng.pick(&[segments.clone(), vec![directory.join("state"), directory.join("newest")]].concat());
    let Ok(mut bytes) = fs::read(&path) else { return "nothing".to_owned() };
    let length = bytes.len() as u64;
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    if length == 0 {
        return "nothing".to_owned();
    }
    let at = usize::try_from(rng.number(length)).unwrap();
    let what = match rng.number(6) {
        0 => {
            fs::remove_file(&path).unwrap();
            return format!("{name} removed");
        }
        1 if path != *newest => {
            bytes.truncate(at);
            format!("cut at {at}")
        }
        2 => {
            let end = bytes.len().min(at + 200);
            bytes[at..end].fill(0);
            format!("zeros from {at} to {end}")
        }
        3 => {
            let end = bytes.len().min(at + 200);
            bytes.copy_within(at..end, 0);
            format!("{at} to {end} copied to the beginning")
        }
        _ => {
            bytes[at] ^= 1 << rng.number(8);
            format!("a bit at {at} flipped")
        }
    };
    fs::write(&path, bytes).unwrap();
    format!("{name} of {length} bytes: {what}")
}

/// Returns all events kept behind an id, and the gap if one was told.
fn behind(server: &Server, after: &str) -> (Vec<Event>, Value) {
    let page = server.history("a", &format!("after={after}"));
    let text = |event: &Value, member| event[member].as_str().unwrap().to_owned();
    let events = page["events"].as_array().unwrap();
    (events.iter().map(|event| (text(event, "id"), text(event, "data"))).collect(), page["gap"].clone())
}

#[test]
fn whatever_is_damaged_nothing_false_is_served_and_nothing_is_missing_without_a_word() {
    let given = env::var("DAMAGE_SEED").ok().map(|seed| seed.parse().expect("DAMAGE_SEED is a number"));
    let seed = given.unwrap_or_else(|| u64::from(unix_time().subsec_nanos()));
    let mut rng = Rng::new(seed);
    let whole = tempfile::tempdir().unwrap();
    let published = make(whole.path(), &mut rng);
    for round in 0..ROUNDS {
        let copy = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(whole.path()).unwrap().map(Result::unwrap) {
            fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
        let damages: Vec<_> = (0..=rng.number(3)).map(|_| damage(copy.path(), &mut rng)).collect();
        let context = format!("DAMAGE_SEED={seed}, round {round}: {damages:?}");
        let server = Server::start(copy.path(), &[]);
        let next = server.publish("/channels/a", "next");
        check(&server, &published, &next, &context);
        server.end("KILL");
        let server = Server::start(copy.path(), &[]);
        check(&server, &published, &next, &format!("{context}, and a restart"));
        server.end("TERM");
    }
}

/// Checks that behind some of the events the published ones come, or a gap that covers them.
fn check(server: &Server, published: &[Event], next: &str, context: &str) {
    for (index, (cursor, _)) in published.iter().enumerate().step_by(7) {
        let (kept, gap) = behind(server, cursor);
        let mut due = [&published[index + 1..], &[(next.to_owned(), "next".to_owned())]].concat();
        let missing: Vec<_> = due.iter().filter(|event| !kept.contains(event)).cloned().collect();
        due.retain(|event| !missing.contains(event));
        assert!(kept == due, "{context}: false, doubled or out of order behind {cursor}: {kept:?}");
        let Some((last_missing, _)) = missing.last() else { continue };
        let to = gap["to"].as_str().unwrap_or_else(|| panic!("{context}: no gap behind {cursor}: {missing:?}"));
        assert!(id(to) >= id(last_missing) && id(to) < id(next), "{context}: {gap}, and {last_missing} is missing");
        assert_eq!(gap["from"], cursor.as_str(), "{context}");
    }
}
