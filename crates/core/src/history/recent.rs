//! [`Recent`]: the targets of the newest events, also of those that are not kept, for the person who asks what became of one.

use std::{collections::VecDeque, sync::Arc};

use crate::event::{event_id::EventId, message::Message, target::Target};

/// Events that are remembered, and the bytes that they and their targets take.
const EVENTS_MAX: usize = 16_384;
const BYTES_MAX: usize = 8 << 20;

/// An event without its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub(crate) id: EventId,
    pub(crate) targets: Arc<[Target]>,
    /// Whether it may be kept.
    pub(crate) is_kept: bool,
}

impl Remembered {
    fn bytes(&self) -> usize {
        let targets = self.targets.iter().map(|target| size_of::<Target>() + target.name_bytes());
        size_of::<Self>() + targets.sum::<usize>()
    }
}

/// The newest events in the order of their ids.
#[derive(Debug, Default)]
pub(super) struct Recent {
    events: VecDeque<Remembered>,
    bytes: usize,
    /// Events up to here were forgotten.
    forgotten: EventId,
}

impl Recent {
    pub(super) fn push(&mut self, message: &Message) {
        let (id, is_kept) = (message.id(), message.is_kept());
        let event = Remembered { id, targets: message.shared_targets(), is_kept };
        self.bytes += event.bytes();
        while (self.events.len() == EVENTS_MAX || self.bytes > BYTES_MAX)
            && let Some(oldest) = self.events.pop_front()
        {
            self.bytes -= oldest.bytes();
            self.forgotten = oldest.id;
        }
        self.events.push_back(event);
    }

    /// There may have been other events up to here.
    pub(super) fn forget_up_to(&mut self, upto: EventId) {
        self.forgotten = self.forgotten.max(upto);
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
