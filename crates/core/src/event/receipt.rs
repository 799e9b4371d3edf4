//! [`Receipt`]: the answer to one publish; [`Outcome`]: how its event fared with the connections.

use crate::event::event_id::EventId;

/// What became of one publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The place in the hub's order.
    pub id: EventId,
    /// How many connections it reaches: exact if `outcome` is there, else an estimate from counters.
    pub matched: usize,
    /// What every shard did with it, if the publisher waited for that. None as well if a shard ended before it had taken the
    /// event: nobody knows what its connections have got.
    pub outcome: Option<Outcome>,
    /// It is the answer to an earlier publish with the same key, and nothing was published now.
    pub is_repeat: bool,
}

/// How a message fared with the connections it matched; the three add up to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The socket took all of it at once.
    pub written: usize,
    /// It waits: in a ring, partly in a socket, or in the journal for a connection that is catching up.
    pub queued: usize,
    /// Given up: the ring was full and the policy does not repair it, or it is not to be kept and the connection has yet to
    /// catch up.
    pub dropped: usize,
}

impl Outcome {
    /// How many connections there were.
    pub fn matched(self) -> usize {
        self.written + self.queued + self.dropped
    }
}
