//! Idempotency keys in a journal. They live longer than their events, which do not keep disk space because of them, and
//! they survive restarts of any kind.

use std::{fs, path::Path};

use crate::{
    Server, data_until,
    support::{small_disk::SmallDisk, until, wire::Answer},
};

const EVENTS: usize = 40;
const EVENT_BYTES: usize = 1_000_000;
const FLAGS: [&str; 1] = ["--history-events=2"];
/// Largest size of the journal: twice the history of two events, segments, the reserve, and segments being rewritten.
/// Without giving space back it is 30 MB or more.
const DISK_BYTES_MAX: u64 = 12 << 20;

fn disk_bytes(journal: &Path) -> u64 {
    let files = fs::read_dir(journal).unwrap();
    // A file may be gone by the time it is looked at.
    files.filter_map(|file| file.unwrap().metadata().ok()).map(|metadata| metadata.len()).sum()
}

fn data(number: usize) -> String {
    format!("{number} {}", "x".repeat(EVENT_BYTES))
}

fn publish(server: &Server, number: usize, key: &str, query: &str) -> Answer {
    server.post(&format!("/channels/a{query}"), &[("idempotency-key", key)], &data(number))
}

#[test]
fn keyed_events_take_no_more_of_the_disk_than_others_and_their_keys_are_known_after_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, unkeyed) = (directory.path().join("keyed"), directory.path().join("unkeyed"));
    let other = Server::start(&unkeyed, &FLAGS);
    let mut server = Server::start(&journal, &FLAGS);
    let mut first = Vec::new();
    for number in 0..EVENTS {
        other.publish("/channels/a", &data(number));
        // Every fourth one is in the journal for its key alone, from the beginning.
        let query = if number % 4 == 0 { "?keep=no" } else { "" };
        let answer = publish(&server, number, &number.to_string(), query);
        assert_eq!((answer.status, answer.header("idempotent-replayed")), (202, None), "{answer:?}");
        first.push((answer.id(), answer.json()["matched"].clone()));
    }
    until("the space of events is given back", || disk_bytes(&unkeyed) < DISK_BYTES_MAX);
    until("the space of keyed events is given back", || disk_bytes(&journal) < DISK_BYTES_MAX);
    other.end("TERM");
    for signal in ["KILL", "TERM", "KILL"] {
        server.end(signal);
        server = Server::start(&journal, &FLAGS);
        for number in [0, 1, EVENTS / 2, EVENTS - 1] {
            let query = if number % 4 == 0 { "?keep=no" } else { "" };
            let again = publish(&server, number, &number.to_string(), query);
            let told = (again.id(), again.json()["matched"].clone());
            assert_eq!((told, again.header("idempotent-replayed")), (first[number].clone(), Some("true")), "{signal}");
            assert_eq!(publish(&server, number + 1, &number.to_string(), query).status, 422);
        }
        let kept: Vec<_> = server.kept("a").into_iter().map(|(id, _)| id).collect();
        assert_eq!(kept, [first[EVENTS - 2].0.clone(), first[EVENTS - 1].0.clone()], "{signal}");
    }
    let mut stream = server.resume("/channels/a", &first[EVENTS - 2].0);
    server.publish("/channels/a", "end");
    let told = data_until(&mut stream, "end");
    assert_eq!(told.len(), 2, "nothing comes twice");
    server.end("TERM");
}

#[test]
fn a_disk_that_is_full_of_events_that_were_all_needed_gives_them_back_when_they_are_too_old() {
    let disk = SmallDisk::new(4);
    let flags = ["--history-age=3s", "--history-bytes=1GiB", "--history-events=100000"];
    let server = Server::start(&disk.path("journal"), &flags);
    let mut requests = server.requests();
    let mut acknowledged = 0;
    let mut publish = || {
        let status = requests.post("/channels/a", &[], &"x".repeat(100_000)).unwrap().status;
        acknowledged += usize::from(status == 202);
        status
    };
    until("the disk is full", || publish() == 503);
    until("there is room by itself", || publish() == 202);
    let kept = server.history("a", "since=earliest")["events"].as_array().unwrap().len();
    assert!((1..acknowledged).contains(&kept), "{kept} of {acknowledged}: the others were too old");
    server.end("TERM");
}

#[test]
fn a_disk_that_fills_up_with_events_nobody_needs_any_more_gives_them_back_by_itself() {
    for is_keyed in [false, true] {
        // Three times as much as there is room for; nobody makes room.
        let disk = SmallDisk::new(6);
        let server = Server::start(&disk.path("journal"), &FLAGS);
        let mut requests = server.requests();
        let data = |number: usize| format!("{number} {}", "x".repeat(100_000));
        for number in 0..200 {
            let key = number.to_string();
            let headers = [("idempotency-key", key.as_str())];
            let headers = if is_keyed { &headers[..] } else { &[] };
            until("there is room by itself", || {
                let answer = requests.post("/channels/a", headers, &data(number)).unwrap();
                assert!([202, 503].contains(&answer.status), "{answer:?}");
                answer.status == 202
            });
        }
        assert_eq!(server.get("/readyz").body, "ready\n");
        drop(requests);
        server.end("KILL");
        let server = Server::start(&disk.path("journal"), &FLAGS);
        let kept: Vec<_> = server.kept("a").into_iter().map(|(_, data)| data).collect();
        assert_eq!(kept, [data(198), data(199)]);
        if is_keyed {
            let again = server.post("/channels/a", &[("idempotency-key", "0")], &data(0));
            assert_eq!((again.status, again.header("idempotent-replayed")), (202, Some("true")));
        }
        server.end("TERM");
    }
}
