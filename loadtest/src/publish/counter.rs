//! [`Until`]: when the publishers of a run are done. [`Counter`]: how far they have come together.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

use crate::args::values::Rate;

/// How long publishing goes on: whichever is over first. Times are of the run's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Until {
    /// Open loop at this rate, or as fast as the target answers.
    pub(crate) pace: Option<Rate>,
    pub(crate) start_ns: u64,
    pub(crate) end_ns: u64,
    pub(crate) events: u32,
    /// The number of channels, or of clients, that are published to in turn, from the first on.
    pub(crate) addressees: u32,
}

/// Common counts of a run's publishers. Nothing is published with them, so every ordering is relaxed.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    next: AtomicU32,
    pub(crate) answered: AtomicU32,
    /// Set when nobody is left to receive, or when a storm is over.
    pub(crate) is_over: AtomicBool,
    /// How many publishers there are to be heard of.
    pub(crate) publishers: usize,
}

impl Counter {
    /// A counter for so many publishers, none of which has begun.
    pub(super) fn of(publishers: usize) -> Self {
        Self { publishers, ..Self::default() }
    }

    /// The next events that nobody has taken, at most this many, or `None` if all are taken.
    pub(super) fn take(&self, events: u32, at_most: u32) -> Option<Range<u32>> {
        let event = self.next.fetch_add(at_most, Relaxed);
        // The events of a run are far below where this could wrap: each publisher goes over the end once.
        (event < events).then(|| event..events.min(event + at_most))
    }
}
