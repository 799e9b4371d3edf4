//! [`Submission`]: an event on its way through a [`crate::Journal`] outside of the hub; and [`Ticket`], where its publishers
//! wait for what becomes of it.

use std::{
    mem,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use crate::{
    claim::Claim,
    event::Event,
    hub::PublishError,
    idempotency::{Answer, IdempotencyKey},
    journal::Refusal,
    message::Draft,
    sync::Mutex,
};

/// One event that waits for its place in the order. Its room in every inbox is promised.
#[derive(Debug)]
pub struct Submission {
    pub(crate) origin: Box<Origin>,
    pub(crate) draft: Draft,
    pub(crate) claim: Option<Claim>,
    /// All of the answer but the id.
    pub(crate) answer: Answer,
    pub(crate) promise: Promise,
}

/// What a publisher gave: what a journal has to keep of it.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) event: Event,
    pub(crate) key: Option<IdempotencyKey>,
}

impl Submission {
    /// What is to be kept, unless it is live only.
    pub fn event(&self) -> &Event {
        &self.origin.event
    }

    /// What its publisher called it.
    pub fn key(&self) -> Option<&IdempotencyKey> {
        self.origin.key.as_ref()
    }

    /// What its key is remembered by: to be kept for as long as keys are.
    pub fn claim(&self) -> Option<Claim> {
        self.claim
    }

    /// How many connections it reaches, by the counters.
    pub fn matched(&self) -> usize {
        self.answer.matched
    }

    /// Its publisher is told nothing before the journal lets go, but of a refusal: for a journal that brings it back before
    /// it is as safe as was promised.
    #[must_use = "dropped, it says that nobody knows what became of the event"]
    pub fn hold(&self) -> Hold {
        let ticket = self.promise.0.clone();
        if let Some(ticket) = &ticket {
            ticket.0.lock().is_held = true;
        }
        Hold(ticket)
    }
}

/// What has become of one submission. More than one publisher waits if a key is repeated.
#[derive(Debug, Default)]
pub(crate) struct Ticket(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    result: Option<Result<Answer, PublishError>>,
    /// An answer is not to be given yet.
    is_held: bool,
    wakers: Vec<Waker>,
}

impl Waiting {
    /// What its publishers may know.
    fn known(&self) -> Option<&Result<Answer, PublishError>> {
        self.result.as_ref().filter(|result| result.is_err() || !self.is_held)
    }

    fn take_wakers(&mut self) -> Vec<Waker> {
        if self.known().is_some() { mem::take(&mut self.wakers) } else { Vec::new() }
    }
}

impl Ticket {
    /// It is known now. Returns who is to be woken, once no lock is held.
    fn settle(&self, result: Result<Answer, PublishError>) -> Vec<Waker> {
        let mut waiting = self.0.lock();
        // What was told stays.
        waiting.result.get_or_insert(result);
        waiting.take_wakers()
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.0.lock().known().is_some()
    }

    /// The answer, once it is known.
    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<Result<Answer, PublishError>> {
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

/// That a ticket will be settled. If nobody does it, because the journal has panicked, nobody knows what it had done.
#[derive(Debug)]
pub(crate) struct Promise(Option<Arc<Ticket>>);

impl Promise {
    pub(crate) fn new(ticket: Arc<Ticket>) -> Self {
        Self(Some(ticket))
    }

    /// Returns who is to be woken, once no lock is held.
    pub(crate) fn keep(mut self, result: Result<Answer, PublishError>) -> Vec<Waker> {
        self.0.take().map(|ticket| ticket.settle(result)).unwrap_or_default()
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        let Some(ticket) = self.0.take() else { return };
        ticket.settle(Err(PublishError::Unknown)).into_iter().for_each(Waker::wake);
    }
}

/// Keeps the answer to a submission back. Dropped, nobody knows what became of it.
#[derive(Debug)]
pub struct Hold(Option<Arc<Ticket>>);

impl Hold {
    /// The answer may be given, now or when there is one; or this one is given in its place.
    pub fn release(mut self, outcome: Result<(), Refusal>) {
        self.end(outcome);
    }

    fn end(&mut self, outcome: Result<(), Refusal>) {
        let Some(ticket) = self.0.take() else { return };
        let mut waiting = ticket.0.lock();
        waiting.is_held = false;
        // A refusal that is there already says more.
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

/// Events that are not in the order yet; none but with a journal outside. Lives under the hub's order lock.
#[derive(Debug, Default)]
pub(crate) struct Submissions {
    /// What the journal has not taken yet.
    pub(crate) waiting: Vec<Submission>,
    /// Those and what it has taken and not answered.
    pub(crate) unanswered: usize,
    /// There will be no more.
    pub(crate) is_closed: bool,
}

impl Submissions {
    pub(crate) fn push(&mut self, submission: Submission) {
        self.unanswered += 1;
        self.waiting.push(submission);
    }
}
