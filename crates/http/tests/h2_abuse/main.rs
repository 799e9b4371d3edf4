//! HTTP/2 peers that abuse frames, against the whole server, without TLS and over it: each flood that HTTP/2 has had a CVE for, and
//! what no honest client sends. The offender is told why its connection ends, others are served at once, and the heap is as before.
//!
//! In a process of its own, whose tests run one after the other, because it counts every allocation.

mod attacker;
mod floods;
mod patience;
#[path = "../support/mod.rs"]
mod support;

use std::{
    alloc::System,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use attacker::Attacker;
use fanfare_http::Config;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use support::{
    PATIENCE,
    server::{Server, Way, config},
    stream::Stream,
};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Held by the test that runs.
static ALONE: Mutex<()> = Mutex::new(());
const WAYS: [Way; 2] = [Way::H2, Way::TlsH2];
/// Bytes that may be left behind an attack: of the server's own, which grow once, and of threads of the test.
const LEFT_BYTES_MAX: usize = 128 << 10;

fn heap_bytes() -> usize {
    let stats = HEAP.stats();
    // Another thread may have freed between the two.
    stats.bytes_allocated.saturating_sub(stats.bytes_deallocated)
}

/// A server with a stream that is served before and behind each attack.
struct World {
    observer: Stream,
    server: Server,
    before_bytes: usize,
    _alone: MutexGuard<'static, ()>,
}

impl World {
    fn new(way: Way) -> Self {
        Self::start(way, config(way))
    }

    fn start(way: Way, mut config: Config) -> Self {
        // The questions of a test are published, and kept.
        config.core.history.each.events_max = 10;
        // Those who have left are remembered for operators.
        config.core.closed_max = 0;
        // Each has tables of its own, which are as large as they ever had to be.
        config.core.shards = 1;
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let server = Server::start(way, config);
        let observer = server.subscribe("/sse?id=observer&channel=a");
        let mut world = Self { observer, server, before_bytes: 0, _alone: alone };
        // What is allocated once and for all belongs to no attack.
        drop(world.attacker());
        let page = world.server.client().request("GET", "/", &[("accept", "text/html")], b"");
        assert_eq!(page.status, 200);
        world.begin();
        world
    }

    /// Takes the heap as it is for that of before.
    fn begin(&mut self) {
        self.assert_serves();
        self.before_bytes = heap_bytes();
    }

    fn attacker(&self) -> Attacker {
        Attacker::open(self.server.address)
    }

    /// Bytes of heap since the beginning.
    fn grown_bytes(&self) -> usize {
        heap_bytes().saturating_sub(self.before_bytes)
    }

    /// Fails unless others are served.
    #[track_caller]
    fn assert_serves(&mut self) {
        self.server.publish("/broadcast", "marker");
        assert_eq!(self.observer.data(), "marker", "something was published");
        // Its bytes are no leak.
        self.observer.forget();
    }

    /// Fails unless others are served, and the heap is as before once the attackers are gone.
    #[track_caller]
    fn assert_untouched(&mut self) {
        self.assert_serves();
        let end = Instant::now() + PATIENCE;
        while self.grown_bytes() > LEFT_BYTES_MAX {
            assert!(Instant::now() < end, "{} bytes are left", self.grown_bytes());
            thread::sleep(Duration::from_millis(2));
        }
    }
}
