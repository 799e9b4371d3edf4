//! [`Ticket`]: the publisher's end of a publish until it is answered. [`Reply`] and [`Delay`]: the journal's ends of it.

use std::{
    future::poll_fn,
    mem,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use crate::{
    event::{event_id::EventId, receipt::Receipt},
    order::answer::{Answer, PublishError, Refusal},
    sync::Mutex,
};

/// A publish that the hub has taken. The event is published even if nobody asks for the receipt.
///
/// ```
/// use fanfare_core::{Config, Event, Target, Wait, engine::Hub};
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
/// let (hub, _shards) = Hub::<NoSocket>::new(Config::default(), Box::new(|| 1_000));
/// // `now` expects that a future need not wait.
/// let [first, second] = ["one", "two"].map(|data| now(hub.begin(Event::new(Target::All, data), None, Wait::Journal)));
/// let (first, second) = (first?, second?);
/// assert!(first.is_answered() && second.is_answered(), "an external journal would take its time");
/// assert!(now(second.receipt())?.id > now(first.receipt())?.id, "whoever asks first");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "it does not say what became of the publish unless it is asked"]
pub struct Ticket {
    answered: Answered,
    /// Whether the key of the publish was known.
    is_repeat: bool,
}

#[derive(Clone, Debug)]
enum Answered {
    /// The event has its id.
    Now(Answer),
    /// The event is on its way through an external journal.
    Later(Arc<Shared>),
}

impl Ticket {
    /// The ticket of a publish that has its id.
    pub(crate) fn known(answer: Answer) -> Self {
        Self { answered: Answered::Now(answer), is_repeat: false }
    }

    /// A ticket for a publish that repeats this one.
    pub(crate) fn for_repeat(&self) -> Self {
        Self { answered: self.answered.clone(), is_repeat: true }
    }

    /// The id of the event, if it was known when the ticket was made.
    pub(crate) fn id(&self) -> Option<EventId> {
        match &self.answered {
            Answered::Now(answer) => Some(answer.id),
            Answered::Later(_) => None,
        }
    }

    /// Whether the event has its id or was refused.
    pub fn is_answered(&self) -> bool {
        match &self.answered {
            Answered::Now(_) => true,
            Answered::Later(shared) => shared.is_settled(),
        }
    }

    /// Waits until the journal has the event or has refused it, whatever else the receipt waits for.
    pub async fn settled(&self) {
        if let Answered::Later(shared) = &self.answered {
            poll_fn(|cx| shared.poll(cx).map(drop)).await;
        }
    }

    /// Waits for the receipt: until the journal has the event, and with [`crate::Wait::Written`] until every shard has handled
    /// it.
    ///
    /// # Errors
    /// [`PublishError::Journal`] or [`PublishError::Unknown`].
    pub async fn receipt(self) -> Result<Receipt, PublishError> {
        let Answer { id, matched, tally, is_repeat } = match self.answered {
            Answered::Now(answer) => answer,
            Answered::Later(shared) => poll_fn(|cx| shared.poll(cx)).await?,
        };
        let outcome = match tally {
            None => None,
            Some(tally) => tally.outcome().await,
        };
        let matched = outcome.map_or(matched, |outcome| outcome.matched());
        Ok(Receipt { id, matched, outcome, is_repeat: self.is_repeat || is_repeat })
    }
}

/// The state that the reply to one submission shares with its tickets. There are several tickets if a key is repeated.
#[derive(Debug, Default)]
struct Shared(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    result: Option<Result<Answer, PublishError>>,
    /// Whether a success is kept back. A refusal never is.
    is_delayed: bool,
    wakers: Vec<Waker>,
}

impl Waiting {
    /// The result, if publishers may know it already.
    fn known(&self) -> Option<&Result<Answer, PublishError>> {
        self.result.as_ref().filter(|result| result.is_err() || !self.is_delayed)
    }

    fn take_wakers(&mut self) -> Vec<Waker> {
        if self.known().is_some() { mem::take(&mut self.wakers) } else { Vec::new() }
    }
}

impl Shared {
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
pub(crate) struct Reply(Arc<Shared>);

impl Reply {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    /// A ticket for this reply.
    pub(crate) fn ticket(&self) -> Ticket {
        Ticket { answered: Answered::Later(Arc::clone(&self.0)), is_repeat: false }
    }

    /// Answers. Returns wakers to wake once no lock is held.
    pub(crate) fn give(self, result: Result<Answer, PublishError>) -> Vec<Waker> {
        self.0.settle(result)
    }

    /// Keeps a success back until the delay is over.
    pub(crate) fn delay(&self) -> Delay {
        self.0.0.lock().is_delayed = true;
        Delay(Some(Arc::clone(&self.0)))
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        // Changes nothing if the reply was given.
        self.0.settle(Err(PublishError::Unknown)).into_iter().for_each(Waker::wake);
    }
}

/// A delay of a publisher's success answer. Answers [`PublishError::Unknown`] if it is dropped unreleased.
///
/// [`Submission`](crate::journal::Submission) has an example.
#[derive(Debug)]
pub struct Delay(Option<Arc<Shared>>);

impl Delay {
    /// Lets the answer go, at once or as soon as there is one. With an error, replaces a success by the refusal.
    pub fn release(mut self, outcome: Result<(), Refusal>) {
        self.end(outcome);
    }

    fn end(&mut self, outcome: Result<(), Refusal>) {
        let Some(shared) = self.0.take() else { return };
        let mut waiting = shared.0.lock();
        waiting.is_delayed = false;
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

impl Drop for Delay {
    fn drop(&mut self) {
        self.end(Err(Refusal::Unknown));
    }
}
