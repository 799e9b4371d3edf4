//! A shard and the body that takes from its port.

use std::{future::poll_fn, sync::Arc};

use loom::thread;

use super::{NoSocket, SLOT, block_on, bounded, budget, hub, id, message};
use crate::{
    event::{budget::RingBudget, event_id::EventId, message::Message},
    feed::{Feed, Outgoing},
    queue::{
        inbox::Inbox,
        life::Life,
        port::{Cut, Port},
        ring::Ring,
        slot_guard::SlotGuard,
    },
};

struct Stream {
    inbox: Arc<Inbox<NoSocket>>,
    budget: Arc<RingBudget>,
    port: Arc<Port>,
    life: Life,
    feed: Feed<NoSocket>,
}

fn stream(ring_messages_max: usize) -> Stream {
    let (inbox, budget) = (Arc::clone(hub().0.inbox(0)), budget());
    let life = Life::default();
    let port = Arc::new(Port::new(Ring::new(ring_messages_max, usize::MAX), life.clone()));
    let guard = SlotGuard::new(Arc::clone(&inbox), SLOT);
    let feed = Feed::new(Arc::clone(&port), guard, Arc::clone(&budget));
    Stream { inbox, budget, port, life, feed }
}

impl Stream {
    fn push(&self, n: u64) {
        self.port.ring().push(message(n, &self.budget)).expect("there is room");
    }
}

fn next(feed: &mut Feed<NoSocket>) -> Option<Result<Message, Cut>> {
    let next = block_on(poll_fn(|cx| feed.poll_next(cx)));
    next.map(|next| next.map(Outgoing::whole))
}

fn next_id(feed: &mut Feed<NoSocket>) -> Option<EventId> {
    next(feed).map(|message| message.expect("it is not cut").id())
}

/// Catches: a look before the registration in `poll_next`.
#[test]
fn a_push_wakes_the_body() {
    bounded(3, || {
        let Stream { budget, port, mut feed, .. } = stream(2);
        let shard = thread::spawn(move || {
            for n in [1, 2] {
                port.ring().push(message(n, &budget)).expect("there is room");
                port.wake();
            }
        });
        assert_eq!(next_id(&mut feed), Some(id(1)));
        assert_eq!(next_id(&mut feed), Some(id(2)));
        shard.join().unwrap();
    });
}

/// Catches: a fence left out in `want_empty` or where an `Outgoing` is dropped, a `wants_empty` that is loaded and not swapped.
#[test]
fn the_shard_hears_once_that_the_ring_is_empty() {
    loom::model(|| {
        let stream = stream(2);
        stream.push(1);
        let Stream { inbox, port, mut feed, .. } = stream;
        let shard = thread::spawn(move || port.want_empty());
        assert_eq!(next_id(&mut feed), Some(id(1)));
        let sees = shard.join().unwrap();
        let is_told = inbox.pop_woken().is_some();
        assert!(sees != is_told, "it sees: {sees}, it is told: {is_told}");
    });
}

/// Catches: a `Freeze` that does not wake the body.
#[test]
fn who_was_kept_from_taking_is_woken() {
    loom::model(|| {
        let stream = stream(1);
        stream.push(1);
        let Stream { port, mut feed, .. } = stream;
        let shard = thread::spawn(move || drop(port.freeze()));
        assert_eq!(next_id(&mut feed), Some(id(1)));
        shard.join().unwrap();
    });
}

/// Catches: a body that does not mind `taking`, a `freeze` that does not wait for it.
#[test]
fn what_the_shard_empties_is_behind_what_the_body_took() {
    bounded(3, || {
        let stream = stream(2);
        stream.push(1);
        stream.push(2);
        let Stream { budget, port, mut feed, .. } = stream;
        let shard = thread::spawn(move || {
            let emptied: Vec<_> = port.empty().iter().map(Message::id).collect();
            port.ring().push(message(3, &budget)).expect("there is room");
            port.wake();
            emptied
        });
        let mut taken = Vec::new();
        while taken.last() != Some(&id(3)) {
            taken.extend(next_id(&mut feed));
        }
        taken.pop();
        taken.extend(shard.join().unwrap());
        assert_eq!(taken, [id(1), id(2)]);
    });
}

/// Catches: an `end` that is not released or not acquired, or that wakes before it is stored.
#[test]
fn the_end_comes_behind_the_last_message() {
    loom::model(|| {
        let Stream { budget, port, mut feed, .. } = stream(1);
        let shard = thread::spawn(move || {
            port.ring().push(message(1, &budget)).expect("there is room");
            port.end();
        });
        assert_eq!(next_id(&mut feed), Some(id(1)));
        assert_eq!(next_id(&mut feed), None);
        shard.join().unwrap();
    });
}

/// Catches: a `cut` that does not end the life, or does not wake the body.
#[test]
fn a_cut_reaches_the_body_and_its_owner() {
    bounded(3, || {
        let stream = stream(1);
        stream.push(1);
        let Stream { budget, port, life, mut feed, .. } = stream;
        let owner = thread::spawn(move || block_on(poll_fn(|cx| life.poll_end(cx))));
        let body = thread::spawn(move || {
            while let Some(Ok(message)) = next(&mut feed) {
                assert_eq!(message.id(), id(1));
            }
            feed
        });
        port.cut();
        owner.join().unwrap();
        drop(body.join().unwrap());
        assert!(port.ring().is_empty());
        assert_eq!(budget.held_bytes(), 0);
    });
}

/// Catches: a `cut` that empties the ring before it ends the life, or while the body takes from it. The body would take the empty
/// ring for the end.
#[test]
fn a_stream_that_is_cut_behind_its_end_looks_whole_only_if_it_is() {
    loom::model(|| {
        let stream = stream(1);
        stream.push(1);
        let Stream { port, mut feed, .. } = stream;
        port.end();
        let shard = thread::spawn(move || drop(port.cut()));
        let mut is_whole = false;
        while let Some(next) = next(&mut feed) {
            match next {
                Ok(_) => is_whole = true,
                Err(Cut) => return shard.join().unwrap(),
            }
        }
        assert!(is_whole, "the message was dropped, and the end looks orderly");
        shard.join().unwrap();
    });
}
