//! The gate: publishers wait while an inbox is full, go on in the order of arrival, and can give up.

mod support;

use std::{sync::Arc, task::Context, task::Poll};

use fanfare_core::{
    Config, Event, Policy, PublishError, Wait,
    engine::{Amount, Draft, RingBudget},
};
use support::{Flag, Kit, PublishFuture, all, data_of, poll};

fn bytes_max_of(event: Event) -> usize {
    Draft::new(event, RingBudget::new(0).into()).bytes_max()
}

fn waiting(kit: &Kit, data: &str) -> (PublishFuture, Arc<Flag>) {
    let (mut future, flag) = (kit.publishing(all(data), Wait::Journal), Flag::new());
    assert!(future.as_mut().poll(&mut Context::from_waker(&flag.waker())).is_pending());
    (future, flag)
}

fn one_message() -> Kit {
    Kit::new(Config { inbox_messages_max: 1, ..Config::default() })
}

#[test]
fn an_inbox_takes_its_limit_of_messages_and_the_next_publisher_waits() {
    let mut kit = Kit::new(Config { inbox_messages_max: 2, ..Config::default() });
    let link = kit.connect(Policy::DropNewest, usize::MAX);
    kit.say("1 2");
    let (mut third, flag) = waiting(&kit, "3");
    assert_eq!(kit.hub.inbox(0).load().messages, 2);
    kit.run();
    assert_eq!(data_of(&link), ["1", "2"]);
    assert!(flag.take(), "it is woken when there is room");
    assert!(poll(&mut third).is_ready());
    kit.run();
    assert_eq!(
        (data_of(&link), kit.hub.inbox(0).load()),
        (vec!["1".into(), "2".into(), "3".into()], Amount::default())
    );
}

#[test]
fn an_inbox_takes_its_limit_of_bytes_and_the_next_publisher_waits() {
    let kit = Kit::new(Config::default());
    kit.say("1");
    let held = kit.hub.inbox(0).load().bytes;
    for (inbox_bytes_max, has_room) in
        [(held + bytes_max_of(all("2")), true), (held + bytes_max_of(all("2")) - 1, false)]
    {
        let kit = Kit::new(Config { inbox_bytes_max, ..Config::default() });
        kit.say("1");
        assert_eq!(poll(&mut kit.publishing(all("2"), Wait::Journal)).is_ready(), has_room);
    }
}

#[test]
fn an_inbox_without_publishes_takes_one_of_any_size() {
    let mut kit = Kit::new(Config { inbox_bytes_max: 1, ..Config::default() });
    let link = kit.connect(Policy::DropNewest, usize::MAX);
    kit.say(&"x".repeat(100_000));
    let (mut next, _) = waiting(&kit, "1");
    kit.run();
    assert!(poll(&mut next).is_ready());
    kit.run();
    assert_eq!(data_of(&link).len(), 2);
}

#[test]
fn publishers_go_on_in_the_order_in_which_they_came() {
    let mut kit = one_message();
    let link = kit.connect(Policy::DropNewest, usize::MAX);
    kit.say("0");
    let mut queue: Vec<_> = ["1", "2", "3"].iter().map(|data| waiting(&kit, data)).collect();
    kit.run();
    // A newcomer finds room, but others were there before.
    let (mut late, _) = waiting(&kit, "4");
    let waker = queue[1].1.waker();
    assert!(queue[1].0.as_mut().poll(&mut Context::from_waker(&waker)).is_pending(), "it is the first one's turn");
    for (future, flag) in &mut queue {
        assert!(flag.take(), "each is woken in its turn");
        assert!(poll(future).is_ready());
        kit.run();
    }
    assert!(poll(&mut late).is_ready());
    kit.run();
    assert_eq!(data_of(&link), ["0", "1", "2", "3", "4"]);
}

#[test]
fn a_publisher_that_gives_up_publishes_nothing_and_lets_the_next_go() {
    let mut kit = one_message();
    let link = kit.connect(Policy::DropNewest, usize::MAX);
    kit.say("0");
    let (first, _) = waiting(&kit, "1");
    let (mut second, flag) = waiting(&kit, "2");
    kit.run();
    assert!(!flag.take(), "the first was woken, not the second");
    drop(first);
    assert!(flag.take(), "the turn is passed on");
    assert!(poll(&mut second).is_ready());
    kit.run();
    assert_eq!(data_of(&link), ["0", "2"]);
}

#[test]
fn one_full_shard_holds_publishers_for_all_shards() {
    let mut kit = Kit::new(Config { shards: 2, inbox_messages_max: 1, ..Config::default() });
    kit.say("0");
    let (mut next, flag) = waiting(&kit, "1");
    kit.shards[0].turn(0);
    flag.take();
    assert!(poll(&mut next).is_pending(), "the other shard is still full");
    assert_eq!(
        (kit.hub.inbox(0).load().messages, kit.hub.inbox(1).load().messages),
        (0, 1),
        "nothing is reserved while it waits"
    );
    kit.run();
    assert!(poll(&mut next).is_ready());
}

#[test]
fn a_drain_refuses_new_publishers_and_those_who_wait() {
    let mut kit = one_message();
    let link = kit.connect(Policy::DropNewest, usize::MAX);
    kit.say("0");
    let (mut waits, flag) = waiting(&kit, "1");
    kit.hub.drain();
    assert!(flag.take());
    assert_eq!(poll(&mut waits), Poll::Ready(Err(PublishError::Draining)));
    assert_eq!(poll(&mut kit.publishing(all("2"), Wait::Written)), Poll::Ready(Err(PublishError::Draining)));
    kit.run();
    assert_eq!(data_of(&link), ["0"]);
}

#[test]
fn an_estimate_is_given_at_once_and_figures_when_every_shard_is_done() {
    let mut kit = Kit::new(Config { shards: 2, ..Config::default() });
    let _link = kit.connect(Policy::DropNewest, usize::MAX);
    assert_eq!(kit.publish(all("1")).matched, 1);
    let (mut publish, flag) = (kit.publishing(all("2"), Wait::Written), Flag::new());
    assert!(publish.as_mut().poll(&mut Context::from_waker(&flag.waker())).is_pending());
    kit.shards[0].turn(0);
    assert!(!flag.is_up());
    kit.shards[1].turn(0);
    assert!(flag.take());
    let Poll::Ready(Ok(receipt)) = poll(&mut publish) else { panic!("every shard is done") };
    assert_eq!((receipt.matched, receipt.outcome.unwrap().written), (1, 1));
}
