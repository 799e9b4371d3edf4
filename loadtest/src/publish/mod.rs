//! Publishing in a run: how much, how fast, by how many at once.

pub(crate) mod backlog;
pub(crate) mod batch;
pub(crate) mod exchange;
pub(crate) mod publisher;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

use crate::args::values::Rate;
use crate::crowd::plan::Plan;
use crate::crowd::{Crowd, Notice};
use crate::failure::Failure;
use crate::publish::backlog::Backlog;
use crate::publish::publisher::{PublishError, Published, Publisher};

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
    /// The next events that nobody has taken, at most this many, or `None` if all are taken.
    fn take(&self, events: u32, at_most: u32) -> Option<Range<u32>> {
        let event = self.next.fetch_add(at_most, Relaxed);
        // The events of a run are far below where this could wrap: each publisher goes over the end once.
        (event < events).then(|| event..events.min(event + at_most))
    }
}

/// Starts the publishers. Each sends a notice when it is done.
pub(crate) fn start(
    crowd: &Crowd,
    plan: &Plan,
    until: Until,
    backlog: Option<Arc<Backlog>>,
) -> Result<Arc<Counter>, Failure> {
    let publishers = plan.terms.publishers as usize + usize::from(backlog.is_some());
    let counter = Arc::new(Counter { publishers, ..Counter::default() });
    for number in 0..plan.terms.publishers {
        let publisher = Publisher { number, plan: plan.clone(), until, counter: Arc::clone(&counter) };
        spawn(crowd, format!("publish-{number}"), move || publisher.run())?;
    }
    if let Some(backlog) = backlog {
        let plan = plan.clone();
        spawn(crowd, "publish-away".to_owned(), move || backlog.run(&plan))?;
    }
    Ok(counter)
}

fn spawn(
    crowd: &Crowd,
    name: String,
    publish: impl FnOnce() -> Result<Published, PublishError> + Send + 'static,
) -> Result<(), Failure> {
    let speaker = crowd.speaker();
    let spawned = std::thread::Builder::new().name(name).spawn(move || {
        // The main thread is gone only when the run has failed already.
        let _ = speaker.send(Notice::Published(Box::new(publish())));
    });
    spawned.map_err(Failure::Thread).map(drop)
}
