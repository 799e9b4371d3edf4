//! [`steadily`]: scenarios that have to be faster than a clock of the server, on a machine that may stand still for seconds.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    time::{Duration, Instant},
};

/// More stalls in a row than any machine has.
const TRIES: usize = 8;

/// How long the steps of a scenario took.
#[derive(Debug)]
pub(crate) struct Pulse {
    last: Instant,
    longest: Duration,
}

impl Pulse {
    /// A step is done. The whole scenario is one step if this is never called.
    pub(crate) fn beat(&mut self) {
        self.longest = self.longest.max(self.last.elapsed());
        self.last = Instant::now();
    }
}

/// Runs `scenario`. Where it fails and one of its steps took `limit` or longer, a clock of the server may have been faster,
/// because the machine stood still: then it is run once more. A failure without a stall counts at once.
#[allow(clippy::print_stderr, reason = "shown with a test that has failed")]
pub(crate) fn steadily(limit: Duration, mut scenario: impl FnMut(&mut Pulse)) {
    for left in (0..TRIES).rev() {
        let mut pulse = Pulse { last: Instant::now(), longest: Duration::ZERO };
        let Err(failure) = catch_unwind(AssertUnwindSafe(|| scenario(&mut pulse))) else { return };
        pulse.beat();
        if pulse.longest < limit || left == 0 {
            resume_unwind(failure);
        }
        eprintln!("a step took {:?}, which may be why it failed; {left} tries are left", pulse.longest);
    }
}
