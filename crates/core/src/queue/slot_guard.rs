//! [`SlotGuard`]: the tie of a connection to its slot, from the registration until it leaves.

use std::sync::Arc;

use crate::{
    event::notice::CloseReason,
    queue::inbox::{Inbox, Item, SlotRef},
};

/// A guard that tells the shard, when it is dropped, that the connection leaves.
#[derive(Debug)]
pub(crate) struct SlotGuard<S> {
    inbox: Arc<Inbox<S>>,
    slot: SlotRef,
    /// The reason to give. None if the shard notices the end by itself.
    reason: Option<CloseReason>,
}

impl<S> SlotGuard<S> {
    pub(crate) fn new(inbox: Arc<Inbox<S>>, slot: SlotRef) -> Self {
        Self { inbox, slot, reason: Some(CloseReason::HandshakeFailed) }
    }

    /// Sets the reason to give. With none, the shard notices the end by itself.
    pub(crate) fn set_reason(&mut self, reason: Option<CloseReason>) {
        self.reason = reason;
    }

    pub(crate) fn inbox(&self) -> &Arc<Inbox<S>> {
        &self.inbox
    }

    pub(crate) fn slot(&self) -> SlotRef {
        self.slot
    }

    pub(crate) fn send(&self, item: Item<S>) {
        self.inbox.push(item);
        self.inbox.wake();
    }
}

impl<S> Drop for SlotGuard<S> {
    fn drop(&mut self) {
        if let Some(reason) = self.reason.take() {
            self.send(Item::Leave { slot: self.slot, reason });
        }
    }
}
