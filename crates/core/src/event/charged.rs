//! [`Charged`]: a message that counts against the ring budget of its hub.

use crate::event::message::Message;

/// A message that waits for one connection, in its ring or partly written. The bytes are charged to the budget once, however
/// many connections the message waits for.
#[derive(Debug)]
pub(crate) struct Charged(Message);

impl Charged {
    pub(crate) fn new(message: Message) -> Self {
        if message.add_holder() {
            message.budget().add(message.bytes());
        }
        Self(message)
    }

    pub(crate) fn message(&self) -> &Message {
        &self.0
    }
}

impl Drop for Charged {
    fn drop(&mut self) {
        if self.0.remove_holder() {
            self.0.budget().sub(self.0.bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event::{Event, budget::RingBudget, draft::Draft, event_id::EventId, target::Target};

    #[test]
    fn what_is_queued_is_one_pointer() {
        assert_eq!(size_of::<Message>(), size_of::<usize>());
        assert_eq!(size_of::<Charged>(), size_of::<usize>());
        assert_eq!(size_of::<Option<Charged>>(), size_of::<usize>());
    }

    #[test]
    fn a_message_in_two_rings_is_counted_once() {
        let budget = Arc::new(RingBudget::new(1 << 20));
        let message = Draft::new(Event::new(Target::All, "x"), Arc::clone(&budget)).finish(EventId::ZERO);
        let (one, two) = (Charged::new(message.clone()), Charged::new(message.clone()));
        assert_eq!(budget.held_bytes(), message.bytes());
        drop(one);
        assert_eq!(budget.held_bytes(), message.bytes());
        drop(two);
        assert_eq!(budget.held_bytes(), 0);
    }
}
