//! Publishers that find an inbox full, and the shard that makes room in it.

use std::{pin::pin, sync::Arc, task::Context};

use loom::thread;

use super::{NoSocket, Sleeper, block_on, bounded, event, hub};
use crate::{
    hub::Hub,
    order::answer::Wait,
    queue::inbox::{Amount, Item},
    shard::Turn,
};

fn publish(hub: &Hub<NoSocket>) {
    block_on(hub.publish(event(), Wait::Journal)).expect("it does not drain");
}

fn publisher(hub: &Arc<Hub<NoSocket>>) -> thread::JoinHandle<()> {
    let hub = Arc::clone(hub);
    thread::spawn(move || publish(&hub))
}

/// Takes one publish as a shard does, as far as the gate is concerned. Waits for it if it must.
fn take(hub: &Hub<NoSocket>) {
    let sleeper = Sleeper::default();
    loop {
        hub.inbox(0).register(&Context::from_waker(&sleeper.waker()));
        if let Some(Item::Publish { message, .. }) = hub.inbox(0).pop() {
            return hub.inbox(0).release(Amount { messages: 1, bytes: message.bytes() });
        }
        sleeper.sleep();
    }
}

/// Catches: no second look in `Order::poll_admit`, a `release` that looks before it frees, and either side not SeqCst.
#[test]
fn who_finds_no_room_is_woken_by_who_frees() {
    loom::model(|| {
        let (hub, _shard) = hub();
        publish(&hub);
        let publisher = publisher(&hub);
        take(&hub);
        publisher.join().unwrap();
    });
}

/// Catches: an admission that does not wake the next one when it leaves the queue.
#[test]
fn all_who_wait_come_through() {
    bounded(2, || {
        let (hub, _shard) = hub();
        publish(&hub);
        let publishers = [publisher(&hub), publisher(&hub)];
        for _ in 0..3 {
            take(&hub);
        }
        publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
    });
}

/// Catches: an admission that is dropped without leaving the queue.
#[test]
fn who_gives_up_holds_up_nobody() {
    bounded(3, || {
        let (hub, _shard) = hub();
        publish(&hub);
        let for_other = Arc::clone(&hub);
        let other = thread::spawn(move || {
            let mut future = pin!(for_other.publish(event(), Wait::Journal));
            let sleeper = Sleeper::default();
            future.as_mut().poll(&mut Context::from_waker(&sleeper.waker())).is_ready()
        });
        let publisher = publisher(&hub);
        take(&hub);
        // The place may be taken by the one who gives up otherwise.
        let came_through = other.join().unwrap();
        if came_through {
            take(&hub);
        }
        publisher.join().unwrap();
    });
}

/// A whole shard, driven as a shell does. Catches: what the others do, in the order in which a turn does it.
#[test]
fn a_shard_serves_a_publisher_and_drains() {
    bounded(3, || {
        let (hub, mut shard) = hub();
        publish(&hub);
        let from_publisher = Arc::clone(&hub);
        let publisher = thread::spawn(move || {
            let receipt = block_on(from_publisher.publish(event(), Wait::Written)).expect("it does not drain yet");
            from_publisher.drain();
            receipt.outcome.map(|outcome| outcome.matched())
        });
        let sleeper = Sleeper::default();
        loop {
            shard.inbox().register(&Context::from_waker(&sleeper.waker()));
            while shard.turn(0) == Turn::More {}
            if shard.is_drained() {
                break;
            }
            if shard.inbox().is_empty() {
                sleeper.sleep();
            }
        }
        assert_eq!(publisher.join().unwrap(), Some(0));
    });
}
