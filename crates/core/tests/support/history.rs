//! [`History`]: the test's own journal. It keeps every event and answers reads as a journal that keeps all would.

use std::sync::Arc;

use fanfare_core::{Batch, Draft, Event, EventId, Message, ReadRequest, RingBudget};

/// Everything that was published, in order.
#[derive(Debug)]
pub(crate) struct History {
    messages: Vec<Message>,
    budget: Arc<RingBudget>,
}

impl Default for History {
    fn default() -> Self {
        Self { messages: Vec::new(), budget: Arc::new(RingBudget::new(0)) }
    }
}

impl History {
    /// Keeps `event`, which was given `id`.
    pub(crate) fn push(&mut self, event: Event, id: EventId) {
        self.messages.push(Draft::new(event, Arc::clone(&self.budget)).finish(id));
    }

    /// Keeps the hub's own message, as a journal in memory does: what rings hold of it counts for the hub.
    pub(crate) fn keep(&mut self, message: Message) {
        self.messages.push(message);
    }

    /// The answer to `request` when `last` is the newest id, from one snapshot and within the request's limits.
    pub(crate) fn batch(&self, request: &ReadRequest, last: EventId) -> Batch {
        assert_eq!(self.messages.last().map_or(EventId::ZERO, Message::id), last, "the history is whole");
        let (mut messages, mut bytes, limit) = (Vec::new(), 0, request.limit());
        let from = self.messages.partition_point(|message| message.id() <= request.after());
        for message in &self.messages[from..] {
            if !message.targets().iter().any(|target| request.targets().contains(target)) {
                continue;
            }
            bytes += message.bytes();
            if messages.len() == limit.messages_max || (bytes > limit.bytes_max && !messages.is_empty()) {
                let next = messages.last().map_or(request.after(), Message::id);
                return Batch { messages, next };
            }
            messages.push(message.clone());
        }
        Batch { messages, next: last.max(request.after()) }
    }

    /// Bytes of its messages that a ring still holds.
    pub(crate) fn held_bytes(&self) -> usize {
        self.budget.held_bytes()
    }
}
