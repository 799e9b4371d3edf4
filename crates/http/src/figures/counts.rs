//! [`Counts`]: requests, and publishes by outcome.

use std::sync::atomic::{AtomicU64, Ordering};

use fanfare_core::{PublishError, Receipt};

/// The outcomes of publishes.
const OUTCOMES: [&str; 7] = ["published", "repeated", "draining", "key-reused", "journal", "unknown", "broken"];

/// Requests and publishes since the start. Relaxed everywhere: figures for people.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    requests: AtomicU64,
    publishes: [AtomicU64; OUTCOMES.len()],
}

impl Counts {
    pub(crate) fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Counts a publish that has its answer.
    pub(crate) fn count_publish(&self, result: &Result<Receipt, PublishError>) {
        self.publishes[outcome(result)].fetch_add(1, Ordering::Relaxed);
    }

    /// Publishes by outcome.
    pub(crate) fn publishes(&self) -> Vec<(&'static str, u64)> {
        OUTCOMES.into_iter().zip(&self.publishes).map(|(name, count)| (name, count.load(Ordering::Relaxed))).collect()
    }
}

/// The name of an outcome.
pub(crate) fn name(result: &Result<Receipt, PublishError>) -> &'static str {
    OUTCOMES[outcome(result)]
}

/// The place of an outcome among [`OUTCOMES`].
fn outcome(result: &Result<Receipt, PublishError>) -> usize {
    match result {
        Ok(receipt) if !receipt.is_repeat => 0,
        Ok(_) => 1,
        Err(PublishError::Draining) => 2,
        Err(PublishError::KeyReused) => 3,
        Err(PublishError::Journal) => 4,
        Err(PublishError::Unknown) => 5,
        Err(PublishError::Broken) => 6,
    }
}
