//! [`Ring`]: a slot's bounded queue of messages: what its outlet would not take yet.
//!
//! One side pushes (the shard), one side pops (the shard for a socket, the body for a hyper body).
//! Full is an answer, never a wait.

use crate::{
    event::message::{Held, Message},
    sync::{ArrayQueue, AtomicUsize, Ordering},
};

/// Bounded by messages and by bytes; an empty ring takes one message of any size.
#[derive(Debug)]
pub struct Ring {
    queue: ArrayQueue<Held>,
    /// Bytes of what is in `queue`, or more for a moment: added before a push, taken off after a pop.
    bytes: AtomicUsize,
    bytes_max: usize,
}

impl Ring {
    /// A ring of at most `messages_max` messages (at least 1) and `bytes_max` bytes.
    pub fn new(messages_max: usize, bytes_max: usize) -> Self {
        Self { queue: ArrayQueue::new(messages_max.max(1)), bytes: AtomicUsize::new(0), bytes_max }
    }

    /// Puts `message` at the end.
    ///
    /// # Errors
    /// Gives it back if there is no room.
    pub fn push(&self, message: Message) -> Result<(), Message> {
        let bytes = message.bytes();
        if !self.has_room(bytes) {
            return Err(message);
        }
        // Relaxed throughout: only the one pusher decides on this figure, and a pop that it has not seen yet
        // makes it too large, never too small.
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.queue.push(Held::new(message)).map_err(|held| {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            held.message().clone()
        })
    }

    /// Whether a message of `bytes` would be taken now.
    pub fn has_room(&self, bytes: usize) -> bool {
        self.queue.is_empty()
            || (!self.queue.is_full() && self.bytes.load(Ordering::Relaxed).saturating_add(bytes) <= self.bytes_max)
    }

    /// Takes the oldest message.
    pub fn pop(&self) -> Option<Message> {
        self.pop_held().map(|held| held.message().clone())
    }

    pub(crate) fn pop_held(&self) -> Option<Held> {
        let held = self.queue.pop()?;
        self.bytes.fetch_sub(held.message().bytes(), Ordering::Relaxed);
        Some(held)
    }

    /// Puts back what was popped a moment ago and could not be sent, in its order; the ring is empty then.
    pub(crate) fn put_back(&self, held: Held) {
        self.bytes.fetch_add(held.message().bytes(), Ordering::Relaxed);
        let rejected = self.queue.push(held);
        debug_assert!(rejected.is_ok(), "what came out of a ring fits into it");
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// How many messages wait.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// How many bytes wait.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event::{Event, budget::RingBudget, event_id::EventId, message::Draft, target::Target};

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
