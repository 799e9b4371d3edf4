//! A page with nothing but an EventSource. Its server is killed and started again on the same port many times while
//! events are published. The page misses nothing, gets nothing twice, and receives no gap.

use std::{
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    Script, serve,
    support::{PATIENCE, rng::Rng, wire::Requests},
};

const KILLS: usize = 8;
/// Numbers that the page sees in each life of the server.
const SEEN_A_LIFE: u64 = 20;
const LAST: &str = "last";

/// Opens a page that reads this stream, by the script of fanfare-http's tests.
fn open(url: &str) -> Script {
    let kinds = ["message", "fanfare.gap"];
    let streams = json!([{"name": "", "client": "EventSource", "url": url, "kinds": kinds}]);
    let mut page = Script::start("http/tests/clients/read_with_engine.js", &["chromium", &streams.to_string()]);
    assert_eq!(page.line()["open"], true);
    page
}

/// Reads the numbers that the page sees up to the last event, in its order, and how often its stream was opened. Keeps
/// their count in `seen`.
fn read_to_the_end(page: &mut Script, seen: &AtomicU64) -> (Vec<u64>, usize) {
    let (mut numbers, mut opened) = (Vec::new(), 1);
    loop {
        let line = page.line();
        if line["open"] == true {
            opened += 1;
            continue;
        }
        assert_eq!(line["event"], "message", "{line}");
        match line["data"].as_str().unwrap() {
            LAST => return (numbers, opened),
            number => numbers.push(number.parse().unwrap()),
        }
        seen.fetch_add(1, Ordering::Relaxed);
    }
}

/// Publishes once. The server may die meanwhile.
fn publish(address: SocketAddr, connection: &mut Option<Requests>, data: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let open = connection.take().map_or_else(|| Requests::open(address), Ok);
        let headers = [("idempotency-key", data)];
        if let Ok(mut requests) = open
            && let Ok(answer) = requests.post("/channels/kills", &headers, data)
        {
            assert_eq!(answer.status, 202, "{answer:?}");
            *connection = Some(requests);
            return;
        }
        assert!(Instant::now() < deadline, "no server takes {data}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Ends the other threads when the page has failed.
struct OverOnDrop<'a>(&'a AtomicBool);

impl Drop for OverOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn chromium_misses_nothing_however_often_its_server_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let (server, address) = serve(directory.path(), "127.0.0.1:0".parse().unwrap());
    // Killed also when something below fails.
    let server = Mutex::new(Some(server));
    let mut page = open(&format!("http://{address}/channels/kills?heartbeat=cursor"));
    let (published, seen, is_over) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let (numbers, opened) = thread::scope(|scope| {
        let _over = OverOnDrop(&is_over);
        scope.spawn(|| {
            let mut connection = None;
            while !is_over.load(Ordering::Relaxed) {
                publish(address, &mut connection, &published.load(Ordering::Relaxed).to_string());
                published.fetch_add(1, Ordering::Relaxed);
                // As fast as a busy feed, and not as fast as can be.
                thread::sleep(Duration::from_millis(1));
            }
            publish(address, &mut connection, LAST);
        });
        scope.spawn(|| {
            let mut rng = Rng::new(KILLS as u64);
            for _ in 0..KILLS {
                // Some of what only this server can have told it.
                let enough = published.load(Ordering::Relaxed) + SEEN_A_LIFE;
                while seen.load(Ordering::Relaxed) < enough {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    thread::sleep(Duration::from_millis(1));
                }
                thread::sleep(Duration::from_micros(rng.number(3_000)));
                let mut server = server.lock().unwrap();
                server.take().unwrap().kill();
                *server = Some(serve(directory.path(), address).0);
            }
            is_over.store(true, Ordering::Relaxed);
        });
        read_to_the_end(&mut page, &seen)
    });
    assert!(opened > KILLS, "opened {opened} times");
    assert!(numbers.iter().copied().eq(0..published.into_inner()), "{numbers:?}");
}
