//! The findings of a start after a kill, a crash of the machine, and damage: all events before and behind it, and an
//! upper bound of the lost ones.

use fanfare_core::EventId;
use proptest::prelude::*;

use crate::{
    config::{Fsync, LogConfig},
    directory::{Directory, OpenError},
    finding::Finding,
    recovery::CRASH_GAP_MS,
    scan::Damage,
    tests::support::{MemoryDisk, NOW_MS, append, boot, config, entry, event, segment, start, start_in, written},
};

fn only_finding(findings: &[Finding]) -> &Finding {
    let [finding] = findings else { panic!("one finding: {findings:?}") };
    finding
}

#[test]
fn a_new_journal_is_born_now_and_empty() {
    let disk = MemoryDisk::new();
    let started = start(&disk);
    assert!(started.stored.is_empty() && started.findings().is_empty());
    assert_eq!(started.recovered.born(), EventId::new(NOW_MS, 0));
    assert_eq!((started.recovered.lost(), started.recovered.marks().forgotten), (EventId::ZERO, EventId::ZERO));
    assert_eq!(disk.names(), ["newest", "state"]);
}

#[test]
fn a_write_cut_off_at_any_byte_loses_nothing_that_was_acknowledged() {
    let (disk, ids, starts) = written(Fsync::Interval, &["a", "b", "c"]);
    let whole = disk.bytes(&segment(1));
    for cut in starts[2]..whole.len() {
        let disk = disk.copy();
        disk.put(&segment(1), whole[..cut].to_vec());
        let started = start(&disk);
        assert_eq!(started.ids(), ids[..2], "{cut}");
        assert_eq!(started.recovered.lost(), EventId::ZERO, "{cut}");
        if cut == starts[2] {
            assert_eq!(started.findings(), []);
            continue;
        }
        let (offset, bytes) = (starts[2] as u64, (cut - starts[2]) as u64);
        assert_eq!(*only_finding(started.findings()), Finding::Torn { file: segment(1), offset, bytes }, "{cut}");
        // The next run says how much counts, and nobody finds it again.
        append(&mut started.log(config(Fsync::Interval)), NOW_MS, &["d"]);
        let again = start(&disk);
        assert_eq!(again.data(), ["a", "b", "d"], "{cut}");
        assert_eq!((again.findings(), again.recovered.lost()), ([].as_slice(), EventId::ZERO), "{cut}");
    }
}

#[test]
fn any_flipped_byte_of_an_event_in_the_middle_loses_that_event_alone_and_is_told() {
    let (disk, ids, starts) = written(Fsync::Always, &["a", "b", "c"]);
    for at in starts[1]..starts[2] {
        disk.flip(&segment(1), at);
        let started = start(&disk);
        assert_eq!(started.ids(), [ids[0], ids[2]], "{at}");
        let (offset, bytes) = (starts[1] as u64, (starts[2] - starts[1]) as u64);
        let damage = Damage { offset, bytes, after: ids[0], before: Some(ids[2]) };
        assert_eq!(*only_finding(started.findings()), Finding::Damaged { file: segment(1), damage }, "{at}");
        assert_eq!(started.recovered.lost(), ids[2].before(), "{at}");
        disk.flip(&segment(1), at);
    }
}

#[test]
fn a_flipped_byte_in_the_last_event_is_damage_and_everything_up_to_the_floor_may_be_lost() {
    let (disk, ids, starts) = written(Fsync::Always, &["a", "b"]);
    for at in starts[1]..disk.bytes(&segment(1)).len() {
        disk.flip(&segment(1), at);
        let started = start_in(&disk, boot(1), NOW_MS + 3_600_000);
        assert_eq!(started.ids(), ids[..1], "{at}");
        assert!(matches!(only_finding(started.findings()), Finding::Damaged { .. }), "{at}");
        assert_eq!(started.recovered.ids_upto(), EventId::new(NOW_MS + 3_600_000, 0), "{at}");
        assert_eq!(started.recovered.lost(), started.recovered.ids_upto(), "{at}");
        disk.flip(&segment(1), at);
    }
}

#[test]
fn what_is_lost_stays_lost_in_later_runs() {
    let (disk, _, starts) = written(Fsync::Always, &["a", "b"]);
    disk.flip(&segment(1), starts[1]);
    let started = start(&disk);
    let lost = started.recovered.lost();
    let mut log = started.log(config(Fsync::Always));
    append(&mut log, NOW_MS, &["c"]);
    log.close().unwrap();
    let again = start(&disk);
    assert_eq!((again.data(), again.recovered.lost()), (vec!["a", "c"], lost));
}

#[test]
fn a_segment_with_a_damaged_header_is_lost_as_a_whole_and_no_other() {
    let (disk, ids, _) = written(Fsync::Always, &["a"]);
    let mut log = start(&disk).log(config(Fsync::Always));
    append(&mut log, NOW_MS, &["b"]);
    let base = start(&disk).recovered.ids_upto();
    append(&mut start(&disk).log(config(Fsync::Always)), NOW_MS, &["c"]);
    for at in 0..88 {
        disk.flip(&segment(2), at);
        let started = start(&disk);
        assert_eq!(started.data(), ["a", "c"], "{at}");
        let bytes = disk.bytes(&segment(2)).len() as u64;
        let finding = Finding::DamagedHeader { file: segment(2), bytes, after: ids[0] };
        assert_eq!(*only_finding(started.findings()), finding, "{at}");
        assert_eq!(started.recovered.lost(), base, "{at}");
        disk.flip(&segment(2), at);
    }
    disk.cut(&segment(3), 50);
    let started = start(&disk);
    assert_eq!(started.data(), ["a", "b"]);
    assert_eq!(started.recovered.lost(), started.recovered.ids_upto());
}

#[test]
fn a_missing_segment_is_told_and_covered() {
    let (disk, ids, _) = written(Fsync::Always, &["a"]);
    append(&mut start(&disk).log(config(Fsync::Always)), NOW_MS, &["b"]);
    let third = start(&disk);
    append(&mut third.log(config(Fsync::Always)), NOW_MS, &["c"]);
    disk.take(&segment(2));
    let started = start(&disk);
    assert_eq!(started.data(), ["a", "c"]);
    assert_eq!(*only_finding(started.findings()), Finding::Missing { first: 2, last: 2, after: ids[0] });
    assert_eq!(started.recovered.lost(), third.recovered.ids_upto());
}

#[test]
fn what_was_in_an_oldest_segment_that_nobody_marked_is_lost() {
    let (disk, _, _) = written(Fsync::Always, &["a"]);
    let second = start(&disk);
    append(&mut second.log(config(Fsync::Always)), NOW_MS, &["b"]);
    disk.take(&segment(1));
    let started = start(&disk);
    assert_eq!(started.data(), ["b"]);
    let upto = second.recovered.ids_upto();
    assert_eq!(*only_finding(started.findings()), Finding::Unmarked { file: segment(2) });
    assert_eq!((started.recovered.marks().forgotten, started.recovered.lost()), (EventId::ZERO, upto));
}

#[test]
fn without_any_segment_everything_may_be_lost() {
    let (disk, _, _) = written(Fsync::Always, &["a"]);
    disk.take(&segment(1));
    let started = start_in(&disk, boot(1), NOW_MS + 60_000);
    assert_eq!(*only_finding(started.findings()), Finding::NoSegments);
    let lost = EventId::new(NOW_MS + 60_000, 0);
    assert_eq!(started.recovered.lost(), lost);
    append(&mut started.log(config(Fsync::Always)), NOW_MS, &["b"]);
    let again = start(&disk);
    assert_eq!((again.data(), again.recovered.lost()), (vec!["b"], lost), "the next start knows it too");
}

#[test]
fn a_damaged_or_missing_state_is_told_once_and_what_was_before_the_oldest_segment_is_lost() {
    let (disk, _, _) = written(Fsync::Always, &["a"]);
    let born = start(&disk).recovered.born();
    for spoil in [|disk: &MemoryDisk| disk.flip("state", 20), |disk: &MemoryDisk| drop(disk.take("state"))] {
        spoil(&disk);
        let started = start(&disk);
        assert_eq!(started.data(), ["a"]);
        assert_eq!(*only_finding(started.findings()), Finding::NoState);
        assert_eq!((started.recovered.born(), started.recovered.lost()), (born, born));
        let again = start(&disk);
        assert_eq!((again.findings(), again.recovered.lost()), ([].as_slice(), born));
    }
}

#[test]
fn damage_to_the_last_event_before_an_end_in_order_is_told_to_who_had_the_one_before() {
    // Both in one millisecond, as events of a group are.
    let disk = MemoryDisk::new();
    let started = start(&disk);
    let mut log = started.log(config(Fsync::Interval));
    let (first, last) = (event("a"), event("b"));
    let ids = log.append(NOW_MS, &[entry(&first), entry(&last)]).unwrap();
    let end = disk.bytes(&segment(1)).len();
    log.close().unwrap();
    assert_eq!(ids[0].ms(), ids[1].ms());
    disk.flip(&segment(1), end - 1);
    let started = start(&disk);
    assert_eq!(started.ids(), ids[..1]);
    assert!(started.recovered.lost() >= ids[1], "{:?}", started.recovered.lost());
    assert!(started.recovered.lost() <= started.recovered.ids_upto());
}

#[test]
fn what_a_killed_run_had_written_is_synced_by_the_next_one() {
    let (disk, ids, _) = written(Fsync::Interval, &["a", "b"]);
    let started = start(&disk);
    append(&mut started.log(config(Fsync::Interval)), NOW_MS, &["c"]);
    disk.crash(0.0);
    let again = start_in(&disk, boot(2), NOW_MS);
    assert_eq!(again.ids()[..2], ids[..], "only what the last run wrote is gone");
}

#[test]
fn a_crash_of_the_machine_loses_what_was_not_synced_and_says_so() {
    for fsync in [Fsync::Interval, Fsync::Never] {
        let (disk, ids, _) = written(fsync, &["a", "b"]);
        let started = start_in(&disk, boot(2), NOW_MS);
        assert_eq!(started.ids(), ids);
        let finding = Finding::Crashed { file: segment(1), after: ids[1] };
        assert_eq!(*only_finding(started.findings()), finding);
        assert_eq!(started.recovered.ids_upto(), EventId::new(NOW_MS + 10 + CRASH_GAP_MS, 0));
        assert_eq!(started.recovered.lost(), started.recovered.ids_upto());
        // The run after that knows it too, by the header of the next segment.
        append(&mut started.log(config(fsync)), NOW_MS, &["c"]);
        let again = start_in(&disk, boot(2), NOW_MS);
        assert_eq!((again.findings(), again.recovered.lost()), ([finding].as_slice(), started.recovered.lost()));
    }
}

#[test]
fn a_crash_of_the_machine_loses_nothing_that_was_synced_before_it_was_acknowledged() {
    let (disk, ids, starts) = written(Fsync::Always, &["a", "b", "c"]);
    let whole = disk.bytes(&segment(1));
    for zeros_from in starts[2]..whole.len() {
        let disk = disk.copy();
        // The length had reached the disk, the data had not: of a write that was never acknowledged.
        let mut bytes = whole.clone();
        bytes[zeros_from..].fill(0);
        disk.put(&segment(1), bytes);
        let started = start_in(&disk, boot(2), NOW_MS);
        assert_eq!((started.ids(), started.recovered.lost()), (ids[..2].to_vec(), EventId::ZERO), "{zeros_from}");
        assert!(matches!(only_finding(started.findings()), Finding::Torn { .. }), "{zeros_from}");
        append(&mut started.log(config(Fsync::Always)), NOW_MS, &["d"]);
        let again = start_in(&disk, boot(2), NOW_MS);
        assert_eq!((again.data(), again.recovered.lost()), (vec!["a", "b", "d"], EventId::ZERO), "{zeros_from}");
    }
}

#[test]
fn a_crash_after_a_clean_end_loses_nothing() {
    for fsync in [Fsync::Always, Fsync::Interval, Fsync::Never] {
        let disk = MemoryDisk::new();
        let mut log = start(&disk).log(LogConfig { segment_bytes_max: 1, ..config(fsync) });
        let ids = [append(&mut log, NOW_MS, &["a"]), append(&mut log, NOW_MS, &["b"])].concat();
        log.close().unwrap();
        disk.crash(0.0);
        let started = start_in(&disk, boot(2), NOW_MS + 60_000);
        assert_eq!((started.ids(), started.findings()), (ids.clone(), [].as_slice()));
        assert_eq!((started.recovered.ids_upto(), started.recovered.lost()), (ids[1], EventId::ZERO));
    }
}

#[test]
fn a_crash_soon_after_a_start_that_found_a_clean_end_is_not_mistaken_for_that_end() {
    for fsync in [Fsync::Interval, Fsync::Never] {
        let disk = MemoryDisk::new();
        let mut log = start(&disk).log(config(fsync));
        append(&mut log, NOW_MS, &["a"]);
        log.close().unwrap();
        let gone = append(&mut start(&disk).log(config(fsync)), NOW_MS, &["b"]);
        disk.crash(0.0);
        let started = start_in(&disk, boot(2), NOW_MS);
        assert_eq!(started.data(), ["a"]);
        assert!(started.recovered.lost() >= gone[0] && started.recovered.ids_upto() >= gone[0]);
    }
}

#[test]
fn what_a_killed_run_had_not_synced_yet_is_synced_before_anybody_sees_it() {
    let (disk, ids, starts) = written(Fsync::Always, &["a", "b"]);
    // As if the last write had not been synced.
    let whole = disk.bytes(&segment(1));
    disk.cut(&segment(1), starts[1]);
    disk.crash(0.0);
    disk.extend(&segment(1), &whole[starts[1]..]);
    assert_eq!(start(&disk).ids(), ids);
    disk.crash(0.0);
    assert_eq!(start_in(&disk, boot(2), NOW_MS).ids(), ids);
}

#[test]
fn a_newer_format_is_refused_and_untouched() {
    let names = [(segment(1), 84, 3), ("state".to_owned(), usize::MAX, 3), ("newest".to_owned(), usize::MAX, 2)];
    for (name, sealed, newer) in names {
        let (disk, _, _) = written(Fsync::Always, &["a"]);
        let mut bytes = disk.bytes(&name);
        let sealed = sealed.min(bytes.len() - 4);
        bytes[8] = newer;
        let checksum = crc32fast::hash(&bytes[..sealed]);
        bytes[sealed..sealed + 4].copy_from_slice(&checksum.to_le_bytes());
        disk.put(&name, bytes.clone());
        let error = Directory::with_files(disk.clone(), boot(1)).unwrap_err();
        assert!(
            matches!(&error, OpenError::Newer { file, format } if *file == name && *format == u16::from(newer)),
            "{error}"
        );
        assert_eq!(disk.bytes(&name), bytes);
    }
}

#[test]
fn files_of_interrupted_writes_are_removed() {
    let (disk, _, _) = written(Fsync::Always, &["a"]);
    for name in ["state.tmp".to_owned(), "newest.tmp".to_owned(), format!("{}.tmp", segment(2))] {
        disk.put(&name, b"x".to_vec());
    }
    disk.put("notes.tmp", b"somebody else's".to_vec());
    start(&disk);
    assert_eq!(disk.names(), [segment(1), "newest".to_owned(), "notes.tmp".to_owned(), "state".to_owned()]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn no_bytes_of_any_file_make_a_start_panic_or_ids_go_back(
        edits in prop::collection::vec((0_usize..5, any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in prop::option::of((0_usize..5, any::<prop::sample::Index>())),
        boots in 1_u8..3,
    ) {
        let (disk, _, _) = written(Fsync::Interval, &["a", "b", "c"]);
        start(&disk).log(config(Fsync::Always)).close().unwrap();
        append(&mut start(&disk).log(config(Fsync::Always)), NOW_MS, &["d", "e"]);
        let newest = start(&disk).ids().pop().unwrap();
        let name = |file: usize| match file {
            0 => "state".to_owned(),
            4 => "newest".to_owned(),
            _ => segment(file as u64),
        };
        for (file, at, byte) in edits {
            let mut bytes = disk.take(&name(file));
            let at = at.index(bytes.len());
            bytes[at] = byte;
            disk.put(&name(file), bytes);
        }
        if let Some((file, at)) = cut {
            disk.cut(&name(file), at.index(disk.bytes(&name(file)).len()));
        }
        let started = start_in(&disk, boot(boots), NOW_MS + 60_000);
        prop_assert!(started.ids().is_sorted_by(|a, b| a < b));
        prop_assert!(started.recovered.ids_upto() >= newest);
        let ids = append(&mut started.log(config(Fsync::Always)), NOW_MS, &["f"]);
        let again = start_in(&disk, boot(boots), NOW_MS + 60_000);
        prop_assert_eq!(again.ids(), [started.ids(), ids].concat());
    }
}
