//! [`Traced`]: one publish of a sampled trace, from its beginning to its end. [`TraceSink`]: who takes it.

use std::{fmt::Debug, time::SystemTime};

use fanfare_core::{EventId, Target};

use super::context::TraceContext;

/// Takes finished publishes of sampled traces, to hand them on to a collector.
pub trait TraceSink: Debug + Send + Sync {
    /// Takes a batch, on a thread that does nothing else. Returns how many of it are lost. While this waits, publishes go on, and what
    /// finds no room in the queue (1,024) is dropped and counted.
    fn export(&self, batch: Vec<Traced>) -> usize;
}

/// One publish of a sampled trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    /// The trace and the span of the caller.
    pub context: TraceContext,
    /// The first target of the event, if the request was as far.
    pub target: Option<Target>,
    /// The event, if it was published.
    pub event: Option<EventId>,
    /// Streams that the event was for, if it was published.
    pub matched: Option<usize>,
    /// What became of the publish: an outcome of [`Figures::publishes`](crate::Figures::publishes), `refused` for a request that was refused
    /// before, or `abandoned` if its caller went away before the answer.
    pub outcome: &'static str,
    /// The beginning of the request. In a batch, that of the line.
    pub began: SystemTime,
    /// The time at which the event was whole, and went to the order. None if it never was.
    pub offered: Option<SystemTime>,
    /// The time at which the order or the journal had it.
    pub ordered: Option<SystemTime>,
    /// The time at which the last thread had given it to its streams, or had let it wait for them.
    pub fanned_out: Option<SystemTime>,
    /// The time of the answer.
    pub answered: SystemTime,
}

impl Traced {
    /// Whether the event was not published.
    pub fn is_failed(&self) -> bool {
        self.event.is_none()
    }
}
