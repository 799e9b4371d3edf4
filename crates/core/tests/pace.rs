//! Pace: a flood of publishes waits for readers that it would overrun, as long as their patience lasts.

mod support;

use fanfare_core::{Config, Policy, engine::Turn};
use support::{Kit, Link};

const RING: usize = 64;
/// Number of events that a pass takes with such a ring.
const PASS: usize = 16;
const PACE_MS: u64 = 100;

/// The first event of every connection of a kit.
const PROOF: &str = "proof";

/// A kit with one slow link and `others` that take everything. The slow link has come round before, and takes `room`
/// bytes from now on.
fn kit(room: usize, others: usize) -> (Kit, Link, Vec<Link>) {
    let mut kit = Kit::new(Config { patience_ms: PACE_MS, ..Config::default() });
    let slow = kit.connect(Policy::DropNewest, 0);
    let others = (0..others).map(|_| kit.connect(Policy::DropNewest, usize::MAX)).collect();
    come_round(&mut kit, &slow);
    slow.give(room);
    (kit, slow, others)
}

/// Lets the link fall behind once, and then take what waits.
fn come_round(kit: &mut Kit, link: &Link) {
    kit.say(PROOF);
    settle(kit);
    link.open();
    settle(kit);
    link.stop();
}

/// Data that `link` has received, without the proof that it comes round.
fn data_of(link: &Link) -> Vec<String> {
    support::data_of(link).into_iter().filter(|data| data != PROOF).collect()
}

fn flood(kit: &Kit, events: usize) -> Vec<String> {
    let words: Vec<_> = (0..events).map(|number| number.to_string()).collect();
    kit.say(&words.join(" "));
    words
}

/// Turns until there is nothing left to do at this time.
fn settle(kit: &mut Kit) -> Turn {
    loop {
        match kit.turn() {
            Turn::More => {}
            at_rest => return at_rest,
        }
    }
}

#[test]
fn a_flood_waits_for_a_reader_that_reads_and_nothing_is_dropped() {
    let (mut kit, reader, _) = kit(50, 0);
    let words = flood(&kit, 500);
    let mut pauses = 0;
    while let Turn::Paused { until_ms } = settle(&mut kit) {
        assert!(until_ms > kit.now_ms, "a pause ends");
        pauses += 1;
        kit.now_ms += 1;
        reader.give(1_000);
    }
    assert!(pauses > 10, "{pauses}");
    reader.open();
    kit.run();
    assert_eq!(data_of(&reader), words, "also the last few, which are less than a pass");
}

#[test]
fn who_does_not_read_holds_a_flood_up_once_and_not_for_longer_than_its_patience() {
    let (mut kit, stuck, others) = kit(50, 1);
    let words = flood(&kit, 500);
    assert_eq!(settle(&mut kit), Turn::Paused { until_ms: PACE_MS });
    kit.now_ms = PACE_MS - 1;
    assert_eq!(settle(&mut kit), Turn::Paused { until_ms: PACE_MS });
    assert!(data_of(&others[0]).len() <= RING + PASS);
    kit.now_ms = PACE_MS;
    assert_eq!(settle(&mut kit), Turn::Idle);
    assert_eq!(data_of(&others[0]), words);
    flood(&kit, 500);
    kit.now_ms += 10 * PACE_MS;
    assert_eq!(settle(&mut kit), Turn::Idle, "it was let off until it has drained");
    assert_eq!(data_of(&others[0]).len(), 1_000);

    stuck.open();
    assert_eq!(settle(&mut kit), Turn::Idle);
    stuck.stop();
    flood(&kit, 500);
    assert!(matches!(settle(&mut kit), Turn::Paused { .. }), "it has drained");
}

#[test]
fn what_rings_have_room_for_waits_for_nobody() {
    let (mut kit, _stuck, others) = kit(0, 1);
    flood(&kit, RING);
    assert_eq!(settle(&mut kit), Turn::Idle);
    assert_eq!(data_of(&others[0]).len(), RING);
}

#[test]
fn one_more_than_rings_have_room_for_waits() {
    let (mut kit, _stuck, _others) = kit(0, 1);
    flood(&kit, RING + 1);
    assert_eq!(settle(&mut kit), Turn::Paused { until_ms: PACE_MS });
}

#[test]
fn large_events_are_a_flood_by_their_bytes() {
    let (mut kit, reader, _) = kit(50, 0);
    let large = "x".repeat(50_000);
    (0..10).for_each(|_| kit.say(&large));
    let mut pauses = 0;
    while let Turn::Paused { .. } = settle(&mut kit) {
        pauses += 1;
        reader.give(50_000);
    }
    assert!(pauses > 0);
    reader.open();
    kit.run();
    assert_eq!(data_of(&reader).len(), 10);
}

/// Whether the shard ever pauses for a reader that does not read, with an event each `every_ms`.
fn pauses_at(every_ms: u64, events: usize) -> bool {
    let (mut kit, _stuck, others) = kit(0, 1);
    let mut has_paused = false;
    for _ in 0..events {
        flood(&kit, 1);
        has_paused |= settle(&mut kit) != Turn::Idle;
        kit.now_ms += every_ms;
    }
    kit.run();
    assert_eq!(data_of(&others[0]).len(), events);
    has_paused
}

#[test]
fn a_rings_worth_in_a_tenth_of_a_second_is_a_flood_however_it_comes_and_less_is_none() {
    assert!(pauses_at(1, 3 * RING), "64 take 64 ms");
    assert!(!pauses_at(2, 3 * RING), "50 come in 100 ms");
}

#[test]
fn one_event_that_comes_alone_after_a_flood_waits_for_nobody() {
    let (mut kit, _stuck, others) = kit(0, 1);
    flood(&kit, RING);
    assert_eq!(settle(&mut kit), Turn::Idle, "and the ring is full now");
    kit.now_ms += 300;
    flood(&kit, 1);
    assert_eq!(settle(&mut kit), Turn::Idle);
    assert_eq!(data_of(&others[0]).len(), RING + 1);
}

#[test]
fn all_that_do_not_read_hold_a_flood_up_together_and_not_one_after_the_other() {
    let (mut kit, _stuck, others) = kit(0, 1);
    let more: Vec<_> = (0..9).map(|_| kit.connect(Policy::DropNewest, 0)).collect();
    more.iter().for_each(|link| come_round(&mut kit, link));
    flood(&kit, 500);
    assert_eq!(settle(&mut kit), Turn::Paused { until_ms: PACE_MS });
    kit.now_ms = PACE_MS;
    assert_eq!(settle(&mut kit), Turn::Idle);
    assert_eq!(data_of(&others[0]).len(), 500);
}

#[test]
fn it_does_not_help_to_come_again() {
    let (mut kit, _stuck, _others) = kit(0, 1);
    let mut waited_ms = Vec::new();
    for _ in 0..20 {
        let again = kit.connect(Policy::DropNewest, 0);
        flood(&kit, 500);
        let began_ms = kit.now_ms;
        while let Turn::Paused { until_ms } = settle(&mut kit) {
            kit.now_ms = until_ms;
        }
        waited_ms.push(kit.now_ms - began_ms);
        again.reset();
        settle(&mut kit);
    }
    assert_eq!(waited_ms[0], PACE_MS + PACE_MS / 4, "for the one that has come round before, and for the newcomer");
    assert!(waited_ms[1..].iter().sum::<u64>() <= PACE_MS / 10, "{waited_ms:?}");
}

#[test]
fn newcomers_are_waited_for_until_they_come_round() {
    let mut kit = Kit::new(Config { patience_ms: PACE_MS, ..Config::default() });
    let new: Vec<_> = (0..20).map(|_| kit.connect(Policy::DropNewest, 50)).collect();
    let words = flood(&kit, 500);
    let mut pauses = 0;
    while let Turn::Paused { .. } = settle(&mut kit) {
        pauses += 1;
        // At a stretch all newcomers have a fourth of the patience; later, they are no newcomers.
        kit.now_ms += 1;
        new.iter().for_each(|link| link.give(1_000));
    }
    new.iter().for_each(Link::open);
    settle(&mut kit);
    assert!(pauses > 5, "{pauses}");
    assert!(new.iter().all(|link| data_of(link) == words));
}

#[test]
fn newcomers_who_do_not_come_round_hold_floods_up_for_a_twentieth_of_the_time_all_together() {
    let (mut kit, _quick, _others) = kit(usize::MAX, 1);
    let mut waited_ms = 0;
    while kit.now_ms < 60 * PACE_MS {
        let again: Vec<_> = (0..5).map(|_| kit.connect(Policy::DropNewest, 0)).collect();
        flood(&kit, RING + 2 * PASS);
        while let Turn::Paused { until_ms } = settle(&mut kit) {
            waited_ms += until_ms - kit.now_ms;
            kit.now_ms = until_ms;
        }
        again.iter().for_each(Link::reset);
        settle(&mut kit);
        kit.now_ms += 10;
    }
    assert!(waited_ms <= kit.now_ms / 20 + PACE_MS, "{waited_ms} of {}", kit.now_ms);
    assert!(
        waited_ms >= kit.now_ms / 25,
        "they are waited for, else this shows nothing: {waited_ms} of {}",
        kit.now_ms
    );
}

#[test]
fn readers_that_come_round_just_in_time_hold_floods_up_for_a_fifth_of_the_time_all_together() {
    // An eighth of all would be a crowd.
    let (mut kit, first, _others) = kit(0, 40);
    let mut links = vec![first];
    links.extend((0..4).map(|_| kit.connect(Policy::DropNewest, 0)));
    links[1..].iter().for_each(|link| come_round(&mut kit, link));
    let mut waited_ms = 0;
    while kit.now_ms < 30 * PACE_MS {
        flood(&kit, RING + PASS);
        while let Turn::Paused { until_ms } = settle(&mut kit) {
            waited_ms += until_ms - kit.now_ms;
            kit.now_ms = until_ms;
        }
        // All of them drain, and are behind again at once.
        links.iter().for_each(Link::open);
        settle(&mut kit);
        links.iter().for_each(Link::stop);
        kit.now_ms += 10;
    }
    assert!(waited_ms <= kit.now_ms / 5 + PACE_MS, "{waited_ms} of {}", kit.now_ms);
    assert!(waited_ms >= kit.now_ms / 6, "they are waited for, else this shows nothing: {waited_ms} of {}", kit.now_ms);
}

#[test]
fn nobody_waits_for_one_whose_head_is_not_out() {
    let mut kit = Kit::new(Config { patience_ms: PACE_MS, ..Config::default() });
    let opening = kit.subscribe(&[]);
    flood(&kit, 500);
    assert_eq!(settle(&mut kit), Turn::Idle, "only its handshake could relieve it, and that is behind the flood");
    drop(opening);
}

#[test]
fn who_is_relieved_of_its_ring_is_not_waited_for() {
    let mut kit = Kit::new(Config { patience_ms: PACE_MS, hub_ring_bytes_max: 1_500, ..Config::default() });
    let _stuck = kit.connect(Policy::DropNewest, 0);
    flood(&kit, 500);
    assert_eq!(settle(&mut kit), Turn::Idle);
}

#[test]
fn nobody_waits_for_one_that_leaves() {
    let (mut kit, leaver, others) = kit(50, 1);
    flood(&kit, 500);
    assert_eq!(settle(&mut kit), Turn::Paused { until_ms: PACE_MS });
    leaver.reset();
    assert_eq!(settle(&mut kit), Turn::Idle);
    assert_eq!(data_of(&others[0]).len(), 500);
}

#[test]
fn a_pace_of_0_never_waits() {
    let mut kit = Kit::new(Config { patience_ms: 0, ..Config::default() });
    let _stuck = kit.connect(Policy::DropNewest, 50);
    flood(&kit, 500);
    assert_eq!(settle(&mut kit), Turn::Idle);
}

#[test]
fn a_drain_waits_for_nobodys_patience() {
    let (mut kit, _stuck, others) = kit(50, 1);
    flood(&kit, 500);
    assert!(matches!(settle(&mut kit), Turn::Paused { .. }));
    assert!(!kit.hub.inbox(0).ends_pause());
    kit.hub.drain();
    assert!(kit.hub.inbox(0).ends_pause(), "its owner is woken for it");
    assert_eq!(settle(&mut kit), Turn::Idle);
    assert!(others[0].is_shut());
    assert_eq!(data_of(&others[0]).len(), 500);
}
