//! The seed of a run with random choices, and the message with it when a run fails.

use std::{env, thread, time::SystemTime};

/// `CRASH_SEED`, or a new seed.
pub(crate) fn seed() -> u64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let given = env::var("CRASH_SEED").ok().map(|seed| seed.parse().expect("CRASH_SEED is a number"));
    given.unwrap_or_else(|| since_1970.as_secs() ^ u64::from(since_1970.subsec_nanos()))
}

/// Prints how to repeat a run that fails.
pub(crate) struct SeedOnPanic(pub(crate) u64);

impl Drop for SeedOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            #[expect(clippy::print_stderr, reason = "it belongs to the test's output")]
            {
                eprintln!("CRASH_SEED={}", self.0);
            }
        }
    }
}
