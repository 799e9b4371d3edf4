//! [`Receipt`]: the answer to one publish. [`Outcome`]: how many of its deliveries were made at once, wait or were dropped.

use crate::event::event_id::EventId;

/// The answer to one publish.
///
/// ```
/// use fanfare_core::{EventId, Outcome, Receipt};
///
/// /// A line for the log of a publisher.
/// fn line(Receipt { id, matched, outcome, .. }: Receipt) -> String {
///     match outcome {
///         Some(Outcome { written, queued, dropped }) => format!("{id}: {written} written, {queued} wait, {dropped} dropped"),
///         None => format!("{id}: for about {matched} connections"),
///     }
/// }
///
/// let outcome = Outcome { written: 2, queued: 1, dropped: 0 };
/// let exact = Receipt { id: EventId::new(1_000, 1), matched: outcome.matched(), outcome: Some(outcome), is_repeat: false };
/// assert_eq!(line(exact), "1000-1: 2 written, 1 wait, 0 dropped");
/// assert_eq!(line(Receipt { outcome: None, ..exact }), "1000-1: for about 3 connections");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The position in the order of the hub.
    pub id: EventId,
    /// The number of connections that the event reaches. Exact with an `outcome`, else an estimate from counters.
    pub matched: usize,
    /// The deliveries of all shards, if the publisher waited for them. None if a shard ended before it had taken the event,
    /// because then nobody knows what its connections have got.
    pub outcome: Option<Outcome>,
    /// Whether this is the answer to an earlier publish with the same key. Then nothing was published now.
    pub is_repeat: bool,
}

/// The deliveries of one message. The three numbers add up to the connections that it matched.
///
/// [`Receipt`] has an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Deliveries that the socket took whole at once.
    pub written: usize,
    /// Deliveries that wait: in a ring, partly in a socket, or in the history for a connection that catches up.
    pub queued: usize,
    /// Deliveries that were given up. The ring was full and the policy does not repair that, or the event is live only and the
    /// connection has yet to catch up.
    pub dropped: usize,
}

impl Outcome {
    /// The number of connections.
    pub fn matched(self) -> usize {
        self.written + self.queued + self.dropped
    }
}
