//! [`Sampler`]: lines of the log that come with traffic. A few a second are written, and the others are counted.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
};

use tracing::info;

use crate::limits::rule::Rule;

/// Lines a second of one kind, for most kinds. More are counted and left out.
const LINES_PER_SECOND_MAX: u64 = 10;
/// Lines a second about streams that open, and as many about streams of one thread that close. So a small server has a line about
/// each, and a crowd that comes back does not fill a disk.
pub(crate) const STREAM_LINES_PER_SECOND_MAX: u64 = 50;
const SECOND_MS: u64 = 1_000;

/// Lets a few lines a second through, and counts the others.
#[derive(Debug)]
pub(crate) struct Sampler {
    per_second_max: u64,
    /// The second that is counted, above the low 32 bits. The low bits count the lines asked for in that second.
    window: AtomicU64,
    left_out: AtomicU64,
}

impl Default for Sampler {
    fn default() -> Self {
        Self::new(LINES_PER_SECOND_MAX)
    }
}

impl Sampler {
    pub(crate) fn new(per_second_max: u64) -> Self {
        Self { per_second_max, window: AtomicU64::new(0), left_out: AtomicU64::new(0) }
    }

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
        if asked < self.per_second_max {
            return Some(self.left_out.swap(0, Ordering::Relaxed));
        }
        self.left_out.fetch_add(1, Ordering::Relaxed);
        None
    }
}

/// Lines about requests that were refused. Each rule has its own, and so have paths that do not exist: a scanner, or one who tries keys,
/// must not hide why others are refused.
#[derive(Debug, Default)]
pub(crate) struct RefusalLog {
    pub(crate) not_found: Sampler,
    pub(crate) others: Sampler,
    by_rule: [Sampler; Rule::KINDS],
}

impl RefusalLog {
    /// The lines about refusals by `rule`.
    pub(crate) fn of(&self, rule: Option<Rule>) -> &Sampler {
        rule.map_or(&self.others, |rule| &self.by_rule[rule.kind()])
    }

    /// Logs that a connection, or a line of a batch, was refused. `why` may have what a client has written.
    pub(crate) fn log_unread(&self, now_ms: u64, address: SocketAddr, rule: Option<Rule>, why: &str) {
        if let Some(left_out) = self.of(rule).admit(now_ms) {
            let rule = rule.map(Rule::name);
            info!(peer = %shown(address), rule, reason = why, left_out, "refused");
        }
    }
}

/// An address for the log, without a port that nobody knows: a proxy that has named it in a header has not said it.
pub(crate) fn shown(address: SocketAddr) -> String {
    if address.port() == 0 { address.ip().to_string() } else { address.to_string() }
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
