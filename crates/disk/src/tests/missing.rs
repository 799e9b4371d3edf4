//! Files of a journal that somebody took away: a check finds it, whoever may miss something is told, and ids go on above all
//! that were given.

use std::sync::Arc;

use fanfare_core::EventId;

use crate::{
    config::{Fsync, LogConfig},
    directory::Directory,
    finding::{Finding, UNKNOWN_SEGMENTS},
    newest::RESERVED_MS,
    reclaim::Reclaim,
    recovery::{CRASH_GAP_MS, UNKNOWN_GAP_MS},
    tests::support::{self, MemoryDisk, NOW_MS, Started, append, boot, config, segment, start, start_in, written},
};

const NEWEST: &str = "newest";
const STATE: &str = "state";

/// Three runs with two segments each, one event in each; the last run ended in order or not.
fn journal(fsync: Fsync, is_closed: bool) -> (Arc<MemoryDisk>, Vec<EventId>) {
    let (disk, mut ids) = (MemoryDisk::new(), Vec::new());
    for run in 0..3 {
        let mut log = start(&disk).log(LogConfig { fsync, segment_bytes_max: 1 });
        ids.extend(append(&mut log, NOW_MS, &["x"]));
        ids.extend(append(&mut log, NOW_MS, &["x"]));
        if run == 1 || is_closed {
            log.close().unwrap();
        }
    }
    (disk, ids)
}

fn found(disk: &Arc<MemoryDisk>) -> Vec<Finding> {
    support::read_only(disk, boot(1)).check().unwrap().findings
}

/// The findings of a start, which a check has found before.
fn find(disk: &Arc<MemoryDisk>, expected: &[Finding]) -> Started {
    assert_eq!(found(disk), expected);
    let started = start(disk);
    let mut findings = started.findings().to_vec();
    findings.sort_by_key(|finding| expected.iter().position(|expected| expected == finding));
    assert_eq!(findings, expected);
    started
}

/// Checks that a reader with any of these ids who misses a later one is told of a loss up to that one, at least.
fn assert_told(started: &Started, ids: &[EventId], why: &str) {
    let there = started.ids();
    for id in ids.iter().filter(|id| !there.contains(id)) {
        assert!(started.recovered.lost() >= *id, "{why}: {id} is not there, lost is {}", started.recovered.lost());
    }
    assert!(started.recovered.lost() <= started.recovered.ids_upto(), "{why}");
}

#[test]
fn whatever_files_are_taken_away_a_check_finds_it_and_who_misses_something_is_told() {
    let middle = segment(3);
    let all: Vec<String> = (1..=6).map(segment).collect();
    let (first, last) = (&all[0], &all[5]);
    let name = |name: &str| name.to_owned();
    let mut sets: Vec<Vec<String>> = all.iter().map(|segment| vec![segment.clone()]).collect();
    sets.extend([
        vec![name(STATE)],
        vec![name(NEWEST)],
        vec![name(STATE), name(NEWEST)],
        all.clone(),
        all[3..].to_vec(),
    ]);
    sets.extend([name(STATE), name(NEWEST), middle, first.clone()].map(|other| vec![last.clone(), other]));
    sets.extend([name(STATE), name(NEWEST)].map(|other| [&all[..], &[other]].concat()));
    for fsync in [Fsync::Always, Fsync::Interval, Fsync::Never] {
        for (is_closed, taken) in [false, true].into_iter().flat_map(|closed| sets.iter().map(move |set| (closed, set)))
        {
            let why = format!("{fsync:?} {is_closed} {taken:?}");
            let (disk, ids) = journal(fsync, is_closed);
            assert_eq!(found(&disk), [], "{why}");
            let segments = disk.names();
            taken.iter().for_each(|name| drop(disk.take(name)));
            assert!(found(&disk).iter().any(Finding::is_loss), "{why}");
            let started = start(&disk);
            assert_told(&started, &ids, &why);
            assert!(started.recovered.ids_upto() >= ids[5], "{why}");
            let before = disk.names();
            let next = append(&mut started.log(config(fsync)), NOW_MS, &["next"]);
            assert!(next[0] > ids[5] && next[0] > started.recovered.lost(), "{why}");
            let new: Vec<String> = disk.names().into_iter().filter(|name| !before.contains(name)).collect();
            assert!(new.iter().all(|name| name == NEWEST || !segments.contains(name)), "{why}: {new:?}");
            // The start after that tells the same, and no more.
            let again = start(&disk);
            assert_eq!(again.recovered.lost(), started.recovered.lost(), "{why}");
            assert_eq!(again.ids(), [started.ids(), next].concat(), "{why}");
        }
    }
}

#[test]
fn segments_missing_at_the_end_are_named_and_their_numbers_are_not_given_again() {
    let (disk, ids) = journal(Fsync::Interval, true);
    let (fifth, sixth) = (disk.take(&segment(5)), disk.take(&segment(6)));
    let started = find(&disk, &[Finding::Missing { first: 5, last: 6, after: ids[3] }]);
    let next = append(&mut started.log(config(Fsync::Interval)), NOW_MS, &["next"]);
    assert!(disk.names().contains(&segment(7)));
    find(&disk, &[Finding::Missing { first: 5, last: 6, after: ids[3] }]);
    // Brought back, they stand where they were.
    disk.put(&segment(5), fifth);
    disk.put(&segment(6), sixth);
    assert_eq!(find(&disk, &[]).ids(), [ids, next].concat());
}

#[test]
fn without_a_word_about_the_newest_segment_nobody_knows_how_many_are_missing() {
    let (disk, ids) = journal(Fsync::Always, false);
    disk.take(NEWEST);
    let started = find(&disk, &[Finding::NoNewest]);
    assert_eq!(started.ids(), ids);
    let ids_upto = EventId::new(ids[5].ms() + UNKNOWN_GAP_MS, 0);
    assert_eq!((started.recovered.ids_upto(), started.recovered.lost()), (ids_upto, ids_upto));
    let mut log = started.log(config(Fsync::Always));
    append(&mut log, NOW_MS, &["next"]);
    log.close().unwrap();
    let finding = Finding::Missing { first: 7, last: 6 + UNKNOWN_SEGMENTS, after: ids[5] };
    assert_eq!(find(&disk, &[finding]).recovered.lost(), ids_upto);
    disk.flip(NEWEST, 20);
    assert!(found(&disk).contains(&Finding::NoNewest), "damaged is as missing");
}

#[test]
fn if_all_is_gone_but_one_file_that_one_tells() {
    let (disk, ids) = journal(Fsync::Always, true);
    let (state, newest) = (disk.take(STATE), disk.take(NEWEST));
    for (name, bytes, findings) in
        [(STATE, state, vec![Finding::NoSegments, Finding::NoNewest]), (NEWEST, newest, vec![Finding::NoSegments])]
    {
        let disk = MemoryDisk::new();
        disk.put(name, bytes);
        let started = find(&disk, &findings);
        assert!(
            started.recovered.ids_upto() > ids[5] && started.recovered.lost() == started.recovered.ids_upto(),
            "{name}"
        );
        append(&mut started.log(config(Fsync::Always)), NOW_MS, &["next"]);
        let again = start(&disk);
        assert_eq!((again.data(), again.recovered.lost()), (vec!["next"], started.recovered.lost()), "{name}");
    }
}

#[test]
fn ids_go_on_above_those_of_a_lost_segment_wherever_the_clock_was() {
    const HOUR_MS: u64 = 3_600_000;
    for fsync in [Fsync::Always, Fsync::Interval, Fsync::Never] {
        let (disk, _, _) = written(fsync, &["a"]);
        let mut log = start(&disk).log(config(fsync));
        let mut last = EventId::ZERO;
        // Ahead by an hour in steps of all sizes, and back.
        for ahead_ms in [0, 1, RESERVED_MS - 1, RESERVED_MS, RESERVED_MS + 1, HOUR_MS, 2] {
            last = append(&mut log, NOW_MS + ahead_ms, &["b"])[0];
            let lost = disk.copy();
            lost.take(&segment(2));
            for lost_too in [None, Some(segment(1)), Some(STATE.to_owned())] {
                lost_too.into_iter().for_each(|name| drop(lost.take(&name)));
                let started = start(&lost);
                let ids_upto = started.recovered.ids_upto();
                assert!(
                    ids_upto >= last && ids_upto.ms() <= last.ms() + RESERVED_MS.max(CRASH_GAP_MS) + 2_000,
                    "{ids_upto} {last}"
                );
                assert_told(&started, &[last], "clock");
            }
        }
        // And once more, with the next segment.
        disk.take(&segment(2));
        let next = append(&mut start(&disk).log(config(fsync)), NOW_MS, &["c"]);
        assert!(next[0] > last);
        disk.take(&segment(3));
        assert!(start(&disk).recovered.ids_upto() >= next[0]);
    }
}

#[test]
fn what_names_the_newest_segment_is_written_once_a_segment_and_once_for_a_minute_of_ids() {
    let disk = MemoryDisk::new();
    let mut log = start(&disk).log(config(Fsync::Interval));
    append(&mut log, NOW_MS, &["a"]);
    let mut append_at = |now_ms| {
        let before = disk.writes();
        append(&mut log, now_ms, &["b"]);
        disk.writes() - before
    };
    assert_eq!(append_at(NOW_MS), 1);
    assert_eq!(append_at(NOW_MS + RESERVED_MS - 1), 1);
    assert_eq!(append_at(NOW_MS + RESERVED_MS), 2);
    assert_eq!(append_at(NOW_MS + 2 * RESERVED_MS - 1), 1);
}

#[test]
fn a_sync_takes_both_the_segment_and_what_names_it() {
    let disk = MemoryDisk::new();
    let mut log = start(&disk).log(config(Fsync::Interval));
    let unsynced = log.unsynced();
    for now_ms in [NOW_MS, NOW_MS + RESERVED_MS] {
        append(&mut log, now_ms, &["a"]);
        assert!(!disk.is_synced());
        unsynced.sync().unwrap();
        assert!(disk.is_synced());
    }
}

#[test]
fn a_hole_that_was_told_is_told_when_the_segments_before_it_are_removed() {
    let (disk, ids) = journal(Fsync::Always, true);
    disk.take(&segment(2));
    let started = start(&disk);
    Reclaim::new(&started.recovered, 100).remove(1).unwrap();
    let again = find(&disk, &[]);
    assert_told(&again, &ids[1..], "removed");
    assert_eq!(again.recovered.lost(), started.recovered.lost());
}

#[test]
fn a_rewrite_over_a_hole_keeps_it_known() {
    let (disk, ids) = journal(Fsync::Always, true);
    disk.take(&segment(2));
    let started = start(&disk);
    Reclaim::new(&started.recovered, 100).rewrite(1, 3, |events| vec![support::whole(true); events.len()]).unwrap();
    let again = find(&disk, &[]);
    assert_told(&again, &ids, "rewritten");
    disk.take(STATE);
    assert_told(&find(&disk, &[Finding::NoState]), &ids, "rewritten, and no state");
}

#[test]
fn a_journal_of_the_small_files_alone_is_one_that_has_not_begun() {
    let disk = MemoryDisk::new();
    let born = start(&disk).recovered.born();
    let again = find(&disk, &[]);
    assert_eq!((again.recovered.born(), again.recovered.lost()), (born, EventId::ZERO));
    disk.take(STATE);
    assert_eq!(find(&disk, &[]).recovered.lost(), EventId::ZERO);
    assert!(Directory::with_files(disk, boot(1)).is_ok());
}

#[test]
fn a_loss_with_a_crash_of_the_machine_is_told_as_well() {
    for fsync in [Fsync::Always, Fsync::Interval, Fsync::Never] {
        let (disk, ids) = journal(fsync, false);
        disk.crash(0.0);
        for name in disk.names() {
            let disk = disk.copy();
            disk.take(&name);
            let started = start_in(&disk, boot(2), NOW_MS);
            assert!(started.findings().iter().any(Finding::is_loss), "{fsync:?} {name}");
            assert!(started.recovered.ids_upto() >= ids[5], "{fsync:?} {name}");
            assert_told(&started, &ids, &format!("{fsync:?} {name}"));
        }
    }
}
