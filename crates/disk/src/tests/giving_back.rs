//! The space of what nobody needs any more is given back beside a hub that runs: of events that the history lets go of,
//! and of those whose keys are remembered for longer; on a disk that is full as well.

use std::time::Duration;

use fanfare_core::{Channel, Event, GapReason, PublishError, Retention, Retentions, Start, Target};

use crate::{
    config::{Config, Fsync, LogConfig},
    tests::support::{
        MemoryDisk, event, key,
        running::{Running, fsync, until},
    },
};

#[test]
fn what_the_history_lets_go_of_is_given_back_and_told_as_expired_after_a_restart() {
    let ten = Retention { events_max: 10, bytes_max: usize::MAX, age_ms_max: u64::MAX };
    let history = || Retentions { each: ten, ..Retentions::default() };
    let disk = MemoryDisk::new();
    let running = Running::with(&disk, fsync(Fsync::Interval), history());
    let rare = Event::new(Target::Channel(Channel::new("rare").unwrap()), "rare");
    let rare_id = running.publish(rare).unwrap().id;
    let once = running.publish_once(event("once"), &key("k")).unwrap();
    let ids: Vec<_> =
        (0..200).map(|n| running.publish(event(&format!("{n} {}", "x".repeat(1_000)))).unwrap().id).collect();
    assert!(disk.written_bytes() > 200_000, "{}", disk.written_bytes());
    // Twice the history, four segments, the state.
    until("the space is given back", || disk.total_bytes() < 2 * running.hub.desk().held_bytes() + 5 * (4 << 10));
    let again = Running::with(&disk.copy(), fsync(Fsync::Interval), history());
    let (events, gap) = again.history("a", &Start::After(ids[0]));
    assert_eq!(events.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids[190..]);
    assert_eq!(gap.map(|gap| (gap.reason, gap.to)), Some((GapReason::Expired, Some(ids[189]))));
    let (events, gap) = again.history("rare", &Start::After(rare_id.before()));
    assert_eq!((events, gap), (vec![(rare_id, "rare".to_owned())], None), "nothing of it is missing");
    assert_eq!(again.publish_once(event("once"), &key("k")).unwrap().id, once.id);
    again.drain().unwrap();
    running.drain().unwrap();
}

#[test]
fn keyed_events_take_no_more_of_the_disk_than_others_and_their_keys_are_known_without_them() {
    let two = Retention { events_max: 2, bytes_max: usize::MAX, age_ms_max: u64::MAX };
    let history = || Retentions { each: two, ..Retentions::default() };
    let data = |n: usize| format!("{n} {}", "x".repeat(3_000));
    let publish = |is_keyed: bool| {
        let disk = MemoryDisk::new();
        let running = Running::with(&disk, fsync(Fsync::Interval), history());
        let publish = |n: usize| match is_keyed {
            true => running.publish_once(event(&data(n)), &key(&n.to_string())).unwrap(),
            false => running.publish(event(&data(n))).unwrap(),
        };
        let receipts: Vec<_> = (0..300).map(publish).collect();
        (disk, running, receipts)
    };
    let (unkeyed_disk, unkeyed, _) = publish(false);
    let (disk, running, receipts) = publish(true);
    // Two events, four segments, the small files; and for each key a frame of 71 bytes.
    let allowed = 2 * 2 * 4_000 + 5 * (8 << 10);
    until("the space of events is given back", || unkeyed_disk.total_bytes() < allowed);
    until("the space of keyed events is given back", || disk.total_bytes() < allowed + 300 * 71);
    unkeyed.drain().unwrap();
    // Three times over: what was rewritten is read, and rewritten again.
    let mut runs = vec![running];
    for _ in 0..3 {
        let again = Running::with(&disk.copy(), fsync(Fsync::Interval), history());
        assert_eq!(again.data(), [data(298), data(299)]);
        for n in [0, 1, 150, 299] {
            let repeat = again.publish_once(event(&data(n)), &key(&n.to_string())).unwrap();
            assert_eq!((repeat.id, repeat.matched, repeat.is_repeat), (receipts[n].id, receipts[n].matched, true));
            assert_eq!(again.publish_once(event("other"), &key(&n.to_string())), Err(PublishError::KeyReused));
        }
        let (_, gap) = again.history("a", &Start::After(receipts[0].id));
        assert_eq!(gap.map(|gap| (gap.reason, gap.to)), Some((GapReason::Expired, Some(receipts[297].id))));
        runs.push(again);
    }
    runs.into_iter().for_each(|run| run.drain().unwrap());
}

#[test]
fn an_event_that_is_live_only_costs_no_more_than_its_key() {
    let disk = MemoryDisk::new();
    let running = Running::new(&disk, fsync(Fsync::Interval));
    let before = disk.total_bytes();
    let live = || event(&"x".repeat(1_000_000)).live_only();
    let first = running.publish_once(live(), &key("k")).unwrap();
    assert!(disk.total_bytes() < before + 500, "{}", disk.total_bytes());
    let again = Running::new(&disk.copy(), fsync(Fsync::Interval));
    let repeat = again.publish_once(live(), &key("k")).unwrap();
    assert_eq!((repeat.id, repeat.is_repeat), (first.id, true));
    assert_eq!(again.publish_once(event(&"x".repeat(1_000_000)), &key("k")), Err(PublishError::KeyReused));
    assert_eq!(again.data(), [""; 0]);
    again.drain().unwrap();
    running.drain().unwrap();
}

/// Less than all that is published.
const ROOM: usize = 400 << 10;

/// Publishes into a small disk until that has given back what it had at least twice over.
fn fill(with_keys: bool, is_pinned: bool) {
    let two = Retention { events_max: 2, bytes_max: usize::MAX, age_ms_max: u64::MAX };
    let disk = MemoryDisk::new();
    // Segments of 1 MiB; of 64 KiB while the history is small.
    let log = LogConfig { fsync: Fsync::Interval, segment_bytes_max: 1 << 20 };
    let config = Config { log, fsync_interval: Duration::from_millis(5), ..Config::default() };
    let running = Running::with(&disk, config, Retentions { each: two, ..Retentions::default() });
    running.publish(event("first")).unwrap();
    disk.set_room(Some(ROOM));
    let (mut acknowledged, mut refused) = (0, 0);
    let mut pinned = Vec::new();
    while acknowledged < 120 {
        // Where what is dead is given back faster than all is published, the room has to end while some of it is there.
        if refused == 0 && acknowledged >= 60 && disk.total_bytes() > 100 << 10 {
            disk.set_room(Some(0));
        }
        if is_pinned && acknowledged % 10 == 0 {
            let rare = Event::new(Target::Channel(Channel::new(&format!("rare-{acknowledged}")).unwrap()), "rare");
            pinned.extend(running.publish(rare).ok().map(|receipt| (acknowledged, receipt.id)));
        }
        let large = event(&format!("{acknowledged} {}", "x".repeat(5_000)));
        let result = match with_keys {
            true => running.publish_once(large, &key(&acknowledged.to_string())),
            false => running.publish(large),
        };
        match result {
            Ok(_) => acknowledged += 1,
            Err(PublishError::Journal) => {
                refused += 1;
                until("it has room by itself", || running.hub.trouble().is_none());
                disk.set_room(Some(ROOM));
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(refused > 0, "the disk was never full");
    let again = Running::with(&disk.copy(), config, Retentions { each: two, ..Retentions::default() });
    assert!(again.data().iter().all(|data| data.starts_with("119 ") || data.starts_with("118 ")));
    for (number, id) in pinned {
        let (events, gap) = again.history(&format!("rare-{number}"), &Start::After(id.before()));
        assert!(events.iter().any(|(found, _)| *found == id) && gap.is_none(), "{number}");
    }
    if with_keys {
        let large = event(&format!("0 {}", "x".repeat(5_000)));
        assert!(again.publish_once(large, &key("0")).unwrap().is_repeat);
    }
    again.drain().unwrap();
    running.drain().unwrap();
}

#[test]
fn a_disk_that_is_full_of_dead_events_gives_them_back_by_itself() {
    fill(false, false);
}

#[test]
fn a_disk_that_is_full_of_events_that_only_their_keys_outlive_gives_them_back_by_itself() {
    fill(true, false);
}

#[test]
fn a_disk_that_is_full_of_dead_events_with_a_live_one_here_and_there_gives_them_back_by_itself() {
    fill(false, true);
}

#[test]
fn a_full_disk_gives_back_what_is_dead_in_the_segment_that_is_written_to() {
    let two = Retention { events_max: 2, bytes_max: usize::MAX, age_ms_max: u64::MAX };
    let log = LogConfig { fsync: Fsync::Interval, segment_bytes_max: 1 << 20 };
    let config = Config { log, fsync_interval: Duration::from_millis(5), ..Config::default() };
    for is_keyed in [false, true] {
        let disk = MemoryDisk::new();
        let running = Running::with(&disk, config, Retentions { each: two, ..Retentions::default() });
        let rare = Event::new(Target::Channel(Channel::new("rare").unwrap()), "rare");
        let rare = running.publish(rare).unwrap().id;
        let data = |n: usize| format!("{n} {}", "x".repeat(1_000));
        let publish = |n: usize| match is_keyed {
            true => running.publish_once(event(&data(n)), &key(&n.to_string())),
            false => running.publish(event(&data(n))),
        };
        // Less than a segment has while the history is small.
        (0..50).for_each(|n| assert!(publish(n).is_ok()));
        assert_eq!(disk.names().iter().filter(|name| name.ends_with(".journal")).count(), 1);
        let before = disk.total_bytes();
        disk.set_room(Some(0));
        assert_eq!(publish(50), Err(PublishError::Journal));
        until("it has room by itself", || publish(50).is_ok());
        until("the dead events are gone", || disk.total_bytes() < before - 30_000);
        let again = Running::with(&disk.copy(), config, Retentions { each: two, ..Retentions::default() });
        assert_eq!(again.data(), [data(49), data(50)]);
        assert_eq!(again.history("rare", &Start::Earliest).0, [(rare, "rare".to_owned())]);
        again.drain().unwrap();
        running.drain().unwrap();
    }
}

#[test]
fn a_segment_that_somebody_took_away_keeps_no_other_from_being_given_back() {
    let ten = Retention { events_max: 10, bytes_max: usize::MAX, age_ms_max: u64::MAX };
    let disk = MemoryDisk::new();
    let history = Retentions { each: ten, ..Retentions::default() };
    let running = Running::with(&disk, fsync(Fsync::Interval), history);
    for n in 0..100 {
        running.publish(event(&format!("{n} {}", "x".repeat(1_000)))).unwrap();
    }
    let oldest = disk.names()[0].clone();
    assert!(oldest.ends_with(".journal"));
    disk.take(&oldest);
    until("the space is given back", || disk.total_bytes() < 2 * running.hub.desk().held_bytes() + 5 * (4 << 10));
    running.drain().unwrap();
}
