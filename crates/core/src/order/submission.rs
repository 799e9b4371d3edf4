//! [`Publish`]: a publish before it has its id. [`Submission`]: a publish that gets its id from an external journal.

use crate::{
    event::{Event, draft::Draft},
    order::{
        answer::Answer,
        claim::{Claim, IdempotencyKey},
        ticket::{Hold, Reply},
    },
    queue::inbox::Amount,
};

/// A publish on its way into the order.
#[derive(Debug)]
pub(crate) struct Publish {
    pub(crate) draft: Draft,
    pub(crate) claim: Option<Claim>,
    /// The answer without its id.
    pub(crate) answer: Answer,
    /// The event as it was published, for an external journal only.
    pub(crate) origin: Option<Box<Origin>>,
}

/// The part of a publish that an external journal has to keep.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) event: Event,
    pub(crate) key: Option<IdempotencyKey>,
}

/// One event on its way through an external journal. The order has promised it room in every inbox.
///
/// A journal with replicas delivers an event at once, and answers its publisher once enough of them have it:
///
/// ```
/// use std::{pin::pin, task::{Context, Poll, Waker}};
///
/// use fanfare_core::{Config, Event, EventId, Target, Wait, engine::Hub, journal::{Past, Settled}};
///
/// # struct NoSocket;
/// # impl fanfare_core::engine::Socket for NoSocket {
/// #     fn poll_write(&mut self, _: &[std::io::IoSlice<'_>]) -> std::task::Poll<std::io::Result<usize>> { std::task::Poll::Pending }
/// #     fn poll_discard(&mut self) -> std::task::Poll<std::io::Result<usize>> { std::task::Poll::Pending }
/// #     fn shut_write(&mut self) {}
/// # }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (hub, _shards) = Hub::<NoSocket>::behind_journal(Config::default(), Box::new(|| 0));
/// # hub.desk().restore_past(Past::default());
/// # let (desk, mut cx) = (hub.desk(), Context::from_waker(Waker::noop()));
/// let mut publish = pin!(hub.publish(Event::new(Target::All, "hello"), Wait::Journal));
/// # assert!(publish.as_mut().poll(&mut cx).is_pending());
/// # let mut group = Vec::new();
/// # desk.take(&mut group, &cx);
/// # let submission = group.pop().ok_or("no submission")?;
/// // The journal has taken the submission.
/// assert_eq!((submission.event().data(), submission.key(), submission.matched()), ("hello", None, 0));
/// let hold = submission.hold();
/// desk.settle(&mut [Settled::Own(EventId::new(1, 0), submission)].into(), &cx);
/// assert!(publish.as_mut().poll(&mut cx).is_pending(), "it is delivered, and not answered");
///
/// hold.release(Ok(()));
/// let Poll::Ready(receipt) = publish.as_mut().poll(&mut cx) else { panic!("no answer") };
/// assert_eq!(receipt?.id, EventId::new(1, 0));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Submission {
    pub(crate) publish: Publish,
    pub(crate) origin: Box<Origin>,
    pub(crate) reply: Reply,
}

impl Submission {
    /// The event. A journal keeps it unless it is live only ([`Event::is_kept`]).
    pub fn event(&self) -> &Event {
        &self.origin.event
    }

    /// The idempotency key, if the publisher gave one.
    pub fn key(&self) -> Option<&IdempotencyKey> {
        self.origin.key.as_ref()
    }

    /// The digests of the key and the event. A journal keeps them for as long as keys are remembered.
    pub fn claim(&self) -> Option<Claim> {
        self.publish.claim
    }

    /// The number of connections that the event reaches, by the counters.
    pub fn matched(&self) -> usize {
        self.publish.answer.matched
    }

    /// Delays the publisher's success answer until [`Hold::release`]. Used when an event is delivered before enough replicas
    /// have it. A refusal is passed on at once.
    ///
    /// [`Submission`] has an example.
    #[must_use = "dropped, it says that nobody knows what became of the event"]
    pub fn hold(&self) -> Hold {
        self.reply.hold()
    }

    /// The room that is promised in every inbox.
    pub(crate) fn room(&self) -> Amount {
        Amount { messages: 1, bytes: self.publish.draft.bytes_max() }
    }
}

/// The submissions without an answer. Guarded by the order lock.
#[derive(Debug, Default)]
pub(crate) struct Submissions {
    /// Submissions that the journal has not taken yet.
    pub(crate) waiting: Vec<Submission>,
    /// The number of all submissions, and the room that is promised to them in every inbox.
    promised: Amount,
    /// Whether the journal gets no more.
    pub(crate) is_closed: bool,
}

impl Submissions {
    pub(crate) fn push(&mut self, submission: Submission) {
        let Amount { messages, bytes } = submission.room();
        self.promised.messages += messages;
        self.promised.bytes += bytes;
        self.waiting.push(submission);
    }

    /// Notes that a submission with this room has its answer.
    pub(crate) fn give_back(&mut self, room: Amount) {
        self.promised.messages -= room.messages;
        self.promised.bytes -= room.bytes;
    }

    /// Forgets the submissions that are left: nobody will answer them.
    pub(crate) fn give_up(&mut self) {
        self.promised = Amount::default();
    }

    pub(crate) fn promised(&self) -> Amount {
        self.promised
    }

    /// Whether every submission has its answer.
    pub(crate) fn is_empty(&self) -> bool {
        self.promised.messages == 0
    }
}
