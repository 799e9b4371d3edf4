//! The limits that packaging/systemd puts on the unit: systemd finds little that the service may do, and the server can do
//! all that it has to.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
};

use crate::{
    desk::{Desk, need_programs_of},
    site::run,
    support::{PATIENCE, Process, curl_once},
    tree::root,
};

const UNIT: &str = "examples/systemd/fanfare.service";
const LIMITS: &str = "packaging/systemd/hardening.conf";

/// The greatest exposure that systemd may find, times ten. It counts what a service may do, from 0 to 10.
const EXPOSURE_MAX: &str = "20";

/// The unit in a directory that looks like the root of a system. With its limits or without.
fn installed(desk: &Desk, has_limits: bool) -> String {
    let place = desk.path(if has_limits { "limited" } else { "free" });
    let units = place.join("usr/lib/systemd/system");
    fs::create_dir_all(units.join("fanfare.service.d")).unwrap();
    fs::copy(root().join(UNIT), units.join("fanfare.service")).unwrap();
    if has_limits {
        fs::copy(root().join(LIMITS), units.join("fanfare.service.d/hardening.conf")).unwrap();
    }
    place.display().to_string()
}

#[test]
fn systemd_finds_little_that_the_service_may_do() {
    need_programs_of("systemd-analyze");
    let desk = Desk::new();
    let security = |root: &str| {
        let words = ["security", "--offline=true", "--threshold", EXPOSURE_MAX, "--root", root, "fanfare.service"];
        run(&desk, &mut desk.program("systemd-analyze", &words), PATIENCE).unwrap()
    };
    let (code, output) = security(&installed(&desk, true));
    assert!(code == 0 && output.contains("Overall exposure level for fanfare.service"), "{output}");
    let (code, output) = security(&installed(&desk, false));
    assert!(code != 0, "the limits of {LIMITS} change nothing: {output}");
}

/// The system calls that `SystemCallFilter=` of the limits leaves.
fn allowed(desk: &Desk) -> BTreeSet<String> {
    let (code, output) = run(desk, &mut desk.program("systemd-analyze", &["syscall-filter"]), PATIENCE).unwrap();
    assert_eq!(code, 0, "{output}");
    let mut groups: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut group = "";
    for line in output.lines().filter(|line| !line.trim_start().starts_with('#')) {
        if line.starts_with('@') {
            group = line.trim();
        } else if !line.trim().is_empty() {
            groups.entry(group).or_default().push(line.trim());
        }
    }
    let mut allowed = BTreeSet::new();
    let limits = fs::read_to_string(root().join(LIMITS)).unwrap();
    for filter in limits.lines().filter_map(|line| line.strip_prefix("SystemCallFilter=")) {
        let calls: BTreeSet<String> =
            filter.trim_start_matches('~').split(' ').flat_map(|name| whole(name, &groups)).collect();
        if filter.starts_with('~') {
            allowed.retain(|call| !calls.contains(call));
        } else {
            allowed.extend(calls);
        }
    }
    allowed
}

/// The calls of a group, and of the groups in it.
fn whole(name: &str, groups: &HashMap<&str, Vec<&str>>) -> Vec<String> {
    match groups.get(name) {
        Some(members) => members.iter().flat_map(|member| whole(member, groups)).collect(),
        None => vec![name.to_owned()],
    }
}

/// The calls in the output of strace: `123 read(5, ...`.
fn made(trace: &str) -> BTreeSet<String> {
    let calls = trace.lines().filter_map(|line| {
        let (_, call) = line.split_once(' ')?;
        let (name, _) = call.trim_start().split_once('(')?;
        name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_').then(|| name.to_owned())
    });
    calls.collect()
}

#[test]
fn the_filter_of_system_calls_leaves_all_that_the_server_makes() {
    need_programs_of("strace systemd-analyze");
    let desk = Desk::new();
    let allowed = allowed(&desk);
    assert!(allowed.contains("read") && !allowed.contains("reboot") && !allowed.contains("chown"), "{allowed:?}");
    let (trace, journal) = (desk.path("trace"), desk.path("journal"));
    let (trace, journal) = (trace.to_str().unwrap(), journal.to_str().unwrap());
    let serve =
        ["serve", "--listen=127.0.0.1:0", "--tls-self-signed", "--listen-tls=127.0.0.1:0", "--journal", journal];
    let words = [&["-f", "-qq", "-o", trace, "fanfare"][..], &serve].concat();
    let mut server = Process::start(&mut desk.program("strace", &words));
    let urls = [server.url(), server.url()];
    for url in &urls {
        let url = format!("{url}/channels/news");
        let mut stream = Process::start(desk.program("curl", &["-sNk", &url]).env_remove("CURL_HOME"));
        stream.line_with(": connection ");
        assert!(curl_once(&["-k", "-d", "hello", &url]).contains("\"matched\":1"));
        stream.line_with("data: hello");
    }
    // strace passes no signal on; the server is its child.
    let (code, pid) = run(&desk, &mut desk.program("pgrep", &["-P", &server.id().to_string()]), PATIENCE).unwrap();
    assert_eq!(code, 0, "pgrep is missing: `apt-get install procps` brings it");
    for signal in ["-HUP", "-TERM"] {
        assert_eq!(run(&desk, &mut desk.program("kill", &[signal, pid.trim()]), PATIENCE).unwrap().0, 0);
    }
    assert_eq!(server.exit().code(), Some(0));
    let made = made(&fs::read_to_string(trace).unwrap());
    assert!(made.contains("fdatasync") || made.contains("fsync"), "the journal was written: {made:?}");
    let refused: Vec<_> = made.difference(&allowed).collect();
    assert!(refused.is_empty(), "the unit does not allow {refused:?}");
}
