//! Limits: keys that only `[limits]` of the file may have, and the memory from which some of them follow.

mod support;

use std::process::Command;

use support::{
    Process, curl, curl_once, fanfare, run, serve,
    settings::{File, checked, has, limits},
};

#[test]
fn a_limit_that_is_given_elsewhere_is_told_its_place_and_exits_2() {
    let (_, report) = run(fanfare().arg("--check"));
    let (_, limits) = report.split_once("\n[limits]\n").unwrap();
    assert!(limits.lines().count() > 30, "{limits}");
    let (_, help) = run(fanfare().args(["serve", "--help"]));
    // The default of a limit that does not hold for all addresses is a comment.
    for line in limits.lines().map(|line| line.trim_start_matches("# ")) {
        let line = line.split(" #").next().unwrap().trim_end();
        // One without a fixed default takes any number.
        let unset = line.strip_suffix(" is not set").map(|key| (key, "1"));
        let (key, value) = line.split_once(" = ").or(unset).unwrap();
        let (place, value) = (format!("{key} under [limits] (see docs/settings.md)"), value.trim_matches('"'));
        let flag = format!("--{key}");
        let (code, text) = run(fanfare().args(["serve", "--check", &flag, value]));
        assert!(code == 2 && text.contains(&flag) && text.contains(&place), "{text}");
        let (code, text) = run(fanfare().arg(format!("{flag}={value}")));
        assert!(code == 2 && text.contains(&flag) && text.contains(&place), "{text}");
        let variable = format!("FANFARE_{}", key.replace('-', "_").to_uppercase());
        let (code, text) = run(fanfare().env(&variable, value));
        assert!(
            code == 2 && text.starts_with(&format!("error: {variable}: it is ")) && text.contains(&place),
            "{text}"
        );
        let (code, text) = run(&mut File::new(format!("\n{key} = '{value}'")).command());
        let said = format!("line 2: `{key}` is a limit: write it under [limits]");
        assert!(code == 2 && text.contains(&said), "{text}");
        assert!(!help.contains(&format!("{flag} ")) && !help.contains(&variable), "{help}");
    }
}

#[test]
fn a_limit_is_what_the_server_keeps_to() {
    let (_server, url) = serve(&[&limits(&["channels-max = 2"])]);
    let refused = curl_once(&[&format!("{url}/sse?channel=a&channel=b&channel=c")]);
    assert!(refused.contains("\"status\":400") && refused.contains("2 channels"), "{refused}");
    // This waits until it is open.
    let _stream = curl(&[&format!("{url}/sse?channel=a&channel=b")]);
}

#[test]
fn the_memory_is_shared_out_among_the_limits_that_are_not_set() {
    let all = checked(fanfare().args(["--memory=1GiB", "--shards=4"]));
    has(&all, "memory = \"1GiB\"", "flag");
    for line in [
        "hub-history-bytes = \"512MiB\"",
        "hub-ring-bytes = \"256MiB\"",
        "inbox-bytes = \"32MiB\"",
        "bodies-bytes = \"64MiB\"",
        "send-buffers-bytes = \"512MiB\"",
    ] {
        has(&all, line, "default: from memory");
    }
    let file = File::new("memory = '64MiB'\nshards = 2\n[limits]\nhub-ring-bytes = '1MiB'");
    let all = checked(&mut file.command());
    has(&all, "hub-ring-bytes = \"1MiB\"", "file");
    has(&all, "hub-history-bytes = \"32MiB\"", "default: from memory");
    has(&all, "inbox-bytes = \"4MiB\"", "default: from memory");
    let mut server = Process::start(file.command().args(["--listen", "127.0.0.1:0"]));
    let line = server.line_with("memory for events: ");
    assert!(line.contains("64MiB (as set): history 32MiB, slow streams 1MiB, bodies 4MiB"), "{line}");
    // Nobody has set it here: the log and the report say of what it is a part.
    let (line, source) = checked(&mut fanfare()).into_iter().find(|(line, _)| line.starts_with("memory = ")).unwrap();
    assert!(source.starts_with("default: ") && source.len() > "default: ".len(), "{line} {source}");
    let (server, _) = serve(&[]);
    let line = server.seen().iter().find(|line| line.contains("memory for events: ")).unwrap();
    assert!(line.contains(source.trim_start_matches("default: ")), "{line} {source}");
}

#[test]
fn a_container_with_little_memory_is_not_taken_for_the_machine() {
    // What a process in a container with 256MiB sees, whichever version of cgroups the machine has.
    let script = "mount -t tmpfs tmpfs /sys/fs/cgroup && cd /sys/fs/cgroup && mkdir memory unified && \
                  echo 268435456 | tee memory.max unified/memory.max memory/memory.limit_in_bytes && \
                  exec \"$0\" serve --check --shards 2";
    // As an ordinary user, and as root where there are no user namespaces.
    let tried = [&["--user", "--map-root-user", "--mount"][..], &["--mount"]].map(|flags| {
        run(Command::new("unshare").args(flags).args(["sh", "-c", script, env!("CARGO_BIN_EXE_fanfare")]))
    });
    let said = tried.iter().find(|(code, _)| *code == 0).map(|(_, text)| text);
    let said = said.unwrap_or_else(|| panic!("{tried:?}: this test mounts a file system; allow it, or run it as root"));
    let is_said = |line: &str, source: &str| said.lines().any(|is| is.starts_with(line) && is.ends_with(source));
    assert!(is_said("memory = \"64MiB\" ", "# default: a quarter of the 256MiB that the cgroup allows"), "{said}");
    for line in ["hub-history-bytes = \"32MiB\" ", "inbox-bytes = \"4MiB\" ", "bodies-bytes = \"4MiB\" "] {
        assert!(is_said(line, "# default: from memory"), "{line}: {said}");
    }
}

#[test]
fn an_operator_has_about_thirty_flags_to_choose_from_and_some_for_https_for_access_and_for_proxies() {
    let (_, help) = run(fanfare().args(["serve", "--help"]));
    let (mut counts, mut heading) = (std::collections::BTreeMap::new(), "");
    for line in help.lines() {
        if line.starts_with("      --") && line.as_bytes()[8].is_ascii_lowercase() {
            let group = match heading {
                "TLS (https)" | "Certificates by ACME" => "https",
                "Who may do what" | "An application decides" => "access",
                "Behind proxies" => "proxies",
                "Operating" => "operating",
                _ => "others",
            };
            *counts.entry(group).or_insert(0) += 1;
        } else if let Some(name) = line.strip_suffix(':').filter(|name| !name.starts_with(' ')) {
            heading = name;
        }
    }
    assert!((28..=33).contains(&counts["others"]), "{counts:?}");
    let most = [("https", 11), ("access", 15), ("proxies", 3), ("operating", 4)];
    assert!(most.iter().all(|(group, most)| counts[group] <= *most), "{counts:?}");
}
