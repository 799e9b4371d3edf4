//! Purges: the kept events of a channel are thrown away at a place in the order, and stay away after a restart.

mod support;

use std::task::{Context, Poll};

use fanfare_core::{
    Config, Event, EventId, GapReason, IdempotencyKey, Policy, Start, Target, Wait,
    engine::Framing,
    journal::{Kept, Past, Settled},
};
use support::{Flag, Kit, Link, all, channel, data_of, poll, to_channel, told_to};

fn id(ms: u64) -> EventId {
    EventId::new(ms, 0)
}

fn resumed(kit: &mut Kit, name: &str, after: EventId) -> Link {
    let subscription = kit.subscribe_as("u", &[name], Start::After(after), Policy::Repair);
    let link = kit.attach(subscription, Framing::Chunked, usize::MAX);
    kit.settle();
    link
}

/// What a stream that comes back is told, and what it gets.
fn told_and_given(kit: &mut Kit, name: &str, after: EventId) -> (Vec<(GapReason, Option<EventId>)>, String) {
    let link = resumed(kit, name, after);
    (told_to(&link).iter().map(|told| (told.reason, told.to)).collect(), data_of(&link).join(" "))
}

#[test]
fn a_purge_takes_what_was_before_it_in_one_channel_and_goes_to_nobody() {
    let mut kit = Kit::new(Config::default());
    let live =
        kit.attach(kit.subscribe_as("live", &["a", "b"], Start::Now, Policy::Repair), Framing::Chunked, usize::MAX);
    let before = kit.hub.last_id();
    for (name, data) in [("a", "1"), ("b", "2"), ("a", "3")] {
        kit.publish(to_channel(name, data));
    }
    let last = kit.hub.last_id();
    let Poll::Ready(purged) = poll(&mut Box::pin(kit.hub.purge(channel("a")))) else { panic!("it has to wait") };
    assert_eq!(purged, Ok(2));
    assert!(kit.hub.last_id() > last, "it has a place of its own");
    kit.publish(to_channel("a", "4"));
    kit.settle();
    assert_eq!((data_of(&live).join(" "), told_to(&live).len()), ("1 2 3 4".to_owned(), 0));
    assert_eq!(kit.hub.kept_of(&channel("a")).0, 1);
    assert_eq!(told_and_given(&mut kit, "a", before), (vec![(GapReason::Expired, Some(last))], "4".to_owned()));
    assert_eq!(told_and_given(&mut kit, "b", before), (vec![], "2".to_owned()));
}

#[test]
fn an_event_for_two_channels_stays_in_the_other() {
    let mut kit = Kit::new(Config::default());
    let before = kit.hub.last_id();
    let both = vec![Target::Channel(channel("a")), Target::Channel(channel("b"))];
    kit.publish(Event::for_targets(both, "both").unwrap());
    let Poll::Ready(purged) = poll(&mut Box::pin(kit.hub.purge(channel("a")))) else { panic!("it has to wait") };
    assert_eq!(purged, Ok(1));
    assert_eq!(told_and_given(&mut kit, "a", before).1, "");
    assert_eq!(told_and_given(&mut kit, "b", before), (vec![], "both".to_owned()));
}

#[test]
fn a_journal_gives_a_purge_its_place_among_the_events() {
    let mut kit = Kit::behind_journal(Config::default());
    let mut publish = |event| {
        let mut publishing = kit.publishing(event, Wait::Journal);
        assert!(poll(&mut publishing).is_pending());
        publishing
    };
    let mut publishing = [to_channel("a", "1"), Event::purge(channel("a")), to_channel("a", "2")].map(&mut publish);
    let mut group = Vec::new();
    kit.hub.desk().take(&mut group, &Context::from_waker(&Flag::new().waker()));
    let purges: Vec<_> = group.iter().map(|one| one.event().purges().is_some()).collect();
    assert_eq!(purges, [false, true, false]);
    assert!(group[1].event().is_kept(), "the journal keeps it");
    kit.commit((2_000..).map(id).zip(group));
    let receipts = publishing.each_mut().map(|one| match poll(one) {
        Poll::Ready(receipt) => receipt.unwrap(),
        Poll::Pending => panic!("the journal has answered"),
    });
    assert_eq!((receipts[1].id, receipts[1].matched), (id(2_001), 1));
    assert_eq!(told_and_given(&mut kit, "a", id(1_500)), (vec![(GapReason::Expired, Some(id(2_000)))], "2".to_owned()));
}

#[test]
fn the_purge_of_another_node_is_done_here_too() {
    let mut kit = Kit::behind_journal(Config::default());
    kit.hub.desk().restore_past(Past { is_shared: true, ..Past::default() });
    kit.settle_all([
        Settled::Other(id(2_000), to_channel("a", "1")),
        Settled::Other(id(2_001), Event::purge(channel("a"))),
        Settled::Other(id(2_002), to_channel("a", "2")),
    ]);
    assert_eq!(kit.hub.last_id(), id(2_002));
    assert_eq!(told_and_given(&mut kit, "a", id(1_500)).1, "2");
}

#[test]
fn a_purge_that_is_repeated_with_its_key_is_done_once() {
    let kit = Kit::new(Config::default());
    let key = IdempotencyKey::new("k", "test").unwrap();
    let purge = || {
        let once = kit.hub.publish_once(Event::purge(channel("a")), &key, Wait::Written);
        let Poll::Ready(receipt) = poll(&mut Box::pin(once)) else { panic!("it has to wait") };
        receipt.unwrap()
    };
    kit.publish(to_channel("a", "1"));
    let first = purge();
    kit.publish(to_channel("a", "2"));
    let second = purge();
    assert_eq!((first.id, first.matched, first.is_repeat), (second.id, second.matched, false));
    assert!(second.is_repeat);
    assert_eq!(kit.hub.kept_of(&channel("a")).0, 1);
}

#[test]
fn what_was_purged_does_not_come_back_with_a_restart() {
    let kept = |ms, event| Kept { id: id(ms), event: Some(event), key: None };
    let mut kit = Kit::behind_journal(Config::default());
    for kept in [
        kept(200, to_channel("a", "1")),
        kept(210, to_channel("b", "2")),
        kept(220, Event::purge(channel("a"))),
        kept(230, to_channel("a", "3")),
    ] {
        kit.hub.desk().restore(kept);
    }
    kit.hub.desk().restore_past(Past { born: id(100), last: id(900), lost: id(100), ..Past::default() });
    assert_eq!(told_and_given(&mut kit, "a", id(150)), (vec![(GapReason::Expired, Some(id(200)))], "3".to_owned()));
    assert_eq!(told_and_given(&mut kit, "b", id(150)), (vec![], "2".to_owned()));
}

#[test]
fn the_journal_keeps_a_purge_for_as_long_as_older_events_are_kept() {
    let mut kit = Kit::behind_journal(Config::default());
    kit.hub.desk().restore_past(Past::default());
    kit.settle_all([
        Settled::Other(id(2_000), to_channel("b", "old")),
        Settled::Other(id(2_001), Event::purge(channel("a"))),
        Settled::Other(id(2_002), all("new")),
    ]);
    kit.settle();
    let holds = |kit: &Kit| {
        kit.hub.desk().oldest();
        kit.hub.desk().holds(&[(id(2_001), &[Target::Channel(channel("a"))])])[0].event
    };
    assert!(holds(&kit), "the journal may have events from before it");
    kit.settle_all([Settled::Other(id(2_003), Event::purge(channel("b")))]);
    assert!(!holds(&kit), "all that is kept is newer");
}

#[test]
fn what_a_journal_has_of_events_that_it_gave_up_does_not_come_back() {
    let kept = |ms, data: &str| Kept { id: id(ms), event: Some(to_channel("a", data)), key: None };
    let mut kit = Kit::behind_journal(Config::default());
    for kept in [kept(200, "1"), kept(210, "2"), kept(220, "3")] {
        kit.hub.desk().restore(kept);
    }
    // The journal has let go of the purge, and noted it, but not of all events before it.
    let marks = vec![(Target::Channel(channel("a")), id(215))];
    kit.hub.desk().restore_past(Past { born: id(100), last: id(900), lost: id(100), marks, ..Past::default() });
    assert_eq!(told_and_given(&mut kit, "a", id(150)), (vec![(GapReason::Expired, Some(id(215)))], "3".to_owned()));
}
