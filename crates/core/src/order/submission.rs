//! [`Entry`]: a publish before it has its place; [`Submission`]: one that an external journal is to give its place.

use crate::{
    event::{Event, message::Draft},
    order::{
        answer::Answer,
        claim::{Claim, IdempotencyKey},
        ticket::{Hold, Promise},
    },
    queue::inbox::Amount,
};

/// A publish on its way into the order.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) draft: Draft,
    pub(crate) claim: Option<Claim>,
    /// All of the answer but the id.
    pub(crate) answer: Answer,
    /// For an external journal only.
    pub(crate) origin: Option<Box<Origin>>,
}

/// The part of a publish that an external journal has to keep.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) event: Event,
    pub(crate) key: Option<IdempotencyKey>,
}

/// One event on its way through an external journal. The order has promised it room in every inbox.
#[derive(Debug)]
pub struct Submission {
    pub(crate) origin: Box<Origin>,
    pub(crate) draft: Draft,
    pub(crate) claim: Option<Claim>,
    /// All of the answer but the id.
    pub(crate) answer: Answer,
    pub(crate) promise: Promise,
}

impl Submission {
    /// The event. The journal keeps it unless it is live only ([`Event::is_kept`]).
    pub fn event(&self) -> &Event {
        &self.origin.event
    }

    /// The idempotency key, if the publisher gave one.
    pub fn key(&self) -> Option<&IdempotencyKey> {
        self.origin.key.as_ref()
    }

    /// The digest of the key and of the event. The journal keeps it for as long as keys are remembered.
    pub fn claim(&self) -> Option<Claim> {
        self.claim
    }

    /// How many connections the event reaches, by the counters.
    pub fn matched(&self) -> usize {
        self.answer.matched
    }

    /// Delays the publisher's success answer until [`Hold::release`]. For a journal that delivers an event before enough
    /// replicas have it. A refusal is passed on at once.
    #[must_use = "dropped, it says that nobody knows what became of the event"]
    pub fn hold(&self) -> Hold {
        self.promise.hold()
    }

    /// The room that is promised to it.
    pub(crate) fn room(&self) -> Amount {
        Amount { messages: 1, bytes: self.draft.bytes_max() }
    }
}

/// The submissions that have no answer yet. Under the order lock.
#[derive(Debug, Default)]
pub(crate) struct Submissions {
    /// Those that the journal has not taken.
    pub(crate) waiting: Vec<Submission>,
    /// All of them, and the room that is promised to them in every inbox.
    promised: Amount,
    /// The journal takes no more.
    pub(crate) is_closed: bool,
}

impl Submissions {
    pub(crate) fn push(&mut self, submission: Submission) {
        let Amount { messages, bytes } = submission.room();
        self.promised.messages += messages;
        self.promised.bytes += bytes;
        self.waiting.push(submission);
    }

    /// One that was promised `room` has its answer.
    pub(crate) fn answered(&mut self, room: Amount) {
        self.promised.messages -= room.messages;
        self.promised.bytes -= room.bytes;
    }

    /// Nobody will answer those that are left.
    pub(crate) fn give_up(&mut self) {
        self.promised = Amount::default();
    }

    pub(crate) fn promised(&self) -> Amount {
        self.promised
    }

    /// Whether none is without an answer.
    pub(crate) fn is_empty(&self) -> bool {
        self.promised.messages == 0
    }
}
