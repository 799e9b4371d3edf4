//! `fanfare journal check` and `fanfare journal dump` on a journal that is whole, damaged, in use, or missing.

mod support;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use support::{Process, curl_once, fanfare, run, serve};
use tempfile::TempDir;

fn journal(arguments: &[&str], path: &Path) -> (i32, String) {
    run(fanfare().arg("journal").args(arguments).arg(path))
}

/// A server with a journal in a directory of its own.
fn with_journal() -> (TempDir, PathBuf, Process, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    let (server, url) = serve(&["--journal", path.to_str().unwrap()]);
    (directory, path, server, url)
}

fn stop(mut server: Process) {
    server.signal("TERM");
    assert!(server.exit().success());
}

/// The events in the history of a channel.
fn history(url: &str, channel: &str) -> Vec<serde_json::Value> {
    let page: serde_json::Value =
        serde_json::from_str(&curl_once(&[&format!("{url}/channels/{channel}/history")])).unwrap();
    page["events"].as_array().unwrap().clone()
}

#[test]
fn a_dump_is_what_another_server_takes_as_a_batch() {
    let (_directory, path, server, url) = with_journal();
    let lines = [
        r#"{"channel":"a","data":"one\nline \u0000 \" and another"}"#,
        r#"{"channels":["a","b"],"data":{"x": 1},"event":"k","id":"own","retry":100}"#,
        r#"{"client":"c","data":""}"#,
        r#"{"channel":"a","data":"not kept","keep":false,"idempotency_key":"k"}"#,
        r#"{"all":true,"data":"ü"}"#,
    ];
    curl_once(&["--data-binary", &lines.join("\n"), &format!("{url}/publish")]);
    let (code, dump) = journal(&["dump"], &path);
    let expected = [
        r#"{"channel":"a","data":"one\nline \u0000 \" and another"}"#,
        r#"{"channels":["a","b"],"event":"k","id":"own","retry":100,"data":"{\"x\":1}"}"#,
        r#"{"client":"c","data":""}"#,
        r#"{"all":true,"data":"ü"}"#,
    ];
    assert_eq!((code, dump.lines().collect::<Vec<_>>()), (0, expected.to_vec()), "also while the server runs");
    stop(server);

    let (_other, other_url) = serve(&[]);
    let file = path.with_extension("ndjson");
    fs::write(&file, &dump).unwrap();
    let mut publish = Process::start_with_input(
        fanfare().args(["publish", &other_url, "--ndjson"]),
        Stdio::from(File::open(&file).unwrap()),
    );
    publish.line_with(r#""published":4,"failed":0"#);
    assert!(publish.exit().success());
    let data: Vec<_> = history(&other_url, "a").iter().map(|event| event["data"].clone()).collect();
    assert_eq!(data, ["one\nline \0 \" and another", r#"{"x":1}"#]);
    assert_eq!(history(&other_url, "b")[0]["id"], "own");
}

#[test]
fn a_dump_begins_where_it_is_told_to() {
    let (_directory, path, server, url) = with_journal();
    for data in ["1", "2", "3"] {
        curl_once(&["-d", data, &format!("{url}/channels/a")]);
    }
    let second = history(&url, "a")[1]["id"].as_str().unwrap().to_owned();
    stop(server);
    let dumped = |since: &str| {
        let (code, text) = journal(&["dump", "--since", since], &path);
        assert_eq!(code, 0, "{text}");
        text.lines().count()
    };
    assert_eq!([dumped("earliest"), dumped("1h"), dumped(&second), dumped("2100-01-01T00:00:00Z")], [3, 3, 1, 0]);
    let (code, text) = journal(&["dump", "--since", "yesterday"], &path);
    assert_eq!((code, text.contains("an event id or earliest")), (2, true), "{text}");
}

#[test]
fn a_dump_ends_quietly_when_nobody_reads_it() {
    let (_directory, path, server, url) = with_journal();
    let line = format!("{{\"channel\":\"a\",\"data\":\"{}\"}}\n", "x".repeat(1_000));
    let file = path.with_extension("ndjson");
    fs::write(&file, line.repeat(1_000)).unwrap();
    curl_once(&["-T", file.to_str().unwrap(), "-X", "POST", &format!("{url}/publish")]);
    stop(server);
    let mut dump = fanfare().args(["journal", "dump"]).arg(&path).stdout(Stdio::piped()).spawn().unwrap();
    let head = Command::new("head").args(["-n", "1"]).stdin(dump.stdout.take().unwrap()).output().unwrap();
    assert_eq!(head.stdout.len(), line.len());
    assert!(dump.wait().unwrap().success());
}

#[test]
fn a_check_says_what_is_there_and_whether_a_server_has_it_open() {
    let (_directory, path, server, url) = with_journal();
    curl_once(&["-d", "x", &format!("{url}/channels/a")]);
    let (code, text) = journal(&["check"], &path);
    assert_eq!(code, 0, "{text}");
    assert!(text.starts_with("segment 1: 1 events, "), "{text}");
    assert!(text.ends_with("; a server has it open"), "{text}");
    stop(server);
    let (code, text) = journal(&["check"], &path);
    assert_eq!(code, 0, "{text}");
    assert!(text.lines().last().unwrap().starts_with("1 events in 1 segments, "), "{text}");
}

#[test]
fn a_check_names_what_is_damaged_and_fails_and_a_torn_write_is_no_damage() {
    let (_directory, path, server, url) = with_journal();
    let ids: Vec<_> = ["1", "2", "3"]
        .map(|data| {
            let answer = curl_once(&["-d", data, &format!("{url}/channels/a")]);
            answer.split('"').nth(3).unwrap().to_owned()
        })
        .to_vec();
    server.signal("KILL");
    drop(server);
    let segment = path.join("00000000000000000001.journal");
    let whole = fs::read(&segment).unwrap();
    fs::write(&segment, &whole[..whole.len() - 1]).unwrap();
    let (code, text) = journal(&["check"], &path);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("was not finished and is ignored") && text.contains("2 events in 1 segments"), "{text}");

    let mut damaged = whole.clone();
    let at = whole.len() - (whole.len() - 90) / 2;
    damaged[at] ^= 1;
    fs::write(&segment, damaged).unwrap();
    let (code, text) = journal(&["check"], &path);
    assert_eq!(code, 1, "{text}");
    let named = format!("are damaged, behind event {} and before {}", ids[0], ids[2]);
    assert!(text.contains("00000000000000000001.journal: ") && text.contains(&named), "{text}");
    let (code, dump) = journal(&["dump"], &path);
    assert_eq!((code, dump.lines().count()), (0, 2), "the rest is there");
}

#[test]
fn what_is_no_journal_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "x").unwrap();
    for command in ["check", "dump"] {
        for (path, said) in [
            (directory.path().to_owned(), "holds no journal"),
            (directory.path().join("missing"), "does not exist"),
            (file.clone(), "is not a directory"),
        ] {
            let (code, text) = journal(&[command], &path);
            assert!(code == 1 && text.contains(said) && text.contains(path.to_str().unwrap()), "{code} {text}");
        }
        assert_eq!(run(fanfare().args(["journal", command])).0, 2);
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing was made");
}
