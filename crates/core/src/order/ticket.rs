//! [`Ticket`]: the publisher's end of a publish until it is answered. [`Reply`] and [`Hold`]: the journal's ends of it.

use std::{
    future::poll_fn,
    mem,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use crate::{
    event::receipt::Receipt,
    order::answer::{Answer, PublishError, Refusal},
    sync::Mutex,
};

/// A publish that the hub has taken. The event is published even if nobody asks for the receipt.
#[derive(Debug)]
#[must_use = "it does not say what became of the publish unless it is asked"]
pub struct Ticket {
    given: Given,
    /// Whether the key of the publish was known.
    is_repeat: bool,
}

/// The answer to a publish, now or later.
#[derive(Clone, Debug)]
pub(crate) enum Given {
    /// The event has its id.
    Answer(Answer),
    /// The event is on its way through an external journal.
    Pending(Arc<Pending>),
}

impl Ticket {
    /// The ticket of a new publish.
    pub(crate) fn new(given: Given) -> Self {
        Self { given, is_repeat: false }
    }

    /// The ticket of a publish that repeats another one.
    pub(crate) fn repeat(given: Given) -> Self {
        Self { given, is_repeat: true }
    }

    /// Whether the event has its id or was refused.
    pub fn is_answered(&self) -> bool {
        match &self.given {
            Given::Answer(_) => true,
            Given::Pending(pending) => pending.is_settled(),
        }
    }

    /// Waits for the receipt: until the journal has the event, and with [`crate::Wait::Written`] until every shard has handled
    /// it.
    ///
    /// # Errors
    /// [`PublishError::Journal`] or [`PublishError::Unknown`].
    pub async fn receipt(self) -> Result<Receipt, PublishError> {
        let Answer { id, matched, tally, is_repeat } = match self.given {
            Given::Answer(answer) => answer,
            Given::Pending(pending) => poll_fn(|cx| pending.poll(cx)).await?,
        };
        let outcome = match tally {
            None => None,
            Some(tally) => tally.outcome().await,
        };
        let matched = outcome.map_or(matched, |outcome| outcome.matched());
        Ok(Receipt { id, matched, outcome, is_repeat: self.is_repeat || is_repeat })
    }
}

/// The answer of one submission, once it comes. Several publishers wait here if a key is repeated.
#[derive(Debug, Default)]
pub(crate) struct Pending(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    result: Option<Result<Answer, PublishError>>,
    /// Whether a success is kept back. A refusal never is.
    is_held: bool,
    wakers: Vec<Waker>,
}

impl Waiting {
    /// The result, if publishers may know it already.
    fn known(&self) -> Option<&Result<Answer, PublishError>> {
        self.result.as_ref().filter(|result| result.is_err() || !self.is_held)
    }

    fn take_wakers(&mut self) -> Vec<Waker> {
        if self.known().is_some() { mem::take(&mut self.wakers) } else { Vec::new() }
    }
}

impl Pending {
    /// Sets the result, unless there is one. Returns wakers to wake once no lock is held.
    fn settle(&self, result: Result<Answer, PublishError>) -> Vec<Waker> {
        let mut waiting = self.0.lock();
        waiting.result.get_or_insert(result);
        waiting.take_wakers()
    }

    fn is_settled(&self) -> bool {
        self.0.lock().known().is_some()
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<Result<Answer, PublishError>> {
        let mut waiting = self.0.lock();
        if let Some(result) = waiting.known() {
            return Poll::Ready(result.clone());
        }
        if !waiting.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            waiting.wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

/// The duty to answer one submission. Answers [`PublishError::Unknown`] if it is dropped unkept, because the journal has
/// panicked.
#[derive(Debug)]
pub(crate) struct Reply(Arc<Pending>);

impl Reply {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    /// The place where the publisher waits for the answer.
    pub(crate) fn pending(&self) -> Arc<Pending> {
        Arc::clone(&self.0)
    }

    /// Answers. Returns wakers to wake once no lock is held.
    pub(crate) fn give(self, result: Result<Answer, PublishError>) -> Vec<Waker> {
        self.0.settle(result)
    }

    /// Keeps a success back until the hold is released.
    pub(crate) fn hold(&self) -> Hold {
        self.0.0.lock().is_held = true;
        Hold(Some(self.pending()))
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        // Changes nothing if the reply was given.
        self.0.settle(Err(PublishError::Unknown)).into_iter().for_each(Waker::wake);
    }
}

/// A delay of a publisher's success answer. Answers [`PublishError::Unknown`] if it is dropped unreleased.
#[derive(Debug)]
pub struct Hold(Option<Arc<Pending>>);

impl Hold {
    /// Lets the answer go, at once or as soon as there is one. With an error, replaces a success by the refusal.
    pub fn release(mut self, outcome: Result<(), Refusal>) {
        self.end(outcome);
    }

    fn end(&mut self, outcome: Result<(), Refusal>) {
        let Some(pending) = self.0.take() else { return };
        let mut waiting = pending.0.lock();
        waiting.is_held = false;
        // An earlier refusal says more.
        if let Err(refusal) = outcome
            && !matches!(waiting.result, Some(Err(_)))
        {
            waiting.result = Some(Err(refusal.into()));
        }
        let wakers = waiting.take_wakers();
        drop(waiting);
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.end(Err(Refusal::Unknown));
    }
}
