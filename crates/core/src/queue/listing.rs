//! [`ListQuery`] and [`Listed`]: the connections of a hub, for a person to look at. [`Whose`]: some of them, for one question.

use crate::{
    event::{
        account::Account,
        event_id::EventId,
        name::{Channel, ClientId},
        pattern::Pattern,
    },
    fates::record::Record,
    policy::Policy,
    queue::subscriber::Seat,
};

/// Some connections of a hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The connection with this number.
    Connection(u64),
    /// Those of one client.
    Client(ClientId),
    /// Those that follow a channel, by its name or by a pattern.
    Channel(Channel),
}

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListOrder {
    /// By number: oldest first.
    #[default]
    Number,
    /// Most events behind first ([`Account::lag`]).
    Lag,
    /// Most waiting bytes first.
    Bytes,
}

/// The connections that a list is to have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Only these.
    pub whose: Vec<Whose>,
    /// The order.
    pub order: ListOrder,
    /// Only connections behind this place ([`Listed::place`]).
    pub after: Option<(u64, u64)>,
    /// The most connections.
    pub limit: usize,
}

/// What a connection gets next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Nothing: its head is not out yet.
    Opening,
    /// Every event as it comes.
    Live,
    /// Events from the history.
    CatchingUp,
    /// Nothing until its ring is empty. Events are dropped meanwhile.
    Dropping,
    /// Its end.
    Closing,
}

/// A connection in a list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The number of the connection.
    pub connection: u64,
    /// The client.
    pub client: ClientId,
    /// The channels that it follows by name.
    pub channels: Box<[Channel]>,
    /// The patterns that it follows.
    pub patterns: Box<[Pattern]>,
    /// The number of its shard.
    pub shard: usize,
    /// The behaviour of its ring when full.
    pub policy: Policy,
    /// What it gets next.
    pub doing: Doing,
    /// The figures of its events.
    pub account: Account,
    /// Bytes that wait in its ring.
    pub waiting_bytes: usize,
    /// The time at which it opened, in milliseconds of the clock that drives the shard.
    pub opened_ms: u64,
    /// The time at which its stream ends, in the same clock.
    pub expires_ms: Option<u64>,
    /// Time since the last byte left, or since bytes began to wait, in milliseconds.
    pub silent_ms: u64,
    /// The seat that it holds ([`crate::engine::Subscribe::held`]).
    pub held: Option<Seat>,
    /// The place in the list: the value by which it is ordered, most first, and the number.
    pub place: (u64, u64),
}

impl ListOrder {
    /// The value of a connection by which lists are ordered, most first.
    pub(crate) fn value(self, lag: impl FnOnce() -> u64, bytes: impl FnOnce() -> usize) -> u64 {
        match self {
            Self::Number => 0,
            Self::Lag => lag(),
            Self::Bytes => u64::try_from(bytes()).unwrap_or(u64::MAX),
        }
    }
}

/// What one shard knows of the fate of an event.
#[derive(Debug)]
pub(crate) struct Witness {
    /// The connections that were asked for, open or closed.
    pub(crate) records: Vec<Record>,
    /// There are more than can be told.
    pub(crate) is_cut: bool,
    /// The time at which the shard took the event to its connections, in milliseconds of its clock.
    pub(crate) passed: Option<(u64, u64)>,
    /// Connections whose newest event is not above this id may have been forgotten.
    pub(crate) forgotten: EventId,
    /// The time of the answer.
    pub(crate) now_ms: u64,
}
