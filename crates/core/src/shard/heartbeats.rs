//! [`Heartbeats`]: the lines that silent streams get, each encoded once for all.

use std::sync::Arc;

use crate::event::{budget::RingBudget, event_id::EventId, message::Message};

/// The heartbeats of one shard.
#[derive(Debug)]
pub(super) struct Heartbeats {
    comment: Message,
    /// The last one that told a cursor.
    cursor: (EventId, Message),
    budget: Arc<RingBudget>,
}

impl Heartbeats {
    pub(super) fn new(budget: Arc<RingBudget>) -> Self {
        let cursor = (EventId::ZERO, Message::cursor(EventId::ZERO, Arc::clone(&budget)));
        Self { comment: Message::heartbeat(Arc::clone(&budget)), cursor, budget }
    }

    /// The comment line.
    pub(super) fn comment(&self) -> Message {
        self.comment.clone()
    }

    /// The line that tells `cursor`.
    pub(super) fn cursor(&mut self, cursor: EventId) -> Message {
        if self.cursor.0 != cursor {
            self.cursor = (cursor, Message::cursor(cursor, Arc::clone(&self.budget)));
        }
        self.cursor.1.clone()
    }
}
