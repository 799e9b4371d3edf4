//! Real Redis servers for tests: alone, with sentinels, as a cluster, behind TLS, and a [`Proxy`] that breaks the
//! network between. Everything listens on 127.0.0.1 and is gone when it is dropped.
//!
//! Needs nothing but the standard library and tempfile, so that the tests of other crates can include it by its path.
//! Every wait is for the thing itself and ends after [`PATIENCE`].
#![allow(dead_code, unused_imports, reason = "each test uses its own part")]

mod cluster;
mod ports;
mod proxy;
mod reply;
mod sentinel;
mod server;
mod tls;
mod torn_log;

use std::{
    thread,
    time::{Duration, Instant},
};

pub(crate) use cluster::Cluster;
pub(crate) use ports::free_port;
pub(crate) use proxy::Proxy;
pub(crate) use reply::{Reply, Session};
pub(crate) use sentinel::Sentinels;
pub(crate) use server::RedisServer;
pub(crate) use tls::Tls;

/// Far longer than anything takes; a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for it, and not for ever; how long it took.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "not in {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(2));
    }
    start.elapsed()
}
