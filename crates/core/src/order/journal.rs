//! [`Journal`]: an external store that orders and keeps events. [`Desk`]: the interface of the hub that it uses.
//!
//! The journal feeds the history of the hub with the events that it settles, so reads never wait for a journal.

use std::{collections::VecDeque, io, task::Context};

use crate::{
    event::{Event, event_id::EventId, gap::GapReason, target::Target},
    history::past::Past,
    order::{answer::Refusal, claim::Claim, submission::Submission},
};

/// An external store that orders and keeps events.
pub trait Journal: Send {
    /// Gives the hub the events of before ([`Desk::restore`] in the order of ids, then [`Desk::restore_past`]). Called once,
    /// before there are publishers and subscribers. A journal that cannot be reached yet may do so in [`Journal::run`] instead.
    /// The hub is not ready until then ([`crate::engine::Hub::is_ready`]).
    ///
    /// # Errors
    /// The journal cannot be read. The hub must not be used then.
    fn restore(&mut self, desk: &dyn Desk) -> io::Result<()>;

    /// Takes submissions and settles each, until [`Desk::is_closed`]. Returns once all events that it keeps are safe. Called
    /// once, on a thread of its own.
    ///
    /// # Errors
    /// The journal cannot begin, or the events that it keeps may not be safe.
    fn run(self: Box<Self>, desk: &dyn Desk) -> io::Result<()>;
}

/// The part of one publish that a journal has kept.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The position in the order.
    pub id: EventId,
    /// The event. None if it is gone or was live only.
    pub event: Option<Event>,
    /// The key, if there was one that may still be remembered.
    pub key: Option<KeptKey>,
}

/// An idempotency key that a journal has kept, with or without its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptKey {
    /// The digests of the key and the event.
    pub claim: Claim,
    /// The number of connections that the event reached, by the counters.
    pub matched: usize,
}

/// The result of one submission, or news that others have written to the journal.
///
/// ```
/// use std::{pin::pin, task::{Context, Poll, Waker}};
///
/// use fanfare_core::{Config, Event, EventId, PublishError, Target, Wait, engine::Hub, journal::{Past, Refusal, Settled, Submission}};
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
/// # let mut cx = Context::from_waker(Waker::noop());
/// let mut answer = |settled: fn(Submission) -> Settled| {
///     let mut publish = pin!(hub.publish(Event::new(Target::All, "hello"), Wait::Journal));
/// #     assert!(publish.as_mut().poll(&mut cx).is_pending());
///     let mut group = Vec::new();
///     hub.desk().take(&mut group, &cx);
///     hub.desk().settle(&mut group.drain(..).map(settled).collect(), &cx);
///     let Poll::Ready(answer) = publish.as_mut().poll(&mut cx) else { panic!("no answer") };
///     answer
/// };
/// assert_eq!(answer(|new| Settled::Own(EventId::new(1, 0), new))?.id, EventId::new(1, 0));
/// let refused = answer(|new| Settled::Refused(new, Refusal::NotPublished));
/// assert_eq!(refused, Err(PublishError::Journal));
/// let repeated = answer(|again| Settled::Repeat { submission: again, id: EventId::new(1, 0), matched: 3 })?;
/// assert_eq!((repeated.id, repeated.matched, repeated.is_repeat), (EventId::new(1, 0), 3, true));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub enum Settled {
    /// The journal keeps this submission under this id. A shared journal remembers the key itself. For any other journal the
    /// hub remembers it.
    Own(EventId, Submission),
    /// An event that another writer has put into the journal.
    Other(EventId, Event),
    /// Events of any target up to this id may be lost. The reason is expired or restart.
    Lost(EventId, GapReason),
    /// The journal knew the key of this submission. The submission is not published and gets the first answer.
    Repeat {
        /// The repeated publish.
        submission: Submission,
        /// The id of the first publish.
        id: EventId,
        /// The number of connections that the first publish reached.
        matched: usize,
    },
    /// The submission was not published, for this reason.
    Refused(Submission, Refusal),
}

/// The interface of a hub that an external journal uses.
///
/// The calls of one journal, in their order:
///
/// ```
/// use std::{pin::pin, task::{Context, Poll, Waker}};
///
/// use fanfare_core::{Config, Event, EventId, Target, Wait, engine::Hub, journal::{Kept, Past, Settled}};
///
/// # struct NoSocket;
/// # impl fanfare_core::engine::Socket for NoSocket {
/// #     fn poll_write(&mut self, _: &[std::io::IoSlice<'_>]) -> std::task::Poll<std::io::Result<usize>> { std::task::Poll::Pending }
/// #     fn poll_discard(&mut self) -> std::task::Poll<std::io::Result<usize>> { std::task::Poll::Pending }
/// #     fn shut_write(&mut self) {}
/// # }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (hub, _shards) = Hub::<NoSocket>::behind_journal(Config::default(), Box::new(|| 0));
/// let (desk, mut cx) = (hub.desk(), Context::from_waker(Waker::noop()));
/// let event = Some(Event::new(Target::All, "kept from before"));
/// desk.restore(Kept { id: EventId::new(1, 0), event, key: None });
/// desk.restore_past(Past { last: EventId::new(1, 0), ..Past::default() });
///
/// let mut publish = pin!(hub.publish(Event::new(Target::All, "new"), Wait::Journal));
/// assert!(publish.as_mut().poll(&mut cx).is_pending());
/// let mut group = Vec::new();
/// desk.take(&mut group, &cx);
/// // Here the journal makes the group safe.
/// let own = group.drain(..).map(|submission| Settled::Own(EventId::new(2, 0), submission));
/// desk.settle(&mut own.collect(), &cx);
/// let Poll::Ready(receipt) = publish.as_mut().poll(&mut cx) else { panic!("no answer") };
/// assert_eq!(receipt?.id, EventId::new(2, 0));
///
/// // The history has both events, so the journal has to keep them.
/// assert_eq!(desk.oldest().event, Some(EventId::new(1, 0)));
/// # Ok(())
/// # }
/// ```
pub trait Desk: Send + Sync {
    /// Restores one publish of before. Its id is above those restored so far.
    fn restore(&self, kept: Kept);

    /// Restores the rest of the past. Called once, after the publishes of before.
    fn restore_past(&self, past: Past);

    /// Moves the waiting submissions into `group`, in the order in which they came. Registers the caller to be woken when more
    /// come, or when the desk is closed.
    fn take(&self, group: &mut Vec<Submission>, cx: &Context<'_>);

    /// Whether no submission waits and none will come.
    fn is_closed(&self) -> bool;

    /// Publishes events that the journal has, and answers their publishers. `settled` is in the order of the journal, with ids
    /// that rise from call to call.
    ///
    /// Takes from the front. While an inbox is more than half full, an event of another writer stays, with all behind it. Then
    /// the caller is registered to be woken when there is room.
    fn settle(&self, settled: &mut VecDeque<Settled>, cx: &Context<'_>);

    /// The number of the newest question whether the hub has everything. Registers the caller to be woken by the next one.
    ///
    /// Only for a shared journal. After a question it looks where it ends now, settles everything up to there, and calls
    /// [`Desk::answer`].
    fn question(&self, cx: &Context<'_>) -> u64;

    /// Answers this question and those before it: the hub has all events that the journal had when it took the question.
    fn answer(&self, question: u64);

    /// Sets the reason for which the journal takes no events, for health checks. `None` if there is none.
    fn set_trouble(&self, trouble: Option<String>);

    /// The oldest event of the history and the oldest remembered key.
    fn oldest(&self) -> Oldest;

    /// For each publish with these ids and targets, the parts that the hub still has.
    fn holds(&self, published: &[(EventId, &[Target])]) -> Vec<Holds>;

    /// Bytes of memory that the history and the remembered keys take. On a disk they take at most as many.
    fn held_bytes(&self) -> usize;
}

/// The oldest publishes that a journal has to keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Oldest {
    /// The oldest event of the history.
    pub event: Option<EventId>,
    /// The publish with the oldest key.
    pub key: Option<EventId>,
}

/// The parts of one publish that a journal has to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holds {
    /// The event, because the history has it.
    pub event: bool,
    /// The claim, because the key is remembered.
    pub key: bool,
}
