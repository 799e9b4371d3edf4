//! The small files of a journal: how a first start and one of an older journal write them, and what an interruption of that
//! leaves behind.

use std::sync::Arc;

use fanfare_core::EventId;

use crate::{
    config::{Fsync, LogConfig},
    directory::Directory,
    finding::Finding,
    log::Log,
    reclaim::Reclaim,
    recovery::Recovered,
    tests::support::{self, MemoryDisk, NOW_MS, append, boot, config, segment, start},
};

/// A journal of the program before there was a file `newest`, and before keys were claims.
fn make_older(disk: &MemoryDisk) {
    disk.take("newest");
    for name in disk.names() {
        let mut bytes = disk.take(&name);
        assert_eq!(bytes[8], 2);
        bytes[8] = 1;
        // The header of a segment has 88 bytes.
        let sealed = if name == "state" { bytes.len() - 4 } else { 84 };
        let checksum = crc32fast::hash(&bytes[..sealed]);
        bytes[sealed..sealed + 4].copy_from_slice(&checksum.to_le_bytes());
        disk.put(&name, bytes);
    }
}

fn older() -> (Arc<MemoryDisk>, Vec<EventId>) {
    let disk = MemoryDisk::new();
    let mut log = start(&disk).log(LogConfig { fsync: Fsync::Always, segment_bytes_max: 1 });
    let ids = [append(&mut log, NOW_MS, &["a"]), append(&mut log, NOW_MS, &["b"])].concat();
    make_older(&disk);
    // All of it is synced.
    (disk.copy(), ids)
}

fn try_start(disk: &Arc<MemoryDisk>) -> std::io::Result<Recovered> {
    Directory::with_files(disk.clone(), boot(1)).unwrap().recover(NOW_MS, Fsync::Interval)?.finish()
}

fn assert_sound(disk: &Arc<MemoryDisk>, ids: &[EventId], why: &str) {
    let findings = support::read_only(disk, boot(1)).check().unwrap().findings;
    assert!(!findings.iter().any(Finding::is_loss), "{why}: {findings:?}");
    let started = start(disk);
    assert_eq!((started.ids(), started.recovered.lost()), (ids.to_vec(), EventId::ZERO), "{why}");
    assert!(!started.findings().iter().any(Finding::is_loss), "{why}: {:?}", started.findings());
}

#[test]
fn an_older_journal_becomes_a_newer_one_in_silence() {
    let (disk, ids) = older();
    assert_sound(&disk, &ids, "the first start");
    assert_eq!(disk.bytes("state")[8], 2);
    assert_sound(&disk, &ids, "the second");
    disk.take(&segment(2));
    assert_eq!(start(&disk).findings(), [Finding::Missing { first: 2, last: 2, after: ids[0] }]);
}

#[test]
fn an_older_journal_that_lost_its_segments_or_its_state_says_so() {
    let (disk, ids) = older();
    disk.take(&segment(1));
    disk.take(&segment(2));
    let started = start(&disk);
    assert_eq!(started.findings(), [Finding::NoSegments]);
    assert!(started.recovered.ids_upto() > ids[1] && started.recovered.lost() == started.recovered.ids_upto());
    append(&mut started.log(config(Fsync::Always)), NOW_MS, &["c"]);
    assert_eq!(start(&disk).recovered.lost(), started.recovered.lost());

    let (disk, ids) = older();
    disk.take("state");
    let started = start(&disk);
    // Nobody knows which program wrote it, and whether that is all.
    assert_eq!(started.findings(), [Finding::NoState, Finding::NoNewest]);
    assert_eq!((started.ids(), started.recovered.lost()), (ids, started.recovered.ids_upto()));
}

#[test]
fn a_start_that_is_killed_at_any_operation_leaves_a_sound_journal() {
    for is_older in [false, true] {
        let mut count = 0;
        loop {
            let (disk, ids) = if is_older { older() } else { (MemoryDisk::new(), Vec::new()) };
            disk.fail_after(count, true);
            let _ = try_start(&disk);
            let has_failed = disk.heal();
            let why = format!("older: {is_older}, killed at {count}");
            assert_sound(&disk.copy(), &ids, &why);
            // And of what was synced alone.
            disk.crash(0.0);
            assert_sound(&disk, &ids, &why);
            if !has_failed {
                break;
            }
            count += 1;
        }
        assert!(count >= 10, "{count}");
    }
}

#[test]
fn an_older_journal_on_a_full_disk_is_served_and_becomes_a_newer_one_later() {
    let (disk, mut ids) = older();
    for room in [0, 10, 30, 60] {
        disk.set_room(Some(room));
        let recovered = try_start(&disk).unwrap();
        assert_eq!((disk.bytes("state")[8], recovered.findings(), recovered.lost()), (1, [].as_slice(), EventId::ZERO));
        // A rewrite meanwhile keeps the older format.
        disk.heal();
        Reclaim::new(&recovered, 100).rewrite(1, 1, |events| vec![support::whole(true); events.len()]).unwrap();
        assert_eq!(disk.bytes("state")[8], 1, "{room}");
    }
    let recovered = {
        disk.set_room(Some(0));
        let recovered = try_start(&disk).unwrap();
        disk.heal();
        recovered
    };
    ids.extend(append(&mut Log::new(&recovered, config(Fsync::Always)), NOW_MS, &["c"]));
    assert_sound(&disk, &ids, "with a segment of a run that could not write the state");
    assert_eq!(disk.bytes("state")[8], 2);
}

#[test]
fn a_first_segment_that_fails_at_any_operation_loses_nothing_and_a_kill_there_is_no_loss() {
    for (fsync, is_dying) in
        [Fsync::Always, Fsync::Interval].into_iter().flat_map(|fsync| [(fsync, false), (fsync, true)])
    {
        let mut count = 0;
        loop {
            let disk = MemoryDisk::new();
            let mut log = start(&disk).log(config(fsync));
            let mut ids = append(&mut log, NOW_MS, &["a"]);
            drop(log);
            let mut log = start(&disk).log(config(fsync));
            disk.fail_after(count, is_dying);
            let event = support::event("b");
            let result = log.append(NOW_MS, &[support::entry(&event)]);
            let has_failed = disk.heal();
            assert_eq!(result.is_ok(), !has_failed, "{count}");
            match result {
                Ok(new) => ids.extend(new),
                // The event may be there.
                Err(error) if error.is_unknown => ids.extend(start(&disk.copy()).ids().get(1)),
                Err(_) => {}
            }
            if !is_dying {
                ids.extend(append(&mut log, NOW_MS, &["c"]));
            }
            assert_sound(&disk, &ids, &format!("{fsync:?} {is_dying} {count}"));
            if !has_failed {
                break;
            }
            count += 1;
        }
        assert!(count >= 10, "{count}");
    }
}
