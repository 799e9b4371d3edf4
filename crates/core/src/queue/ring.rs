//! [`Ring`]: the bounded queue of one slot, for messages that its outlet has not taken yet.
//!
//! One side pushes (the shard), and one side pops (the shard for a socket, the body for a port). A push into a full ring fails
//! and never waits.

use crate::{
    event::{charged::Charged, event_id::EventId, message::Message},
    sync::{ArrayQueue, AtomicUsize, Ordering},
};

/// A queue with a limit of messages and a limit of bytes. An empty ring takes one message of any size.
///
/// ```
/// use std::sync::Arc;
///
/// use fanfare_core::{Event, EventId, Target, engine::{Draft, Ring, RingBudget}};
///
/// let budget = Arc::new(RingBudget::new(1 << 20));
/// let message = |n| Draft::new(Event::new(Target::All, "x"), Arc::clone(&budget)).finish(EventId::new(1_000, n));
/// let ring = Ring::new(2, 1 << 10);
/// assert!(ring.push(message(1)).is_ok() && ring.push(message(2)).is_ok());
/// assert!(ring.push(message(3)).is_err(), "the policy of the connection decides now");
/// assert_eq!((ring.len(), budget.held_bytes()), (2, ring.bytes()));
/// assert_eq!(ring.pop().map(|oldest| oldest.id()), Some(EventId::new(1_000, 1)));
/// ```
#[derive(Debug)]
pub struct Ring {
    queue: ArrayQueue<Charged>,
    /// The bytes in `queue`, or more for a moment: they are added before a push and subtracted after a pop.
    bytes: AtomicUsize,
    bytes_max: usize,
}

impl Ring {
    /// A ring of at most `messages_max` messages (at least 1) and `bytes_max` bytes.
    pub fn new(messages_max: usize, bytes_max: usize) -> Self {
        Self { queue: ArrayQueue::new(messages_max.max(1)), bytes: AtomicUsize::new(0), bytes_max }
    }

    /// Appends `message`.
    ///
    /// # Errors
    /// Gives `message` back if there is no room.
    pub fn push(&self, message: Message) -> Result<(), Message> {
        let bytes = message.bytes();
        if !self.has_room(bytes) {
            return Err(message);
        }
        // Relaxed throughout: only the one pusher decides by this figure. A pop that it has not seen yet makes the figure too
        // large, never too small.
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.queue.push(Charged::new(message)).map_err(|charged| {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            charged.message().clone()
        })
    }

    /// Whether there is room for a message of `bytes`.
    pub fn has_room(&self, bytes: usize) -> bool {
        self.queue.is_empty()
            || (!self.queue.is_full() && self.bytes.load(Ordering::Relaxed).saturating_add(bytes) <= self.bytes_max)
    }

    /// Takes the oldest message.
    pub fn pop(&self) -> Option<Message> {
        self.pop_charged().map(|charged| charged.message().clone())
    }

    pub(crate) fn pop_charged(&self) -> Option<Charged> {
        let charged = self.queue.pop()?;
        self.bytes.fetch_sub(charged.message().bytes(), Ordering::Relaxed);
        Some(charged)
    }

    /// Puts back a message that was popped and could not be sent. Several are put back in their order, into an empty ring.
    pub(crate) fn put_back(&self, charged: Charged) {
        self.bytes.fetch_add(charged.message().bytes(), Ordering::Relaxed);
        let rejected = self.queue.push(charged);
        debug_assert!(rejected.is_ok(), "a message that came out of a ring fits into it");
    }

    /// The ids of the messages that wait, without control lines. Nobody else may push or pop meanwhile.
    pub(crate) fn ids(&self) -> Vec<EventId> {
        let mut ids = Vec::new();
        for _ in 0..self.len() {
            let Some(charged) = self.pop_charged() else { break };
            ids.push(charged.message().id());
            self.put_back(charged);
        }
        ids.retain(|id| *id > EventId::ZERO);
        ids
    }

    /// Whether no message waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// The number of messages that wait.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// The bytes that wait.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event::{Event, budget::RingBudget, draft::Draft, event_id::EventId, target::Target};

    fn message(data_bytes: usize) -> Message {
        let event = Event::new(Target::All, "x".repeat(data_bytes));
        Draft::new(event, Arc::new(RingBudget::new(0))).finish(EventId::ZERO)
    }

    #[test]
    fn it_takes_its_limit_of_messages_and_not_one_more() {
        let ring = Ring::new(3, 1 << 20);
        for _ in 0..3 {
            ring.push(message(1)).unwrap();
        }
        assert!(ring.push(message(1)).is_err());
        assert!(ring.pop().is_some());
        assert!(ring.push(message(1)).is_ok());
    }

    #[test]
    fn it_takes_its_limit_of_bytes_and_not_one_more() {
        let unit = message(10).bytes();
        let ring = Ring::new(100, 2 * unit);
        ring.push(message(10)).unwrap();
        assert!(ring.push(message(11)).is_err());
        ring.push(message(10)).unwrap();
        assert_eq!(ring.bytes(), 2 * unit);
        assert!(ring.push(message(0)).is_err());
    }

    #[test]
    fn an_empty_ring_takes_one_message_of_any_size() {
        let ring = Ring::new(4, 10);
        ring.push(message(1_000)).unwrap();
        assert!(ring.push(message(1)).is_err());
        assert_eq!(ring.pop().map(|message| message.sse().len()), Some(message(1_000).sse().len()));
        assert_eq!((ring.len(), ring.bytes()), (0, 0));
    }
}
