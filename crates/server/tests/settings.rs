//! Settings from defaults, file, environment and flags: their order, the output of `--check`, and the errors.

mod support;

use std::process::Command;

use support::{
    Process, curl_once, fanfare, run, serve,
    settings::{File, checked, has, limits},
};

#[test]
fn each_source_overrides_the_one_before() {
    let file = File::new("heartbeat = \"1s\"\nhistory-events = 1\nshards = 1\ncors-origin = [\"http://file\"]");
    let mut command = file.command();
    command.env("FANFARE_HISTORY_EVENTS", "2").env("FANFARE_SHARDS", "2").args(["--shards", "3"]);
    command.env("FANFARE_CORS_ORIGIN", "http://a,http://b").env("FANFARE_PUBLIC_HOST", "a");
    let all = checked(command.args(["--public-host", "b", "--public-host", "c"]));
    has(&all, "head-bytes = \"16KiB\"", "default");
    has(&all, "heartbeat = \"1s\"", "file");
    has(&all, "history-events = 2", "environment");
    has(&all, "shards = 3", "flag");
    has(&all, "cors-origin = [\"http://a\", \"http://b\"]", "environment");
    has(&all, "public-host = [\"b\", \"c\"]", "flag");
    has(&all, "# clock is not set", "default");
}

#[test]
fn limits_of_channels_come_from_each_source() {
    let file = File::new("history-channel = ['a.*=events:1', 'b=age:1m bytes:2KiB']");
    has(&checked(&mut file.command()), r#"history-channel = ["a.*=events:1", "b=age:1m bytes:2KiB"]"#, "file");
    let with_variable = || {
        let mut command = file.command();
        command.env("FANFARE_HISTORY_CHANNEL", "c=events:1 age:1m,d*=bytes:1");
        command
    };
    has(&checked(&mut with_variable()), r#"history-channel = ["c=events:1 age:1m", "d*=bytes:1"]"#, "environment");
    let mut command = with_variable();
    command.args(["--history-channel", "e=events:0", "--history-channel", "f=age:2m,g=age:3m"]);
    has(&checked(&mut command), r#"history-channel = ["e=events:0", "f=age:2m", "g=age:3m"]"#, "flag");
    has(&checked(&mut fanfare()), "history-channel = []", "default");
}

#[test]
fn a_bad_limit_of_channels_names_the_flag_and_the_part() {
    for (value, said) in [
        ("a.*", "no pattern with limits"),
        ("=events:1", "the pattern before =: a name must not be empty"),
        ("a.*=", "no limit behind ="),
        ("a.*=evnets:1", "`evnets:1`: no limit; write events:N, bytes:SIZE or age:DURATION"),
        ("a.*=age:1m events:x", "`events:x`: not a number of events"),
        ("a.*=age:1m,bytes:1KiB", "with spaces between the limits"),
    ] {
        let flag = format!("--history-channel={value}");
        let (code, text) = run(fanfare().args(["--check", &flag]));
        assert!(code == 2 && text.contains("--history-channel") && text.contains(said), "{value}: {text}");
        let (code, text) = run(fanfare().env("FANFARE_HISTORY_CHANNEL", value).arg("--check"));
        assert!(code == 2 && text.contains("FANFARE_HISTORY_CHANNEL") && text.contains(said), "{value}: {text}");
        let (code, text) = run(&mut File::new(format!("\nhistory-channel = ['{value}']")).command());
        let is_named = text.contains("line 2: history-channel = ") && text.contains(said);
        assert!(code == 2 && is_named, "{value}: {text}");
    }
}

#[test]
fn the_defaults_are_those_of_the_wire_contract() {
    let all = checked(&mut fanfare());
    for line in [
        "policy = \"repair\"",
        "history-events = 1000",
        "history-bytes = \"4MiB\"",
        "history-age = \"1h\"",
        "history-targets = 100000",
        "catch-up-reads = 4",
        "# journal is not set",
        "fsync = \"interval\"",
        "fsync-interval = \"100ms\"",
        "idempotency-window = \"10m\"",
        "idempotency-keys = 100000",
    ] {
        has(&all, line, "default");
    }
}

#[test]
fn a_switch_that_the_file_turns_on_can_be_turned_off() {
    let file = File::new("allow-anonymous-publish = true\nlisten = \"0.0.0.0:0\"");
    has(&checked(&mut file.command()), "allow-anonymous-publish = true", "file");
    assert_eq!(run(file.command().args(["--allow-anonymous-publish=false", "--check"])).0, 2);
    assert_eq!(run(file.command().env("FANFARE_ALLOW_ANONYMOUS_PUBLISH", "0").arg("--check")).0, 2);
    let all = checked(fanfare().arg("--allow-anonymous-publish"));
    has(&all, "allow-anonymous-publish = true", "flag");
}

#[test]
fn the_publish_key_is_never_shown() {
    let secret = "s3cr3t-word";
    for arguments in [&["--check"][..], &["--help"], &["serve", "--help"], &["serve", "-h"], &["publish", "--help"]] {
        let (code, text) = run(fanfare().env("FANFARE_PUBLISH_KEY", secret).args(arguments));
        assert_eq!(code, 0);
        assert!(!text.contains(secret), "{text}");
    }
    let all = checked(fanfare().env("FANFARE_PUBLISH_KEY", secret));
    has(&all, "# publish-key = \"set\"", "environment");
    for bad in ["s3cr3t word", "s3cr3t\u{fc}"] {
        let (code, text) = run(fanfare().env("FANFARE_PUBLISH_KEY", bad));
        assert!(code == 2 && text.contains("FANFARE_PUBLISH_KEY") && !text.contains("s3cr3t"), "{text}");
    }
}

#[test]
fn bad_files_say_where_and_why_and_exit_2() {
    for (text, said) in [
        ("\n\nhead_bytes = 1", &["line 3", "unknown setting `head_bytes`", "`head-bytes` under [limits]"][..]),
        ("lissen = 'x'", &["line 1", "`lissen`", "`listen`"]),
        ("config = 'x'", &["line 1", "unknown setting `config`"]),
        ("check = true", &["line 1", "unknown setting `check`"]),
        ("[limits]\nhead_bytes = 1", &["line 2", "unknown limit `head_bytes`", "the nearest is `head-bytes`"]),
        ("[limits]\nheartbeat = '1s'", &["line 2", "`heartbeat` is no limit: write it above the line [limits]"]),
        ("[limits]\nhead-bytes = 1", &["line 2", "head-bytes = 1", "at least 8KiB"]),
        ("[limit]\nhead-bytes = 1", &["line 1", "the only sections are [limits] and [[issuer]]"]),
        ("listen = 'x'\n[heartbeat]\nx = 1", &["line 2", "`heartbeat` is a table"]),
        ("\nlisten = 'x'", &["line 2", "listen = \"x\"", "write a port, or an address and a port"]),
        ("[heartbeat]\nx = 1", &["line 1", "`heartbeat` is a table"]),
        ("clock = 2", &["line 1", "clock = 2", "write 2s or 500ms"]),
        ("log = 'info'\npolicy = 'maybe'", &["line 2", "policy", "repair, drop-newest, drop-oldest, close"]),
        ("[limits]\nring-messages = 0", &["line 2", "ring-messages = 0", "from 1 to 4096"]),
        ("cors-origin = 'https://example.org'", &["line 1", "cors-origin = [\"https://example.org\"]"]),
        ("cors-origin = ['https://example.org/page']", &["line 1", "without a path"]),
        ("heartbeat = 1.5", &["line 1", "`heartbeat`", "float"]),
        ("heartbeat = '1s'\nheartbeat = '1s'", &["line 2", "duplicate"]),
        ("heartbeat = ", &["line 1", "not TOML"]),
        ("log = 'info'\nheartbeat", &["line 2", "not TOML"]),
        ("publish-key = ''", &["publish-key", "empty"]),
        ("allow-anonymous-publish = 'perhaps'", &["line 1", "boolean"]),
    ] {
        let (code, printed) = run(&mut File::new(text).command());
        assert_eq!(code, 2, "{text}: {printed}");
        for word in said {
            assert!(printed.contains(word), "{text}: {word} is not in: {printed}");
        }
    }
    let (code, printed) = run(&mut File::new(b"log = 'info'\n\n# \xff").command());
    assert!(code == 2 && printed.contains("line 3") && printed.contains("UTF-8"), "{printed}");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let directory = tempfile::tempdir().unwrap();
    for path in [directory.path().join("nowhere.toml"), directory.path().to_owned()] {
        let name = path.display().to_string();
        let (code, printed) = run(fanfare().env("FANFARE_CONFIG", &path));
        assert!(code == 2 && printed.contains(&name), "{printed}");
    }
    let large = File::new(vec![b'\n'; (1 << 20) + 1]);
    let (code, printed) = run(&mut large.command());
    assert!(code == 2 && printed.contains("larger than 1MiB"), "{printed}");
    checked(&mut File::new(vec![b'\n'; 1 << 20]).command());
}

#[test]
fn a_bad_variable_is_named() {
    let (code, text) = run(fanfare().env("FANFARE_HEARTBEAT", "soon"));
    assert!(code == 2 && text.contains("FANFARE_HEARTBEAT") && text.contains("soon"), "{text}");
}

#[test]
fn check_refuses_what_serving_would() {
    for arguments in [&["--listen", "0.0.0.0:0"][..], &[&limits(&["retry-min = '4s'"])], &["--publish-key", ""]] {
        let (code, serving) = run(fanfare().args(arguments));
        assert_eq!((code, serving), run(fanfare().args(arguments).arg("--check")));
        assert_eq!(code, 2);
    }
}

#[test]
fn other_machines_may_connect_once_there_is_a_key() {
    let mut server = Process::start(fanfare().args(["--listen", "0.0.0.0:0"]).env("FANFARE_PUBLISH_KEY", "key"));
    server.line_with("listening on ");
}

#[test]
fn what_the_file_says_is_what_runs() {
    let file = File::new("body-bytes = 10\nclock = '50ms'");
    let (_server, url) = serve(&["--config", file.path.to_str().unwrap()]);
    let status =
        |body: &str| curl_once(&["-o", "/dev/null", "-w", "%{http_code}", "-d", body, &format!("{url}/broadcast")]);
    assert_eq!(status("1234567890"), "202");
    assert_eq!(status("12345678901"), "413");
}

#[test]
fn every_help_has_examples_and_fits_a_terminal() {
    for arguments in [
        &["--help"][..],
        &["serve", "--help"],
        &["publish", "--help"],
        &["subscribe", "--help"],
        &["upgrade", "--help"],
    ] {
        let (code, text) = run(fanfare().args(arguments));
        assert!(code == 0 && text.contains("Examples:"), "{text}");
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(100), "{arguments:?}: {widest:?}");
    }
}

#[test]
fn threads_that_cannot_be_had_are_an_error() {
    // Each takes a good part of the address space for its stack, so they cannot all be there; what little else is needed can.
    let script = "ulimit -v 2600000; RUST_MIN_STACK=300000000 exec \"$0\" serve --listen 127.0.0.1:0 --shards 16";
    let (code, text) = run(Command::new("sh").args(["-c", script, env!("CARGO_BIN_EXE_fanfare")]));
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("error: cannot serve: ") && !text.contains("panicked"), "{text}");
}
