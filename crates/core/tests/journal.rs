//! A hub with an external journal, which gives the order. The hub takes events in the order in which they come back,
//! and goes on from events kept before. (The model test covers late answers, refusals and drains.)

mod support;

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use fanfare_core::{
    Config, Event, EventId, GapReason, IdempotencyKey, Policy, PublishError, Retention, Retentions, Start, Target,
    Wait,
    engine::Framing,
    journal::{Claim, Holds, Kept, KeptKey, Oldest, Past, Refusal, Submission},
};
use support::{Flag, Kit, Link, PublishFuture, all, channel, data_of, poll, to_channel, told_to};

fn id(ms: u64) -> EventId {
    EventId::new(ms, 0)
}

/// Takes all submissions that wait for the journal.
fn take(kit: &Kit) -> Vec<Submission> {
    let mut group = Vec::new();
    kit.hub.desk().take(&mut group, &Context::from_waker(&Flag::new().waker()));
    group
}

fn commit(kit: &Kit, first_ms: u64, group: Vec<Submission>) {
    kit.commit((first_ms..).map(id).zip(group));
}

fn publishing(kit: &Kit, event: Event) -> PublishFuture {
    let mut publishing = kit.publishing(event, Wait::Journal);
    assert!(poll(&mut publishing).is_pending(), "the journal has yet to answer");
    publishing
}

fn once(kit: &Kit, key: &str, event: Event) -> PublishFuture {
    let (hub, key) = (Arc::clone(&kit.hub), IdempotencyKey::new(key, "test").unwrap());
    Box::pin(async move { hub.publish_once(event, &key, Wait::Journal).await })
}

fn kept_key(text: &str, event: &Event, matched: usize) -> KeptKey {
    KeptKey { claim: Claim::new(&IdempotencyKey::new(text, "test").unwrap(), event), matched }
}

fn kept(ms: u64, event: Event) -> Kept {
    Kept { id: id(ms), event: Some(event), key: None }
}

/// A hub that continues from `past` and these events. Its clock is at 1,000 ms.
fn restored(config: Config, past: Past, events: Vec<Kept>) -> Kit {
    let kit = Kit::behind_journal(config);
    events.into_iter().for_each(|event| kit.hub.desk().restore(event));
    kit.hub.desk().restore_past(past);
    kit
}

fn resumed(kit: &mut Kit, channels: &[&str], start: Start) -> Link {
    let link = kit.attach(kit.subscribe_as("u", channels, start, Policy::Repair), Framing::Chunked, usize::MAX);
    kit.settle();
    link
}

#[test]
fn nobody_sees_an_event_before_the_journal_has_it() {
    let mut kit = Kit::behind_journal(Config::default());
    let link = kit.connect(Policy::Repair, usize::MAX);
    let (mut first, mut second) = (publishing(&kit, all("1")), publishing(&kit, all("2")));
    kit.settle();
    assert_eq!((data_of(&link).len(), kit.hub.last_id()), (0, id(1_000)));
    let mut group = take(&kit);
    assert_eq!(group.iter().map(|one| one.event().data()).collect::<Vec<_>>(), ["1", "2"]);
    let last = group.split_off(1);
    commit(&kit, 2_000, group);
    assert!(poll(&mut first).is_ready() && poll(&mut second).is_pending());
    kit.settle();
    assert_eq!(data_of(&link), ["1"]);
    commit(&kit, 3_000, last);
    assert!(matches!(poll(&mut second), Poll::Ready(Ok(receipt)) if receipt.id == id(3_000) && receipt.matched == 1));
    kit.settle();
    assert_eq!(data_of(&link), ["1", "2"]);
}

#[test]
fn what_the_journal_refuses_is_nobodys_and_leaves_no_key_and_no_place_behind() {
    for (refusal, error) in [(Refusal::NotPublished, PublishError::Journal), (Refusal::Unknown, PublishError::Unknown)]
    {
        let mut kit = Kit::behind_journal(Config { inbox_messages_max: 1, ..Config::default() });
        let link = kit.connect(Policy::Repair, usize::MAX);
        let mut first = once(&kit, "k", all("x"));
        let (mut at_gate, flag) = (once(&kit, "other", all("y")), Flag::new());
        assert!(poll(&mut first).is_pending());
        assert!(at_gate.as_mut().poll(&mut Context::from_waker(&flag.waker())).is_pending());
        kit.refuse(take(&kit), refusal);
        assert_eq!(poll(&mut first), Poll::Ready(Err(error)));
        assert!(flag.take(), "there is room for the next");
        assert!(poll(&mut at_gate).is_pending());
        assert_eq!(take(&kit).len(), 1, "it has gone through");
        kit.settle();
        assert!(data_of(&link).is_empty());
    }
    let kit = Kit::behind_journal(Config::default());
    let mut first = once(&kit, "k", all("x"));
    assert!(poll(&mut first).is_pending());
    kit.refuse(take(&kit), Refusal::NotPublished);
    let mut again = once(&kit, "k", all("another"));
    assert!(poll(&mut again).is_pending());
    commit(&kit, 2_000, take(&kit));
    assert!(matches!(poll(&mut again), Poll::Ready(Ok(receipt)) if !receipt.is_repeat));
}

#[test]
fn a_key_that_is_repeated_while_the_first_is_under_way_waits_for_its_answer() {
    let kit = Kit::behind_journal(Config::default());
    let mut all_three: Vec<_> = (0..3).map(|_| once(&kit, "k", all("x"))).collect();
    let flags = [Flag::new(), Flag::new(), Flag::new()];
    for (one, flag) in all_three.iter_mut().zip(&flags) {
        assert!(one.as_mut().poll(&mut Context::from_waker(&flag.waker())).is_pending());
    }
    assert_eq!(poll(&mut once(&kit, "k", all("y"))), Poll::Ready(Err(PublishError::KeyReused)));
    let group = take(&kit);
    assert_eq!(group.len(), 1);
    assert_eq!(group[0].key().map(|key| (key.text(), key.scope())), Some(("k", "test")));
    commit(&kit, 2_000, group);
    assert!(flags.iter().all(|flag| flag.take()), "each is woken");
    let answers: Vec<_> = all_three.iter_mut().map(poll).collect();
    let repeats = answers.iter().map(|answer| match answer {
        Poll::Ready(Ok(receipt)) if receipt.id == id(2_000) => receipt.is_repeat,
        other => panic!("{other:?}"),
    });
    assert_eq!(repeats.collect::<Vec<_>>(), [false, true, true]);
}

#[test]
fn a_publisher_that_goes_away_has_published_and_is_heard_by_nobody() {
    let mut kit = Kit::behind_journal(Config::default());
    let link = kit.connect(Policy::Repair, usize::MAX);
    drop(publishing(&kit, all("x")));
    commit(&kit, 2_000, take(&kit));
    kit.settle();
    assert_eq!(data_of(&link), ["x"]);
}

#[test]
fn a_drain_waits_for_what_the_journal_has_and_then_the_desk_is_closed() {
    let mut kit = Kit::behind_journal(Config::default());
    let link = kit.connect(Policy::Repair, usize::MAX);
    let (mut taken, mut waiting) = (publishing(&kit, all("taken")), None);
    let (flag, mut group) = (Flag::new(), Vec::new());
    kit.hub.desk().take(&mut group, &Context::from_waker(&flag.waker()));
    assert!(!kit.hub.desk().is_closed());
    waiting.replace(publishing(&kit, all("waiting")));
    assert!(flag.take(), "the journal is told of a submission");
    kit.hub.drain();
    assert_eq!(poll(&mut kit.publishing(all("late"), Wait::Journal)), Poll::Ready(Err(PublishError::Draining)));
    assert!(!kit.hub.desk().is_closed(), "one waits to be taken");
    kit.hub.desk().take(&mut group, &Context::from_waker(&flag.waker()));
    assert!(kit.hub.desk().is_closed());
    kit.settle();
    link.end();
    kit.settle();
    assert!(!kit.shards[0].is_drained(), "the journal has yet to answer");
    commit(&kit, 2_000, group);
    assert!(poll(&mut taken).is_ready() && waiting.is_some_and(|mut waiting| poll(&mut waiting).is_ready()));
    kit.settle();
    assert!(kit.shards[0].is_drained());
}

#[test]
fn when_the_journal_ends_before_its_time_nobody_waits_for_it() {
    let mut kit = Kit::behind_journal(Config { inbox_messages_max: 2, ..Config::default() });
    let link = kit.connect(Policy::Repair, usize::MAX);
    let mut taken = once(&kit, "k", all("taken"));
    assert!(poll(&mut taken).is_pending());
    let group = take(&kit);
    let (mut waiting, flag) = (publishing(&kit, all("waiting")), Flag::new());
    let mut at_gate = kit.publishing(all("at the gate"), Wait::Journal);
    assert!(at_gate.as_mut().poll(&mut Context::from_waker(&flag.waker())).is_pending());
    // It panics: what it has is dropped.
    drop(group);
    kit.hub.journal_ended();
    assert_eq!(poll(&mut taken), Poll::Ready(Err(PublishError::Unknown)));
    assert_eq!(poll(&mut waiting), Poll::Ready(Err(PublishError::Journal)));
    assert!(flag.take());
    assert_eq!(poll(&mut at_gate), Poll::Ready(Err(PublishError::Journal)));
    assert_eq!(poll(&mut kit.publishing(all("late"), Wait::Journal)), Poll::Ready(Err(PublishError::Journal)));
    assert_eq!(kit.hub.trouble().as_deref(), Some("it has ended"));
    kit.hub.drain();
    kit.settle();
    link.end();
    kit.settle();
    assert!(kit.shards[0].is_drained() && data_of(&link).is_empty());
}

#[test]
fn a_journal_that_is_closed_answers_what_waits_and_gets_nothing_more() {
    let kit = Kit::behind_journal(Config::default());
    let mut waiting = publishing(&kit, all("waiting"));
    let flag = Flag::new();
    let mut group = Vec::new();
    kit.hub.desk().take(&mut group, &Context::from_waker(&flag.waker()));
    kit.hub.close_journal();
    assert!(flag.take() && kit.hub.desk().is_closed());
    assert_eq!(poll(&mut kit.publishing(all("late"), Wait::Journal)), Poll::Ready(Err(PublishError::Journal)));
    commit(&kit, 2_000, group);
    assert!(matches!(poll(&mut waiting), Poll::Ready(Ok(_))));
    // One that orders its own events has nothing to close.
    let kit = Kit::new(Config::default());
    kit.hub.close_journal();
    kit.say("x");
}

#[test]
fn a_drain_wakes_a_journal_that_has_nothing_to_do() {
    let kit = Kit::behind_journal(Config::default());
    let flag = Flag::new();
    kit.hub.desk().take(&mut Vec::new(), &Context::from_waker(&flag.waker()));
    kit.hub.drain();
    assert!(flag.take() && kit.hub.desk().is_closed());
}

#[test]
fn who_comes_back_after_a_restart_gets_what_was_kept_before() {
    let past = Past { born: id(100), last: id(5_000), lost: id(100), ..Past::default() };
    let events = vec![kept(300, all("1")), kept(310, to_channel("a", "2")), kept(320, to_channel("b", "3"))];
    let mut kit = restored(Config::default(), past, events);
    let link = resumed(&mut kit, &["a"], Start::After(id(300)));
    assert_eq!((data_of(&link), told_to(&link).len()), (vec!["2".to_owned()], 0));
    // An id that was given to an event that nobody kept.
    let link = resumed(&mut kit, &["a"], Start::After(id(4_999)));
    assert_eq!(told_to(&link).len(), 0);
    let mut publishing = publishing(&kit, all("4"));
    assert_eq!(kit.hub.last_id(), id(5_000));
    commit(&kit, 6_000, take(&kit));
    assert!(poll(&mut publishing).is_ready());
    kit.settle();
    assert_eq!(data_of(&link), ["4"]);
    let earliest = resumed(&mut kit, &["a", "b"], Start::Earliest);
    assert_eq!((data_of(&earliest).join(" "), told_to(&earliest).len()), ("1 2 3 4".to_owned(), 0));
}

#[test]
fn what_was_lost_at_a_restart_is_told_to_everybody_and_what_is_there_is_given() {
    let past = Past { born: id(100), last: id(900), lost: id(305), ..Past::default() };
    let mut kit = restored(Config::default(), past, vec![kept(300, all("1")), kept(310, all("2"))]);
    let link = resumed(&mut kit, &[], Start::After(id(200)));
    assert_eq!(data_of(&link), ["1", "2"]);
    let told = told_to(&link);
    assert_eq!((told.len(), told[0].reason, told[0].to), (1, GapReason::Restart, Some(id(305))));
    let link = resumed(&mut kit, &[], Start::After(id(305)));
    assert_eq!((data_of(&link).join(" "), told_to(&link).len()), ("2".to_owned(), 0));
}

#[test]
fn marks_of_what_was_given_up_before_are_told_to_those_whom_they_concern() {
    let marks = vec![(Target::Channel(channel("a")), id(250))];
    let past = Past { born: id(100), last: id(900), lost: id(100), given_up: id(150), marks, ..Past::default() };
    let events = vec![kept(300, to_channel("a", "1")), kept(310, to_channel("b", "2"))];
    let mut kit = restored(Config::default(), past, events);
    let mut told = |channel: &str, from: u64| {
        let link = resumed(&mut kit, &[channel], Start::After(id(from)));
        told_to(&link).iter().map(|told| (told.reason, told.to)).collect::<Vec<_>>()
    };
    assert_eq!(told("a", 200), [(GapReason::Expired, Some(id(250)))]);
    assert_eq!(told("a", 250), []);
    assert_eq!(told("b", 149), [(GapReason::Expired, Some(id(150)))]);
    assert_eq!(told("b", 150), []);
    assert_eq!(told("new", 149), [(GapReason::Expired, Some(id(150)))]);
}

#[test]
fn of_too_many_marks_the_oldest_become_everybodys() {
    let history = Retentions { targets_max: 1, ..Retentions::default() };
    let mark = |name, ms| (Target::Channel(channel(name)), id(ms));
    let marks = vec![mark("a", 250), mark("b", 200)];
    let past = Past { born: id(100), last: id(900), lost: id(100), marks, ..Past::default() };
    let mut kit = restored(Config { history, ..Config::default() }, past, Vec::new());
    let mut told = |channel: &str| {
        let link = resumed(&mut kit, &[channel], Start::After(id(150)));
        told_to(&link).iter().map(|told| told.to).collect::<Vec<_>>()
    };
    assert_eq!((told("a"), told("b"), told("c")), (vec![Some(id(250))], vec![Some(id(200))], vec![Some(id(200))]));
}

#[test]
fn a_mark_never_goes_back_when_what_is_older_is_restored_and_evicted() {
    let one = Retention { events_max: 1, bytes_max: usize::MAX, age_ms_max: u64::MAX };
    let config = Config { history: Retentions { each: one, ..Retentions::default() }, ..Config::default() };
    let marks = vec![(Target::Channel(channel("a")), id(250))];
    let past = Past { born: id(100), last: id(900), lost: id(100), marks, ..Past::default() };
    let events = vec![kept(200, to_channel("a", "1")), kept(300, to_channel("a", "2"))];
    let mut kit = restored(config, past, events);
    let link = resumed(&mut kit, &["a"], Start::After(id(220)));
    assert_eq!(told_to(&link).first().map(|told| told.to), Some(Some(id(250))));
}

#[test]
fn a_key_from_before_gets_its_first_answer() {
    let past = || Past { born: id(100), last: id(900), lost: id(100), ..Past::default() };
    for (event, is_there) in [(all("x"), true), (all("x"), false), (all("x").live_only(), false)] {
        let kept = Kept { id: id(400), event: is_there.then(|| event.clone()), key: Some(kept_key("k", &event, 7)) };
        let mut kit = restored(Config::default(), past(), vec![kept]);
        let Poll::Ready(Ok(receipt)) = poll(&mut once(&kit, "k", event.clone())) else { panic!("it is known") };
        assert_eq!((receipt.id, receipt.matched, receipt.is_repeat), (id(400), 7, true));
        assert_eq!(poll(&mut once(&kit, "k", all("y"))), Poll::Ready(Err(PublishError::KeyReused)));
        let link = resumed(&mut kit, &[], Start::Earliest);
        assert_eq!(data_of(&link).len(), usize::from(is_there));
    }
}

#[test]
fn the_desk_says_what_the_history_or_a_key_still_holds() {
    let two = Retention { events_max: 2, bytes_max: usize::MAX, age_ms_max: u64::MAX };
    let history = Retentions { each: two, ..Retentions::default() };
    let config = |idempotency_ms| Config { history: history.clone(), idempotency_ms, ..Config::default() };
    let past = || Past { born: id(100), last: id(100), lost: id(100), ..Past::default() };
    let with_key = |ms, event: Event| Kept { key: Some(kept_key("k", &event, 0)), ..kept(ms, event) };
    let channels = Event::for_targets(
        to_channel("a", "").targets().iter().chain(to_channel("b", "").targets()).cloned().collect(),
        "5",
    )
    .unwrap();
    let events = vec![
        kept(200, to_channel("a", "1")),
        with_key(300, to_channel("a", "2")),
        kept(400, channels.clone()),
        kept(500, to_channel("a", "3")),
        kept(600, to_channel("a", "4")),
    ];
    let kit = restored(config(5_000), past(), events.clone());
    let held = |kit: &Kit| {
        let asked: Vec<_> = events.iter().map(|kept| (kept.id, kept.event.as_ref().unwrap().targets())).collect();
        kit.hub.desk().holds(&asked)
    };
    let none = Holds { event: false, key: false };
    let event = Holds { event: true, ..none };
    // The key of 300 is known, its event is not needed for that; 400 is in b still.
    assert_eq!(held(&kit), [none, Holds { key: true, ..none }, event, event, event]);
    assert_eq!(kit.hub.desk().oldest(), Oldest { event: Some(id(400)), key: Some(id(300)) });
    let with_key = kit.hub.desk().held_bytes();
    // The key is too old, and forgotten in passing.
    kit.unix_ms.store(6_000, std::sync::atomic::Ordering::Relaxed);
    let mut publishing = once(&kit, "other", all("z"));
    assert!(poll(&mut publishing).is_pending());
    assert_eq!(held(&kit), [none, none, event, event, event]);
    assert_eq!(kit.hub.desk().oldest(), Oldest { event: Some(id(400)), key: None });
    let without_key = kit.hub.desk().held_bytes();
    // On a disk a key takes some 70 bytes.
    assert!((70..300).contains(&(with_key - without_key)), "{without_key} {with_key}");
    let empty = Kit::behind_journal(Config::default());
    assert_eq!(empty.hub.desk().oldest(), Oldest::default());
}

#[test]
fn what_is_wrong_with_the_journal_is_there_for_whoever_asks() {
    let kit = Kit::behind_journal(Config::default());
    assert_eq!(kit.hub.trouble(), None);
    kit.hub.desk().set_trouble(Some("no space".to_owned()));
    assert_eq!(kit.hub.trouble().as_deref(), Some("no space"));
    kit.hub.desk().set_trouble(None);
    assert_eq!(kit.hub.trouble(), None);
}
