//! [`Journal`]: what orders and keeps events somewhere else than in the hub's memory, and what it gives back of its past.
//!
//! The hub's history is fed with what comes back, so reading never waits for a journal.

use std::{collections::VecDeque, io, task::Context};

use crate::{
    event::{Event, event_id::EventId, gap::GapReason, target::Target},
    history::past::Past,
    order::{answer::Refusal, claim::Claim, submission::Submission},
};

/// Orders and keeps events outside of the hub.
pub trait Journal: Send {
    /// Gives the hub what was kept before ([`Desk::restore`] in the order of ids, then [`Desk::restore_past`]). Called once,
    /// before there are publishers and subscribers. A journal that cannot be reached yet may do so when it runs: until then
    /// the hub is not ready ([`crate::Hub::is_ready`]).
    ///
    /// # Errors
    /// It cannot be read; the hub is not to be used then.
    fn restore(&mut self, desk: &dyn Desk) -> io::Result<()>;

    /// Takes submissions and brings each back, until [`Desk::is_closed`]; returns when what it has is safe. Called once,
    /// on a thread of its own.
    ///
    /// # Errors
    /// It cannot begin, or what it has may not be safe.
    fn run(self: Box<Self>, desk: &dyn Desk) -> io::Result<()>;
}

/// What a journal has kept of one publish.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its place in the order.
    pub id: EventId,
    /// What its publisher gave; none if that is gone, or was live only.
    pub event: Option<Event>,
    /// Its key, if it had one that may still be remembered.
    pub key: Option<KeptKey>,
}

/// An idempotency key that a journal has kept, whether its event is there or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptKey {
    /// The key and the fingerprint of its event.
    pub claim: Claim,
    /// How many connections the event reached, by the counters.
    pub matched: usize,
}

/// What became of a submission in the journal, or what others have written there.
#[derive(Debug)]
pub enum Settled {
    /// The journal keeps this submission under this id. A journal that others write to knows its key; for any other the hub
    /// remembers it.
    Own(EventId, Submission),
    /// An event that somebody else has written.
    Other(EventId, Event),
    /// Events up to this id may have been missed, whatever their targets: expired or restart.
    Lost(EventId, GapReason),
    /// The journal knew the key of this submission. It is not published, and gets the first answer.
    Repeat {
        /// The repeated publish.
        submission: Submission,
        /// Of the first publish.
        id: EventId,
        /// Of the first publish.
        matched: usize,
    },
    /// The journal does not have this submission.
    Refused(Submission, Refusal),
}

/// A hub whose events are ordered by a journal outside of it.
pub trait Desk: Send + Sync {
    /// One publish from before, newer than those given so far.
    fn restore(&self, kept: Kept);

    /// What there is to know besides the events from before. Called once, behind them.
    fn restore_past(&self, past: Past);

    /// Moves what waits into `group`, in the order in which it came, and registers the caller to be woken when more
    /// comes, or when it is closed.
    fn take(&self, group: &mut Vec<Submission>, cx: &Context<'_>);

    /// Whether nothing waits and nothing more will come.
    fn is_closed(&self) -> bool;

    /// Publishes what the journal has, and answers whoever waits for that: `settled` in the order of the journal, with ids that
    /// rise from call to call. Takes from the front. An event of somebody else stays, with all behind it, while an inbox is more
    /// than half full; the caller is then registered to be woken when there is room.
    fn settle(&self, settled: &mut VecDeque<Settled>, cx: &Context<'_>);

    /// The number of the newest question whether the hub has everything, and registers the caller to be woken by the next one.
    /// For a journal that others write to as well: it looks for its end then, brings everything up to there, and says so with
    /// [`Desk::answer`].
    fn question(&self, cx: &Context<'_>) -> u64;

    /// The hub has everything that the journal had when it took this question, and those before it.
    fn answer(&self, question: u64);

    /// What keeps the journal from taking events, for whoever asks after its health; `None`: nothing.
    fn set_trouble(&self, trouble: Option<String>);

    /// The oldest event that the history holds, and the oldest key that is remembered.
    fn oldest(&self) -> Oldest;

    /// What is still held of publishes with these ids and targets.
    fn holds(&self, published: &[(EventId, &[Target])]) -> Vec<Holds>;

    /// Bytes of memory that the events of the history and the remembered keys take, at least as many as on a disk.
    fn held_bytes(&self) -> usize;
}

/// Where that begins which a journal has to keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Oldest {
    /// The oldest event of the history.
    pub event: Option<EventId>,
    /// The publish with the oldest key.
    pub key: Option<EventId>,
}

/// What a journal has to keep of one publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holds {
    /// The event: the history holds it.
    pub event: bool,
    /// Its claim: the key is remembered.
    pub key: bool,
}
