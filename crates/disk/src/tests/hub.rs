//! The journal behind a hub: what publishers are told, what is there after a restart, and what happens while the disk
//! fails.

use std::{thread, time::Instant};

use fanfare_core::{PublishError, Start, engine::Hub, journal::Journal as _};

use crate::{
    config::{Config, Fsync},
    directory::Directory,
    journal::DiskJournal,
    tests::support::{
        MemoryDisk, Op, boot, event, key,
        running::{NoSocket, Running, fsync, unix_ms, until},
    },
};

#[test]
fn what_was_acknowledged_is_there_after_a_kill_and_keys_are_known() {
    for fsync in [Fsync::Always, Fsync::Interval, Fsync::Never].map(fsync) {
        let disk = MemoryDisk::new();
        let running = Running::new(&disk, fsync);
        let ids: Vec<_> = (0..50).map(|n| running.publish(event(&n.to_string())).unwrap().id).collect();
        let first = running.publish_once(event("once"), &key("k")).unwrap();
        let live = running.publish_once(event("live").live_only(), &key("live")).unwrap();
        let again = Running::new(&disk.copy(), fsync);
        let (events, gap) = again.history("a", &Start::After(ids[9]));
        let expected: Vec<_> = (10..50).map(|n| n.to_string()).chain(["once".to_owned()]).collect();
        assert_eq!(events.iter().map(|(_, data)| data.clone()).collect::<Vec<_>>(), expected);
        assert_eq!((events[0].0, gap), (ids[10], None));
        let repeat = again.publish_once(event("once"), &key("k")).unwrap();
        assert_eq!((repeat.id, repeat.is_repeat), (first.id, true));
        let repeat = again.publish_once(event("live").live_only(), &key("live")).unwrap();
        assert_eq!((repeat.id, repeat.is_repeat), (live.id, true));
        assert_eq!(again.publish_once(event("other"), &key("k")), Err(PublishError::KeyReused));
        assert!(again.publish(event("new")).unwrap().id.ms() >= live.id.ms() + 1_000);
        running.drain().unwrap();
        again.drain().unwrap();
    }
}

#[test]
fn a_drain_leaves_a_journal_that_goes_on_where_it_ended() {
    let disk = MemoryDisk::new();
    let running = Running::new(&disk, fsync(Fsync::Interval));
    let last = running.publish(event("x")).unwrap().id;
    running.drain().unwrap();
    let again = Running::new(&disk, fsync(Fsync::Interval));
    assert_eq!(again.hub.last_id(), last);
    again.drain().unwrap();
}

#[test]
fn eight_who_publish_together_have_ids_of_their_own_in_the_order_of_the_history() {
    let disk = MemoryDisk::new();
    let running = Running::new(&disk, fsync(Fsync::Interval));
    let mut acknowledged: Vec<_> = thread::scope(|scope| {
        let publisher = |number: usize| {
            let running = &running;
            scope.spawn(move || {
                let publish = |n: usize| {
                    let data = format!("{number} {n}");
                    (running.publish(event(&data)).unwrap().id, data)
                };
                (0..100).map(publish).collect::<Vec<_>>()
            })
        };
        let publishers: Vec<_> = (0..8).map(publisher).collect();
        publishers.into_iter().flat_map(|publisher| publisher.join().unwrap()).collect()
    });
    acknowledged.sort();
    assert_eq!(running.history("a", &Start::Earliest).0, acknowledged);
    let again = Running::new(&disk.copy(), fsync(Fsync::Interval));
    assert_eq!(again.history("a", &Start::Earliest).0, acknowledged);
    again.drain().unwrap();
    running.drain().unwrap();
}

#[test]
fn a_full_disk_refuses_publishes_keeps_what_it_has_and_recovers_by_itself() {
    let disk = MemoryDisk::new();
    let running = Running::new(&disk, fsync(Fsync::Interval));
    running.publish(event("before")).unwrap();
    disk.set_room(Some(20));
    for _ in 0..3 {
        assert_eq!(running.publish_once(event("refused"), &key("k")), Err(PublishError::Journal));
    }
    assert!(running.hub.trouble().is_some());
    assert_eq!(running.data(), ["before"], "history is served");
    disk.heal();
    until("it looks by itself", || running.hub.trouble().is_none());
    assert!(!running.publish_once(event("after"), &key("k")).unwrap().is_repeat);
    let again = Running::new(&disk.copy(), fsync(Fsync::Interval));
    assert_eq!(again.data(), ["before", "after"]);
    again.drain().unwrap();
    running.drain().unwrap();
}

#[test]
fn room_for_little_is_not_taken_for_room_for_what_was_refused() {
    let disk = MemoryDisk::new();
    let running = Running::new(&disk, fsync(Fsync::Never));
    disk.set_room(Some(1_000));
    assert_eq!(running.publish(event(&"x".repeat(2_000))), Err(PublishError::Journal));
    let writes = disk.writes();
    // Two attempts: one that takes what there is room for, and one more.
    until("it has looked twice", || disk.writes() >= writes + 4);
    assert!(running.hub.trouble().is_some());
    // A smaller event finds its room.
    running.publish(event("small")).unwrap();
    running.drain().unwrap();
}

#[test]
fn with_interval_a_disk_that_does_not_come_to_syncing_is_waited_for_and_then_publishes_are_refused() {
    let disk = MemoryDisk::new();
    let running = Running::new(&disk, fsync(Fsync::Interval));
    let mut acknowledged = vec![running.publish(event("first")).unwrap().id];
    until("it is on the disk", || disk.is_synced());
    disk.hold_syncs(true);
    // Until what is not on the disk is too old, and the patience with the disk is over.
    let refused = loop {
        let began = Instant::now();
        match running.publish(event("x")) {
            Ok(receipt) => acknowledged.push(receipt.id),
            Err(error) => break (error, began.elapsed() > fsync(Fsync::Interval).fsync_interval),
        }
    };
    assert_eq!(refused, (PublishError::Journal, true), "it was not given up at once");
    assert!(running.hub.trouble().is_some_and(|trouble| trouble.contains("does not sync")));
    disk.hold_syncs(false);
    until("the disk has come to it", || running.hub.trouble().is_none());
    acknowledged.push(running.publish(event("x")).unwrap().id);
    let kept = running.history("a", &Start::Earliest).0;
    assert_eq!(kept.into_iter().map(|(id, _)| id).collect::<Vec<_>>(), acknowledged);
    running.drain().unwrap();
}

#[test]
fn a_publish_is_tried_at_once_when_there_is_room_again() {
    let disk = MemoryDisk::new();
    let running = Running::new(&disk, fsync(Fsync::Never));
    disk.set_room(Some(0));
    assert_eq!(running.publish(event("refused")), Err(PublishError::Journal));
    disk.heal();
    running.publish(event("x")).unwrap();
    assert_eq!((running.hub.trouble(), running.data()), (None, vec!["x".to_owned()]));
    running.drain().unwrap();
}

#[test]
fn a_disk_that_cannot_even_take_back_what_it_wrote_is_said_to_be_unknown() {
    let disk = MemoryDisk::new();
    let running = Running::new(&disk, fsync(Fsync::Never));
    running.publish(event("before")).unwrap();
    disk.fail(&[Op::Write, Op::SetLen]);
    assert_eq!(running.publish(event("unknown")), Err(PublishError::Unknown));
    disk.heal();
    running.publish(event("after")).unwrap();
    let again = Running::new(&disk.copy(), fsync(Fsync::Never));
    assert_eq!(again.data(), ["before", "after"]);
    again.drain().unwrap();
    running.drain().unwrap();
}

#[test]
fn a_sync_that_fails_is_unknown_with_always() {
    let disk = MemoryDisk::new();
    let running = Running::new(&disk, fsync(Fsync::Always));
    running.publish(event("before")).unwrap();
    disk.fail(&[Op::SyncData]);
    assert_eq!(running.publish_once(event("x"), &key("k")), Err(PublishError::Unknown));
    assert!(running.hub.trouble().is_some());
    disk.heal();
    assert!(!running.publish_once(event("x"), &key("k")).unwrap().is_repeat);
    let again = Running::new(&disk.copy(), fsync(Fsync::Always));
    assert_eq!(again.data(), ["before", "x"], "once");
    again.drain().unwrap();
    running.drain().unwrap();
}

#[test]
fn with_interval_a_sync_that_fails_stops_publishes_until_one_works() {
    let disk = MemoryDisk::new();
    let running = Running::new(&disk, fsync(Fsync::Interval));
    running.publish(event("before")).unwrap();
    disk.fail(&[Op::SyncData]);
    // Earlier writes may be synced still, or not.
    let is_acknowledged = running.publish(event("meanwhile")).is_ok();
    until("the failure is seen", || running.hub.trouble().is_some());
    let files = disk.names().len();
    for _ in 0..100 {
        assert_eq!(running.publish(event("refused")), Err(PublishError::Journal));
    }
    // The right number is one a second; each costs a file.
    assert!(disk.names().len() < files + 10, "{files} {}", disk.names().len());
    disk.heal();
    until("a sync has worked", || running.hub.trouble().is_none());
    running.publish(event("after")).unwrap();
    let expected: &[_] = if is_acknowledged { &["before", "meanwhile", "after"] } else { &["before", "after"] };
    assert_eq!(running.data(), expected);
    let again = Running::new(&disk.copy(), fsync(Fsync::Interval));
    assert_eq!(again.data(), expected);
    again.drain().unwrap();
    running.drain().unwrap();
}

#[test]
fn a_journal_that_was_not_read_does_not_run() {
    let directory = Directory::with_files(MemoryDisk::new(), boot(1)).unwrap();
    let (hub, _) = Hub::<NoSocket>::behind_journal(fanfare_core::Config::default(), Box::new(unix_ms));
    assert!(Box::new(DiskJournal::with(directory, Config::default())).run(hub.desk()).is_err());
}
