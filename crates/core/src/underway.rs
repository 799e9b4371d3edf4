//! [`Underway`]: a publish whose place among others is certain, until it is answered.

use std::future::poll_fn;

use crate::{
    hub::PublishError,
    idempotency::{Answer, Given},
    receipt::Receipt,
};

/// A publish that the hub has taken. Dropped, it is published all the same.
#[derive(Debug)]
#[must_use = "it does not say what became of the publish unless it is asked"]
pub struct Underway {
    pub(crate) given: Given,
    pub(crate) is_repeat: bool,
}

impl Underway {
    /// Whether it is known what the journal made of it.
    pub fn is_answered(&self) -> bool {
        match &self.given {
            Given::Answer(_) => true,
            Given::Ticket(ticket) => ticket.is_settled(),
        }
    }

    /// What became of it: when the journal has it, and the shards have told their part if that was asked for.
    ///
    /// # Errors
    /// [`PublishError::Journal`] or [`PublishError::Unknown`].
    pub async fn receipt(self) -> Result<Receipt, PublishError> {
        let Answer { id, matched, tally, is_repeat } = match self.given {
            Given::Answer(answer) => answer,
            Given::Ticket(ticket) => poll_fn(|cx| ticket.poll(cx)).await?,
        };
        let outcome = match tally {
            None => None,
            Some(tally) => tally.outcome().await,
        };
        let matched = outcome.map_or(matched, |outcome| outcome.matched());
        Ok(Receipt { id, matched, outcome, is_repeat: self.is_repeat || is_repeat })
    }
}
