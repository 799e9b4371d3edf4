//! [`Sampler`]: lines of the log that come with traffic. A few a second are written, and the others are counted.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
};

use tracing::info;

/// Lines a second of one kind. More are counted and left out.
const LINES_PER_SECOND_MAX: u64 = 10;
const SECOND_MS: u64 = 1_000;

/// Lets a few lines a second through, and counts the others.
#[derive(Debug, Default)]
pub(crate) struct Sampler {
    /// The second that is counted, above the low 32 bits. The low bits count the lines asked for in that second.
    window: AtomicU64,
    left_out: AtomicU64,
}

impl Sampler {
    /// The number of lines left out since the last one, if this line is to be written.
    pub(crate) fn admit(&self, now_ms: u64) -> Option<u64> {
        let second = now_ms / SECOND_MS;
        // Relaxed: two threads at the turn of a second may let a line too many through.
        let window = self.window.load(Ordering::Relaxed);
        let asked = if window >> 32 == second {
            self.window.fetch_add(1, Ordering::Relaxed) & u64::from(u32::MAX)
        } else {
            self.window.store(second << 32 | 1, Ordering::Relaxed);
            0
        };
        if asked < LINES_PER_SECOND_MAX {
            return Some(self.left_out.swap(0, Ordering::Relaxed));
        }
        self.left_out.fetch_add(1, Ordering::Relaxed);
        None
    }
}

/// Lines about requests that were refused. Paths that do not exist are counted apart, because scanners ask for many of them:
/// they must not hide a client without a key.
#[derive(Debug, Default)]
pub(crate) struct RefusalLog {
    pub(crate) not_found: Sampler,
    pub(crate) others: Sampler,
}

impl RefusalLog {
    /// Logs that a connection was refused before there was a request.
    pub(crate) fn log_unread(&self, now_ms: u64, address: SocketAddr, why: &str) {
        if let Some(left_out) = self.others.admit(now_ms) {
            info!(peer = %address, reason = why, left_out, "refused");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sampler_lets_its_limit_through_and_counts_the_rest() {
        let sampler = Sampler::default();
        let admitted = (0..LINES_PER_SECOND_MAX + 5).filter(|_| sampler.admit(5_000).is_some()).count() as u64;
        assert_eq!(admitted, LINES_PER_SECOND_MAX);
        assert_eq!(sampler.admit(6_000), Some(5));
        assert_eq!(sampler.admit(6_001), Some(0));
    }
}
