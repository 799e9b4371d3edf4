//! A shard that ends early, because it panicked or was cut. Nobody waits for it for ever, and no event is published
//! that its connections would miss.

mod support;

use std::{sync::Arc, task::Context, task::Poll};

use fanfare_core::{
    Config, Policy, PublishError, Target, Wait,
    engine::{Cut, Life},
    journal::Past,
};
use support::{Flag, Kit, all, poll};

fn two_shards() -> Kit {
    Kit::new(Config { shards: 2, inbox_messages_max: 1, ..Config::default() })
}

#[test]
fn who_waits_for_exact_counts_is_answered_without_them() {
    let mut kit = two_shards();
    kit.connect(Policy::Repair, usize::MAX);
    let mut publishing = kit.publishing(all("1"), Wait::Written);
    assert!(poll(&mut publishing).is_pending());
    kit.shards[0].turn(0);
    assert!(poll(&mut publishing).is_pending(), "the other shard has not taken it");
    drop(kit.shards.pop());
    let Poll::Ready(Ok(receipt)) = poll(&mut publishing) else { panic!("it waits for ever") };
    assert_eq!((receipt.matched, receipt.outcome), (1, None), "what the one that ended did is not known");
}

#[test]
fn an_event_that_is_held_over_or_in_a_pass_is_answered_too() {
    // Of a pass takes one message only, and one slot a turn.
    let config = Config { ring_messages_max: 1, turn_slots_max: 1, ..Config::default() };
    let mut kit = Kit::new(config);
    let links: Vec<_> = (0..40).map(|_| kit.connect(Policy::Repair, usize::MAX)).collect();
    let mut publishing: Vec<_> = (0..3).map(|n| kit.publishing(all(&n.to_string()), Wait::Written)).collect();
    assert!(publishing.iter_mut().all(|publishing| poll(publishing).is_pending()));
    kit.shards[0].turn(0);
    assert!(publishing.iter_mut().all(|publishing| poll(publishing).is_pending()));
    kit.shards.clear();
    for publishing in &mut publishing {
        assert!(matches!(poll(publishing), Poll::Ready(Ok(receipt)) if receipt.outcome.is_none()));
    }
    drop(links);
}

#[test]
fn publishes_are_refused_also_those_that_wait_at_the_gate() {
    let mut kit = two_shards();
    kit.say("1");
    let (mut waiting, flag) = (kit.publishing(all("2"), Wait::Journal), Flag::new());
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&flag.waker())).is_pending());
    drop(kit.shards.pop());
    assert!(flag.take(), "it is woken");
    assert_eq!(poll(&mut waiting), Poll::Ready(Err(PublishError::Broken)));
    kit.run();
    assert_eq!(poll(&mut kit.publishing(all("3"), Wait::Journal)), Poll::Ready(Err(PublishError::Broken)));
    kit.hub.drain();
    assert_eq!(poll(&mut kit.publishing(all("4"), Wait::Journal)), Poll::Ready(Err(PublishError::Draining)));
}

#[test]
fn what_a_journal_brings_later_is_answered_and_kept_nowhere() {
    let mut kit = Kit::behind_journal(Config { shards: 2, ..Config::default() });
    kit.hub.desk().restore_past(Past::default());
    let mut publishing = kit.publishing(all("1"), Wait::Written);
    assert!(poll(&mut publishing).is_pending());
    let mut group = Vec::new();
    kit.hub.desk().take(&mut group, &Context::from_waker(&Flag::new().waker()));
    drop(kit.shards.pop());
    kit.commit(group.into_iter().map(|submission| (kit.hub.last_id().next(2_000), submission)));
    kit.run();
    assert!(matches!(poll(&mut publishing), Poll::Ready(Ok(receipt)) if receipt.outcome.is_none()));
}

#[test]
fn who_asks_for_accounts_gets_those_of_the_others() {
    let mut kit = two_shards();
    kit.connect(Policy::Repair, usize::MAX);
    let hub = Arc::clone(&kit.hub);
    let mut asking = Box::pin(async move { hub.accounts_of(&Target::All).await });
    assert!(poll(&mut asking).is_pending());
    kit.shards[0].turn(0);
    drop(kit.shards.pop());
    assert!(matches!(poll(&mut asking), Poll::Ready(accounts) if accounts.len() == 1));
    // Asked once more, when it has been gone for a while.
    let hub = Arc::clone(&kit.hub);
    let mut asking = Box::pin(async move { hub.accounts_of(&Target::All).await });
    assert!(poll(&mut asking).is_pending());
    kit.run();
    assert!(matches!(poll(&mut asking), Poll::Ready(accounts) if accounts.len() == 1));
}

#[test]
fn bodies_of_its_connections_end_with_an_error() {
    let mut kit = two_shards();
    let mut attached = kit.subscribe(&[]).into_feed(Life::default());
    kit.run();
    let mut waiting = kit.subscribe(&[]).into_feed(Life::default());
    kit.shards.clear();
    let mut late = kit.subscribe(&[]).into_feed(Life::default());
    for feed in [&mut attached, &mut waiting, &mut late] {
        let next = feed.poll_next(&mut Context::from_waker(&Flag::new().waker()));
        assert!(matches!(next, Poll::Ready(Some(Err(Cut)))), "{next:?}");
    }
}
