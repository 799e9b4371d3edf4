//! Tools of this crate's tests: a server in the process, clients that speak raw bytes, and a strict reading of what
//! comes back.
//!
//! Every read has a time limit, so that a test that would hang fails instead.
#![allow(dead_code, reason = "each test uses its own part")]

pub(crate) mod client;
pub(crate) mod events;
pub(crate) mod frames;
pub(crate) mod h2;
pub(crate) mod journal;
pub(crate) mod rng;
pub(crate) mod server;
pub(crate) mod steady;
pub(crate) mod stream;
pub(crate) mod tls;
pub(crate) mod tokens;
pub(crate) mod wire;

use std::time::{Duration, Instant};

/// How long anything may take that is sure to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Asks again and again until `is_so`, and fails when patience is over.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
