//! Appending: ids never go back, a group is there as a whole or not at all, and a disk that failed is tried again.

use std::sync::Arc;

use fanfare_core::{Event, EventId};

use crate::{
    active::AppendError,
    config::{Fsync, LogConfig},
    log::Log,
    recovery::KILL_GAP_MS,
    tests::support::{
        MemoryDisk, NOW_MS, Op, append, boot, channel, config, entry, event, keyed, segment, start, start_in,
    },
    unsynced::IdRange,
};

fn try_append(log: &mut Log, data: &[&str]) -> Result<Vec<EventId>, AppendError> {
    let events: Vec<Event> = data.iter().map(|data| event(data)).collect();
    log.append(NOW_MS, &events.iter().map(entry).collect::<Vec<_>>())
}

fn refused(log: &mut Log, data: &[&str], is_unknown: bool) {
    assert_eq!(try_append(log, data).unwrap_err().is_unknown, is_unknown);
}

#[test]
fn events_come_back_whole_and_in_order_over_runs_and_segments() {
    let disk = MemoryDisk::new();
    disk.set_write_max(7);
    let rich = Event::for_targets(vec![channel("a"), channel("b")], "x\r\ny").unwrap();
    let rich = rich.with_kind("kind").unwrap().with_own_id("own").unwrap().with_retry_ms(5_000).unwrap();
    let mut ids = Vec::new();
    for run in 0..3 {
        let started = start(&disk);
        let mut log = started.log(LogConfig { segment_bytes_max: 200, ..LogConfig::default() });
        for group in 0..10 {
            let plain = event("plain");
            let group = [entry(&plain), keyed(&rich, "k", group)];
            ids.extend(log.append(NOW_MS + run, &group).unwrap());
        }
        if run == 1 {
            log.close().unwrap();
        }
    }
    let started = start(&disk);
    assert_eq!((started.ids(), started.findings()), (ids.clone(), [].as_slice()));
    assert!(ids.is_sorted_by(|a, b| a < b));
    for (index, stored) in started.stored.iter().enumerate() {
        if index % 2 == 1 {
            assert_eq!((stored.event.as_ref(), stored.key), (Some(&rich), keyed(&rich, "k", index / 2 % 10).key));
        }
    }
    assert!(disk.names().len() > 10, "{:?}", disk.names());
    let bytes: usize =
        disk.names().iter().filter(|name| name.ends_with(".journal")).map(|name| disk.bytes(name).len()).sum();
    assert_eq!(started.recovered.segments().bytes(), bytes as u64);
}

#[test]
fn a_segment_is_followed_by_another_when_it_is_full_and_not_before() {
    let disk = MemoryDisk::new();
    let mut log = start(&disk).log(config(Fsync::Interval));
    append(&mut log, NOW_MS, &["a"]);
    let bytes = disk.bytes(&segment(1)).len() as u64;
    for (segment_bytes_max, segments) in [(bytes, 2), (bytes + 1, 1)] {
        let disk = MemoryDisk::new();
        let mut log = start(&disk).log(LogConfig { segment_bytes_max, ..LogConfig::default() });
        append(&mut log, NOW_MS, &["a"]);
        append(&mut log, NOW_MS, &["b"]);
        assert_eq!(disk.names().len() - 2, segments);
    }
}

#[test]
fn ids_never_go_back_when_the_clock_does() {
    let disk = MemoryDisk::new();
    let mut log = start(&disk).log(config(Fsync::Always));
    let first = append(&mut log, NOW_MS + 500, &["a"]);
    let second = append(&mut log, NOW_MS, &["b"]);
    assert!(second > first);
    log.close().unwrap();
    let clean = start_in(&disk, boot(1), 7);
    assert_eq!(clean.recovered.ids_upto(), second[0]);
    let mut log = clean.log(config(Fsync::Always));
    let third = append(&mut log, 7, &["c"]);
    assert!(third > second);
    drop(log);
    let killed = start_in(&disk, boot(1), 7);
    assert_eq!(killed.recovered.ids_upto(), EventId::new(NOW_MS + 500 + KILL_GAP_MS, 0));
}

#[test]
fn ids_of_live_only_events_are_not_given_again_and_only_those_with_a_key_are_recorded() {
    let disk = MemoryDisk::new();
    let mut log = start(&disk).log(config(Fsync::Always));
    let live = event("live").live_only();
    let ids = log.append(NOW_MS, &[keyed(&live, "k", 4), entry(&live)]).unwrap();
    drop(log);
    let killed = start_in(&disk, boot(1), 0);
    assert_eq!(killed.ids(), ids[..1]);
    assert_eq!((killed.stored[0].event.as_ref(), killed.stored[0].key), (None, keyed(&live, "k", 4).key));
    assert_eq!(killed.recovered.ids_upto(), EventId::new(ids[1].ms() + KILL_GAP_MS, 0));
    let mut log = killed.log(config(Fsync::Always));
    let next = log.append(0, &[entry(&live)]).unwrap();
    log.close().unwrap();
    let closed = start_in(&disk, boot(1), 0);
    assert_eq!((closed.ids(), closed.recovered.ids_upto()), (ids[..1].to_vec(), next[0]));
}

#[test]
fn an_idle_run_that_ends_in_order_moves_nothing() {
    let disk = MemoryDisk::new();
    let born = start(&disk);
    born.log(config(Fsync::Never)).close().unwrap();
    let again = start_in(&disk, boot(2), NOW_MS + 60_000);
    assert_eq!(again.findings(), []);
    assert_eq!((again.recovered.ids_upto(), again.recovered.lost()), (born.recovered.ids_upto(), EventId::ZERO));
}

#[test]
fn a_disk_that_is_full_at_any_byte_of_a_group_refuses_all_of_it_and_goes_on_when_there_is_room() {
    for fsync in [Fsync::Always, Fsync::Interval] {
        let probe = MemoryDisk::new();
        let mut log = start(&probe).log(config(fsync));
        append(&mut log, NOW_MS, &["a"]);
        let before = probe.bytes(&segment(1)).len();
        append(&mut log, NOW_MS, &["b", "c"]);
        let group_bytes = probe.bytes(&segment(1)).len() - before;
        for room in 0..group_bytes {
            let disk = MemoryDisk::new();
            let mut log = start(&disk).log(config(fsync));
            let first = append(&mut log, NOW_MS, &["a"]);
            disk.set_room(Some(room));
            refused(&mut log, &["b", "c"], false);
            assert_eq!(start(&disk.copy()).ids(), first, "{room}");
            disk.heal();
            let third = append(&mut log, NOW_MS, &["d"]);
            let started = start(&disk);
            assert_eq!((started.ids(), started.findings()), ([&first[..], &third].concat(), [].as_slice()), "{room}");
            assert!(third[0] > EventId::new(first[0].ms(), 3), "the refused ids are never given: {third:?}");
            assert_eq!(disk.names().len(), 3, "in the same file");
        }
    }
}

#[test]
fn a_new_segment_for_which_there_is_no_room_leaves_no_file_behind() {
    for room in 0..88 {
        let disk = MemoryDisk::new();
        let mut log = start(&disk).log(config(Fsync::Always));
        disk.set_room(Some(room));
        refused(&mut log, &["a"], false);
        assert_eq!(disk.names(), ["newest", "state"], "{room}");
        disk.heal();
        append(&mut log, NOW_MS, &["b"]);
        assert_eq!(start(&disk).data(), ["b"]);
    }
}

#[test]
fn a_segment_whose_creation_fails_at_any_step_is_created_by_the_next_append() {
    for op in [Op::Create, Op::Write, Op::SyncData, Op::Rename, Op::SyncNames] {
        let disk = MemoryDisk::new();
        let mut log = start(&disk).log(config(Fsync::Always));
        disk.fail(&[op, Op::Remove]);
        refused(&mut log, &["a"], false);
        assert_eq!(start_in(&disk.copy(), boot(1), NOW_MS).data(), [""; 0], "{op:?}");
        disk.heal();
        append(&mut log, NOW_MS, &["b"]);
        let started = start(&disk);
        assert_eq!((started.data(), started.findings()), (vec!["b"], [].as_slice()), "{op:?}");
        assert_eq!(disk.names(), [segment(1), "newest".to_owned(), "state".to_owned()], "{op:?}");
    }
}

#[test]
fn a_failed_write_that_cannot_be_cut_off_is_unknown_until_a_new_segment_excludes_it() {
    let disk = MemoryDisk::new();
    let mut log = start(&disk).log(config(Fsync::Interval));
    append(&mut log, NOW_MS, &["a"]);
    let whole = disk.bytes(&segment(1)).len();
    append(&mut log, NOW_MS, &["b"]);
    let frame = disk.bytes(&segment(1)).len() - whole;
    // The first event gets through, the second does not.
    disk.set_room(Some(frame + 5));
    disk.fail(&[Op::SetLen]);
    refused(&mut log, &["c", "d"], true);
    assert_eq!(start(&disk.copy()).data(), ["a", "b", "c"], "it was told to be unknown");
    disk.heal();
    append(&mut log, NOW_MS, &["e"]);
    let started = start(&disk);
    assert_eq!((started.data(), started.findings()), (vec!["a", "b", "e"], [].as_slice()));
    assert_eq!(disk.names(), [segment(1), segment(2), "newest".to_owned(), "state".to_owned()]);
}

#[test]
fn a_failed_sync_refuses_the_group_and_begins_a_new_segment() {
    for also in [None, Some(Op::SetLen)] {
        let disk = MemoryDisk::new();
        let mut log = start(&disk).log(config(Fsync::Always));
        append(&mut log, NOW_MS, &["a"]);
        disk.fail(&[Some(Op::SyncData), also].into_iter().flatten().collect::<Vec<_>>());
        refused(&mut log, &["b"], true);
        refused(&mut log, &["c"], false);
        disk.heal();
        append(&mut log, NOW_MS, &["d"]);
        disk.crash(0.0);
        let started = start_in(&disk, boot(2), NOW_MS);
        assert_eq!((started.data(), started.recovered.lost()), (vec!["a", "d"], EventId::ZERO));
        assert_eq!(disk.names(), [segment(1), segment(2), "newest".to_owned(), "state".to_owned()]);
    }
}

#[test]
fn what_was_acknowledged_survives_a_crash_if_each_write_is_synced() {
    let disk = MemoryDisk::new();
    let mut log = start(&disk).log(LogConfig { fsync: Fsync::Always, segment_bytes_max: 200 });
    for data in ["a", "b", "c", "d", "e"] {
        append(&mut log, NOW_MS, &[data]);
    }
    disk.crash(0.0);
    let started = start_in(&disk, boot(2), NOW_MS);
    assert_eq!((started.data(), started.recovered.lost()), (vec!["a", "b", "c", "d", "e"], EventId::ZERO));
}

#[test]
fn a_probe_tells_whether_the_disk_works_and_leaves_no_event() {
    let disk = MemoryDisk::new();
    let mut log = start(&disk).log(config(Fsync::Interval));
    disk.set_room(Some(10));
    log.probe(NOW_MS, 0).unwrap_err();
    disk.heal();
    log.probe(NOW_MS, 0).unwrap();
    let probed = log.last();
    let first = append(&mut log, NOW_MS, &["a"]);
    assert!(first[0] > probed);
    assert_eq!(start(&disk).ids(), first);
}

#[test]
fn a_sync_covers_what_was_written_since_the_last_one_in_files_new_and_old() {
    let disk = MemoryDisk::new();
    let started = start(&disk);
    let mut log = started.log(LogConfig { fsync: Fsync::Interval, segment_bytes_max: 150 });
    let unsynced = log.unsynced();
    assert_eq!(unsynced.sync().unwrap(), None);
    let ids = append(&mut log, NOW_MS, &["a", "b", "c"]);
    let more = append(&mut log, NOW_MS, &["d"]);
    let range = IdRange { after: started.recovered.ids_upto(), upto: more[0] };
    assert_eq!(unsynced.sync().unwrap(), Some(range));
    assert_eq!(unsynced.sync().unwrap(), None);
    let last = append(&mut log, NOW_MS, &["e"]);
    disk.crash(0.0);
    let crashed = start_in(&disk, boot(2), NOW_MS);
    assert_eq!(crashed.ids(), [ids, more].concat());
    assert!(crashed.recovered.lost() >= last[0]);
}

#[test]
fn after_a_sync_that_failed_the_log_goes_on_in_a_new_segment() {
    let disk = MemoryDisk::new();
    let started = start(&disk);
    let mut log = started.log(config(Fsync::Interval));
    let unsynced = log.unsynced();
    let first = append(&mut log, NOW_MS, &["a"]);
    disk.fail(&[Op::SyncData]);
    let error = unsynced.sync().unwrap_err();
    assert_eq!(error.range, Some(IdRange { after: started.recovered.ids_upto(), upto: first[0] }));
    disk.heal();
    let second = append(&mut log, NOW_MS, &["b"]);
    assert_eq!(unsynced.sync().unwrap(), Some(IdRange { after: first[0], upto: second[0] }));
    assert_eq!(disk.names(), [segment(1), segment(2), "newest".to_owned(), "state".to_owned()]);
    disk.fail(&[Op::SyncNames]);
    append(&mut log, NOW_MS, &["c"]);
    assert!(unsynced.sync().is_ok(), "no name is new");
}

#[test]
fn a_close_that_fails_leaves_an_end_that_is_not_in_order() {
    for op in [Op::SyncData, Op::Write] {
        let disk = MemoryDisk::new();
        let mut log = start(&disk).log(config(Fsync::Interval));
        let ids = append(&mut log, NOW_MS, &["a"]);
        disk.fail(&[op]);
        log.close().unwrap_err();
        disk.heal();
        let started = start(&disk);
        assert_eq!(started.ids(), ids);
        assert!(started.recovered.ids_upto() > ids[0]);
    }
}

#[test]
fn the_lists_of_segments_is_shared_with_the_log() {
    let disk: Arc<MemoryDisk> = MemoryDisk::new();
    let started = start(&disk);
    let segments = Arc::clone(started.recovered.segments());
    assert_eq!((segments.bytes(), segments.sealed().len()), (0, 0));
    let mut log = started.log(LogConfig { segment_bytes_max: 100, ..LogConfig::default() });
    let first = append(&mut log, NOW_MS, &["a"]);
    append(&mut log, NOW_MS, &["b"]);
    let [sealed] = segments.sealed()[..] else { panic!("one") };
    assert_eq!((sealed.number, sealed.through, sealed.upto), (1, 1, first[0]));
    assert_eq!(sealed.bytes, disk.bytes(&segment(1)).len() as u64);
}
