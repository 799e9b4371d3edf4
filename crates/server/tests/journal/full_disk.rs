//! A full disk: publishes are refused with a reason, streams go on, and publishing works again as soon as there is
//! space. Acknowledged events are there afterwards, and refused ones are not, even after a kill.

use std::{
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use fanfare_judge::CURSOR;

use crate::{
    Server, data_until, id,
    support::{
        fanfare, run,
        small_disk::SmallDisk,
        until,
        wire::{Answer, EventStream, Requests},
    },
};

const MIB: usize = 8;
const FLAGS: [&str; 2] = ["--heartbeat=20ms", "--history-events=100000"];
const READY: &str = "ready\n";
const UNAVAILABLE: &str = "ready\njournal unavailable: No space left on device";

/// The answers that publishers got.
#[derive(Default)]
struct Load {
    acknowledged: Mutex<Vec<(String, String)>>,
    refused: Mutex<Vec<Answer>>,
    is_over: AtomicBool,
}

impl Load {
    fn acknowledged(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    fn refused(&self) -> usize {
        self.refused.lock().unwrap().len()
    }

    /// Publishes one event after the other until the end of the test.
    fn publish(&self, mut requests: Requests, publisher: char) {
        for number in 0.. {
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
            let data = format!("{publisher}-{number} {}", "x".repeat(number % 700));
            let answer = requests.post("/channels/a", &[], &data).unwrap();
            match answer.status {
                202 => self.acknowledged.lock().unwrap().push((answer.id(), data)),
                503 => self.refused.lock().unwrap().push(answer),
                _ => panic!("{answer:?}"),
            }
            // Fast enough to be refused often, and slow enough for a small disk.
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn over_on_drop(&self) -> impl Drop {
        struct Over<'a>(&'a AtomicBool);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        Over(&self.is_over)
    }

    /// The acknowledged events in the order of ids.
    fn into_acknowledged(self) -> Vec<(String, String)> {
        let mut acknowledged = self.acknowledged.into_inner().unwrap();
        acknowledged.sort_by_key(|(text, _)| id(text));
        acknowledged
    }
}

/// The answer of `/readyz`, which stays ready on a full disk.
fn ready(server: &Server) -> String {
    let answer = server.get("/readyz");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

/// Reads on until `is_enough` is true for a heartbeat (None) or an event's data. Returns the events that came.
fn read_until(stream: &mut EventStream, mut is_enough: impl FnMut(Option<&str>) -> bool) -> Vec<(String, String)> {
    let mut events = Vec::new();
    loop {
        let block = stream.next().unwrap().expect("the stream goes on");
        let data = match &*block.event.kind {
            "message" => Some(block.event.data),
            CURSOR => None,
            _ => panic!("{block:?}"),
        };
        let is_enough = is_enough(data.as_deref());
        events.extend(data.map(|data| (block.id.unwrap(), data)));
        if is_enough {
            return events;
        }
    }
}

#[test]
fn a_full_disk_refuses_publishes_and_says_so_while_streams_go_on_until_there_is_room() {
    for fsync in ["interval", "always"] {
        let disk = SmallDisk::new(MIB);
        let flags = [&FLAGS[..], &["--fsync", fsync, "--fsync-interval=10ms"]].concat();
        let server = Server::start(&disk.path("journal"), &flags);
        let mut stream = server.stream("/channels/a?heartbeat=cursor", None);
        let (load, mut seen) = (Load::default(), Vec::new());
        thread::scope(|scope| {
            let _over = load.over_on_drop();
            for publisher in ['p', 'q'] {
                let (load, requests) = (&load, server.requests());
                scope.spawn(move || load.publish(requests, publisher));
            }
            for _ in 0..2 {
                let before = load.acknowledged();
                until("publishes are taken", || load.acknowledged() > before + 50);
                assert_eq!(ready(&server), READY);
                let before = load.refused();
                disk.ballast.fill();
                until("publishes are refused", || load.refused() > before + 50);
                // A short write may still find room in the last page, and then it is over for a moment.
                until("it says why", || ready(&server).starts_with(UNAVAILABLE));
                // Nothing comes, and it goes on.
                let mut heartbeats = 0;
                seen.extend(read_until(&mut stream, |data| {
                    heartbeats += usize::from(data.is_none());
                    heartbeats == 5
                }));
                disk.ballast.make_room();
            }
            let before = load.acknowledged();
            let waited = until("publishes are taken again", || load.acknowledged() > before + 50);
            assert!(waited < Duration::from_secs(10), "it took {waited:?}");
            assert_eq!(ready(&server), READY);
        });
        for answer in load.refused.lock().unwrap().iter() {
            let document = answer.json();
            assert_eq!(answer.header("content-type"), Some("application/problem+json"));
            assert!(answer.header("retry-after").is_some() && document.get("published").is_none(), "{answer:?}");
            assert_eq!(
                (&document["status"], &document["detail"]),
                (&503.into(), &"the journal is unavailable: GET /readyz says why".into())
            );
        }
        let mut acknowledged = load.into_acknowledged();
        acknowledged.push((server.publish("/channels/a", "end"), "end".to_owned()));
        seen.extend(read_until(&mut stream, |data| data == Some("end")));
        assert!(seen == acknowledged, "{fsync}: the stream is not what was acknowledged");
        assert!(server.kept("a") == acknowledged, "{fsync}: the history is not what was acknowledged");
        let log = server.end("KILL");
        let said = |what: &str| log.iter().filter(|line| line.contains(what)).count();
        let told = (said("ERROR journal unavailable: "), said("INFO journal available again"));
        assert!(told.0 >= 2 && told.1 >= 2 && told.0 + told.1 < 100, "it floods the log or says nothing: {log:#?}");
        let server = Server::start(&disk.path("journal"), &flags);
        assert!(server.kept("a") == acknowledged, "{fsync}: it is another after a kill");
        server.end("TERM");
    }
}

#[test]
fn who_is_killed_while_the_disk_is_full_comes_back_on_the_full_disk_and_recovers_by_itself() {
    let disk = SmallDisk::new(MIB);
    let mut server = Server::start(&disk.path("journal"), &FLAGS);
    let first = server.publish("/channels/a", "first");
    let mut acknowledged = vec![(first.clone(), "first".to_owned())];
    disk.ballast.fill();
    let key = [("idempotency-key", "k")];
    for _ in 0..2 {
        // What is left of the last page may take a few.
        until("publishes are refused", || {
            let answer = server.post("/channels/a", &[], "filling");
            let is_refused = answer.status == 503;
            if !is_refused {
                acknowledged.push((answer.id(), "filling".to_owned()));
            }
            is_refused
        });
        assert_eq!(server.post("/channels/a", &key, "keyed").status, 503);
        let batch = "{\"channel\":\"a\",\"data\":\"of a batch\"}\n".repeat(3);
        let answer = server.post("/publish", &[], &batch);
        assert_eq!((answer.status, &answer.json()["published"]), (503, &0.into()), "{answer:?}");
        until("it says why", || server.post("/channels/a", &key, "keyed").status == 503 && ready(&server) != READY);
        assert!(server.kept("a") == acknowledged);
        server.end("KILL");
        server = Server::start(&disk.path("journal"), &FLAGS);
        assert!(server.kept("a") == acknowledged, "{:?}", server.kept("a"));
    }
    let mut stream = server.resume("/channels/a", &first);
    assert_eq!(server.post("/channels/a", &key, "keyed").status, 503);
    disk.ballast.make_room();
    // Nobody publishes meanwhile.
    let waited = until("it recovers", || ready(&server) == READY);
    assert!(waited < Duration::from_secs(10), "it took {waited:?}");
    let keyed = server.post("/channels/a", &key, "keyed");
    assert_eq!((keyed.status, keyed.header("idempotent-replayed")), (202, None), "only successes are kept");
    acknowledged.push((keyed.id(), "keyed".to_owned()));
    let told = data_until(&mut stream, "keyed");
    assert!(told.iter().eq(acknowledged[1..].iter().map(|(_, data)| data)), "{told:?}");
    server.end("KILL");
    let server = Server::start(&disk.path("journal"), &FLAGS);
    assert!(server.kept("a") == acknowledged, "{:?}", server.kept("a"));
    server.end("TERM");
}

#[test]
fn a_journal_cannot_be_made_on_a_full_disk_and_can_be_as_soon_as_there_is_room() {
    let disk = SmallDisk::new(MIB);
    disk.ballast.fill();
    let journal = disk.path("journal");
    let (code, text) = run(fanfare().args(["serve", "--listen", "127.0.0.1:0", "--journal"]).arg(&journal));
    assert!(code == 1 && text.contains("No space left on device"), "{code}: {text}");
    disk.ballast.make_room();
    Server::start(&journal, &[]).end("TERM");
}

#[test]
fn a_limit_on_the_size_of_files_ends_no_server_and_refuses_only_what_is_larger_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let journal = directory.path().join("journal");
    // In blocks of 512 bytes, or of 1 KiB.
    let limited = "ulimit -f 64 && exec \"$@\"";
    let fanfare = fanfare();
    let mut command = Command::new("sh");
    command.args(["-c", limited, "sh"]).arg(fanfare.get_program());
    command.args(["serve", "--listen", "127.0.0.1:0", "--journal"]).arg(&journal);
    let server = Server::started(&mut command);
    let mut acknowledged = Vec::new();
    for number in 0..30 {
        let data = format!("{number} {}", "x".repeat(10_000));
        let answer = server.post("/channels/a", &[], &data);
        match answer.status {
            202 => acknowledged.push((answer.id(), data)),
            503 => {}
            _ => panic!("{answer:?}"),
        }
    }
    assert!(acknowledged.len() > 20, "{}", acknowledged.len());
    assert_eq!(server.post("/channels/a", &[], &"x".repeat(100_000)).status, 503);
    until("smaller ones are taken again", || server.post("/channels/b", &[], "small").status == 202);
    assert_eq!(server.kept("a"), acknowledged);
    server.end("KILL");
    let server = Server::start(&journal, &[]);
    assert_eq!(server.kept("a"), acknowledged);
    server.end("TERM");
}
