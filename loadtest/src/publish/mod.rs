//! Publishing in a run: how much, how fast, by how many at once.

mod answer;
pub(crate) mod backlog;
pub(crate) mod batch;
pub(crate) mod counter;
pub(crate) mod error;
pub(crate) mod exchange;
pub(crate) mod publisher;
mod session;

use std::sync::Arc;

use crate::crowd::Crowd;
use crate::crowd::notice::Notice;
use crate::crowd::plan::Plan;
use crate::failure::Failure;
use crate::publish::backlog::Backlog;
use crate::publish::counter::{Counter, Until};
use crate::publish::error::PublishError;
use crate::publish::publisher::{Published, Publisher};

/// Starts the publishers. Each sends a notice when it is done.
pub(crate) fn start(
    crowd: &Crowd,
    plan: &Plan,
    until: Until,
    backlog: Option<Arc<Backlog>>,
) -> Result<Arc<Counter>, Failure> {
    let publishers = plan.terms.publishers as usize + usize::from(backlog.is_some());
    let counter = Arc::new(Counter::of(publishers));
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
