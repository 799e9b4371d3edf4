//! Sources of the settings of `--redis`, errors for values that make no sense, and passwords, which are never shown.

use std::fs;

use crate::{
    node::{assert_kept, command},
    rig::RedisServer,
    support::{fanfare, run, server::Server, settings::limits},
};

pub(crate) const PASSWORD: &str = "geheim-9d1c";

/// Waits until the node ends. Returns its output.
#[track_caller]
pub(crate) fn refused(url: &str, flags: &[&str], expected: i32) -> String {
    let (code, text) = run(&mut command(url, flags));
    assert_eq!(code, expected, "{url}: {text}");
    assert!(!text.contains(PASSWORD), "{text}");
    text
}

#[test]
fn settings_that_make_no_sense_exit_2_and_are_named() {
    for url in [
        "",
        "nonsense",
        "http://127.0.0.1",
        "redis://",
        "redis://127.0.0.1:99999",
        "redis://127.0.0.1/x",
        "redis-sentinel://127.0.0.1:1",
        "redis-cluster://",
    ] {
        let said = refused(url, &[], 2);
        assert!(said.contains("--redis"), "{url}: {said}");
    }
    let said = refused(&format!("redis://user:{PASSWORD}@127.0.0.1:x"), &[], 2);
    assert!(said.contains("--redis"), "{said}");
    for flags in [
        &["--redis-stream="][..],
        &["--redis-bytes=0"],
        &["--redis-bytes=many"],
        &["--redis-timeout=0s"],
        &["--redis-timeout=5"],
        &["--redis-wait-replicas=some"],
        &["--redis-subscribe="],
    ] {
        let said = refused("redis://127.0.0.1", flags, 2);
        let name = flags[0].split('=').next().unwrap();
        assert!(said.contains(name), "{flags:?}: {said}");
    }
    let said = refused("redis://127.0.0.1", &[&limits(&["redis-events = 0"])], 2);
    assert!(said.contains("redis-events = 0: write a number from 2000"), "{said}");
    let (code, said) = run(fanfare().args(["serve", "--listen", "127.0.0.1:0"]).env("FANFARE_REDIS", "nonsense"));
    assert!(code == 2 && said.contains("FANFARE_REDIS"), "{code}: {said}");
}

#[test]
fn a_journal_on_the_disk_and_one_in_redis_exclude_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    let said = refused("redis://127.0.0.1", &["--journal", path.to_str().unwrap()], 2);
    assert!(said.contains("--journal") && said.contains("--redis"), "{said}");
    assert!(!path.exists());
}

#[test]
fn check_shows_the_settings_without_the_password() {
    let url = format!("redis://user:{PASSWORD}@redis.example:6380/3");
    let (code, text) = run(command(&url, &["--check"]).env("FANFARE_REDIS_STREAM", "mine"));
    assert_eq!(code, 0, "{text}");
    let redis = text.lines().find(|line| line.contains("redis = ")).unwrap_or_else(|| panic!("{text}"));
    assert!(redis.contains("flag"), "{redis}");
    let stream =
        text.lines().find(|line| line.starts_with("redis-stream = \"mine\"")).unwrap_or_else(|| panic!("{text}"));
    assert!(stream.contains("environment"), "{stream}");
    assert!(!text.contains(PASSWORD), "{text}");
}

#[test]
fn environment_and_file_name_a_redis_as_the_flag_does() {
    let redis = RedisServer::start(&[]);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("fanfare.toml");
    let text = format!("redis = {:?}\nredis-stream = \"by-file\"\nredis-subscribe = [\"news.*\"]\n", redis.url());
    fs::write(&file, text).unwrap();
    let with_file = || {
        let mut command = fanfare();
        command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(&file);
        command
    };
    let mut by_environment = with_file();
    by_environment.env("FANFARE_REDIS_STREAM", "by-environment").env("FANFARE_REDIS_BYTES", "100MiB");
    let mut by_flag = with_file();
    by_flag.env("FANFARE_REDIS_STREAM", "by-nobody").args(["--redis-stream", "by-flag"]);
    for (name, command) in
        [("by-file", &mut with_file()), ("by-environment", &mut by_environment), ("by-flag", &mut by_flag)]
    {
        let node = Server::started(command);
        node.until_ready();
        let id = node.publish("/channels/a", name);
        assert_kept(&[&node], "a", &[(id, name.to_owned())]);
        assert_eq!(redis.call(&["XLEN", &format!("{{{name}}}:events")]).int(), 1);
    }
    assert_eq!(redis.call(&["EXISTS", "{by-nobody}:events"]).int(), 0);
}
