//! What a stream by pattern is told of events that are not kept any more.

use super::*;

#[test]
fn a_channel_that_matches_and_gave_up_events_is_a_gap_and_one_that_does_not_match_is_none() {
    let mut kit = keeping(Retention { events_max: 2, ..Retention::default() });
    say(&mut kit, "a1", "1");
    let before = kit.hub.last_id();
    say(&mut kit, "a2", "2 3 4");
    say(&mut kit, "b", "5 6 7");
    let gone = EventId::new(1_000, 2);
    let link = follow(&mut kit, &["a*"], Start::After(before));
    assert_eq!(
        (data_of(&link), gaps_of(&link)),
        (vec!["3".to_owned(), "4".to_owned()], vec![(Some(before), Some(gone), GapReason::Expired)])
    );
    let link = follow(&mut kit, &["a1*", "*1"], Start::After(before));
    assert_eq!((data_of(&link), gaps_of(&link)), (vec![], vec![]), "only other channels have lost events");
    let link = follow(&mut kit, &["a*"], Start::After(gone));
    assert_eq!(gaps_of(&link), [], "what it has seen is not missing");
}

#[test]
fn events_that_are_too_old_are_gone_for_a_pattern_at_once() {
    let mut kit = keeping(Retention { age_ms_max: 500, ..Retention::default() });
    say(&mut kit, "a1", "1");
    kit.unix_ms.store(1_501, std::sync::atomic::Ordering::Relaxed);
    let after = EventId::new(1_000, 0);
    let link = follow(&mut kit, &["a*"], Start::After(after));
    let gap = (Some(after), Some(EventId::new(1_000, 1)), GapReason::Expired);
    assert_eq!((data_of(&link), gaps_of(&link)), (vec![], vec![gap]));
}

/// A stream of `a*` that has had the first of many reads, with three targets at most and 30 events of each. The events 2
/// to 30 of a2 are still to come, two with each read.
fn after_the_first_read(age_ms_max: u64) -> (Kit, Link) {
    let each = Retention { events_max: 30, age_ms_max, ..Retention::default() };
    let history = Retentions { each, targets_max: 3, ..Retentions::default() };
    let mut kit = Kit::new(Config { history, ring_messages_max: 2, ..Config::default() });
    say(&mut kit, "a1", "0");
    for number in 1..=30 {
        say(&mut kit, "a2", &number.to_string());
    }
    // The newest mark of all channels is above what the stream has.
    (0..40).for_each(|_| say(&mut kit, "b", "x"));
    let link = open(&kit, wishes(&kit, &["a*"], Start::Earliest), usize::MAX);
    kit.run();
    assert_eq!(kit.answer(), 1);
    kit.run();
    assert_eq!((data_of(&link), told_to(&link)), (vec!["0".to_owned(), "1".to_owned()], vec![]));
    (kit, link)
}

#[test]
fn what_is_given_up_between_two_reads_is_a_gap_only_if_it_matches() {
    let (mut kit, link) = after_the_first_read(u64::MAX);
    for _ in 0..5 {
        kit.publish(to_channel("b", "x"));
    }
    kit.answer();
    kit.run();
    let had = data_of(&link).len();
    assert!((4..30).contains(&had), "{had}");
    assert_eq!(told_to(&link), [], "only b has given up events");
    for number in 31..=60 {
        kit.publish(to_channel("a2", &number.to_string()));
    }
    kit.settle();
    let expected: Vec<_> = (0..had).chain(31..=60).map(|number| number.to_string()).collect();
    assert_eq!((data_of(&link), gaps_of(&link).len()), (expected, 1));
}

#[test]
fn what_becomes_too_old_between_two_reads_is_a_gap() {
    let (mut kit, link) = after_the_first_read(500);
    kit.unix_ms.store(1_501, std::sync::atomic::Ordering::Relaxed);
    kit.settle();
    assert_eq!(data_of(&link).len(), 2, "no event is too old before its time");
    assert_eq!(gaps_of(&link).len(), 1);
}

#[test]
fn a_target_that_is_forgotten_between_two_reads_is_a_gap() {
    let (mut kit, link) = after_the_first_read(u64::MAX);
    // The channels a1 and a2 were silent for longest.
    say(&mut kit, "c", "x");
    say(&mut kit, "d", "x");
    kit.settle();
    assert_eq!((data_of(&link).len(), gaps_of(&link).len()), (2, 1));
}

#[test]
fn a_target_that_was_forgotten_may_have_matched() {
    let history = Retentions { targets_max: 2, ..Retentions::default() };
    let mut kit = Kit::new(Config { history, ..Config::default() });
    let born = kit.hub.last_id();
    say(&mut kit, "a1", "1");
    let forgotten = kit.hub.last_id();
    say(&mut kit, "a2", "2");
    assert_eq!(gaps_of(&follow(&mut kit, &["a*"], Start::After(born))), []);
    say(&mut kit, "b", "3");
    let link = follow(&mut kit, &["a*"], Start::After(born));
    let gap = (Some(born), Some(forgotten), GapReason::Expired);
    assert_eq!((data_of(&link), gaps_of(&link)), (vec!["2".to_owned()], vec![gap]));
    assert_eq!(gaps_of(&follow(&mut kit, &["a*"], Start::After(forgotten))), []);
}

#[test]
fn more_channels_than_a_search_looks_at_are_a_gap_too_many_and_no_event_too_few() {
    for (channels, is_told) in [(4_096, false), (4_097, true)] {
        let each = Retention { events_max: 1, ..Retention::default() };
        let mut kit = keeping(each);
        for number in 0..channels {
            kit.publish(to_channel(&format!("a{number:04}"), &number.to_string()));
            if number % 500 == 0 {
                kit.run();
            }
        }
        let before = kit.hub.last_id();
        say(&mut kit, "b", "x y");
        say(&mut kit, "a0000", "last");
        let link = follow(&mut kit, &["a*"], Start::After(before));
        // The one event that has gone since was on b, and the first one of a0000 is older than the cursor.
        assert_eq!((data_of(&link), gaps_of(&link).len()), (vec!["last".to_owned()], usize::from(is_told)));
        let link = follow(&mut kit, &["a*"], Start::Earliest);
        assert_eq!(data_of(&link).len(), channels);
    }
}

#[test]
fn a_stream_with_too_many_events_to_count_behind_a_hole_is_told_of_all_that_it_does_not_get() {
    let each = Retention { events_max: 20_000, bytes_max: usize::MAX, ..Retention::default() };
    let few = (pattern("hot"), Retention { events_max: 1, ..Retention::default() });
    let history = Retentions { each, channels: vec![few], ..Retentions::default() };
    let mut kit = Kit::new(Config { history, ..Config::default() });
    let link = open(&kit, wishes(&kit, &["*"], Start::Now), 0);
    kit.run();
    for number in 0..20_000 {
        let name = if number % 1_000 == 0 { "hot" } else { "a" };
        kit.publish(to_channel(name, &number.to_string()));
        if number % 500 == 0 {
            kit.run();
        }
    }
    kit.run();
    link.open();
    kit.settle();
    let (data, told) = (data_of(&link), told_to(&link));
    let missed: u64 = told.iter().filter_map(|told| told.missed).sum();
    assert_eq!(data.len() as u64 + missed, 20_000, "every event came or was told");
    assert!(data.len() > 16_000, "the newest ones came: {}", data.len());
    link.end();
    kit.run();
    let account = kit.closed()[0].account;
    assert_eq!((account.lost, account.owed, account.written), (missed, 0, data.len() as u64));
}
