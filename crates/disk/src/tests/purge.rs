//! A channel that is purged stays so, whatever the journal gives back meanwhile and whenever it starts again.

use fanfare_core::{Channel, Event, EventId, Retention, Retentions, Start, Target};

use crate::{
    config::Fsync,
    record::Stored,
    tests::support::{
        MemoryDisk, boot, event, read_only,
        running::{Running, fsync, unix_ms, until},
        start_in,
    },
};

fn to(channel: &str, data: &str) -> Event {
    Event::new(Target::Channel(Channel::new(channel).unwrap()), data)
}

fn data_of(running: &Running, channel: &str) -> Vec<String> {
    running.history(channel, &Start::Earliest).0.into_iter().map(|(_, data)| data).collect()
}

#[test]
fn what_was_purged_is_not_there_after_a_restart_and_comes_back_neither_later() {
    let disk = MemoryDisk::new();
    let mut running = Running::new(&disk, fsync(Fsync::Interval));
    let first = running.publish(event("1")).unwrap().id;
    let second = running.publish(event("2")).unwrap().id;
    running.publish(to("b", "other")).unwrap();
    let purged = running.publish(Event::purge(Channel::new("a").unwrap())).unwrap();
    assert_eq!(purged.matched, 2);
    running.publish(event("3")).unwrap();
    for _ in 0..3 {
        assert_eq!(running.data(), ["3"]);
        assert_eq!(data_of(&running, "b"), ["other"]);
        let (events, gap) = running.history("a", &Start::After(first.before()));
        assert_eq!((events.len(), gap.and_then(|gap| gap.to)), (1, Some(second)));
        let again = Running::new(&disk.copy(), fsync(Fsync::Interval));
        assert!(again.hub.last_id() >= purged.id);
        running.drain().unwrap();
        running = again;
    }
    running.drain().unwrap();
}

/// The purged events are in segments that are never worth a rewrite, and the purge is in one that is.
#[test]
fn what_is_left_of_purged_events_in_old_segments_does_not_come_back() {
    let ten = Retention { events_max: 10, bytes_max: usize::MAX, age_ms_max: u64::MAX };
    let history = || Retentions { each: ten, ..Retentions::default() };
    let disk = MemoryDisk::new();
    let running = Running::with(&disk, fsync(Fsync::Interval), history());
    let stays = "x".repeat(3_500);
    for round in 0..8 {
        running.publish(event("purged")).unwrap();
        running.publish(to(&format!("stays-{round}"), &stays)).unwrap();
    }
    let purge = running.publish(Event::purge(Channel::new("a").unwrap())).unwrap().id;
    for n in 0..300 {
        running.publish(to("goes", &format!("{n} {}", "x".repeat(1_000)))).unwrap();
        if n % 30 == 0 {
            // Any time is as good as another.
            let again = Running::with(&disk.copy(), fsync(Fsync::Interval), history());
            assert_eq!(again.data(), [""; 0], "after {n}");
            again.drain().unwrap();
        }
    }
    let rest = || {
        let stored = start_in(&disk.copy(), boot(1), unix_ms()).stored;
        let data = |stored: &Stored| stored.event.as_ref().map(|event| event.data().to_owned()).unwrap_or_default();
        let of_a = stored.iter().filter(|stored| data(stored) == "purged").count();
        (of_a, stored.iter().any(|stored| stored.id == purge))
    };
    // The oldest segments go first, and that of the purge with them.
    until("the space is given back", || disk.total_bytes() < 2 * running.hub.desk().held_bytes() + 5 * (4 << 10));
    let (of_a, has_purge) = rest();
    assert!(of_a > 0 && has_purge, "the purge is kept for as long as what it threw away: {of_a}, {has_purge}");
    let again = Running::with(&disk.copy(), fsync(Fsync::Interval), history());
    assert_eq!(again.data(), [""; 0]);
    for round in 0..8 {
        assert_eq!(data_of(&again, &format!("stays-{round}")), [stays.as_str()]);
    }
    again.drain().unwrap();
    running.drain().unwrap();
}

#[test]
fn a_dump_has_neither_the_purge_nor_what_it_threw_away() {
    let disk = MemoryDisk::new();
    let running = Running::new(&disk, fsync(Fsync::Interval));
    let targets = ["a", "b"].map(|name| Target::Channel(Channel::new(name).unwrap()));
    running.publish(event("1")).unwrap();
    running.publish(Event::for_targets(targets.to_vec(), "2").unwrap()).unwrap();
    running.publish(Event::purge(Channel::new("a").unwrap())).unwrap();
    running.publish(event("3")).unwrap();
    running.drain().unwrap();
    let opened = read_only(&disk, boot(1));
    let dumped = opened.events(EventId::ZERO).map(|found| found.unwrap().1);
    let dumped: Vec<_> = dumped.map(|event| (event.data().to_owned(), event.targets().to_vec())).collect();
    let [a, b] = targets;
    assert_eq!(dumped, [("2".to_owned(), vec![b]), ("3".to_owned(), vec![a])]);
}
