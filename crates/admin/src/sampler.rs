//! [`Sampler`]: one line of the log a second, and the number of those that it leaves out.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

/// Time between two lines.
const PAUSE: Duration = Duration::from_secs(1);

/// Lines of one kind. The listener has one thread.
#[derive(Debug, Default)]
pub(crate) struct Sampler {
    last: Cell<Option<Instant>>,
    left_out: Cell<u64>,
}

impl Sampler {
    /// The number of lines that were left out before this one, if this one may be written.
    pub(crate) fn admit(&self, now: Instant) -> Option<u64> {
        if self.last.get().is_some_and(|last| now.saturating_duration_since(last) < PAUSE) {
            self.left_out.set(self.left_out.get() + 1);
            return None;
        }
        self.last.set(Some(now));
        Some(self.left_out.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_a_second_is_let_through_and_the_rest_is_counted() {
        let (sampler, now) = (Sampler::default(), Instant::now());
        assert_eq!(sampler.admit(now), Some(0));
        for ms in [0, 1, 999] {
            assert_eq!(sampler.admit(now + Duration::from_millis(ms)), None, "{ms}");
        }
        assert_eq!(sampler.admit(now + PAUSE), Some(3));
        assert_eq!(sampler.admit(now + 2 * PAUSE), Some(0));
    }
}
