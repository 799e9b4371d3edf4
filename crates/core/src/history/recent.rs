//! [`Recent`]: the targets of the newest events, also of those that are not kept, for the person who asks what became of one.

use std::{collections::VecDeque, sync::Arc};

use crate::event::{event_id::EventId, message::Message, target::Target};

/// Events that are remembered: 0.7 MB, and their targets.
const EVENTS_MAX: usize = 16_384;

/// An event without its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub(crate) id: EventId,
    pub(crate) targets: Arc<[Target]>,
    /// Whether it may be kept.
    pub(crate) is_kept: bool,
}

/// The newest events in the order of their ids.
#[derive(Debug, Default)]
pub(super) struct Recent {
    events: VecDeque<Remembered>,
    /// Events up to here were forgotten.
    forgotten: EventId,
}

impl Recent {
    pub(super) fn push(&mut self, message: &Message) {
        if self.events.len() == EVENTS_MAX
            && let Some(oldest) = self.events.pop_front()
        {
            self.forgotten = oldest.id;
        }
        let (id, is_kept) = (message.id(), message.is_kept());
        self.events.push_back(Remembered { id, targets: message.shared_targets(), is_kept });
    }

    /// The event with this id. `Err` if it may have been forgotten.
    pub(super) fn find(&self, id: EventId) -> Result<Option<Remembered>, ()> {
        match self.events.binary_search_by_key(&id, |event| event.id) {
            Ok(at) => Ok(self.events.get(at).cloned()),
            Err(_) if id <= self.forgotten => Err(()),
            Err(_) => Ok(None),
        }
    }
}
