//! [`Track`]: the kept events of one target in the order of their ids, and the newest id that was evicted.

use std::collections::{VecDeque, vec_deque::Iter};

use crate::{
    event::{event_id::EventId, message::Message, target::Target},
    history::retention::Retention,
};

/// The history of one target.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) target: Target,
    /// Ids beside their messages, so that a search touches no message.
    events: VecDeque<(EventId, Message)>,
    bytes: usize,
    /// The number of events that other tracks have as well.
    pub(crate) shared: usize,
    /// The newest id that was evicted.
    pub(crate) mark: EventId,
    /// The newest id that the target ever had.
    pub(crate) newest: EventId,
    retention: Retention,
}

impl Track {
    pub(crate) fn new(target: Target, retention: Retention, mark: EventId) -> Self {
        let events = VecDeque::new();
        Self { target, events, bytes: 0, shared: 0, mark, newest: EventId::ZERO, retention }
    }

    pub(crate) fn push(&mut self, message: Message) {
        self.newest = message.id();
        self.bytes += message.kept_bytes();
        self.shared += usize::from(is_shared(&message));
        self.events.push_back((message.id(), message));
    }

    /// Evicts the oldest event.
    pub(crate) fn pop(&mut self) -> Option<Message> {
        let (id, message) = self.events.pop_front()?;
        // A mark from before a restart may be above the id.
        self.mark = self.mark.max(id);
        self.bytes -= message.kept_bytes();
        self.shared -= usize::from(is_shared(&message));
        if self.events.is_empty() {
            self.events = VecDeque::new();
        }
        Some(message)
    }

    /// Whether the track is above one of its limits.
    pub(crate) fn is_over(&self, now_ms: u64) -> bool {
        let Retention { events_max, bytes_max, .. } = self.retention;
        let is_old = |id| self.is_old(id, now_ms);
        self.events.len() > events_max || self.bytes > bytes_max || self.oldest().is_some_and(is_old)
    }

    /// Whether an event with this id is too old to be kept.
    pub(crate) fn is_old(&self, id: EventId, now_ms: u64) -> bool {
        now_ms.saturating_sub(id.ms()) > self.retention.age_ms_max
    }

    /// The number of kept events, and their bytes.
    pub(crate) fn kept(&self) -> (usize, usize) {
        (self.events.len(), self.bytes)
    }

    pub(crate) fn set_retention(&mut self, retention: Retention) {
        self.retention = retention;
    }

    pub(crate) fn oldest(&self) -> Option<EventId> {
        self.events.front().map(|(id, _)| *id)
    }

    pub(crate) fn holds(&self, id: EventId) -> bool {
        self.get(id).is_some()
    }

    /// The event with this id.
    pub(crate) fn get(&self, id: EventId) -> Option<&Message> {
        let at = self.events.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.events.get(at).map(|(_, message)| message)
    }

    /// Whether an event that the track once had is still there.
    pub(crate) fn is_kept(&self, id: EventId) -> bool {
        self.oldest().is_some_and(|oldest| oldest <= id)
    }

    /// The events above `after`.
    pub(crate) fn after(&self, after: EventId) -> Iter<'_, (EventId, Message)> {
        self.events.range(self.events.partition_point(|(id, _)| *id <= after)..)
    }

    /// The number of events above `after` and up to `upto`.
    pub(crate) fn count(&self, after: EventId, upto: EventId) -> usize {
        let up_to = |id: EventId| self.events.partition_point(|(one, _)| *one <= id);
        up_to(upto).saturating_sub(up_to(after))
    }

    /// Gives back memory that a busier time needed.
    pub(crate) fn shrink(&mut self) {
        if self.events.capacity() > 4 * self.events.len().max(16) {
            self.events.shrink_to(2 * self.events.len());
        }
    }
}

/// Whether `message` stands in several tracks: it has several targets.
pub(crate) fn is_shared(message: &Message) -> bool {
    message.targets().len() > 1
}
