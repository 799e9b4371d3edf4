//! Removing and rewriting: what is live stays, what goes leaves a mark, and an interruption at any point changes neither.

use std::{collections::HashSet, sync::Arc};

use fanfare_core::{Event, EventId, journal::Holds};

use crate::{
    config::{Fsync, LogConfig},
    files::Files as _,
    reclaim::Reclaim,
    record::Stored,
    tests::support::{
        self, MemoryDisk, NOW_MS, Op, Started, append, boot, channel, config, entry, keyed, segment, start, start_in,
        whole,
    },
};

const MARKS_MAX: usize = 100;

/// Four sealed segments and the newest one, all with two events each: one for channel `a` and one for channel `b`.
fn journal(fsync: Fsync) -> (Arc<MemoryDisk>, Vec<EventId>) {
    let disk = MemoryDisk::new();
    let mut log = start(&disk).log(LogConfig { fsync, segment_bytes_max: 1 });
    let mut ids = Vec::new();
    for number in 0..5 {
        let events = ["a", "b"].map(|name| Event::new(channel(name), format!("{name}{number}")));
        ids.extend(log.append(NOW_MS, &events.each_ref().map(entry)).unwrap());
    }
    log.close().unwrap();
    (disk, ids)
}

/// Whether the event is live: those for channel `b` are.
fn is_live(stored: &Stored) -> bool {
    stored.event.as_ref().is_some_and(|event| event.targets() == [channel("b")])
}

fn live(stored: &[Stored]) -> Vec<Holds> {
    stored.iter().map(|stored| whole(is_live(stored))).collect()
}

/// Every live event is there once, and every other one is there or has its mark.
fn assert_whole(started: &Started, ids: &[EventId], why: &str) {
    let found: HashSet<EventId> = started.ids().into_iter().collect();
    assert_eq!(found.len(), started.stored.len(), "{why}: none twice");
    let marks = started.recovered.marks();
    for (index, id) in ids.iter().enumerate() {
        let name = if index % 2 == 0 { "a" } else { "b" };
        let mark = marks.targets.get(&channel(name)).copied().unwrap_or_default().max(marks.forgotten);
        let is_kept_as_live = name == "b" && found.contains(id);
        let is_given_up = name == "a" && (found.contains(id) || mark >= *id);
        assert!(is_kept_as_live || is_given_up, "{why}: {id} of {name}, mark {mark}");
    }
    assert_eq!(started.recovered.lost(), EventId::ZERO, "{why}");
    assert_eq!(started.recovered.ids_upto(), ids[ids.len() - 1], "{why}");
}

#[test]
fn a_rewrite_keeps_what_is_live_and_marks_the_rest() {
    let (disk, ids) = journal(Fsync::Always);
    let started = start(&disk);
    let mut reclaim = Reclaim::new(&started.recovered, MARKS_MAX);
    let before = started.recovered.segments().bytes();
    let live_bytes = reclaim.live_bytes(2, live).unwrap();
    reclaim.rewrite(2, 3, live).unwrap();
    assert_eq!(reclaim.marks().targets, [(channel("a"), ids[4])].into());
    assert!(started.recovered.segments().bytes() < before);
    assert_eq!(disk.names(), [segment(1), segment(2), segment(4), segment(5), "newest".to_owned(), "state".to_owned()]);
    let again = start_in(&disk, boot(2), NOW_MS);
    assert_eq!(again.data(), ["a0", "b0", "b1", "b2", "a3", "b3", "a4", "b4"]);
    assert_eq!(again.findings(), []);
    assert_whole(&again, &ids, "rewritten");
    assert_eq!(again.recovered.segments().bytes(), started.recovered.segments().bytes());
    let sealed = again.recovered.segments().sealed();
    assert_eq!((sealed[1].number, sealed[1].through), (2, 3));
    assert_eq!(sealed[1].bytes, disk.bytes(&segment(2)).len() as u64);
    assert_eq!(sealed[1].bytes, 2 * live_bytes - 88, "both segments have the same sizes");
}

#[test]
fn a_rewritten_segment_can_be_rewritten_and_removed_again() {
    let (disk, ids) = journal(Fsync::Always);
    let started = start(&disk);
    let mut reclaim = Reclaim::new(&started.recovered, MARKS_MAX);
    reclaim.rewrite(1, 2, live).unwrap();
    reclaim.rewrite(1, 3, live).unwrap();
    assert_whole(&start(&disk), &ids, "twice");
    reclaim.remove(1).unwrap();
    let again = start(&disk);
    assert_eq!((again.data(), again.findings()), (vec!["a3", "b3", "a4", "b4"], [].as_slice()));
    assert_eq!(again.recovered.marks().targets, [(channel("a"), ids[4]), (channel("b"), ids[5])].into());
    let numbers: Vec<_> = again.recovered.segments().sealed().iter().map(|sealed| sealed.number).collect();
    assert_eq!(numbers, [4]);
}

#[test]
fn a_rewrite_that_is_interrupted_at_any_operation_loses_nothing() {
    for fsync in [Fsync::Always, Fsync::Interval] {
        for is_dying in [true, false] {
            let mut count = 0;
            loop {
                let (disk, ids) = journal(fsync);
                let started = start(&disk);
                let mut reclaim = Reclaim::new(&started.recovered, MARKS_MAX);
                disk.fail_after(count, is_dying);
                let result = reclaim.rewrite(2, 4, live);
                let has_failed = disk.heal();
                let why = format!("{fsync:?}, dying: {is_dying}, operation {count}");
                // Of the removals at the end one can fail and that is told; removing what is left of a failure is silent.
                assert!(result.is_err() || !has_failed, "{why}");
                let killed = disk.copy();
                assert_whole(&start(&killed), &ids, &why);
                assert!(killed.names().iter().all(|name| !name.ends_with(".tmp")), "{why}");
                if !is_dying {
                    // The list is as the files are, so it can be tried again, with what is left.
                    let sealed = started.recovered.segments().sealed();
                    reclaim.rewrite(sealed[1].number, sealed[sealed.len() - 1].number, live).unwrap();
                    assert_whole(&start(&disk.copy()), &ids, &why);
                }
                disk.crash(0.0);
                assert_whole(&start_in(&disk, boot(2), NOW_MS), &ids, &why);
                if !has_failed {
                    break;
                }
                count += 1;
            }
            assert!(count > 10, "{count}");
        }
    }
}

#[test]
fn a_removal_leaves_marks_and_an_interrupted_one_too() {
    let mut count = 0;
    loop {
        let (disk, ids) = journal(Fsync::Always);
        let started = start(&disk);
        let mut reclaim = Reclaim::new(&started.recovered, MARKS_MAX);
        disk.fail_after(count, true);
        let _ = reclaim.remove(1);
        let has_failed = disk.heal();
        let again = start(&disk);
        let marks = again.recovered.marks();
        let is_marked = marks.targets.len() == 2 && again.stored.len() == 8;
        assert!(is_marked || again.stored.len() == 10, "{count}");
        if is_marked {
            assert_eq!((marks.targets[&channel("a")], marks.targets[&channel("b")]), (ids[0], ids[1]));
        }
        if !has_failed {
            assert!(is_marked && count > 4, "{count}");
            break;
        }
        count += 1;
    }
}

#[test]
fn a_removal_on_a_full_disk_makes_room_and_what_it_could_not_mark_is_lost_for_all() {
    let (disk, ids) = journal(Fsync::Always);
    let started = start(&disk);
    let mut reclaim = Reclaim::new(&started.recovered, MARKS_MAX);
    // Others take the room that it makes.
    disk.fail(&[Op::Write]);
    reclaim.remove(1).unwrap();
    disk.heal();
    let killed = start(&disk.copy());
    assert_eq!(killed.findings(), [crate::finding::Finding::Unmarked { file: segment(2) }]);
    assert_eq!((killed.recovered.lost(), killed.stored.len()), (ids[1], 8));
    // If there is room for the marks afterwards, nothing is lost.
    let copy = disk.copy();
    copy.set_room(Some(0));
    Reclaim::new(&start(&copy).recovered, MARKS_MAX).remove(2).unwrap();
    assert!(!start(&copy).recovered.marks().targets.is_empty());
    // If it lives on, the next time tells all.
    reclaim.remove(2).unwrap();
    let again = start(&disk);
    assert_eq!((again.findings(), again.recovered.lost()), ([].as_slice(), EventId::ZERO));
    assert_eq!(again.recovered.marks().targets, [(channel("a"), ids[2]), (channel("b"), ids[3])].into());
}

#[test]
fn what_a_rewrite_could_not_remove_does_not_come_back_when_the_rewritten_segment_goes() {
    let (disk, ids) = journal(Fsync::Always);
    let started = start(&disk);
    let mut reclaim = Reclaim::new(&started.recovered, MARKS_MAX);
    disk.fail(&[Op::Remove]);
    reclaim.rewrite(1, 2, live).unwrap_err();
    reclaim.remove(1).unwrap_err();
    assert_eq!(start(&disk.copy()).ids(), [&[ids[1]], &ids[3..]].concat());
    disk.heal();
    disk.set_room(Some(0));
    reclaim.remove(1).unwrap();
    assert_eq!(start(&disk.copy()).ids(), ids[4..]);
}

#[test]
fn how_far_ids_had_come_survives_a_crash_after_what_told_it_is_gone() {
    for is_removed in [true, false] {
        let disk = MemoryDisk::new();
        let started = start(&disk);
        let mut log = started.log(LogConfig { fsync: Fsync::Interval, segment_bytes_max: 1 });
        let live_only = support::event("x").live_only();
        let later_ms = NOW_MS + 60_000;
        log.append(later_ms, &[entry(&live_only)]).unwrap();
        let ids = log.append(later_ms, &[entry(&live_only)]).unwrap();
        log.unsynced().sync().unwrap();
        append(&mut log, later_ms, &["y"]);
        let mut reclaim = Reclaim::new(&started.recovered, MARKS_MAX);
        if is_removed {
            reclaim.remove(1).unwrap();
            reclaim.remove(2).unwrap();
        } else {
            reclaim.rewrite(1, 2, live).unwrap();
        }
        // The system has written the names by itself, and nothing else; and the clock steps back.
        disk.sync_names().unwrap();
        disk.crash(0.0);
        assert!(start_in(&disk, boot(2), NOW_MS).recovered.ids_upto() >= ids[0], "{is_removed}");
    }
}

#[test]
fn only_the_oldest_is_removed_and_the_newest_is_left_alone() {
    let (disk, ids) = journal(Fsync::Always);
    let started = start(&disk);
    let mut reclaim = Reclaim::new(&started.recovered, MARKS_MAX);
    reclaim.remove(2).unwrap_err();
    reclaim.rewrite(4, 5, live).unwrap_err();
    reclaim.rewrite(3, 7, live).unwrap_err();
    assert_eq!(start(&disk).ids(), ids);
    for number in 1..=4 {
        reclaim.remove(number).unwrap();
    }
    reclaim.remove(5).unwrap_err();
}

#[test]
fn marks_above_the_limit_become_one_for_all() {
    let (disk, ids) = journal(Fsync::Always);
    let started = start(&disk);
    let mut reclaim = Reclaim::new(&started.recovered, 1);
    reclaim.remove(1).unwrap();
    let again = start(&disk);
    assert_eq!(again.recovered.marks().forgotten, ids[0]);
    assert_eq!(again.recovered.marks().targets, [(channel("b"), ids[1])].into());
}

#[test]
fn damage_in_what_is_rewritten_or_removed_stays_known() {
    for is_removed in [true, false] {
        let (disk, ids) = journal(Fsync::Always);
        let started = start(&disk);
        let mut reclaim = Reclaim::new(&started.recovered, MARKS_MAX);
        let at = disk.bytes(&segment(1)).len() - 1;
        disk.flip(&segment(1), at);
        if is_removed {
            reclaim.remove(1).unwrap()
        } else {
            reclaim.rewrite(1, 2, live).unwrap()
        }
        let again = start(&disk);
        assert_eq!((again.findings(), again.recovered.lost()), ([].as_slice(), ids[1]));
    }
}

#[test]
fn without_its_state_everything_up_to_the_end_of_a_rewritten_segment_is_lost() {
    let (disk, ids) = journal(Fsync::Always);
    Reclaim::new(&start(&disk).recovered, MARKS_MAX).rewrite(2, 3, live).unwrap();
    disk.take("state");
    let again = start(&disk);
    assert_eq!((again.data().len(), again.recovered.lost()), (8, ids[5]));
}

#[test]
fn a_rewrite_in_another_run_of_the_machine_does_not_look_like_a_crash() {
    let (disk, ids) = journal(Fsync::Interval);
    let started = start_in(&disk, boot(2), NOW_MS);
    Reclaim::new(&started.recovered, MARKS_MAX).rewrite(2, 3, live).unwrap();
    let mut log = started.log(config(Fsync::Interval));
    append(&mut log, NOW_MS, &["z"]);
    let again = start_in(&disk, boot(2), NOW_MS);
    assert_eq!((again.findings(), again.recovered.lost()), ([].as_slice(), EventId::ZERO));
    assert_eq!(again.ids()[..2], ids[..2]);
}

#[test]
fn events_that_were_live_only_go_without_a_mark() {
    let disk = MemoryDisk::new();
    let mut log = start(&disk).log(LogConfig { fsync: Fsync::Always, segment_bytes_max: 1 });
    let event = support::event("x").live_only();
    log.append(NOW_MS, &[keyed(&event, "k", 0)]).unwrap();
    append(&mut log, NOW_MS, &["y"]);
    let started = start(&disk);
    let mut reclaim = Reclaim::new(&started.recovered, MARKS_MAX);
    reclaim.remove(1).unwrap();
    assert!(reclaim.marks().targets.is_empty());
}

#[test]
fn a_key_costs_no_more_than_itself_once_its_event_is_given_up() {
    let disk = MemoryDisk::new();
    let mut log = start(&disk).log(LogConfig { fsync: Fsync::Always, segment_bytes_max: 1 });
    let (small, large) = (support::event("x"), support::event(&"x".repeat(100_000)));
    let mut ids = Vec::new();
    for (index, event) in [&small, &large, &large].into_iter().enumerate() {
        ids.extend(log.append(NOW_MS, &[keyed(event, &index.to_string(), index)]).unwrap());
    }
    append(&mut log, NOW_MS, &["end"]);
    let started = start(&disk);
    let mut reclaim = Reclaim::new(&started.recovered, MARKS_MAX);
    let keys = |stored: &[Stored]| vec![Holds { event: false, key: true }; stored.len()];
    // A header, and for each key a frame of 71 bytes.
    assert_eq!((1..=3).map(|number| reclaim.live_bytes(number, keys).unwrap()).collect::<Vec<_>>(), [88 + 71; 3]);
    reclaim.rewrite(1, 3, keys).unwrap();
    assert_eq!(disk.bytes(&segment(1)).len(), 88 + 3 * 71);
    for _ in 0..2 {
        let again = start(&disk);
        assert_eq!((again.data(), again.findings()), (vec!["end"], [].as_slice()));
        for (index, stored) in again.stored[..3].iter().enumerate() {
            let event = if index == 0 { &small } else { &large };
            assert_eq!((stored.id, stored.key), (ids[index], keyed(event, &index.to_string(), index).key));
        }
        assert_eq!(again.recovered.marks().targets, [(channel("a"), ids[2])].into());
        // And what was rewritten can be once more.
        Reclaim::new(&again.recovered, MARKS_MAX).rewrite(1, 1, keys).unwrap();
    }
    let last = start(&disk);
    Reclaim::new(&last.recovered, MARKS_MAX).rewrite(1, 1, |stored| vec![whole(false); stored.len()]).unwrap();
    assert_eq!(start(&disk).ids().len(), 1, "forgotten keys are gone");
}

#[test]
fn an_event_about_which_nothing_is_said_stays() {
    let (disk, ids) = journal(Fsync::Always);
    let mut reclaim = Reclaim::new(&start(&disk).recovered, MARKS_MAX);
    reclaim.rewrite(1, 1, |_| vec![whole(false)]).unwrap();
    assert_eq!(start(&disk).ids(), ids[1..]);
}

#[test]
fn a_state_that_cannot_be_written_fails_a_rewrite_and_leaves_the_segments() {
    let (disk, ids) = journal(Fsync::Always);
    let names = disk.names();
    let mut reclaim = Reclaim::new(&start(&disk).recovered, MARKS_MAX);
    disk.fail(&[Op::Rename]);
    reclaim.rewrite(1, 4, live).unwrap_err();
    assert!(reclaim.marks().targets.is_empty());
    disk.heal();
    assert_eq!(start(&disk).ids(), ids);
    assert_eq!(disk.names(), names);
}
