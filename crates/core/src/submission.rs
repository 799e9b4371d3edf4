//! [`Submission`]: an event on its way through a [`crate::Journal`] that is not the hub's memory; and [`Ticket`], where
//! its publishers wait for what becomes of it.

use std::{
    mem,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use crate::{
    event::Event,
    hub::PublishError,
    idempotency::{Answer, Claim, IdempotencyKey},
    message::Draft,
    sync::Mutex,
};

/// One event that waits for its place in the order. Its room in every inbox is reserved.
#[derive(Debug)]
pub struct Submission {
    pub(crate) origin: Origin,
    pub(crate) draft: Draft,
    pub(crate) claim: Option<Claim>,
    /// All of the answer but the id.
    pub(crate) answer: Answer,
    pub(crate) ticket: Arc<Ticket>,
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

    /// What its publisher called it: to be kept for as long as keys are, with the event that it stands for.
    pub fn key(&self) -> Option<&IdempotencyKey> {
        self.origin.key.as_ref()
    }

    /// How many connections it reaches, by the answer that its publisher will have.
    pub fn matched(&self) -> usize {
        self.answer.matched
    }
}

/// What has become of one submission. More than one publisher waits if a key is repeated.
#[derive(Debug, Default)]
pub(crate) struct Ticket(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    result: Option<Result<Answer, PublishError>>,
    wakers: Vec<Waker>,
}

impl Ticket {
    /// It is known now. Returns who is to be woken, once no lock is held.
    pub(crate) fn settle(&self, result: Result<Answer, PublishError>) -> Vec<Waker> {
        let mut waiting = self.0.lock();
        waiting.result = Some(result);
        mem::take(&mut waiting.wakers)
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.0.lock().result.is_some()
    }

    /// The answer, once it is known.
    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<Result<Answer, PublishError>> {
        let mut waiting = self.0.lock();
        if let Some(result) = &waiting.result {
            return Poll::Ready(result.clone());
        }
        if !waiting.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            waiting.wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

/// Events that are not in the order yet. Lives under the hub's order lock.
#[derive(Debug, Default)]
pub(crate) struct Submissions {
    /// What the journal has not taken yet.
    pub(crate) waiting: Vec<Submission>,
    /// Those and what it has taken and not answered.
    pub(crate) unanswered: usize,
}

impl Submissions {
    pub(crate) fn push(&mut self, submission: Submission) {
        self.unanswered += 1;
        self.waiting.push(submission);
    }
}
