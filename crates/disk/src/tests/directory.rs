//! Opening real directories: what is refused, in which words, and what tools see of a journal that is in use.

use std::{fs, path::Path};

use fanfare_core::EventId;
use tempfile::TempDir;

use crate::{
    check::{Report, SegmentReport},
    config::Fsync,
    directory::{Directory, OpenError},
    finding::Finding,
    log::Log,
    read_only::ReadOnlyDirectory,
    tests::support::{self, MemoryDisk, NOW_MS, append, boot, config, event, segment, start, written},
};

fn refusal(path: &Path) -> String {
    Directory::open(path).unwrap_err().to_string()
}

/// The names of the files in a directory.
fn names(path: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_journal_in_a_real_directory_is_written_and_read_again() {
    let parent = TempDir::new().unwrap();
    let path = parent.path().join("journal");
    let mut ids = Vec::new();
    for fsync in [Fsync::Always, Fsync::Interval, Fsync::Never] {
        let directory = Directory::open(&path).unwrap();
        let mut recovery = directory.recover(NOW_MS, Fsync::Interval).unwrap();
        let found: Vec<EventId> = recovery.by_ref().map(|found| found.unwrap().id).collect();
        assert_eq!(found, ids);
        let recovered = recovery.finish().unwrap();
        assert_eq!((recovered.findings(), recovered.lost()), ([].as_slice(), EventId::ZERO));
        let mut log = Log::new(&recovered, config(fsync));
        ids.extend(append(&mut log, NOW_MS, &["a", "b"]));
        log.unsynced().sync().unwrap();
        log.close().unwrap();
    }
    assert_eq!(
        names(&path),
        [segment(1), segment(2), segment(3), "lock".to_owned(), "newest".to_owned(), "state".to_owned()]
    );
    let events = ReadOnlyDirectory::open(&path).unwrap();
    let events: Vec<EventId> = events.events(ids[1]).map(|found| found.unwrap().0).collect();
    assert_eq!(events, ids[2..]);
}

#[test]
fn a_second_server_is_refused_as_long_as_the_first_has_anything_of_it() {
    let directory = TempDir::new().unwrap();
    let path = directory.path();
    let first = Directory::open(path).unwrap();
    assert!(matches!(Directory::open(path), Err(OpenError::Locked(_))));
    let recovered = first.recover(NOW_MS, Fsync::Interval).unwrap().finish().unwrap();
    drop(first);
    let log = Log::new(&recovered, config(Fsync::Always));
    drop(recovered);
    assert_eq!(refusal(path), format!("{} is in use by another process", path.display()));
    drop(log);
    Directory::open(path).unwrap();
}

#[test]
fn what_is_no_journal_is_refused_and_untouched() {
    let parent = TempDir::new().unwrap();
    let path = parent.path().join("photos");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("cat.jpg"), "cat").unwrap();
    assert_eq!(refusal(&path), format!("{} is not empty and holds no journal", path.display()));
    assert_eq!(names(&path), ["cat.jpg"]);
    let file = path.join("cat.jpg");
    assert_eq!(refusal(&file), format!("{} is not a directory", file.display()));
    let orphan = parent.path().join("none").join("journal");
    assert!(refusal(&orphan).contains("cannot be created: No such file or directory"), "{}", refusal(&orphan));
}

#[test]
fn a_fresh_file_system_and_an_interrupted_first_start_are_no_foreign_directories() {
    let directory = TempDir::new().unwrap();
    fs::create_dir(directory.path().join("lost+found")).unwrap();
    fs::write(directory.path().join("lock"), "").unwrap();
    fs::write(directory.path().join("state.tmp"), "x").unwrap();
    Directory::open(directory.path()).unwrap();
}

#[test]
fn a_directory_in_which_nothing_can_be_written_is_refused() {
    let directory = TempDir::new().unwrap();
    // Permissions do not hold root back; a directory in the place of the lock does.
    fs::create_dir(directory.path().join("lock")).unwrap();
    assert!(refusal(directory.path()).contains("cannot be written to: "), "{}", refusal(directory.path()));
}

#[test]
fn tools_are_refused_what_is_no_journal_and_write_nothing() {
    let directory = TempDir::new().unwrap();
    let open = |path: &Path| ReadOnlyDirectory::open(path).unwrap_err().to_string();
    let path = directory.path();
    assert_eq!(open(path), format!("{} holds no journal", path.display()));
    assert_eq!(names(path), [""; 0]);
    let none = path.join("none");
    assert_eq!(open(&none), format!("{} does not exist", none.display()));
}

#[test]
fn a_check_of_a_journal_in_use_takes_its_unfinished_write_for_what_it_is() {
    let directory = TempDir::new().unwrap();
    let path = directory.path();
    let opened = Directory::open(path).unwrap();
    let recovered = opened.recover(NOW_MS, Fsync::Interval).unwrap().finish().unwrap();
    let mut log = Log::new(&recovered, config(Fsync::Interval));
    append(&mut log, NOW_MS, &["a"]);
    let file = path.join(segment(1));
    let whole = fs::read(&file).unwrap();
    append(&mut log, NOW_MS, &["b"]);
    let longer = fs::read(&file).unwrap();
    fs::write(&file, &longer[..whole.len() + 3]).unwrap();
    let report = ReadOnlyDirectory::open(path).unwrap().check().unwrap();
    assert_eq!((report.is_open, report.events, report.findings), (true, 1, Vec::new()));
    drop((opened, recovered, log));
    let report = ReadOnlyDirectory::open(path).unwrap().check().unwrap();
    assert!(!report.is_open);
    assert!(matches!(report.findings[..], [Finding::Torn { bytes: 3, .. }]), "{:?}", report.findings);
    assert_eq!(fs::read(&file).unwrap().len(), whole.len() + 3, "nothing is cut off");
}

#[test]
fn a_check_tells_of_every_segment_and_everything_that_is_wrong() {
    let (disk, ids, starts) = written(Fsync::Always, &["a", "b", "c"]);
    let mut log = start(&disk).log(config(Fsync::Always));
    let more = append(&mut log, NOW_MS, &["d"]);
    log.close().unwrap();
    start(&disk).log(config(Fsync::Always)).close().unwrap();
    disk.flip(&segment(1), starts[1]);
    disk.take("state");
    let report = support::read_only(&disk, boot(1)).check().unwrap();
    let bytes = |number| disk.bytes(&segment(number)).len() as u64;
    let of =
        |number, events, range| SegmentReport { number, through: number, events, keys: 0, bytes: bytes(number), range };
    let segments = vec![of(1, 2, Some((ids[0], ids[2]))), of(2, 1, Some((more[0], more[0]))), of(3, 0, None)];
    let [Finding::NoState, Finding::Damaged { file, damage }] = &report.findings[..] else { panic!("{report:?}") };
    assert_eq!((file, damage.offset, damage.before), (&segment(1), starts[1] as u64, Some(ids[2])));
    assert_eq!(report, Report { segments, events: 3, is_open: false, findings: report.findings.clone() });
}

#[test]
fn a_dump_has_the_kept_events_above_a_cursor() {
    let disk = MemoryDisk::new();
    let mut log = start(&disk).log(config(Fsync::Always));
    let ids = append(&mut log, NOW_MS, &["a", "b"]);
    let live = event("live").live_only();
    log.append(NOW_MS, &[support::keyed(&live, "k", 0)]).unwrap();
    let more = append(&mut log, NOW_MS, &["c"]);
    let opened = support::read_only(&disk, boot(1));
    let dump = |after| opened.events(after).map(|found| found.unwrap().0).collect::<Vec<_>>();
    assert_eq!(dump(EventId::ZERO), [ids[0], ids[1], more[0]]);
    assert_eq!(dump(ids[1]), more);
    assert_eq!(dump(more[0]), []);
}
