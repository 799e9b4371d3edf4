//! Publishers and an external journal: neither waits for ever for the other.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Waker},
};

use loom::thread;

use super::{NoSocket, Sleeper, block_on, bounded, event, id};
use crate::{
    config::Config,
    history::past::Past,
    hub::Hub,
    order::{
        answer::{PublishError, Refusal, Wait},
        journal::{Desk, Settled},
    },
    queue::inbox::{Amount, Item},
};

/// A hub whose shard nobody drives, so that only these two have to do with each other.
fn hub() -> Arc<Hub<NoSocket>> {
    undriven(Config::default())
}

/// One whose inbox takes one publish.
fn hub_of_one() -> Arc<Hub<NoSocket>> {
    undriven(Config { inbox_messages_max: 1, ..Config::default() })
}

fn undriven(config: Config) -> Arc<Hub<NoSocket>> {
    let (hub, shards) = Hub::behind_journal(config, Box::new(|| 1));
    // Dropped, its inbox would be closed.
    std::mem::forget(shards);
    hub
}

fn publisher(hub: &Arc<Hub<NoSocket>>) -> thread::JoinHandle<Result<(), PublishError>> {
    let hub = Arc::clone(hub);
    thread::spawn(move || block_on(hub.publish(event(), Wait::Journal)).map(drop))
}

fn settle(desk: &dyn Desk, mut settled: VecDeque<Settled>) {
    desk.settle(&mut settled, &Context::from_waker(Waker::noop()));
    assert!(settled.is_empty(), "none of them needs room");
}

/// Works until the desk is closed, as a journal does.
fn work(hub: &Hub<NoSocket>, refuses: bool) {
    let desk = hub.desk();
    let (sleeper, mut group, mut n) = (Sleeper::default(), Vec::new(), 0);
    loop {
        desk.take(&mut group, &Context::from_waker(&sleeper.waker()));
        if group.is_empty() && desk.is_closed() {
            return;
        }
        if group.is_empty() {
            sleeper.sleep();
        } else if refuses {
            settle(
                desk,
                group.drain(..).map(|submission| Settled::Refused(submission, Refusal::NotPublished)).collect(),
            );
        } else {
            let committed = group.drain(..).map(|submission| {
                n += 1;
                Settled::Own(id(n), submission)
            });
            settle(desk, committed.collect());
        }
    }
}

/// Catches: a desk that looks before it registers, a submission that does not wake, a ticket that is settled without its
/// wakers, and a drain that does not wake the journal.
#[test]
fn two_publishers_are_answered_and_a_drain_ends_the_journal() {
    bounded(2, || {
        let hub = hub();
        let from_journal = Arc::clone(&hub);
        let journal = thread::spawn(move || work(&from_journal, false));
        let publishers = [publisher(&hub), publisher(&hub)];
        for publisher in publishers {
            assert_eq!(publisher.join().unwrap(), Ok(()));
        }
        hub.drain();
        journal.join().unwrap();
    });
}

/// Catches: a journal that looks for room before it registers, or does not announce itself; a `release` that looks before it
/// frees; and either side not SeqCst.
#[test]
fn a_journal_that_finds_no_room_is_woken_by_who_frees() {
    loom::model(|| {
        let hub = hub_of_one();
        let settle_other = |n, sleeper: &Sleeper| {
            let mut settled = VecDeque::from([Settled::Other(id(n), event())]);
            loop {
                hub.desk().settle(&mut settled, &Context::from_waker(&sleeper.waker()));
                if settled.is_empty() {
                    return;
                }
                sleeper.sleep();
            }
        };
        let sleeper = Sleeper::default();
        settle_other(2, &sleeper);
        let from_shard = Arc::clone(&hub);
        let shard = thread::spawn(move || {
            let Some(Item::Publish { message, .. }) = from_shard.inbox(0).pop() else { panic!("it was settled") };
            from_shard.inbox(0).release(Amount { messages: 1, bytes: message.bytes() });
        });
        settle_other(3, &sleeper);
        shard.join().unwrap();
    });
}

/// Catches: a hub that is set ready without its wakers, and one who looks before it is in the list.
#[test]
fn who_waits_for_a_hub_to_be_ready_is_woken() {
    loom::model(|| {
        let hub = hub();
        let from_journal = Arc::clone(&hub);
        let journal = thread::spawn(move || from_journal.desk().restore_past(Past::default()));
        block_on(hub.ready());
        journal.join().unwrap();
    });
}

/// Catches: a drain that is posted before what was accepted has its answer, and a refusal that keeps the room.
#[test]
fn who_is_refused_is_told_so_whenever_a_drain_begins() {
    bounded(3, || {
        let hub = hub();
        let (from_journal, from_publisher) = (Arc::clone(&hub), publisher(&hub));
        let journal = thread::spawn(move || work(&from_journal, true));
        hub.drain();
        let told = from_publisher.join().unwrap();
        assert!(matches!(told, Err(PublishError::Journal | PublishError::Draining)), "{told:?}");
        journal.join().unwrap();
        assert!(hub.is_unpromised(), "nothing is promised any more");
    });
}
