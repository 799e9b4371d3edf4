//! A slot that loses messages while its body takes: all that is told, a gap or a message, is told in order and once.

use std::{future::poll_fn, sync::Arc};

use loom::thread;

use crate::{
    config::Config,
    event::{
        budget::RingBudget,
        event_id::EventId,
        gap::{Gap, GapReason},
        message::Message,
        name::ClientId,
        target::Target,
    },
    feed::Feed,
    history::read::{Batch, Hole},
    models::{NoSocket, SLOT, block_on, bounded, budget, hub, id, message},
    policy::Policy,
    queue::{
        life::Life,
        outlet::Outlet,
        port::Port,
        ring::Ring,
        slot_guard::SlotGuard,
        subscriber::{Form, Heartbeat, NEVER, Subscriber},
    },
    shard::{ledger::Ledger, slot::Slot},
};

/// A slot that was opened behind event `opened`, its port, and the body's end.
fn slot(budget: &Arc<RingBudget>, opened: u64) -> (Slot<NoSocket>, Arc<Port>, Feed<NoSocket>) {
    let subscriber = Box::new(Subscriber {
        client: ClientId::new("c").expect("it is a name"),
        channels: Box::default(),
        patterns: Box::default(),
        cursor: id(0),
        opened: id(opened),
        policy: Policy::DropOldest,
        heartbeat: Heartbeat::Comment,
        form: Form::Plain,
        opened_ms: 0,
        expires_ms: NEVER,
        held: None,
    });
    let port = Arc::new(Port::new(Ring::new(1, usize::MAX), Life::default()));
    let guard = SlotGuard::new(Arc::clone(hub().0.inbox(0)), SLOT);
    let feed = Feed::new(Arc::clone(&port), guard, Arc::clone(budget));
    let mut slot = Slot::new(SLOT.connection, subscriber, EventId::ZERO);
    slot.attach(Outlet::Body { port: Arc::clone(&port), taken: 0 }, 0, 0);
    (slot, port, feed)
}

/// The last id that the body is told of. Each gap or message must follow on the one before.
fn told(feed: &mut Feed<NoSocket>, budget: &Arc<RingBudget>, gap_to: impl Fn(u64, u64) -> Gap) -> u64 {
    let mut position = 0;
    while let Some(message) = block_on(poll_fn(|cx| feed.poll_next(cx))) {
        let message = message.expect("it is not cut").whole();
        if message.id() != EventId::ZERO {
            assert_eq!(message.id(), id(position + 1), "a message out of order");
            position += 1;
            continue;
        }
        let says = |to: &u64| message.sse() == Message::gaps(&[gap_to(position, *to)], Arc::clone(budget)).sse();
        position = (position + 1..=3).find(says).expect("a gap that begins where the last message was");
    }
    position
}

/// Catches: a `drop_oldest` without `freeze`, a `freeze` that does not wait, a body that does not mind `taking`.
#[test]
fn what_is_dropped_is_told_before_what_is_newer() {
    bounded(3, || {
        let budget = budget();
        let (mut slot, port, mut feed) = slot(&budget, 0);
        let of_shard = Arc::clone(&budget);
        let shard = thread::spawn(move || {
            let (config, mut ledger) = (Config::default(), Ledger::default());
            for n in [1, 2, 3] {
                let fate = slot.enqueue(&message(n, &of_shard), &config, &mut ledger, 0);
                assert!(fate.is_ok(), "nobody is closed");
            }
            port.end();
        });
        let gap = |from: u64, to: u64| Gap {
            from: Some(id(from)),
            to: Some(id(to)),
            missed: Some(to - from),
            reason: GapReason::Busy,
        };
        assert_eq!(told(&mut feed, &budget, gap), 3);
        shard.join().unwrap();
    });
}

/// Catches: a body that lets go of `front` between its look at it and its look at the ring.
#[test]
fn what_the_journal_lost_is_told_before_what_it_gave() {
    bounded(3, || {
        let budget = budget();
        let (mut slot, port, mut feed) = slot(&budget, 3);
        assert!(slot.line_up_for_history(id(3)));
        assert_eq!(slot.ask().map(|(after, _)| after), Some(id(0)));
        let of_shard = Arc::clone(&budget);
        let shard = thread::spawn(move || {
            let hole = Hole { to: id(2), reason: GapReason::Expired, kept: 0, target: Target::All };
            let messages = vec![message(3, &of_shard)];
            let batch = Batch { messages, next: id(3), hole: Some(hole), checked: 0 };
            slot.take_batch(batch, &Config::default(), &mut Ledger::default(), 0);
            port.end();
        });
        let gap = |from, to| Gap { from: Some(id(from)), to: Some(id(to)), missed: None, reason: GapReason::Expired };
        assert_eq!(told(&mut feed, &budget, gap), 3);
        shard.join().unwrap();
    });
}
