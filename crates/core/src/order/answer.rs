//! [`Answer`]: what a publisher is told about its event, or why it was not published ([`PublishError`], [`Refusal`]).

use std::sync::Arc;

use thiserror::Error;

use crate::{event::event_id::EventId, queue::tally::Tally};

/// How much a publisher wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// That the journal has it; the number of connections is an estimate.
    Journal,
    /// What every shard did with it.
    Written,
}

/// The answer to a publish, before the shards have told their part.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) id: EventId,
    pub(crate) matched: usize,
    /// If the publisher asked for the outcome.
    pub(crate) tally: Option<Arc<Tally>>,
    /// An external journal knew the key.
    pub(crate) is_repeat: bool,
}

impl Answer {
    /// For an event that nobody here has published.
    pub(crate) fn of(id: EventId) -> Self {
        Self { id, matched: 0, tally: None, is_repeat: false }
    }
}

/// Why an event was not published.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PublishError {
    /// The hub takes nothing more.
    #[error("the server is draining")]
    Draining,
    /// The idempotency key was used for another event.
    #[error("the idempotency key was used for another event")]
    KeyReused,
    /// The journal does not take events now.
    #[error("the journal is unavailable")]
    Journal,
    /// A part of the server has failed: not every connection would get the event.
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

/// Why submissions were not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing of them is in the journal.
    NotPublished,
    /// They may turn up in it later.
    Unknown,
    /// Their idempotency keys were used for other events.
    KeyReused,
}
