//! Tools of this crate's tests: a listener in front of a real engine with figures that are made up, and a client that sends given bytes.
//!
//! Every read has a time limit, so that a test that would hang fails instead.
#![allow(dead_code, reason = "each test uses its own part")]

pub(crate) mod client;
pub(crate) mod listener;
pub(crate) mod made_up;
pub(crate) mod parts;

use std::time::{Duration, Instant};

/// How long anything may take that is sure to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Asks again and again until `is_so`, and fails when patience is over.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
