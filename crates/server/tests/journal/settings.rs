//! The journal's settings from flag, environment and file, and the errors for values that make no sense.

use std::fs;

use crate::{
    Server,
    support::{fanfare, run},
};

#[test]
fn environment_and_file_make_a_journal_as_the_flag_does() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let file = path("fanfare.toml");
    let text = format!("journal = {:?}\nfsync = \"always\"\nfsync-interval = \"5ms\"\n", path("by file"));
    fs::write(&file, text).unwrap();
    let with_file = || {
        let mut command = fanfare();
        command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(&file);
        command
    };
    let mut by_environment = with_file();
    by_environment.env("FANFARE_JOURNAL", path("by environment")).env("FANFARE_FSYNC", "never");
    let mut by_flag = with_file();
    by_flag.env("FANFARE_JOURNAL", path("by nobody")).arg("--journal").arg(path("by flag"));
    for (name, command) in
        [("by file", &mut with_file()), ("by environment", &mut by_environment), ("by flag", &mut by_flag)]
    {
        for kept in [0, 1] {
            let server = Server::started(command);
            assert_eq!(server.kept("a").len(), kept, "{name}");
            server.publish("/channels/a", "x");
            server.end("KILL");
        }
        assert!(path(name).join("lock").exists(), "{name}");
    }
    assert!(!path("by nobody").exists());
}

#[test]
fn check_shows_the_settings_and_touches_no_directory() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    let mut command = fanfare();
    command.args(["serve", "--check", "--fsync-interval", "1s", "--journal"]).arg(&path).env("FANFARE_FSYNC", "always");
    let (code, text) = run(&mut command);
    assert_eq!(code, 0, "{text}");
    for (key, value, origin) in [
        ("journal", format!("{path:?}"), "flag"),
        ("fsync", "\"always\"".into(), "environment"),
        ("fsync-interval", "\"1s\"".into(), "flag"),
    ] {
        let line = text
            .lines()
            .find(|line| line.starts_with(&format!("{key} = {value} ")))
            .unwrap_or_else(|| panic!("{key}: {text}"));
        assert!(line.contains(origin), "{line}");
    }
    assert!(!path.exists());
    let (_, text) = run(fanfare().args(["serve", "--check"]));
    assert!(text.lines().any(|line| line.contains("fsync = \"interval\"")), "{text}");
    assert!(text.lines().any(|line| line.contains("fsync-interval = \"100ms\"")), "{text}");
}

#[test]
fn settings_that_make_no_sense_exit_2_and_are_named() {
    for (arguments, said) in [
        (["--journal", ""], "--journal"),
        (["--fsync", "sometimes"], "always, interval, never"),
        (["--fsync-interval", "0s"], "at least 1ms"),
        (["--fsync-interval", "100"], "--fsync-interval"),
    ] {
        let (code, text) = run(fanfare().args(["serve", "--listen", "127.0.0.1:0"]).args(arguments));
        assert!(code == 2 && text.contains(said), "{arguments:?}: {code}: {text}");
    }
    let (code, text) = run(fanfare().args(["serve", "--listen", "127.0.0.1:0"]).env("FANFARE_JOURNAL", ""));
    assert!(code == 2 && text.contains("FANFARE_JOURNAL"), "{code}: {text}");
}
