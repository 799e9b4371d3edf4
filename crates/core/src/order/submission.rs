//! [`Publish`]: a publish before it has its id. [`Submission`]: a publish that gets its id from an external journal. [`Way`]:
//! either of the two, at the gate.

use std::{collections::VecDeque, mem, sync::Arc};

use crate::{
    event::{Event, draft::Draft},
    order::{
        claim::{Claim, IdempotencyKey},
        ticket::{Delay, Reply},
    },
    queue::{inbox::Amount, tally::Tally},
};

/// A publish on its way into the order.
#[derive(Debug)]
pub(crate) struct Publish {
    pub(crate) draft: Draft,
    pub(crate) claim: Option<Claim>,
    /// The number of connections that the event reaches, by the counters.
    pub(crate) matched: usize,
    /// The counts of the shards, if the publisher asked for the outcome.
    pub(crate) tally: Option<Arc<Tally>>,
}

/// The way of a publish to its id.
#[derive(Debug)]
pub(crate) enum Way {
    /// The order gives the id. Nothing is kept for a journal.
    Here(Publish),
    /// An external journal gives the id. Boxed, so that the other way moves no more than it needs.
    Journal(Box<Submission>),
}

impl Way {
    pub(crate) fn publish(&self) -> &Publish {
        match self {
            Self::Here(publish) => publish,
            Self::Journal(submission) => &submission.publish,
        }
    }
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
/// let delay = submission.delay();
/// desk.settle(&mut [Settled::Own(EventId::new(1, 0), submission)].into(), &cx);
/// assert!(publish.as_mut().poll(&mut cx).is_pending(), "it is delivered, and not answered");
///
/// delay.release(Ok(()));
/// let Poll::Ready(receipt) = publish.as_mut().poll(&mut cx) else { panic!("no answer") };
/// assert_eq!(receipt?.id, EventId::new(1, 0));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Submission {
    pub(crate) publish: Publish,
    pub(crate) reply: Reply,
    /// The event as it was published, and its key: the part that the journal has to keep.
    event: Event,
    key: Option<IdempotencyKey>,
}

impl Submission {
    pub(crate) fn new(publish: Publish, event: Event, key: Option<IdempotencyKey>) -> Self {
        Self { publish, reply: Reply::new(), event, key }
    }

    /// The event. A journal keeps it unless it is live only ([`Event::is_kept`]).
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// The idempotency key, if the publisher gave one.
    pub fn key(&self) -> Option<&IdempotencyKey> {
        self.key.as_ref()
    }

    /// The digests of the key and the event. A journal keeps them for as long as keys are remembered.
    pub fn claim(&self) -> Option<Claim> {
        self.publish.claim
    }

    /// The number of connections that the event reaches, by the counters.
    pub fn matched(&self) -> usize {
        self.publish.matched
    }

    /// Delays the publisher's success answer until [`Delay::release`]. Used when an event is delivered before enough replicas
    /// have it. A refusal is passed on at once.
    ///
    /// [`Submission`] has an example.
    #[must_use = "dropped, it says that nobody knows what became of the event"]
    pub fn delay(&self) -> Delay {
        self.reply.delay()
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
    waiting: Vec<Submission>,
    /// The number of all submissions, and the room that is promised to them in every inbox.
    promised: Amount,
    /// The times at which they came (Unix time in milliseconds), oldest first. A journal answers about in their order.
    came_ms: VecDeque<u64>,
    /// Whether the journal gets no more.
    is_closed: bool,
}

impl Submissions {
    pub(crate) fn push(&mut self, submission: Submission, now_ms: u64) {
        self.came_ms.push_back(now_ms);
        let Amount { messages, bytes } = submission.room();
        self.promised.messages += messages;
        self.promised.bytes += bytes;
        self.waiting.push(submission);
    }

    /// Moves the waiting submissions to the end of `group`.
    pub(crate) fn take(&mut self, group: &mut Vec<Submission>) {
        if group.is_empty() {
            mem::swap(group, &mut self.waiting);
        } else {
            group.append(&mut self.waiting);
        }
    }

    /// Gives the journal no more.
    pub(crate) fn close(&mut self) {
        self.is_closed = true;
    }

    /// Whether the journal gets no more.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Whether the journal has taken every submission.
    pub(crate) fn are_taken(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Notes that a submission with this room has its answer.
    pub(crate) fn give_back(&mut self, room: Amount) {
        self.promised.messages -= room.messages;
        self.promised.bytes -= room.bytes;
        self.came_ms.pop_front();
    }

    /// The time at which the oldest submission without an answer came, about (Unix time in milliseconds).
    pub(crate) fn oldest_ms(&self) -> Option<u64> {
        self.came_ms.front().copied()
    }

    /// Forgets the submissions that are left: nobody will answer them.
    pub(crate) fn give_up(&mut self) {
        self.promised = Amount::default();
        self.came_ms.clear();
    }

    pub(crate) fn promised(&self) -> Amount {
        self.promised
    }

    /// Whether every submission has its answer.
    pub(crate) fn is_empty(&self) -> bool {
        self.promised.messages == 0
    }
}
