//! [`Ahead`]: the connections whose cursors are newer than the hub, until their own events come.

use std::collections::BTreeMap;

use crate::{event::event_id::EventId, queue::inbox::SlotRef};

/// Connections by cursor and number. Only a hub that shares its journal has any.
#[derive(Debug, Default)]
pub(super) struct Ahead(BTreeMap<(EventId, u64), SlotRef>);

impl Ahead {
    pub(super) fn enter(&mut self, cursor: EventId, slot: SlotRef) {
        self.0.insert((cursor, slot.connection), slot);
    }

    /// Takes a connection out, because it has left.
    pub(super) fn leave(&mut self, cursor: EventId, connection: u64) {
        self.0.remove(&(cursor, connection));
    }

    /// Takes out the connections that are not ahead of `id`.
    pub(super) fn forget_up_to(&mut self, id: EventId) {
        self.0.retain(|(cursor, _), _| *cursor > id);
    }

    /// Takes out the first connection that is not ahead of `id`, with its cursor.
    pub(super) fn pop_up_to(&mut self, id: EventId) -> Option<(EventId, SlotRef)> {
        let first = self.0.first_entry().filter(|first| first.key().0 <= id)?;
        let ((cursor, _), slot) = first.remove_entry();
        Some((cursor, slot))
    }

    #[cfg(all(test, not(loom)))]
    pub(super) fn connections(&self) -> Vec<u64> {
        self.0.values().map(|slot| slot.connection).collect()
    }
}
