//! The server does not start where it cannot keep a journal. The exit code is 1, and a line names the path and the
//! reason. Existing files stay unchanged.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use crate::{
    Server,
    support::{fanfare, run},
};

/// Starts a server that must refuse. Returns its output.
fn refused(journal: &Path) -> String {
    let (code, text) = run(fanfare().args(["serve", "--listen", "127.0.0.1:0", "--journal"]).arg(journal));
    assert_eq!(code, 1, "{text}");
    assert!(!text.contains("listening on"), "{text}");
    let errors: Vec<_> = text.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{text}");
    errors[0].to_owned()
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_second_process_is_refused_as_long_as_the_first_one_lives() {
    let directory = tempfile::tempdir().unwrap();
    let first = Server::start(directory.path(), &[]);
    let id = first.publish("/channels/a", "one");
    let said = refused(directory.path());
    let path = directory.path().display();
    let expected =
        format!("error: --journal: {path} is in use by another process; each server needs a directory of its own");
    assert_eq!(said, expected);
    // The first one has not noticed.
    let two = first.publish("/channels/a", "two");
    first.end("KILL");
    let second = Server::start(directory.path(), &[]);
    assert_eq!(second.kept("a"), [(id, "one".into()), (two, "two".into())]);
    second.end("TERM");
}

#[test]
fn a_file_in_place_of_the_directory_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    fs::write(&path, "mine").unwrap();
    assert_eq!(refused(&path), format!("error: --journal: {} is not a directory", path.display()));
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
}

#[test]
fn a_directory_with_other_files_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["notes.txt", "1.journal", "state.bak"] {
        let path = directory.path().join(name);
        fs::write(&path, "mine").unwrap();
        let said = refused(directory.path());
        let path_shown = directory.path().display();
        let cure = "give a directory that is empty or does not exist yet";
        let expected = format!("error: --journal: {path_shown} is not empty and holds no journal; {cure}");
        assert_eq!(said, expected, "{name}");
        assert_eq!(names(directory.path()), [name]);
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        fs::remove_file(path).unwrap();
    }
    // What a fresh file system has in it is none of that.
    fs::create_dir(directory.path().join("lost+found")).unwrap();
    Server::start(directory.path(), &[]).end("TERM");
}

#[test]
fn directories_that_are_not_there_are_made_and_only_the_last_is_for_its_owner_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("not/yet/there");
    for kept in [0, 1] {
        let server = Server::start(&path, &[]);
        assert_eq!(server.kept("a").len(), kept);
        server.publish("/channels/a", "x");
        server.end("TERM");
    }
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    assert_eq!(names(&directory.path().join("not")), ["yet"]);
    for relative in ["here", "below/here"] {
        let mut command = fanfare();
        command.current_dir(directory.path()).args(["serve", "--listen", "127.0.0.1:0", "--journal", relative]);
        Server::started(&mut command).end("TERM");
        assert!(directory.path().join(relative).join("lock").exists(), "{relative}");
    }
}

#[test]
fn a_directory_below_a_file_is_refused_and_the_file_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "mine").unwrap();
    let said = refused(&file.join("a/b"));
    assert_eq!(said, format!("error: --journal: {} is not a directory", file.display()));
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn check_finds_what_can_be_no_journal_and_writes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (file, other) = (directory.path().join("file"), directory.path().join("photos"));
    fs::write(&file, "mine").unwrap();
    fs::create_dir(&other).unwrap();
    fs::write(other.join("cat.jpg"), "cat").unwrap();
    let check = |path: &Path| run(fanfare().args(["serve", "--check", "--journal"]).arg(path));
    for (path, said) in [
        (file.clone(), format!("{} is not a directory", file.display())),
        (file.join("a/b"), format!("{} is not a directory", file.display())),
        (other.clone(), format!("{} is not empty and holds no journal; give a directory that", other.display())),
    ] {
        let (code, text) = check(&path);
        assert!(code == 2 && text.starts_with(&format!("error: --journal: {said}")), "{text}");
    }
    assert_eq!(names(&other), ["cat.jpg"]);
    let path = directory.path().join("not/yet/there");
    assert_eq!(check(&path).0, 0);
    assert!(!directory.path().join("not").exists());
    // Whoever checks the settings of a running server does so beside it.
    let server = Server::start(&path, &[]);
    assert_eq!(check(&path).0, 0);
    server.end("TERM");
}

#[test]
fn a_journal_that_cannot_be_read_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    server.publish("/channels/a", "one");
    server.end("TERM");
    let state = directory.path().join("state");
    let bytes = fs::read(&state).unwrap();
    // Its format, behind the magic; sealed again, as a newer program does.
    let mut newer = bytes[..bytes.len() - 4].to_vec();
    newer[8] += 1;
    newer.extend(crc32(&newer).to_le_bytes());
    fs::write(&state, &newer).unwrap();
    let said = refused(directory.path());
    assert_eq!(said, "error: --journal: state has format 3: this program is too old for it");
    assert!(fs::read(&state).unwrap() == newer);
    fs::remove_file(&state).unwrap();
    fs::create_dir(&state).unwrap();
    let said = refused(directory.path());
    assert!(said.starts_with("error: --journal: state cannot be read: "), "{said}");
    fs::remove_dir(&state).unwrap();
    fs::write(&state, bytes).unwrap();
    let server = Server::start(directory.path(), &[]);
    assert_eq!(server.kept("a").len(), 1);
    server.end("TERM");
}

/// The checksum of IEEE 802.3, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 0 { crc >> 1 } else { (crc >> 1) ^ 0xedb8_8320 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[test]
fn files_of_a_journal_are_for_their_owner_alone_in_a_directory_that_is_not() {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let server = Server::start(directory.path(), &[]);
    server.publish("/clients/me", "private");
    server.end("TERM");
    assert!(names(directory.path()).len() >= 4);
    for name in names(directory.path()) {
        let mode = fs::metadata(directory.path().join(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_link_that_somebody_has_put_into_the_directory_is_not_followed() {
    let (directory, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let journal = directory.path().join("journal");
    let server = Server::start(&journal, &[]);
    let id = server.publish("/channels/a", "x");
    server.end("TERM");
    let segment = names(&journal).into_iter().find(|name| name.ends_with(".journal")).unwrap();
    for name in ["lock", "state", "newest", &segment] {
        let (file, victim) = (journal.join(name), elsewhere.path().join("victim"));
        fs::rename(&file, &victim).unwrap();
        let before = fs::read(&victim).unwrap();
        symlink(&victim, &file).unwrap();
        let said = refused(&journal);
        assert!(said.contains(name) && said.contains("it is a symbolic link"), "{said}");
        assert_eq!(fs::read(&victim).unwrap(), before, "{name}");
        fs::remove_file(&file).unwrap();
        fs::rename(&victim, &file).unwrap();
    }
    // One to nowhere makes no file there.
    let nowhere = elsewhere.path().join("nowhere");
    fs::remove_file(journal.join("lock")).unwrap();
    symlink(&nowhere, journal.join("lock")).unwrap();
    assert!(refused(&journal).contains("lock: it is a symbolic link"));
    assert!(!nowhere.exists());
    fs::remove_file(journal.join("lock")).unwrap();
    // What is written under a name that leads elsewhere takes the place of the link.
    let victim = elsewhere.path().join("precious");
    fs::write(&victim, "precious").unwrap();
    for name in ["state.tmp", "newest.tmp", "reserve"] {
        let _ = fs::remove_file(journal.join(name));
        symlink(&victim, journal.join(name)).unwrap();
    }
    let server = Server::start(&journal, &[]);
    assert_eq!(server.kept("a"), [(id, "x".to_owned())]);
    server.publish("/channels/a", "y");
    server.end("TERM");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
}
