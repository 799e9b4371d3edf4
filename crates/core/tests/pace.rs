//! Pace: a flood of publishes waits for readers that it would overrun, as long as their patience lasts.

mod support;

use fanfare_core::{Config, Policy, Turn};
use support::{Kit, Link, data_of};

const RING: usize = 64;
/// What a pass takes with such a ring.
const PASS: usize = 16;
const PACE_MS: u64 = 100;

/// A kit with one link that takes `room` bytes and `others` that take everything.
fn kit(room: usize, others: usize) -> (Kit, Link, Vec<Link>) {
    let mut kit = Kit::new(Config { patience_ms: PACE_MS, ..Config::default() });
    let slow = kit.connect(Policy::DropNewest, room);
    let others = (0..others).map(|_| kit.connect(Policy::DropNewest, usize::MAX)).collect();
    (kit, slow, others)
}

fn flood(kit: &Kit, events: usize) -> Vec<String> {
    let words: Vec<_> = (0..events).map(|number| number.to_string()).collect();
    kit.say(&words.join(" "));
    words
}

/// Turns until there is nothing to do at this time.
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
fn a_flood_that_comes_one_by_one_waits_too_and_a_slow_stream_does_not() {
    for (every_ms, is_flood) in [(1, true), (5, false)] {
        let (mut kit, _stuck, others) = kit(0, 1);
        let mut paused = 0;
        for _ in 0..3 * RING {
            flood(&kit, 1);
            paused += usize::from(settle(&mut kit) != Turn::Idle);
            kit.now_ms += every_ms;
        }
        assert_eq!(paused > 0, is_flood, "one each {every_ms} ms: {paused}");
        kit.run();
        assert_eq!(data_of(&others[0]).len(), 3 * RING);
    }
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
fn a_drain_does_not_wait_behind_a_pause_for_ever() {
    let (mut kit, _stuck, others) = kit(50, 1);
    flood(&kit, 500);
    kit.hub.drain();
    assert_eq!(settle(&mut kit), Turn::Paused { until_ms: PACE_MS });
    kit.now_ms = PACE_MS;
    assert_eq!(settle(&mut kit), Turn::Idle);
    assert!(others[0].is_shut());
}
