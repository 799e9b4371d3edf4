//! What a shard takes from its inbox, item by item and in order, between two passes.

use std::sync::Arc;

use crate::{
    inbox::{Item, SlotRef},
    journal::Batch,
    message::Message,
    notice::CloseReason,
    outlet::{Outlet, Socket},
    receipt::Tally,
    shard::Shard,
    slot::{Slot, State},
    subscription::Subscriber,
    target::Target,
};

impl<S: Socket> Shard<S> {
    pub(super) fn take_items(&mut self, now_ms: u64) {
        let (mut messages, mut bytes, mut others) = (0, 0, 0);
        let others_max = self.hub.config().turn_slots_max;
        while others < others_max && self.pass.has_room(self.hub.config()) {
            let Some(item) = self.inbox.pop() else { break };
            if let Item::Publish { message, tally } = item {
                messages += 1;
                bytes += message.bytes();
                self.take_publish(message, tally);
                continue;
            }
            others += 1;
            match item {
                Item::Publish { .. } => {}
                Item::Subscribe { slot, subscriber } => self.take_subscribe(slot, subscriber),
                Item::Attach { slot, outlet } => self.take_attach(slot, outlet, now_ms),
                Item::Leave { slot, reason } => {
                    if let Some(left) = self.slot(slot) {
                        // A body that is dropped after its end has not gone away early.
                        let reason = if left.was_told() { CloseReason::Drained } else { reason };
                        self.remove(slot.index, reason, now_ms);
                    }
                }
                Item::Batch { slot, batch } => self.take_batch(slot, batch, now_ms),
                Item::Drain => self.drained = Some(0),
            }
        }
        if messages > 0 {
            self.hub.release(self.number, messages, bytes);
        }
    }

    fn take_publish(&mut self, message: Message, tally: Option<Arc<Tally>>) {
        self.position = message.id();
        let targets = message.clone();
        let bit = self.pass.add(message, tally);
        for target in targets.targets() {
            if *target == Target::All {
                self.pass.mark_all(&mut self.marks, bit);
            } else {
                for slot in self.index.slots(target) {
                    self.pass.mark(&mut self.marks, slot, bit);
                }
            }
        }
    }

    fn take_subscribe(&mut self, slot: SlotRef, subscriber: Box<Subscriber>) {
        self.index.enter(slot.index, subscriber.targets());
        let at = slot.index as usize;
        if self.slots.len() <= at {
            self.slots.resize_with(at + 1, || None);
            self.marks.resize(at + 1, 0);
        }
        self.slots[at] = Some(Slot::new(slot.connection, subscriber));
        self.open += 1;
    }

    fn take_attach(&mut self, at: SlotRef, outlet: Outlet<S>, now_ms: u64) {
        let Some(slot) = self.slot(at) else {
            if let Outlet::Body { port, .. } = outlet {
                port.cut();
            }
            return;
        };
        slot.attach(outlet, now_ms);
        if let Some(from) = &mut self.drained {
            *from = (*from).min(at.index as usize);
        }
        // Reads once at least: the first Pending is what makes the socket tell us about input and room.
        self.go_on(at, now_ms);
    }

    fn take_batch(&mut self, at: SlotRef, batch: Batch, now_ms: u64) {
        let (position, hub) = (self.position, Arc::clone(&self.hub));
        let Some(slot) = self.slot(at) else { return };
        let State::CatchUp { mut cursor, .. } = slot.state else { return };
        let is_empty = batch.messages.is_empty();
        let mut is_whole = true;
        for message in batch.messages {
            let id = message.id();
            is_whole = slot.feed(message, hub.config(), now_ms);
            if !is_whole {
                break;
            }
            cursor = id;
        }
        if is_whole {
            cursor = batch.next;
        }
        slot.seen = slot.seen.max(cursor);
        slot.state = if is_empty && cursor >= position && slot.is_flushed() {
            State::Live
        } else {
            State::CatchUp { cursor, is_reading: false }
        };
        // Messages of the pass that it has from the journal already are not for it any more.
        self.pass.settle(&mut self.marks, at.index, cursor);
        if self.drained.is_some() {
            self.begin_closing(at.index);
        }
        self.flush(at, now_ms);
    }
}
