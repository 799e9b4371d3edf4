//! [`Slots`]: the slots of one shard, by their index.

use crate::{
    queue::{inbox::SlotRef, outlet::Socket},
    shard::slot::Slot,
};

/// The slots of one shard. An index without a slot has none yet, or its slot has left.
#[derive(Debug)]
pub(super) struct Slots<S> {
    slots: Vec<Option<Slot<S>>>,
    open: usize,
}

impl<S> Slots<S> {
    pub(super) fn new() -> Self {
        Self { slots: Vec::new(), open: 0 }
    }

    /// The number of indexes, with and without a slot.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The number of slots.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    /// The slot at `index`, whichever it is.
    pub(super) fn at(&self, index: u32) -> Option<&Slot<S>> {
        self.slots[index as usize].as_ref()
    }

    /// The slot at `index`, whichever it is.
    pub(super) fn at_mut(&mut self, index: u32) -> Option<&mut Slot<S>> {
        self.slots[index as usize].as_mut()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Slot<S>> {
        self.slots.iter().flatten()
    }
}

impl<S: Socket> Slots<S> {
    /// Enters the slot of a new connection.
    pub(super) fn enter(&mut self, index: u32, slot: Slot<S>) {
        let at = index as usize;
        if self.slots.len() <= at {
            self.slots.resize_with(at + 1, || None);
        }
        self.slots[at] = Some(slot);
        self.open += 1;
    }

    /// Takes a slot out.
    pub(super) fn take(&mut self, at: SlotRef) -> Option<Slot<S>> {
        self.get(at)?;
        self.open -= 1;
        self.slots[at.index as usize].take()
    }

    /// The slot of this connection, unless it has left.
    pub(super) fn get(&self, at: SlotRef) -> Option<&Slot<S>> {
        self.slots.get(at.index as usize)?.as_ref().filter(|slot| slot.connection() == at.connection)
    }

    /// The slot of this connection, unless it has left.
    pub(super) fn get_mut(&mut self, at: SlotRef) -> Option<&mut Slot<S>> {
        self.slots.get_mut(at.index as usize)?.as_mut().filter(|slot| slot.connection() == at.connection)
    }

    /// The name of the slot at an index, if there is one.
    pub(super) fn name(&self, at: usize) -> Option<SlotRef> {
        let slot = self.slots[at].as_ref()?;
        Some(SlotRef { index: u32::try_from(at).ok()?, connection: slot.connection() })
    }

    /// The names of all slots.
    pub(super) fn names(&self) -> impl Iterator<Item = SlotRef> {
        (0..self.slots.len()).filter_map(|at| self.name(at))
    }
}
