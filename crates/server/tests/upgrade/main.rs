//! Upgrades: a new process takes the sockets over, no connection is refused or reset, and streams go on where they were. A new process that
//! cannot serve leaves the old one as it is.
#![cfg(target_os = "linux")]

mod ends;
mod serving;
#[path = "../support/mod.rs"]
mod support;

use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use serving::{Package, Serving, is_alive};
use support::{
    PATIENCE, Process, curl_once, fanfare, run,
    settings::{File, limits},
    until,
};

/// Asks on a connection of its own. Nothing else than a whole answer will do.
fn ask(address: SocketAddr, request: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.starts_with("HTTP/1.1 ") {
        true => Ok(answer),
        false => Err(io::Error::other(format!("no answer: {answer:?}"))),
    }
}

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

#[test]
fn no_connection_is_refused_or_reset_through_ten_upgrades() {
    let mut server = Serving::started(fanfare().args(["serve", "--listen", "127.0.0.1:0", "--shards", "2"]));
    let (is_over, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let address = server.address;
    thread::scope(|scope| {
        // The flag only ends the loops, and the scope's end orders the rest.
        let clients: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        let answer = ask(address, HEALTH).unwrap();
                        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
                        asked.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        for _ in 0..10 {
            let before = asked.load(Ordering::Relaxed);
            server.upgrade();
            until("clients are served", || {
                asked.load(Ordering::Relaxed) > before || clients.iter().any(thread::ScopedJoinHandle::is_finished)
            });
        }
        is_over.store(true, Ordering::Relaxed);
    });
    // The first process has ended well.
    assert_eq!(server.first.exit().code(), Some(0));
    server.end();
}

#[test]
fn streams_end_in_good_order_and_resume_without_a_loss() {
    const UPGRADES: usize = 4;
    let journal = tempfile::tempdir().unwrap();
    let path = journal.path().join("journal").display().to_string();
    let mut server = Serving::started(fanfare().args(["serve", "--listen", "127.0.0.1:0", "--journal", &path]));
    let address = server.address;
    let is_over = AtomicBool::new(false);
    let mut stream = Process::start(fanfare().args([
        "subscribe",
        &server.url("/channels/news"),
        "--json",
        "--heartbeat=cursor",
        "--since=earliest",
    ]));
    let published = thread::scope(|scope| {
        let publisher = scope.spawn(|| {
            let mut published = Vec::new();
            for number in 0_usize.. {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                let body = format!("event {number}");
                // A publish that comes to a server that drains is refused with words, and is sent again.
                loop {
                    let answer = ask(
                        address,
                        &format!(
                            "POST /channels/news HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                            body.len()
                        ),
                    )
                    .unwrap();
                    if answer.starts_with("HTTP/1.1 202 ") {
                        break;
                    }
                    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: "), "{answer}");
                }
                published.push(body);
            }
            published
        });
        for _ in 0..UPGRADES {
            server.upgrade();
        }
        is_over.store(true, Ordering::Relaxed);
        publisher.join().unwrap()
    });
    assert!(published.len() > UPGRADES, "{}", published.len());
    let mut got = Vec::new();
    while got.len() < published.len() {
        let line = stream.line_with("{");
        let event: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_ne!(event["event"], "fanfare.gap", "{line}");
        got.push(event["data"].as_str().unwrap().to_owned());
    }
    assert_eq!(got, published);
    server.end();
}

#[test]
fn a_stream_is_told_when_to_come_back() {
    // The delay is for balancers that send their traffic elsewhere. Here the new process has the same address.
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--drain-delay", "1h"];
    let mut server = Serving::started(fanfare().args(arguments));
    let mut stream = support::curl(&[&server.url("/channels/news")]);
    server.upgrade();
    let lines = stream.remaining_lines();
    assert!(lines.iter().any(|line| line.starts_with("retry: ")), "{lines:?}");
    assert_eq!(stream.exit().code(), Some(0), "the end is a whole one");
}

#[test]
fn a_new_process_reads_the_file_anew() {
    let file = File::new("body-bytes = 10");
    let mut server = Serving::started(file.command().args(["--listen", "127.0.0.1:0"]));
    let status = |server: &Serving| {
        let url = server.url("/broadcast");
        curl_once(&["-o", "/dev/null", "-w", "%{http_code}", "-d", "12345678901", &url])
    };
    assert_eq!(status(&server), "413");
    fs::write(&file.path, "body-bytes = 20").unwrap();
    server.upgrade();
    assert_eq!(status(&server), "202");
    server.end();
}

#[test]
fn both_sockets_are_passed_on() {
    let mut command = fanfare();
    command.args(["serve", "--listen", "127.0.0.1:0", "--tls-self-signed", "--listen-tls", "127.0.0.1:0"]);
    let mut server = Serving::started(&mut command);
    let line = server.first.line_with("listening on https://");
    let port = line.split("listening on https://127.0.0.1:").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    server.upgrade();
    for url in [server.url("/healthz"), format!("https://127.0.0.1:{port}/healthz")] {
        assert_eq!(curl_once(&["-k", &url]).trim(), "ok");
    }
    server.end();
}

#[test]
fn a_new_process_that_cannot_serve_leaves_the_old_one_serving() {
    let journal = tempfile::tempdir().unwrap();
    let path = journal.path().join("journal").display().to_string();
    let soon = limits(&["upgrade-timeout = '1s'"]);
    for flags in [&[soon.as_str()][..], &[&soon, "--journal", &path]] {
        let package = Package::new();
        let server = package.serve(flags);
        let mut stream = support::curl(&[&server.url("/channels/news")]);
        for (script, said) in [
            ("exit 7", "the new process has ended before it was ready (exit status: 7)"),
            ("exec sleep 60", "the new process was not prepared within 1s (upgrade-timeout under [limits])"),
            ("kill -KILL $$", "has ended before it was ready (signal: 9"),
            ("echo hello >&0; exec sleep 60", "the new process says `hello`, and not `prepared`"),
        ] {
            package.update(script);
            let text = server.try_upgrade();
            assert!(text.contains(said), "{script}: {text}");
        }
        fs::remove_file(&package.path).unwrap();
        assert!(server.try_upgrade().contains("cannot be started: No such file"));
        curl_once(&["-d", "still there", &server.url("/channels/news")]);
        assert_eq!(stream.line_with("data: "), "data: still there");
        server.end();
    }
}

#[test]
fn a_bad_file_is_told_and_the_old_process_goes_on() {
    let file = File::new("log = 'info'");
    let mut server = Serving::started(file.command().args(["--listen", "127.0.0.1:0"]));
    for (bad, said) in [
        ("heartbeat = 'soon'", "heartbeat = \"soon\""),
        ("api-keys = '/nowhere/keys.toml'", "--api-keys: /nowhere/keys.toml: No such file"),
    ] {
        fs::write(&file.path, bad).unwrap();
        let text = server.try_upgrade();
        assert!(text.contains("the new process says: ") && text.contains(said), "{text}");
    }
    assert_eq!(curl_once(&[&server.url("/healthz")]).trim(), "ok");
    fs::write(&file.path, "").unwrap();
    server.upgrade();
    server.end();
}

#[test]
fn a_journal_that_cannot_be_opened_brings_the_old_process_back() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("journal").display().to_string();
    let package = Package::new();
    let server = package.serve(&["--journal", &path]);
    curl_once(&["-d", "before", &server.url("/channels/news")]);
    // It is prepared, and ends when it is to start.
    package.update("printf 'prepared\\n' >&0; read -r names <&0; read -r word <&0; exit 3");
    let (is_over, address) = (AtomicBool::new(false), server.address);
    thread::scope(|scope| {
        let client = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                ask(address, HEALTH).unwrap();
            }
        });
        let text = server.try_upgrade();
        assert!(text.contains("has ended before it was ready"), "{text}");
        is_over.store(true, Ordering::Relaxed);
        client.join().unwrap();
    });
    curl_once(&["-d", "after", &server.url("/channels/news")]);
    let page = curl_once(&[&server.url("/channels/news/history")]);
    assert!(page.contains("before") && page.contains("after"), "{page}");
    server.end();
}

#[test]
fn many_requests_for_an_upgrade_are_served_one_after_the_other() {
    let mut server = Serving::started(fanfare().args(["serve", "--listen", "127.0.0.1:0"]));
    let package = server.now;
    for _ in 0..20 {
        let _ = Command::new("kill").args(["-USR2", &package.to_string()]).status();
    }
    let line = server.first.line_with(" serves from now on");
    server.now = line.split("process ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert_eq!(server.first.exit().code(), Some(0));
    assert_eq!(curl_once(&[&server.url("/healthz")]).trim(), "ok");
    server.end();
}

#[test]
fn the_command_asks_only_a_server() {
    let other = Process::start(Command::new("sleep").arg("60"));
    let missing = tempfile::tempdir().unwrap().path().join("nowhere.pid").display().to_string();
    let file = File::new("no number");
    for (arguments, code, said) in [
        (["--pid".to_owned(), other.id().to_string()], 1, "is no server of Fanfare that runs"),
        (["--pid".to_owned(), "4194304".to_owned()], 1, "is no server of Fanfare that runs"),
        (["--pid".to_owned(), "0".to_owned()], 2, "--pid"),
        (["--pid-file".to_owned(), missing], 2, "No such file"),
        (["--pid-file".to_owned(), file.path.display().to_string()], 2, "there is no process id in it"),
    ] {
        let (status, text) = run(fanfare().arg("upgrade").args(&arguments));
        assert!(status == code && text.contains(said), "{arguments:?}: {text}");
    }
    assert!(is_alive(Path::new(&format!("/proc/{}", other.id()))), "it was left alone");
}

#[test]
fn the_id_may_stand_in_a_file() {
    let mut server = Serving::started(fanfare().args(["serve", "--listen", "127.0.0.1:0"]));
    let file = File::new(format!("{}\n", server.now));
    let (code, text) = run(fanfare().arg("upgrade").arg("--pid-file").arg(&file.path));
    assert_eq!(code, 0, "{text}");
    let new = text.lines().last().unwrap().split(' ').nth(1).unwrap();
    server.now = new.parse().unwrap();
    server.end();
}

#[test]
fn the_first_process_of_a_container_says_that_it_cannot_be_upgraded() {
    let mut command = Command::new("unshare");
    let environment = fanfare();
    for (name, _) in environment.get_envs() {
        command.env_remove(name);
    }
    let server = ["serve", "--listen", "127.0.0.1:0"];
    command.args(["--user", "--map-root-user", "--pid", "--fork", "--kill-child", env!("CARGO_BIN_EXE_fanfare")]);
    let mut process = Process::start(command.args(server));
    let url = process.url();
    let children = format!("/proc/{0}/task/{0}/children", process.id());
    let child = fs::read_to_string(children).unwrap().trim().to_owned();
    assert!(Command::new("kill").args(["-USR2", &child]).status().unwrap().success());
    process.line_with("no upgrade, this process goes on: this is the first process of a container");
    assert_eq!(curl_once(&[&format!("{url}/healthz")]).trim(), "ok");
}
