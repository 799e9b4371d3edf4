//! The end of an old process or of a new one before the upgrade is over, and of an old one that drains behind a slow client.

use std::{fs, net::TcpStream, path::Path, process::Command};

use crate::{
    serving::{Package, Serving, children_of, is_alive},
    support::{
        curl_once, fanfare,
        server::{Server, is_closed, patient},
        settings::limits,
        until,
    },
};

/// A server whose drain waits for a client that reads nothing.
fn behind_a_slow_client(arguments: &[&str]) -> (Serving, TcpStream) {
    let mut command = fanfare();
    command.args(["serve", "--listen", "127.0.0.1:0", "--drain-timeout", "1h", &patient()]).args(arguments);
    let mut first = Server::started(&mut command);
    let slow = first.stuck("/channels/news");
    (Serving::of(first), slow)
}

#[test]
fn a_new_process_ends_with_an_old_one_that_is_killed() {
    let package = Package::new();
    // Nobody answers at that port, so the new process does not become ready.
    let mut server = package.serve(&["--redis", "redis://127.0.0.1:1", &limits(&["upgrade-timeout = '1h'"])]);
    server.signal("USR2");
    server.first.line_with("prepared to take over");
    let mut child = String::new();
    until("there is a new process", || {
        child = children_of(server.now).trim().to_owned();
        !child.is_empty()
    });
    server.signal("KILL");
    until("it has ended too", || !is_alive(Path::new(&format!("/proc/{child}"))));
}

#[test]
fn an_old_process_that_drains_for_a_new_one_is_ended_by_signals() {
    let (mut server, _slow) = behind_a_slow_client(&[]);
    let old = server.now;
    // `fanfare upgrade` would wait until the old one has ended.
    server.signal("USR2");
    server.first.line_with("draining connections=1");
    server.now = children_of(old).trim().parse().unwrap();
    let end = || assert!(Command::new("kill").args(["-TERM", &old.to_string()]).status().unwrap().success());
    end();
    server.first.line_with("SIGTERM: draining; a second signal ends it at once");
    end();
    assert_eq!(server.first.exit().code(), Some(1));
    assert_eq!(curl_once(&[&server.url("/healthz")]).trim(), "ok", "the new one goes on");
    server.end();
}

#[test]
fn an_old_process_has_no_connections_wait_for_a_new_one_that_has_ended() {
    let (mut server, _slow) = behind_a_slow_client(&[]);
    let old = server.now;
    server.signal("USR2");
    server.first.line_with("draining connections=1");
    server.now = children_of(old).trim().parse().unwrap();
    server.signal("KILL");
    until("connections are refused", || is_closed(server.address));
    assert!(is_alive(Path::new(&format!("/proc/{old}"))), "it waits for its slow client");
}

#[test]
fn an_old_process_that_waits_for_a_new_one_is_ended_by_a_signal() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("journal").display().to_string();
    let package = Package::new();
    let mut server = package.serve(&["--journal", &path, &limits(&["upgrade-timeout = '1h'"])]);
    // It is prepared, and never ready.
    package.update("printf 'prepared\\n' >&0; read -r names <&0; read -r word <&0; echo started; read -r end <&0");
    server.signal("USR2");
    server.first.line_with("started");
    server.signal("TERM");
    server.first.line_with("SIGTERM: draining");
    server.first.line_with("no upgrade: this process is told to end");
    assert_eq!(server.first.exit().code(), Some(0));
}

#[test]
fn a_new_process_that_comes_too_late_does_not_take_over_from_one_that_is_told_to_end() {
    let package = Package::new();
    let mut server = package.serve(&["--drain-delay", "2s", &limits(&["upgrade-timeout = '1h'"])]);
    let home = tempfile::tempdir().unwrap();
    let may_go_on = home.path().join("go on");
    package.update(&format!(
        "printf 'prepared\\n' >&0; read -r names <&0; read -r word <&0; echo started; \
         while [ ! -e '{}' ]; do sleep 0.02; done; printf 'ready\\n' >&0; read -r end <&0 && echo takes-over",
        may_go_on.display()
    ));
    server.signal("USR2");
    server.first.line_with("started");
    server.signal("TERM");
    server.first.line_with("no upgrade: this process is told to end");
    fs::write(&may_go_on, "").unwrap();
    assert_eq!(server.first.exit().code(), Some(0));
    let rest = server.first.remaining_lines();
    assert!(!rest.iter().any(|line| line.contains("takes-over") || line.contains("serves from now on")), "{rest:#?}");
}

#[test]
fn nobody_can_connect_to_an_old_process_that_is_told_to_end_while_it_drains_for_a_new_one() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("journal").display().to_string();
    let (mut server, _slow) = behind_a_slow_client(&["--journal", &path]);
    server.signal("USR2");
    server.first.line_with("draining connections=1");
    server.signal("TERM");
    server.first.line_with("no upgrade: this process is told to end");
    until("connections are refused", || is_closed(server.address));
    assert_eq!(children_of(server.now), "", "the new process is gone");
    server.signal("TERM");
    assert_eq!(server.first.exit().code(), Some(1));
}

#[test]
fn nobody_can_connect_to_an_old_process_that_is_told_to_end_while_it_starts_a_new_one() {
    let package = Package::new();
    let limits = limits(&["upgrade-timeout = '1h'", "write-timeout = '1h'"]);
    let mut first = Server::started(&mut package.command(&["--drain-timeout", "1h", &limits]));
    let _slow = first.stuck("/channels/news");
    let mut server = Serving::of(first);
    package.update("printf 'prepared\\n' >&0; read -r names <&0; read -r word <&0; echo started; exec sleep 60");
    server.signal("USR2");
    server.first.line_with("started");
    server.signal("TERM");
    server.first.line_with("draining connections=1");
    until("connections are refused", || is_closed(server.address));
    until("the new process is gone", || children_of(server.now).is_empty());
    server.signal("TERM");
    assert_eq!(server.first.exit().code(), Some(1));
}
