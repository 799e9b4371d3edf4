//! [`Journal`]: what orders and keeps events somewhere else than in the hub's memory, and what it gives back of its past.
//!
//! The hub's history is fed with what comes back, so reading never waits for a journal.

use std::io;

use crate::{
    claim::Claim, desk::Desk, event::Event, event_id::EventId, gap::GapReason, submission::Submission, target::Target,
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

/// What a journal knows of its past, besides the events.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// Where it begins: no event of it has an id at or below this one.
    pub born: EventId,
    /// At or above every id that anybody may have seen, as far as that can be known; the next one is above it.
    pub last: EventId,
    /// Events up to here may have been acknowledged and are lost, whatever their targets.
    pub lost: EventId,
    /// Events up to here may have been given up, whatever their targets.
    pub given_up: EventId,
    /// Events of a target up to an id were given up.
    pub marks: Vec<(Target, EventId)>,
    /// Others write to it as well: an id above the last may be one that they have told already.
    pub is_shared: bool,
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

/// What a journal that others write to as well brings back, one after the other, with ids that rise.
#[derive(Debug)]
pub enum Brought {
    /// A submission of this hub. Its key, if it has one, is the journal's business.
    Own(EventId, Submission),
    /// An event from elsewhere.
    Other(EventId, Event),
    /// Events up to here may have been missed, whatever their targets: expired or restart.
    Lost(EventId, GapReason),
}

/// Why submissions were not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing of them is in the journal.
    NotPublished,
    /// They may turn up in it later.
    Unknown,
    /// Their idempotency keys were used for other events.
    KeyReused,
}
