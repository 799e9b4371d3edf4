//! The command from its user's view: flags, exit codes, the first minute with curl, the log, signals.

mod support;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::Command,
};

use support::{Process, curl, curl_once, fanfare, run, serve, settings::limits};

#[test]
fn a_bad_flag_is_named_and_exits_2() {
    let (code, text) = run(fanfare().arg("--lissen"));
    assert_eq!(code, 2);
    assert!(text.contains("--lissen") && text.contains("--listen"), "{text}");
    for bad in [["--clock", "2"], ["--clock", "0s"], ["--shards", "0"], ["--policy", "x"], ["--listen", "x"]] {
        assert_eq!(run(fanfare().args(bad)).0, 2, "{bad:?}");
    }
    assert_eq!(run(fanfare().env("FANFARE_SHARDS", "many")).0, 2);
}

#[test]
fn a_taken_port_is_an_error_that_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, text) = run(fanfare().args(["--listen", &address]));
    assert_eq!(code, 1);
    assert!(
        text.contains(&address) && text.contains("in use") && text.contains("another port with --listen"),
        "{text}"
    );
    // That address belongs to documents, and to no machine (RFC 5737).
    let (code, text) = run(fanfare().args(["--listen", "192.0.2.1:0", "--allow-anonymous-publish"]));
    assert!(code == 1 && text.contains("an address of this machine with --listen"), "{text}");
}

#[test]
fn the_port_of_a_running_fanfare_is_taken_too() {
    let (_first, url) = serve(&[]);
    let address = url.trim_start_matches("http://");
    assert_eq!(run(fanfare().args(["--listen", address])).0, 1);
}

#[test]
fn listening_to_the_world_with_open_publishing_is_refused_until_it_is_meant() {
    let (code, text) = run(fanfare().args(["--listen", "0.0.0.0:0"]));
    assert_eq!(code, 2);
    assert!(text.contains("--allow-anonymous-publish"), "{text}");
    let mut server = Process::start(fanfare().args(["--listen", "0.0.0.0:0", "--allow-anonymous-publish"]));
    server.line_with("listening on ");
}

#[test]
fn each_curl_gets_what_it_should_at_once_and_nothing_else() {
    let (_server, url) = serve(&[]);
    let mut everybody = [curl(&[&url]), curl(&["--http2-prior-knowledge", &url]), curl(&["-0", &url])];
    let of_42 = format!("{url}/sse?id=42");
    let mut twice = [curl(&[&of_42]), curl(&["--http2-prior-knowledge", &of_42])];
    let mut news = curl(&[&format!("{url}/channels/news")]);

    assert!(curl_once(&["-d", "to 42", &format!("{url}/clients/42")]).contains("\"matched\":2}"));
    assert!(curl_once(&["-X", "POST", &format!("{url}/ping/42")]).contains("\"matched\":2}"));
    assert!(curl_once(&["-d", "extra", &format!("{url}/channels/news/broadcast")]).contains("\"matched\":1}"));
    let exact = curl_once(&["-d", "to all", &format!("{url}/broadcast?wait=written")]);
    assert!(exact.contains("\"matched\":6,\"written\":6,\"queued\":0,\"dropped\":0}"), "{exact}");

    let next = |curl: &mut Process| curl.line_with("data: ");
    everybody.iter_mut().for_each(|curl| assert_eq!(next(curl), "data: to all"));
    for curl in &mut twice {
        assert_eq!(next(curl), "data: to 42");
        assert_eq!(next(curl), "data: hello, 42");
        assert_eq!(next(curl), "data: to all");
    }
    assert_eq!(next(&mut news), "data: extra");
    assert_eq!(next(&mut news), "data: to all");
}

#[test]
fn the_clock_ticks_for_everybody() {
    let (_server, url) = serve(&["--clock", "50ms"]);
    let mut stream = curl(&[&url]);
    let line = stream.line_with("data: the time is ");
    assert!(line.ends_with(" +0000 UTC"), "{line}");
}

#[test]
fn the_log_tells_who_came_what_was_sent_and_why_one_left() {
    let (mut server, url) = serve(&[]);
    let stream = curl(&[&format!("{url}/sse?id=ann&channel=a")]);
    let open = server.line_with(" open ");
    assert!(open.contains("client=\"ann\"") && open.contains("channels=[a]"), "{open}");
    curl_once(&["-d", "x", &format!("{url}/channels/a")]);
    assert!(server.line_with("sent to channel a").contains("matched=1"));
    drop(stream);
    let close = server.line_with(" close ");
    assert!(close.contains("client=\"ann\"") && close.contains("client gone") && close.contains("age_ms="), "{close}");
}

#[test]
fn sigterm_tells_every_stream_when_to_come_back_and_exits_0() {
    let (mut server, url) = serve(&[&limits(&["drain-spread = '1s'"])]);
    let mut streams = [curl(&[&url]), curl(&["--http2-prior-knowledge", &url]), curl(&["-0", &url])];
    curl_once(&["-d", "last", &format!("{url}/broadcast")]);
    server.signal("TERM");
    for stream in &mut streams {
        assert_eq!(stream.line_with("data: "), "data: last");
        let retry = stream.line_with("retry: ");
        let retry_ms: u64 = retry["retry: ".len()..].parse().unwrap();
        assert!((1_000..=2_000).contains(&retry_ms), "{retry}");
        assert!(stream.exit().success(), "a whole end, not a broken one");
    }
    assert_eq!(server.exit().code(), Some(0));
}

/// Opens a stream, reads the first bytes of its head, and publishes more than both sockets' buffers hold.
fn stuck_subscriber(url: &str) -> TcpStream {
    let mut stuck = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    stuck.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    stuck.read_exact(&mut [0; 15]).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "x".repeat(1 << 20)).unwrap();
    for _ in 0..12 {
        let body = format!("@{}", file.path().display());
        curl_once(&["--data-binary", &body, &format!("{url}/broadcast?wait=written")]);
    }
    stuck
}

#[test]
fn sigint_drains_too_and_a_peer_that_takes_nothing_makes_it_exit_1() {
    let (mut server, url) = serve(&["--drain-timeout", "100ms"]);
    let _stuck = stuck_subscriber(&url);
    server.signal("INT");
    assert_eq!(server.exit().code(), Some(1));
    let lines = server.remaining_lines().join("\n");
    assert!(lines.contains("connections that had to be cut: 1"), "{lines}");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let (mut server, url) = serve(&["--drain-timeout", "1h"]);
    let _stuck = stuck_subscriber(&url);
    server.signal("TERM");
    server.line_with("draining");
    server.signal("TERM");
    assert_eq!(server.exit().code(), Some(1));
}

#[cfg(target_os = "linux")]
/// Runs `command` with default handlers for the signals that a server survives. Otherwise the command would inherit
/// those of the tests: `nohup` ignores SIGHUP, and such a server leaves it ignored.
fn with_default_signals(command: &Command) -> Command {
    let mut env = Command::new("env");
    env.arg("--default-signal=HUP,USR1,USR2").arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => env.env(name, value),
            None => env.env_remove(name),
        };
    }
    env
}

#[test]
#[cfg(target_os = "linux")]
fn a_hangup_and_the_signals_of_other_servers_end_nothing() {
    let mut command = fanfare();
    command.args(["serve", "--listen", "127.0.0.1:0", "--drain-timeout", "1h"]);
    let mut server = Process::start(&mut with_default_signals(&command));
    let url = server.url();
    let mut stream = curl(&[&url]);
    let habits = ["HUP", "USR1", "HUP"];
    for name in habits {
        server.signal(name);
        let said = if name == "HUP" { "settings and files are read again" } else { "has no effect" };
        assert!(server.line_with(&format!("SIG{name}: ")).contains(said));
    }
    curl_once(&["-d", "still there", &format!("{url}/broadcast")]);
    assert_eq!(stream.line_with("data: "), "data: still there");
    let _stuck = stuck_subscriber(&url);
    server.signal("TERM");
    server.line_with("draining");
    for name in habits {
        server.signal(name);
        server.line_with(&format!("SIG{name}: "));
    }
    // Those were no second signal; this is.
    server.signal("TERM");
    assert_eq!(server.exit().code(), Some(1));
}

#[test]
#[cfg(target_os = "linux")]
fn a_hangup_that_is_ignored_from_the_start_stays_ignored() {
    let script = "trap '' HUP USR2 && exec \"$0\" serve --listen 127.0.0.1:0";
    let mut command = Command::new("bash");
    command.args(["-c", script]).arg(env!("CARGO_BIN_EXE_fanfare"));
    let mut server = Process::start(&mut with_default_signals(&command));
    server.url();
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    let ignored = u64::from_str_radix(ignored.trim(), 16).unwrap();
    // SIGHUP is 1, SIGUSR1 10, SIGUSR2 12, SIGPIPE 13.
    assert_eq!([1, 10, 12, 13].map(|signal| ignored >> (signal - 1) & 1), [1, 0, 1, 1]);
    for name in ["HUP", "USR2", "USR1"] {
        server.signal(name);
    }
    server.line_with("SIGUSR1: ");
    assert!(!server.has_said("SIGHUP: ") && !server.has_said("SIGUSR2: "));
}

#[test]
fn out_of_descriptors_it_says_so_and_open_streams_go_on() {
    let mut server = Process::start(
        Command::new("bash")
            .args(["-c", "ulimit -n 60 && exec \"$0\" \"$@\""])
            .arg(env!("CARGO_BIN_EXE_fanfare"))
            .args(["serve", "--listen", "127.0.0.1:0", "--shards", "1", &limits(&["sockets-max = 1000"])]),
    );
    server.line_with("the system allows 60 open files: so only 23 streams can be open; raise `ulimit -n`");
    server.line_with("more sockets allowed than the system lets open");
    let line = server.line_with("listening on ");
    let url = line.split("listening on ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let address = url.trim_start_matches("http://");
    let mut stream = curl(&[&url]);
    // Those that were idle for longest are closed then, so that others can connect.
    let idle: Vec<_> = (0..80).map(|_| TcpStream::connect(address).unwrap()).collect();
    server.line_with("cannot accept connections for now");
    let publish = |data: &str| curl_once(&["-d", data, &format!("{url}/broadcast")]);
    assert!(publish("meanwhile").contains("\"matched\":1}"));
    assert_eq!(stream.line_with("data: "), "data: meanwhile");
    drop(idle);
    assert!(publish("after").contains("\"matched\":1}"));
    assert_eq!(stream.line_with("data: "), "data: after");
}

#[test]
fn how_many_files_may_be_open_is_told_and_few_are_a_warning_that_holds() {
    let start = |limit: u32| {
        let script = format!("ulimit -n {limit} && exec \"$0\" serve --listen 0 --shards 1");
        Process::start(Command::new("bash").args(["-c", &script]).arg(env!("CARGO_BIN_EXE_fanfare")))
    };
    let mut server = start(1024);
    assert!(server.line_with("the system allows 1024 open files").contains("INFO"));
    server.url();
    assert!(!server.has_said("WARN"), "{:?}", server.seen());
    let mut server = start(64);
    let line = server.line_with("the system allows 64 open files: so only 24 streams can be open; raise `ulimit -n`");
    assert!(line.contains("WARN"), "{line}");
    let url = server.url();
    let _streams: Vec<_> = (0..24).map(|_| curl(&[&url])).collect();
    let refused = curl_once(&["-H", "accept: text/event-stream", &url]);
    assert!(!refused.contains(": connection "), "{refused}");
}

#[test]
fn idle_connections_leave_descriptors_to_the_journal_and_room_to_who_comes() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = Process::start(
        Command::new("bash")
            .args(["-c", "ulimit -n 80 && exec \"$0\" \"$@\""])
            .arg(env!("CARGO_BIN_EXE_fanfare"))
            .args(["serve", "--listen", "127.0.0.1:0", "--admin", "off", "--shards", "2", "--journal"])
            .arg(directory.path().join("journal")),
    );
    let url = server.url();
    let address = url.trim_start_matches("http://");
    let mut stream = curl(&[&url]);
    // Half of the descriptors are for clients. These come behind the stream, and each closes the one that was there for longest.
    let idle: Vec<_> = (0..400).map(|_| TcpStream::connect(address).unwrap()).collect();
    // More than one segment of the journal, so that it has to open files.
    let data = directory.path().join("data");
    fs::write(&data, "x".repeat(1 << 20)).unwrap();
    for _ in 0..40 {
        let answer = curl_once(&["--data-binary", &format!("@{}", data.display()), &format!("{url}/broadcast")]);
        assert!(answer.contains("\"matched\":1}"), "{answer}");
        // No more at a time than there is room for.
        assert!(stream.line_with("data: ").ends_with('x'));
    }
    drop(idle);
    assert!(!server.has_said("cannot accept connections"), "{:?}", server.seen());
    let warnings: Vec<_> = server.seen().iter().filter(|line| line.contains("WARN")).collect();
    assert!(matches!(warnings[..], [line] if line.contains("raise `ulimit -n`")), "{warnings:?}");
}
