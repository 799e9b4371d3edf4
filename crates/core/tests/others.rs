//! A hub with a shared journal. Events of other hubs and own events come in one order. Events of others wait while an
//! inbox lacks room. Every stream is told of missed events. An answer may be held back until its event is safe.

mod support;

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll},
};

use fanfare_core::{
    Config, EventId, GapReason, Heartbeat, IdempotencyKey, Policy, PublishError, ReadLimit, Start, Wait,
    engine::{Amount, Framing, Subscribe, Turn},
    journal::{Past, Refusal, Settled, Submission},
};
use support::{Flag, Kit, Link, PublishFuture, Told, all, channel, data_of, poll, told_to};

const PAGE: ReadLimit = ReadLimit { messages_max: 100, bytes_max: usize::MAX };

fn id(ms: u64) -> EventId {
    EventId::new(ms, 0)
}

fn kit(config: Config) -> Kit {
    let kit = Kit::behind_journal(config);
    kit.hub.desk().restore_past(Past::default());
    kit
}

fn take(kit: &Kit) -> Vec<Submission> {
    let mut group = Vec::new();
    kit.hub.desk().take(&mut group, &Context::from_waker(&Flag::new().waker()));
    group
}

fn submitted(kit: &Kit, data: &str) -> (PublishFuture, Submission) {
    let mut publishing = kit.publishing(all(data), Wait::Journal);
    assert!(poll(&mut publishing).is_pending());
    (publishing, take(kit).remove(0))
}

fn once(kit: &Kit, key: &str, data: &str) -> PublishFuture {
    let (hub, key, event) = (Arc::clone(&kit.hub), IdempotencyKey::new(key, "test").unwrap(), all(data));
    let mut publishing: PublishFuture = Box::pin(async move { hub.publish_once(event, &key, Wait::Journal).await });
    assert!(poll(&mut publishing).is_pending());
    publishing
}

/// Settles as many of these as the inboxes have room for. Returns the number of the rest.
fn settle_some(kit: &Kit, settled: impl IntoIterator<Item = Settled>) -> usize {
    let mut settled: VecDeque<_> = settled.into_iter().collect();
    kit.hub.desk().settle(&mut settled, &Context::from_waker(&Flag::new().waker()));
    settled.len()
}

fn other(ms: u64) -> Settled {
    Settled::Other(id(ms), all(&ms.to_string()))
}

fn gap(from_ms: u64, to_ms: u64, reason: GapReason) -> Told {
    Told { from: Some(id(from_ms)), to: Some(id(to_ms)), missed: None, reason }
}

/// Connects a client that receives its position now and then.
fn cursor_after(kit: &Kit, after_ms: u64) -> Link {
    let (start, policy, heartbeat) = (Start::After(id(after_ms)), Policy::Repair, Heartbeat::Cursor);
    let subscribe = Subscribe { start, policy, heartbeat, ..kit.wishes(&[]) };
    kit.attach(kit.hub.subscribe(subscribe).unwrap(), Framing::Chunked, usize::MAX)
}

fn resumed(kit: &mut Kit, after_ms: u64) -> Link {
    let subscription = kit.subscribe_as("u", &[], Start::After(id(after_ms)), Policy::Repair);
    let link = kit.attach(subscription, Framing::Chunked, usize::MAX);
    kit.settle();
    link
}

#[test]
fn events_from_elsewhere_and_own_ones_come_in_one_order() {
    let mut kit = kit(Config::default());
    let link = kit.connect(Policy::Repair, usize::MAX);
    let (mut publishing, own) = submitted(&kit, "own");
    assert_eq!(settle_some(&kit, [other(2_000), Settled::Own(id(3_000), own), other(4_000)]), 0);
    assert!(
        matches!(poll(&mut publishing), Poll::Ready(Ok(receipt)) if receipt.id == id(3_000) && receipt.matched == 1)
    );
    kit.settle();
    assert_eq!(data_of(&link), ["2000", "own", "4000"]);
    let resumed = resumed(&mut kit, 2_000);
    assert_eq!(data_of(&resumed), ["own", "4000"]);
    assert!(told_to(&resumed).is_empty());
    assert_eq!(kit.hub.inbox(0).load(), Amount::default());
}

#[test]
fn what_comes_from_elsewhere_waits_while_an_inbox_is_more_than_half_full_and_is_woken_when_it_is_not() {
    let mut kit = kit(Config { inbox_messages_max: 100, ..Config::default() });
    let link = kit.connect(Policy::Repair, usize::MAX);
    let mut settled: VecDeque<_> = (2_000..2_200).map(other).collect();
    let flag = Flag::new();
    kit.hub.desk().settle(&mut settled, &Context::from_waker(&flag.waker()));
    // A step of 64 is begun while there are no more than 50.
    assert_eq!((settled.len(), kit.hub.inbox(0).load().messages, flag.take()), (136, 64, false));
    kit.turn();
    assert!(flag.take(), "the shard has taken some");
    for _ in 0..10 {
        kit.settle();
        kit.hub.desk().settle(&mut settled, &Context::from_waker(&flag.waker()));
    }
    kit.settle();
    assert_eq!((settled.len(), data_of(&link).len()), (0, 200));
}

#[test]
fn a_large_event_from_elsewhere_comes_into_an_empty_inbox_and_not_behind_another() {
    let kit = kit(Config { inbox_bytes_max: 1_000, ..Config::default() });
    let large = |ms| Settled::Other(id(ms), all(&"x".repeat(2_000)));
    assert_eq!(settle_some(&kit, [large(2_000), large(2_001), other(2_002)]), 2);
}

#[test]
fn places_that_publishers_have_reserved_do_not_stand_in_the_way_of_what_comes_before_theirs() {
    let mut kit = kit(Config { inbox_messages_max: 4, ..Config::default() });
    let link = kit.connect(Policy::Repair, usize::MAX);
    let mut publishing: Vec<_> = (0..4).map(|_| kit.publishing(all("own"), Wait::Journal)).collect();
    publishing.iter_mut().for_each(|one| assert!(poll(one).is_pending()));
    let mut at_gate = kit.publishing(all("next"), Wait::Journal);
    assert!(poll(&mut at_gate).is_pending());
    let own = take(&kit);
    assert_eq!(own.len(), 4, "one waits at the gate");
    let settled = [other(2_000)].into_iter().chain((3_000..).map(id).zip(own).map(|(id, one)| Settled::Own(id, one)));
    assert_eq!(settle_some(&kit, settled), 0);
    publishing.iter_mut().for_each(|one| assert!(poll(one).is_ready()));
    kit.settle();
    assert_eq!(data_of(&link), ["2000", "own", "own", "own", "own"]);
    assert!(poll(&mut at_gate).is_pending());
    assert_eq!(take(&kit).len(), 1);
}

#[test]
fn what_was_missed_is_told_to_every_stream_and_to_whoever_comes_back_from_before() {
    for reason in [GapReason::Expired, GapReason::Restart] {
        let mut kit = kit(Config { turn_slots_max: 2, ..Config::default() });
        settle_some(&kit, [other(2_000)]);
        let links: Vec<_> = (0..5).map(|_| kit.connect(Policy::Repair, usize::MAX)).collect();
        let not_attached = kit.subscribe_as("u", &[], Start::Now, Policy::Repair);
        settle_some(&kit, [other(2_001), Settled::Lost(id(3_000), reason), other(3_001)]);
        kit.settle();
        let told = gap(2_001, 3_000, reason);
        for link in &links {
            assert_eq!((data_of(link), told_to(link)), (vec!["2001".into(), "3001".into()], vec![told.clone()]));
        }
        let late = kit.attach(not_attached, Framing::Chunked, usize::MAX);
        kit.settle();
        assert_eq!((data_of(&late).len(), told_to(&late)), (2, vec![told]));
        let before = resumed(&mut kit, 2_000);
        assert_eq!(told_to(&before), [gap(2_000, 3_000, reason)]);
        assert_eq!(data_of(&before), ["2001", "3001"]);
        let after = resumed(&mut kit, 3_001);
        assert!(told_to(&after).is_empty() && data_of(&after).is_empty());
        let page = kit.hub.history(&channel("c"), &Start::After(id(2_000)), PAGE);
        assert_eq!(page.gap.map(|gap| (gap.to, gap.reason)), Some((Some(id(3_000)), reason)));
    }
}

#[test]
fn losses_take_places_as_events_do_and_those_that_nobody_has_taken_are_one() {
    let mut kit = kit(Config { inbox_messages_max: 8, ..Config::default() });
    let slow = kit.connect(Policy::Repair, 0);
    let mut lost: VecDeque<_> = (2_000..2_200).map(|ms| Settled::Lost(id(ms), GapReason::Expired)).collect();
    let flag = Flag::new();
    kit.hub.desk().settle(&mut lost, &Context::from_waker(&flag.waker()));
    assert_eq!((lost.len(), kit.hub.inbox(0).load()), (136, Amount { messages: 64, bytes: 0 }));
    while !lost.is_empty() {
        kit.settle();
        kit.hub.desk().settle(&mut lost, &Context::from_waker(&flag.waker()));
    }
    kit.settle();
    slow.open();
    kit.settle();
    assert_eq!(kit.hub.inbox(0).load(), Amount::default());
    let told = told_to(&slow);
    assert_eq!(told.len(), 2, "one was on its way: {told:?}");
    assert_eq!(told[1], gap(2_000, 2_199, GapReason::Expired));
}

#[test]
fn a_shard_that_waits_for_a_reader_tells_all_and_then_sleeps() {
    let mut kit = kit(Config { turn_slots_max: 1, ring_messages_max: 4, ..Config::default() });
    let slow = kit.connect(Policy::Repair, 0);
    let others: Vec<_> = (0..3).map(|_| kit.connect(Policy::Repair, usize::MAX)).collect();
    let settled = (2_000..2_040).map(other).chain([Settled::Lost(id(3_000), GapReason::Restart)]);
    assert_eq!(settle_some(&kit, settled.chain((3_001..3_020).map(other))), 0);
    for turns in 0.. {
        assert!(turns < 1_000, "it never comes to rest, although it waits for somebody");
        match kit.turn() {
            Turn::More => {}
            Turn::Paused { until_ms } => kit.now_ms = until_ms,
            Turn::Idle => break,
        }
        kit.answer();
    }
    slow.open();
    kit.settle();
    others.iter().chain([&slow]).for_each(|link| assert_eq!((data_of(link).len(), told_to(link).len()), (59, 1)));
}

#[test]
fn one_that_is_behind_is_told_what_everybody_missed_and_gets_what_there_is() {
    let mut kit = kit(Config::default());
    let slow = kit.connect(Policy::Repair, 0);
    let all_of_them = (2_000..2_100).map(other).chain([Settled::Lost(id(3_000), GapReason::Restart), other(3_001)]);
    let mut settled: VecDeque<_> = all_of_them.collect();
    kit.hub.desk().settle(&mut settled, &Context::from_waker(&Flag::new().waker()));
    kit.settle();
    slow.open();
    kit.settle();
    assert!(settled.is_empty());
    let data = data_of(&slow);
    assert_eq!((data.len(), data[0].as_str(), data[100].as_str()), (101, "2000", "3001"));
    assert!(told_to(&slow).contains(&gap(2_099, 3_000, GapReason::Restart)));
}

#[test]
fn an_answer_that_is_held_back_comes_when_both_are_there() {
    let kit = kit(Config::default());
    let (mut publishing, own) = submitted(&kit, "x");
    let delay = own.delay();
    settle_some(&kit, [Settled::Own(id(2_000), own)]);
    assert!(poll(&mut publishing).is_pending(), "it is not safe yet");
    delay.release(Ok(()));
    assert!(matches!(poll(&mut publishing), Poll::Ready(Ok(receipt)) if receipt.id == id(2_000)));

    let (mut publishing, own) = submitted(&kit, "x");
    own.delay().release(Ok(()));
    assert!(poll(&mut publishing).is_pending(), "it is not there yet");
    settle_some(&kit, [Settled::Own(id(2_001), own)]);
    assert!(poll(&mut publishing).is_ready());
}

#[test]
fn one_that_does_not_become_safe_is_answered_so_although_it_was_published() {
    let mut kit = kit(Config::default());
    let link = kit.connect(Policy::Repair, usize::MAX);
    for is_dropped in [false, true] {
        let (mut publishing, own) = submitted(&kit, "x");
        let delay = own.delay();
        if is_dropped {
            drop(delay);
        } else {
            delay.release(Err(Refusal::Unknown));
        }
        assert_eq!(poll(&mut publishing), Poll::Ready(Err(PublishError::Unknown)));
        settle_some(&kit, [Settled::Own(id(2_000 + u64::from(is_dropped)), own)]);
    }
    let (mut publishing, own) = submitted(&kit, "x");
    let delay = own.delay();
    kit.refuse(vec![own], Refusal::NotPublished);
    assert_eq!(poll(&mut publishing), Poll::Ready(Err(PublishError::Journal)), "a refusal need not wait");
    delay.release(Ok(()));
    let (mut publishing, own) = submitted(&kit, "x");
    let delay = own.delay();
    kit.refuse(vec![own], Refusal::NotPublished);
    drop(delay);
    assert_eq!(poll(&mut publishing), Poll::Ready(Err(PublishError::Journal)), "what is certain stays so");
    kit.settle();
    assert_eq!(data_of(&link), ["x", "x"]);
}

#[test]
fn a_key_that_the_journal_knows_gets_its_first_answer_and_one_that_was_reused_an_error() {
    let kit = kit(Config { inbox_messages_max: 1, ..Config::default() });
    let mut publishing = once(&kit, "k", "x");
    kit.settle_all([Settled::Repeat { submission: take(&kit).remove(0), id: id(1_500), matched: 7 }]);
    let Poll::Ready(Ok(receipt)) = poll(&mut publishing) else { panic!("it is answered") };
    assert_eq!((receipt.id, receipt.matched, receipt.is_repeat, receipt.outcome), (id(1_500), 7, true, None));

    let mut publishing = once(&kit, "k", "y");
    kit.refuse(take(&kit), Refusal::KeyReused);
    assert_eq!(poll(&mut publishing), Poll::Ready(Err(PublishError::KeyReused)));

    // The journal is asked again, and only it knows.
    let mut publishing = once(&kit, "k", "z");
    settle_some(&kit, [Settled::Own(id(2_000), take(&kit).remove(0))]);
    assert!(matches!(poll(&mut publishing), Poll::Ready(Ok(receipt)) if !receipt.is_repeat));
    assert_eq!(kit.hub.inbox(0).load().messages, 1, "the places of the two others are free");
}

#[test]
fn a_cursor_that_another_hub_has_told_already_is_waited_for_and_one_that_nobody_can_know_is_unknown() {
    let past = |is_shared| Past { born: id(100), last: id(2_000), lost: id(100), is_shared, ..Past::default() };
    let mut kit = Kit::behind_journal(Config::default());
    kit.hub.desk().restore_past(past(true));
    let ahead = resumed(&mut kit, 2_001);
    let beating = cursor_after(&kit, 2_001);
    let heartbeat_ms = kit.hub.config().heartbeat_ms;
    kit.settle();
    kit.sweep_at(heartbeat_ms);
    let text = String::from_utf8(beating.out()).unwrap();
    assert!(text.contains("id: 2001-0"), "a heartbeat does not take a client back: {text}");
    settle_some(&kit, [other(2_001), other(2_002)]);
    kit.settle();
    assert_eq!((data_of(&ahead), told_to(&ahead)), (vec!["2002".to_owned()], vec![]));
    let never = resumed(&mut kit, 2_004);
    let gone = resumed(&mut kit, 2_003);
    settle_some(&kit, [other(2_004), Settled::Lost(id(2_500), GapReason::Restart), other(3_000)]);
    kit.settle();
    let first = Told { to: Some(id(2_004).before()), ..gap(2_002, 0, GapReason::Restart) };
    assert_eq!(told_to(&gone), [first, gap(2_004, 2_500, GapReason::Restart)]);
    assert_eq!((data_of(&never), told_to(&never).len()), (vec!["3000".to_owned()], 1));
    let is_unknown = |kit: &Kit, ms| kit.subscribe_as("u", &[], Start::After(id(ms)), Policy::Repair).gap().is_some();
    assert!(!is_unknown(&kit, 13_000) && is_unknown(&kit, 13_001), "no clock is ahead by more than ten seconds");
    let kit = Kit::behind_journal(Config::default());
    kit.hub.desk().restore_past(past(false));
    assert!(is_unknown(&kit, 2_001), "nobody else writes there");
}

#[test]
fn a_client_that_another_hub_told_of_later_events_is_told_of_no_gap_below_them() {
    for (cursor_ms, told) in [
        (2_000, Some(gap(2_000, 5_000, GapReason::Expired))),
        (4_000, Some(gap(4_000, 5_000, GapReason::Expired))),
        (5_000, None),
        (5_001, None),
    ] {
        let mut kit = Kit::behind_journal(Config::default());
        kit.hub.desk().restore_past(Past { last: id(2_000), is_shared: true, ..Past::default() });
        let link = resumed(&mut kit, cursor_ms);
        settle_some(&kit, [Settled::Lost(id(5_000), GapReason::Expired), other(5_001), other(5_002)]);
        kit.settle();
        let seen = if cursor_ms == 5_001 { vec!["5002"] } else { vec!["5001", "5002"] };
        assert_eq!(
            (data_of(&link), told_to(&link)),
            (seen.iter().map(ToString::to_string).collect(), told.into_iter().collect())
        );
    }
}

#[test]
fn a_hub_that_shares_its_journal_waits_until_it_has_all_of_it_and_any_other_has_it() {
    let kit = Kit::behind_journal(Config::default());
    kit.hub.desk().restore_past(Past { is_shared: true, ..Past::default() });
    let (hub, asking, journal) = (Arc::clone(&kit.hub), Flag::new(), Flag::new());
    let question = || kit.hub.desk().question(&Context::from_waker(&journal.waker()));
    assert_eq!(question(), 0);
    let mut first = Box::pin(hub.caught_up());
    assert!(first.as_mut().poll(&mut Context::from_waker(&asking.waker())).is_pending());
    assert!(journal.take(), "the journal is woken");
    assert_eq!(question(), 1);
    let mut second = Box::pin(hub.caught_up());
    assert!(poll(&mut second).is_pending());
    kit.hub.desk().answer(1);
    assert!(asking.take() && poll(&mut first).is_ready());
    assert!(poll(&mut second).is_pending(), "it was asked later");
    kit.hub.desk().answer(question());
    assert!(poll(&mut second).is_ready());
    let kit = Kit::new(Config::default());
    assert!(poll(&mut Box::pin(kit.hub.caught_up())).is_ready());
}

#[test]
fn behind_the_end_of_a_drain_nothing_from_elsewhere_follows() {
    let mut kit = kit(Config::default());
    let link = kit.connect(Policy::Repair, usize::MAX);
    let (mut publishing, own) = submitted(&kit, "own");
    kit.hub.drain();
    assert_eq!(settle_some(&kit, [other(2_000), Settled::Own(id(2_001), own), other(2_002), other(2_003)]), 0);
    assert!(poll(&mut publishing).is_ready());
    kit.settle();
    assert_eq!(data_of(&link), ["2000", "own"]);
    assert!(kit.shards[0].is_drained() || link.out().ends_with(b"0\r\n\r\n"));
}

#[test]
fn a_hub_is_ready_when_it_has_what_its_journal_had() {
    assert!(Kit::new(Config::default()).hub.is_ready());
    let kit = Kit::behind_journal(Config::default());
    let (hub, flag) = (Arc::clone(&kit.hub), Flag::new());
    let mut ready = Box::pin(hub.ready());
    assert!(!kit.hub.is_ready());
    assert!(ready.as_mut().poll(&mut Context::from_waker(&flag.waker())).is_pending());
    kit.hub.desk().restore_past(Past::default());
    assert!(flag.take() && kit.hub.is_ready() && poll(&mut ready).is_ready());
}

#[test]
fn room_that_is_promised_is_no_flood() {
    let mut kit = kit(Config { ring_messages_max: 8, patience_ms: 1_000, ..Config::default() });
    let slow = kit.connect(Policy::Repair, 0);
    for ms in 0..7 {
        // Slowly: that is none either. The ring has no room for another pass after it.
        kit.now_ms += 1_000;
        settle_some(&kit, [other(2_000 + ms)]);
        kit.settle();
    }
    kit.now_ms += 1_000;
    let mut publishing: Vec<_> = (0..40).map(|n| kit.publishing(all(&n.to_string()), Wait::Journal)).collect();
    assert!(publishing.iter_mut().all(|publishing| poll(publishing).is_pending()));
    let newcomer = kit.attach(kit.subscribe(&[]), Framing::Chunked, usize::MAX);
    settle_some(&kit, [other(3_000)]);
    let mut turn = kit.turn();
    while turn == Turn::More {
        turn = kit.turn();
    }
    assert_eq!(turn, Turn::Idle, "nothing of it waits in the inbox");
    assert_eq!(data_of(&newcomer), ["3000"]);
    drop(slow);
}

#[test]
fn an_inbox_that_takes_one_message_at_a_time_takes_events_of_others_too() {
    let mut kit = kit(Config { inbox_bytes_max: 0, ..Config::default() });
    let link = kit.connect(Policy::Repair, usize::MAX);
    let mut settled: VecDeque<_> = (2_000..2_010).map(other).collect();
    let flag = Flag::new();
    while !settled.is_empty() {
        let before = settled.len();
        kit.hub.desk().settle(&mut settled, &Context::from_waker(&flag.waker()));
        assert!(settled.len() < before, "nothing was taken");
        kit.settle();
        assert!(settled.is_empty() || flag.take(), "the journal is woken when there is room");
    }
    assert_eq!(data_of(&link).len(), 10);
}

#[test]
fn a_shard_that_is_gone_keeps_no_event_of_others_from_the_rest() {
    let mut kit = kit(Config { shards: 2, inbox_messages_max: 8, ..Config::default() });
    let mut settled: VecDeque<_> = (2_000..2_200).map(other).collect();
    let flag = Flag::new();
    kit.hub.desk().settle(&mut settled, &Context::from_waker(&flag.waker()));
    while kit.shards[0].turn(kit.now_ms) == Turn::More {}
    assert!(flag.take(), "the first shard has taken some");
    kit.hub.desk().settle(&mut settled, &Context::from_waker(&flag.waker()));
    assert!(!settled.is_empty() && kit.hub.inbox(1).load().messages > 4, "the second shard takes nothing");
    drop(kit.shards.pop());
    assert!(flag.take(), "the journal looks again");
    while !settled.is_empty() {
        let before = settled.len();
        kit.hub.desk().settle(&mut settled, &Context::from_waker(&flag.waker()));
        assert!(settled.len() < before, "nothing was taken");
        while kit.shards[0].turn(kit.now_ms) == Turn::More {}
    }
}
