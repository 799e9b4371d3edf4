//! [`Answer`]: the id and the counts of one publish. The reasons for which there is no answer: [`PublishError`] for
//! publishers, [`Refusal`] of a journal.

use std::sync::Arc;

use thiserror::Error;

use crate::{event::event_id::EventId, queue::tally::Tally};

/// The moment that a publisher waits for.
///
/// ```
/// use fanfare_core::{Config, Event, Outcome, Target, Wait, engine::Hub};
///
/// # struct NoSocket;
/// # impl fanfare_core::engine::Socket for NoSocket {
/// #     fn poll_write(&mut self, _: &[std::io::IoSlice<'_>]) -> std::task::Poll<std::io::Result<usize>> { std::task::Poll::Pending }
/// #     fn poll_discard(&mut self) -> std::task::Poll<std::io::Result<usize>> { std::task::Poll::Pending }
/// #     fn shut_write(&mut self) {}
/// # }
/// # /// The value of a future that need not wait.
/// # fn now<T>(future: impl Future<Output = T>) -> T {
/// #     let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
/// #     let std::task::Poll::Ready(value) = std::pin::pin!(future).poll(&mut cx) else { panic!("it has to wait") };
/// #     value
/// # }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (hub, mut shards) = Hub::<NoSocket>::new(Config::default(), Box::new(|| 1_000));
/// let event = Event::new(Target::All, "hello");
/// // `now` expects that a future need not wait.
/// let receipt = now(hub.publish(event.clone(), Wait::Journal))?;
/// assert_eq!(receipt.outcome, None);
///
/// let ticket = now(hub.begin(event, None, Wait::Written))?;
/// shards[0].turn(0);
/// let receipt = now(ticket.receipt())?;
/// assert_eq!(receipt.outcome, Some(Outcome::default()), "nobody is connected");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The journal has the event. Without an external journal: the event has its id. The number of connections is an estimate.
    Journal,
    /// Every shard has handled the event. The outcome is exact.
    Written,
}

/// The answer to a publish before the shards have counted their deliveries.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) id: EventId,
    pub(crate) matched: usize,
    /// The counts of the shards, if the publisher asked for the outcome.
    pub(crate) tally: Option<Arc<Tally>>,
    /// Whether an external journal knew the key.
    pub(crate) is_repeat: bool,
}

impl Answer {
    /// The answer for an event that no publisher here waits for.
    pub(crate) fn of(id: EventId) -> Self {
        Self { id, matched: 0, tally: None, is_repeat: false }
    }
}

/// The reason for which an event was not published.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PublishError {
    /// The hub drains and takes no more events.
    #[error("the server is draining")]
    Draining,
    /// The idempotency key was used for another event.
    #[error("the idempotency key was used for another event")]
    KeyReused,
    /// The journal does not take events now.
    #[error("the journal is unavailable")]
    Journal,
    /// A shard has failed, so not every connection would get the event.
    #[error("a part of the server has failed")]
    Broken,
    /// The journal broke while it took the event. Publish it again with the same idempotency key.
    #[error("the journal broke: the event may have been published")]
    Unknown,
}

impl From<Refusal> for PublishError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotPublished => Self::Journal,
            Refusal::Unknown => Self::Unknown,
            Refusal::KeyReused => Self::KeyReused,
        }
    }
}

/// The reason for which a journal did not publish a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The submission is not in the journal.
    NotPublished,
    /// The submission may turn up in the journal later.
    Unknown,
    /// The idempotency key was used for another event.
    KeyReused,
}
