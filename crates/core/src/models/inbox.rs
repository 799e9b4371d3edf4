//! The owner of an inbox, and those who give it something to do.

use std::{sync::Arc, task::Context};

use loom::thread;

use super::{NoSocket, SLOT, Sleeper, bounded, id};
use crate::{
    config::Config,
    history::read::Batch,
    queue::{
        drain::Drain,
        gate::Gate,
        inbox::{Inbox, Item},
    },
};

fn inbox() -> Arc<Inbox<NoSocket>> {
    inbox_of(Arc::new(Drain::new()))
}

fn inbox_of(drain: Arc<Drain>) -> Arc<Inbox<NoSocket>> {
    let config = Config { inbox_messages_max: 1, inbox_bytes_max: usize::MAX, ..Config::default() };
    Arc::new(Inbox::new(&config, Arc::new(Gate::new()), drain))
}

/// Sleeps as a shell does, until `takes` has taken all.
fn own(inbox: &Inbox<NoSocket>, mut takes: impl FnMut() -> bool) {
    let sleeper = Sleeper::default();
    loop {
        inbox.register(&Context::from_waker(&sleeper.waker()));
        if takes() {
            return;
        }
        if inbox.is_empty() {
            sleeper.sleep();
        }
    }
}

fn push_batch(inbox: &Inbox<NoSocket>) {
    inbox.push_batch(SLOT, Batch { messages: Vec::new(), next: id(0), hole: None, checked: 0 });
}

fn push(inbox: &Inbox<NoSocket>) {
    inbox.push(Item::Drain);
    inbox.wake();
}

/// The owner sleeps until it has all that is given, each by a thread of its own.
fn owner_takes<const COUNT: usize>(give: [fn(&Inbox<NoSocket>); COUNT]) {
    let inbox = inbox();
    let givers = give.map(|give| {
        let inbox = Arc::clone(&inbox);
        thread::spawn(move || give(&inbox))
    });
    let mut taken = 0;
    own(&inbox, || {
        taken += usize::from(inbox.pop_woken().is_some());
        taken += usize::from(inbox.pop_batch().is_some());
        taken += usize::from(inbox.pop().is_some());
        taken == COUNT
    });
    givers.into_iter().for_each(|giver| giver.join().unwrap());
    assert!(inbox.is_empty());
}

/// Catches: an owner that looks before it registers, a `wake_slot` or `push_batch` that does not wake or wakes too soon.
#[test]
fn the_owner_is_woken_by_each_that_comes() {
    loom::model(|| owner_takes([push]));
    loom::model(|| owner_takes([|inbox| inbox.wake_slot(SLOT)]));
    loom::model(|| owner_takes([push_batch]));
}

/// Catches: as above, while another wakes it too.
#[test]
fn the_owner_is_woken_by_two_at_once() {
    bounded(2, || owner_takes([push, |inbox| inbox.wake_slot(SLOT)]));
    bounded(2, || owner_takes([push, push_batch]));
}

/// Catches: a look at `ends_pause` before the registration, a drain that is set behind its wake.
#[test]
fn an_owner_that_is_paused_is_woken_by_a_drain() {
    loom::model(|| {
        let drain = Arc::new(Drain::new());
        let inbox = inbox_of(Arc::clone(&drain));
        let from_hub = Arc::clone(&inbox);
        let hub = thread::spawn(move || {
            drain.begin();
            from_hub.wake();
        });
        let sleeper = Sleeper::default();
        loop {
            inbox.register(&Context::from_waker(&sleeper.waker()));
            if inbox.ends_pause() {
                break;
            }
            sleeper.sleep();
        }
        hub.join().unwrap();
    });
}

/// Catches: an inbox that is emptied before it is closed, or a push that does not look whether it is.
#[test]
fn nothing_stays_in_an_inbox_whose_owner_is_gone() {
    loom::model(|| {
        let inbox = inbox();
        let from_hub = Arc::clone(&inbox);
        let hub = thread::spawn(move || push(&from_hub));
        inbox.close();
        hub.join().unwrap();
        assert!(inbox.is_empty());
    });
}
