//! A publish with a key is done once, no matter how often and when it is repeated.

mod support;

use std::{pin::Pin, sync::Arc, task::Poll};

use fanfare_core::{Config, Event, IdempotencyKey, PublishError, Receipt, Wait, engine::Framing};
use support::{Kit, all, data_of, poll, to_channel};

type Publishing = Pin<Box<dyn Future<Output = Result<Receipt, PublishError>>>>;

fn once(kit: &Kit, key: &str, event: Event, wait: Wait) -> Publishing {
    let (hub, key) = (Arc::clone(&kit.hub), IdempotencyKey::new(key, "test").unwrap());
    Box::pin(async move { hub.publish_once(event, &key, wait).await })
}

fn now(kit: &Kit, key: &str, event: Event) -> Result<Receipt, PublishError> {
    match poll(&mut once(kit, key, event, Wait::Journal)) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("there is room"),
    }
}

#[test]
fn the_same_key_gets_the_first_answer_and_publishes_nothing() {
    let mut kit = Kit::new(Config::default());
    let link = kit.attach(kit.subscribe(&[]), Framing::Chunked, usize::MAX);
    kit.run();
    let first = now(&kit, "k", all("1")).unwrap();
    let second = now(&kit, "k", all("1")).unwrap();
    assert_eq!((first.is_repeat, second.is_repeat), (false, true));
    assert_eq!((first.id, first.matched), (second.id, second.matched));
    assert_ne!(now(&kit, "other", all("1")).unwrap().id, first.id);
    kit.run();
    assert_eq!(data_of(&link), ["1", "1"]);
}

#[test]
fn the_same_key_with_another_event_is_a_mistake_and_on_another_target_another_key() {
    let kit = Kit::new(Config::default());
    now(&kit, "k", to_channel("a", "1")).unwrap();
    let last = kit.hub.last_id();
    assert_eq!(now(&kit, "k", to_channel("a", "2")), Err(PublishError::KeyReused));
    assert_eq!(now(&kit, "k", to_channel("a", "1").with_kind("x").unwrap()), Err(PublishError::KeyReused));
    assert_eq!(kit.hub.last_id(), last, "nothing was published");
    assert!(!now(&kit, "k", to_channel("b", "2")).unwrap().is_repeat);
}

#[test]
fn eight_at_the_same_moment_at_a_full_gate_publish_once() {
    let mut kit = Kit::new(Config { inbox_messages_max: 1, ..Config::default() });
    let link = kit.attach(kit.subscribe(&[]), Framing::Chunked, usize::MAX);
    kit.run();
    kit.say("before");
    let mut all_eight: Vec<_> = (0..8).map(|_| once(&kit, "k", all("x"), Wait::Written)).collect();
    assert!(all_eight.iter_mut().all(|one| poll(one).is_pending()));
    kit.run();
    // The first is ordered now; each of the others finds its key, and waits for the same outcome.
    assert!(all_eight.iter_mut().all(|one| poll(one).is_pending()));
    kit.run();
    let answers: Vec<_> = all_eight.iter_mut().map(poll).collect();
    let receipts: Vec<_> = answers
        .into_iter()
        .map(|answer| match answer {
            Poll::Ready(Ok(receipt)) => receipt,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(receipts.iter().filter(|receipt| !receipt.is_repeat).count(), 1);
    assert!(receipts.iter().all(|receipt| receipt.id == receipts[0].id && receipt.outcome == receipts[0].outcome));
    assert_eq!((receipts[7].matched, receipts[7].outcome.unwrap().written), (1, 1));
    assert_eq!(data_of(&link), ["before", "x"]);
}

#[test]
fn who_gives_up_before_it_is_ordered_leaves_no_key_behind() {
    let mut kit = Kit::new(Config { inbox_messages_max: 1, ..Config::default() });
    kit.say("before");
    let mut first = once(&kit, "k", all("x"), Wait::Journal);
    assert!(poll(&mut first).is_pending());
    drop(first);
    kit.run();
    assert!(!now(&kit, "k", all("x")).unwrap().is_repeat);
}

#[test]
fn a_key_is_forgotten_after_its_time_and_when_there_are_too_many() {
    let kit = Kit::new(Config { idempotency_ms: 100, idempotency_keys_max: 2, ..Config::default() });
    let is_repeat = |key| now(&kit, key, all("x")).unwrap().is_repeat;
    assert_eq!(["a", "b", "a", "c", "b", "a"].map(is_repeat), [false, false, true, false, true, false]);
    kit.unix_ms.store(1_100, std::sync::atomic::Ordering::Relaxed);
    assert!(is_repeat("a"));
    kit.unix_ms.store(1_101, std::sync::atomic::Ordering::Relaxed);
    assert!(!is_repeat("a"));
}

#[test]
fn a_drain_refuses_what_is_new_and_still_gives_the_answer_to_what_is_not() {
    let kit = Kit::new(Config::default());
    let first = now(&kit, "k", all("x")).unwrap();
    kit.hub.drain();
    assert_eq!(now(&kit, "k", all("x")).unwrap().id, first.id);
    assert_eq!(now(&kit, "new", all("x")), Err(PublishError::Draining));
}
