//! The intake of a shard: it takes items from its inbox, in order, between two passes.

use crate::{
    event::{
        account::Account,
        event_id::EventId,
        gap::{Gap, GapReason},
        message::Message,
        notice::CloseReason,
        target::Target,
    },
    queue::{
        inbox::{Amount, Item, SlotRef},
        outlet::{Outlet, Socket},
        subscriber::Subscriber,
        tally::{Inquiry, Part},
    },
    shard::{Shard, errand::Errand, slot::Slot},
};

impl<S: Socket> Shard<S> {
    pub(super) fn take_items(&mut self, now_ms: u64) {
        let mut taken = Amount::default();
        if let Some((message, part)) = self.pass.take_postponed() {
            self.take_publish(message, part, now_ms);
        }
        for _ in 0..self.config.turn_slots_max {
            if self.pass.is_full(&self.config) {
                break;
            }
            let Some(item) = self.inbox.pop() else { break };
            match item {
                Item::Publish { message, part } => {
                    taken.messages += 1;
                    taken.bytes += message.bytes();
                    if self.pass.has_room(message.bytes(), &self.config) {
                        self.take_publish(message, part, now_ms);
                    } else {
                        self.pass.postpone(message, part);
                    }
                }
                Item::Subscribe { slot, subscriber, known, catching_up, gap } => {
                    let catching_up = catching_up.filter(|_| subscriber.cursor < subscriber.opened);
                    self.seats.enter(slot.connection, catching_up);
                    self.ledger.totals.opened += 1;
                    if let Some(gap) = gap {
                        self.ledger.totals.count_gap(&gap);
                    }
                    self.take_subscribe(slot, subscriber, known);
                }
                Item::Attach { slot, outlet, input_bytes } => self.take_attach(slot, outlet, input_bytes, now_ms),
                Item::Leave { slot, reason } => self.take_leave(slot, reason, now_ms),
                Item::Report { target, inquiry } => self.report(&target, inquiry),
                Item::List { query, inquiry } => self.errands.push_back(Errand::list(query, inquiry)),
                Item::Testify { whose, id, inquiry } => self.errands.push_back(Errand::testify(whose, id, inquiry)),
                Item::Disconnect { whose, inquiry } => self.errands.push_back(Errand::disconnect(whose, inquiry)),
                Item::Drain => self.begin_draining(),
                Item::Lost(gap) => {
                    taken.messages += 1;
                    if let Some(to) = gap.to {
                        // The gap covers these cursors.
                        self.ahead.forget_up_to(to);
                    }
                    self.begin_telling(gap);
                    break;
                }
            }
        }
        if taken.messages > 0 {
            self.readers.begin_round(now_ms);
            self.pace.took(taken, now_ms);
            self.inbox.release(taken);
        }
    }

    fn take_publish(&mut self, message: Message, part: Option<Part>, now_ms: u64) {
        self.position = message.id();
        self.meet_ahead(message.id(), now_ms);
        let targets = message.clone();
        let bit = self.pass.add(message, part);
        for target in targets.targets() {
            if *target == Target::All {
                self.pass.set_all(bit);
            } else {
                for slot in self.followers.slots(target) {
                    self.pass.set(slot, bit);
                }
                if self.followers.has_patterns()
                    && let Target::Channel(channel) = target
                {
                    // Not a loop: that would take a third of the instructions of a delivery, step by step through nested iterators.
                    self.followers.slots_by_pattern(channel).for_each(|slot| self.pass.set(slot, bit));
                }
            }
        }
    }

    /// Meets connections whose cursors are newer than this hub. Another node has told the client that event, so it must come here
    /// next. If a later event comes first, events were lost, and the client receives a gap.
    fn meet_ahead(&mut self, id: EventId, now_ms: u64) {
        while let Some((cursor, at)) = self.ahead.pop_up_to(id) {
            let Some(slot) = self.slots.get_mut(at).filter(|_| cursor < id) else { continue };
            let (from, to) = (Some(slot.subscriber().opened), Some(id.before()));
            slot.tell(Gap { from, to, missed: None, reason: GapReason::Restart }, &mut self.ledger, now_ms);
            self.flush(at, now_ms);
        }
    }

    fn take_leave(&mut self, at: SlotRef, reason: CloseReason, now_ms: u64) {
        let Some(slot) = self.slots.get(at) else { return };
        // A body that is dropped after its end has not gone away early.
        let reason = slot.end().unwrap_or(reason);
        self.remove(at, reason, now_ms);
    }

    fn take_subscribe(&mut self, slot: SlotRef, subscriber: Box<Subscriber>, known: EventId) {
        self.followers.enter(slot.index, subscriber.targets(), &subscriber.patterns);
        // Older events were in the inbox before this item, and were taken.
        self.position = self.position.max(subscriber.opened);
        if subscriber.cursor > subscriber.opened {
            self.ahead.enter(subscriber.cursor, slot);
        }
        self.pass.enter(slot.index);
        self.slots.enter(slot.index, Slot::new(slot.connection, subscriber, known));
    }

    fn take_attach(&mut self, at: SlotRef, outlet: Outlet<S>, input_bytes: usize, now_ms: u64) {
        let Some(slot) = self.slots.get_mut(at) else {
            outlet.cut();
            return;
        };
        slot.attach(outlet, input_bytes, now_ms);
        self.drain_again(at);
        // Reads once at least: the first Pending is what makes the socket tell us about input and room.
        self.go_on(at, now_ms);
        self.end_expired(at, now_ms);
    }

    /// Answers with the account of each connection that `target` reaches.
    fn report(&mut self, target: &Target, inquiry: Inquiry<(u64, Account)>) {
        let account = |slot: &Slot<S>| (slot.connection(), slot.account());
        if *target == Target::All {
            return inquiry.answer(self.slots.iter().map(account));
        }
        let mut slots: Vec<_> = self.followers.slots(target).collect();
        if let Target::Channel(channel) = target {
            slots.extend(self.followers.slots_by_pattern(channel));
            slots.sort_unstable();
            slots.dedup();
        }
        inquiry.answer(slots.into_iter().filter_map(|at| self.slots.at(at)).map(account));
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::{io, io::IoSlice, task::Poll};

    use super::*;
    use crate::{
        config::Config,
        event::name::ClientId,
        history::{past::Past, read::Start},
        hub::Hub,
        policy::Policy,
        queue::subscriber::{Form, Heartbeat, Subscribe},
    };

    /// No socket is attached here.
    #[derive(Debug)]
    enum NoSocket {}

    impl Socket for NoSocket {
        fn poll_write(&mut self, _: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
            match *self {}
        }

        fn poll_discard(&mut self) -> Poll<io::Result<usize>> {
            match *self {}
        }

        fn shut_write(&mut self) {
            match *self {}
        }
    }

    #[test]
    fn a_connection_with_a_cursor_ahead_that_leaves_is_forgotten() {
        let (hub, mut shards) = Hub::<NoSocket>::behind_journal(Config::default(), Box::new(|| 1_000));
        hub.desk().restore_past(Past { is_shared: true, ..Past::default() });
        let shard = &mut shards[0];
        let subscribe = |ms| Subscribe {
            client: ClientId::new("u").unwrap(),
            channels: Vec::new(),
            patterns: Vec::new(),
            start: Start::After(EventId::new(ms, 0)),
            policy: Policy::Repair,
            heartbeat: Heartbeat::Comment,
            form: Form::Plain,
            shard: 0,
            now_ms: 0,
            expires_ms: None,
            catching_up: None,
            held: None,
        };
        let stays = hub.subscribe(subscribe(2_000)).unwrap();
        for number in 0..100 {
            drop(hub.subscribe(subscribe(2_000 + number)).unwrap());
            while shard.turn(0) == crate::engine::Turn::More {}
        }
        assert_eq!(shard.ahead.connections(), [stays.connection()]);
    }
}
