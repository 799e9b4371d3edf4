//! A comparison, end to end and as small as can be: its output and its files, its words on faults and on missing
//! figures, and that it leaves nothing behind.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::started::{Floor, PATIENCE, loadtest};

impl Floor {
    /// The flag that makes it a server of a comparison.
    fn peer(&self, name: &str) -> String {
        format!("--peer={name},url=http://{},subscribe=/sub,publish=/pub,pid={}", self.address, self.child.id())
    }
}

/// Compares with one round and a hundredth of everything, unless `args` say otherwise.
pub(crate) fn compare(args: &[&str]) -> Output {
    let is_given = |flag: &str| args.iter().any(|arg| arg.starts_with(flag));
    let usual = ["--rounds=1", "--scale=0.01"].into_iter().filter(|flag| !is_given(&flag[..7]));
    loadtest(&["compare"]).args(usual).args(args).output().unwrap()
}

/// The exit status and the words on stderr.
fn failure(args: &[&str]) -> (i32, String) {
    let output = compare(args);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn a_comparison_is_printed_and_kept_with_everything_that_was_measured() {
    let (given, directory) = (Floor::start(), tempfile::tempdir().unwrap());
    // Made if it is not there.
    let out = directory.path().join("runs/today");
    let output = compare(&[
        "--peers=floor",
        &given.peer("fanfare"),
        "--cases=sparse-1000",
        "--rounds=2",
        "--json",
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let json = json(&output);
    assert_eq!(
        json,
        serde_json::from_str::<Value>(&std::fs::read_to_string(out.join("summary.json")).unwrap()).unwrap()
    );

    // Each server is the first in one of the rounds.
    let field = |name: &str| {
        let trials = json["trials"].as_array().unwrap();
        trials.iter().map(|trial| trial[name].to_string()).collect::<Vec<_>>().join(" ").replace('"', "")
    };
    assert_eq!(field("round"), "1 1 2 2");
    assert_eq!(field("peer"), "floor fanfare fanfare floor");
    let trial = &json["trials"][0];
    assert_eq!(trial["outcome"]["figures"]["deliveries"], 50);
    assert_eq!(trial["server_command"][1], "floor");
    assert_eq!(trial["generator_command"][1], "fanout");
    assert_eq!(json["trials"][1]["server_command"], Value::Null);

    let case = &json["cases"][0];
    assert_eq!((case["name"].as_str(), case["damages"][1]["lost"].as_u64()), (Some("sparse-1000"), Some(0)));
    for figure in case["figures"].as_array().unwrap() {
        assert_eq!(figure["rows"][1]["peer"], "fanfare");
        let spread = &figure["rows"][1]["spread"];
        assert_eq!(spread["rounds"], 2, "{figure}");
        assert!(spread["min"].as_f64().unwrap() <= spread["median"].as_f64().unwrap(), "{figure}");
    }
    let latency = &case["figures"][1]["rows"][1];
    assert!(latency["ratio_to_floor"]["median"].as_f64().unwrap() > 0.0, "{latency}");
    for name in ["cpu", "kernel", "date"] {
        assert!(json["machine"][name].is_string(), "{name}");
    }
    let targets = json["targets"].as_array().unwrap();
    let reached = |what: &str| targets.iter().find(|target| target["target"] == what).map(|target| &target["reached"]);
    assert_eq!(reached("nothing lost, duplicated or reordered"), Some(&"yes".into()));
    assert_eq!(targets.len(), 1, "the others say nothing about a run of another size: {targets:?}");

    let readme = std::fs::read_to_string(out.join("README.md")).unwrap();
    for part in ["## sparse-1000", "| latency p50, ms | fanfare |", "## Targets", "scaled: only 0.01", "--preset floor"]
    {
        assert!(readme.contains(part), "{part}: {readme}");
    }
}

#[test]
fn text_has_a_table_and_what_was_lost() {
    let given = Floor::start();
    let output = compare(&["--peers=floor", &given.peer("fanfare"), "--cases=sparse-1000"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let line = |parts: &[&str]| text.lines().any(|line| parts.iter().all(|part| line.contains(part)));
    assert!(line(&["latency p50, ms", "floor", "1.00", "none"]), "{text}");
    assert!(line(&["server CPU per delivery, us", "fanfare", "none"]), "{text}");
    assert!(line(&["every event reaches every stream", "nothing lost, duplicated or reordered: 0, reached"]), "{text}");
}

#[test]
fn a_fault_is_told_and_only_fanfares_is_a_failure() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (name, status) in [("fanfare", 1), ("other", 0)] {
        let peer = format!("--peer={name},url=http://{nobody},preset=floor");
        let output = compare(&["--peers=floor", &peer, "--cases=few", "--json"]);
        assert_eq!(output.status.code(), Some(status), "{output:?}");
        let damages = &json(&output)["cases"][0]["damages"];
        assert_eq!(damages[0]["faults"], serde_json::json!([]));
        let fault = damages[1]["faults"][0].as_str().unwrap();
        assert!(fault.contains("no result") && fault.contains("refused"), "{fault}");
    }
}

#[test]
fn what_is_missing_is_told_before_anything_starts() {
    let (status, stderr) = failure(&["--peers=floor,nchan", "--nchan-module=/nowhere/nchan.so"]);
    let sentence = "fanfare-loadtest: nginx's module nchan (/nowhere/nchan.so) is missing: `apt-get install nginx \
        libnginx-mod-nchan`, or leave nchan out of --peers\n";
    assert!(
        status == 1 && (stderr == sentence || stderr.contains("the program nginx is missing")),
        "{status}: {stderr}"
    );
    let (status, stderr) = failure(&["--peers=nchan", "--nginx=/nowhere/nginx"]);
    assert!(status == 1 && stderr.contains("the program nginx (/nowhere/nginx) is missing"), "{stderr}");
    let (status, stderr) = failure(&["--peers=floor,fanfare", "--fanfare=/nowhere/fanfare"]);
    assert_eq!((status, stderr.as_str()), (1, "fanfare-loadtest: there is no program /nowhere/fanfare\n"));
    let (status, stderr) = failure(&["--peers=floor", "--peer=floor,url=http://a,preset=floor"]);
    assert_eq!((status, stderr.as_str()), (1, "fanfare-loadtest: two servers are called floor\n"));
    let (status, stderr) = failure(&["--peers=floor", "--server-core=1023"]);
    assert!(status == 1 && stderr.contains("core 1023 is not there"), "{stderr}");
    for (flag, why) in
        [("--rounds=21", "1..=20"), ("--cases=fast", "the cases are"), ("--peer=x,url=y", "begins with http://")]
    {
        let (status, stderr) = failure(&["--peers=floor", flag]);
        assert!(status == 2 && stderr.contains(why), "{flag}: {stderr}");
    }
}

#[test]
fn a_server_that_does_not_start_is_told_with_its_last_words() {
    // A shell knows none of Fanfare's flags.
    let (status, stderr) = failure(&["--peers=fanfare", "--fanfare=/bin/sh", "--cases=few"]);
    assert!(status == 1 && stderr.contains("fanfare ended at once (exit status: 2); it said:\n"), "{stderr}");
    assert!(stderr.contains("option"), "{stderr}");
}

#[test]
fn a_server_that_does_not_start_again_is_a_fault_and_not_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let once = directory.path().join("once").display().to_string();
    let floor = env!("CARGO_BIN_EXE_fanfare-loadtest");
    let lines = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && exit\n[ -e {once} ] && echo broken && exit 3\n: > {once}\nexec {floor} floor\n"
    );
    let fanfare = script(directory.path(), &lines);
    let output = compare(&["--peers=floor,fanfare", &fanfare, "--cases=few", "--rounds=2", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let json = json(&output);
    assert_eq!(json["trials"].as_array().unwrap().len(), 4, "{json}");
    let faults = &json["cases"][0]["damages"];
    assert_eq!(faults[0]["faults"], serde_json::json!([]));
    let fault = faults[1]["faults"].as_array().unwrap().last().unwrap().as_str().unwrap();
    assert!(fault.contains("round 2") && fault.contains("ended at once") && fault.contains("broken"), "{fault}");
    assert!(json["command"].to_string().contains("--fanfare=fanfare"), "{json}");
}

#[test]
fn nchan_delivers_everything() {
    let output = compare(&["--peers=nchan", "--cases=few", "--scale=0.1", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}; `cargo xtask test` installs what is missing");
    let json = json(&output);
    assert_eq!(json["trials"][0]["outcome"]["figures"]["deliveries"], 60, "{json}");
    assert_eq!(json["cases"][0]["damages"][0]["faults"], serde_json::json!([]));
}

#[test]
fn nothing_is_left_behind_when_it_is_told_to_end() {
    for signal in ["TERM", "INT", "HUP"] {
        let mut command = loadtest(&["compare", "--peers=floor", "--cases=sparse-1000", "--rounds=9", "--scale=0.1"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        // The server and the load generator.
        let started = wait_for(|| Some(children(child.id())).filter(|children| children.len() == 2));
        let status = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
        assert!(status.unwrap().success());
        let status = wait_for(|| child.try_wait().unwrap());
        assert_eq!(status.code(), Some(1));
        let said: Vec<String> = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap).collect();
        assert_eq!(said.last().map(String::as_str), Some("fanfare-loadtest: interrupted"), "{said:?}");
        for pid in started {
            assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "{pid} is still there");
        }
    }
}

/// The processes that were started by any thread of this one.
fn children(pid: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten();
    let files = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok());
    files.flat_map(|text| text.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<_>>()).collect()
}

/// Asks again and again until there is an answer.
fn wait_for<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "it took too long");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The flag that makes a script Fanfare.
fn script(directory: &Path, lines: &str) -> String {
    let (text, script) = (directory.join("text"), directory.join("fanfare"));
    std::fs::write(&text, lines).unwrap();
    // By another process: a program that is open for writing here, in whichever thread, cannot be started.
    assert!(Command::new("install").args(["-m", "755"]).arg(&text).arg(&script).status().unwrap().success());
    format!("--fanfare={}", script.display())
}

/// A program that takes the flags of Fanfare, has this help, and is a floor.
fn fake_fanfare(directory: &Path, help: &str) -> String {
    let floor = env!("CARGO_BIN_EXE_fanfare-loadtest");
    let lines = format!(
        "#!/bin/sh\ncase \"$1\" in serve) echo \"{help}\";; --version) echo fake;; \
         *) echo \"$OPERATORS\"; exec {floor} floor --listen 127.0.0.1:0;; esac\n"
    );
    script(directory, &lines)
}

#[test]
fn a_server_that_is_scraped_is_compared_with_itself() {
    let directory = tempfile::tempdir().unwrap();
    let fanfare = fake_fanfare(directory.path(), "--admin <ADDR>");
    let figures = TcpListener::bind("127.0.0.1:0").unwrap();
    let operators = format!("INFO for operators: http://{}", figures.local_addr().unwrap());
    let (scrapes, is_well) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(true)));
    let (count, well) = (Arc::clone(&scrapes), Arc::clone(&is_well));
    std::thread::spawn(move || {
        for stream in figures.incoming() {
            let (mut stream, mut request) = (stream.unwrap(), [0; 4096]);
            let read = stream.read(&mut request).unwrap();
            assert!(request[..read].starts_with(b"GET /metrics HTTP/1.1\r\n"));
            count.fetch_add(1, Ordering::Relaxed);
            let answer = if well.load(Ordering::Relaxed) {
                "HTTP/1.1 200 OK\r\n\r\nup 1\n# EOF\n"
            } else {
                "HTTP/1.1 503 Busy\r\n\r\n"
            };
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let compare = || {
        let mut command = loadtest(&["compare", "--rounds=1", "--scale=0.01", "--peers=floor,fanfare", "--json"]);
        command.args([&*fanfare, "--cases=scraped"]).env("OPERATORS", &operators).output().unwrap()
    };
    let output = compare();
    let trials = json(&output)["trials"].clone();
    let told = |trial: &Value| trial["server_command"].to_string().contains("\"--admin\",\"127.0.0.1:0\"");
    let runs: Vec<_> = trials.as_array().unwrap().iter().map(|trial| (trial["run"].clone(), told(trial))).collect();
    assert_eq!(runs, [("without".into(), false), ("with".into(), true), ("again".into(), false)]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(scrapes.load(Ordering::Relaxed) > 0, "nobody has scraped");
    is_well.store(false, Ordering::Relaxed);

    let output = compare();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let faults = json(&output)["trials"][1]["faults"].to_string();
    assert!(faults.contains("a scrape failed: the answer to a scrape is no page of figures"), "{faults}");
}

#[test]
fn a_server_that_knows_tokens_is_compared_with_itself() {
    let directory = tempfile::tempdir().unwrap();
    let fanfare = fake_fanfare(directory.path(), "--token-key <KEY>");
    let output = compare(&["--peers=floor,fanfare", &fanfare, "--cases=tokens", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let json = json(&output);
    let trials = json["trials"].as_array().unwrap();
    let runs: Vec<_> = trials.iter().map(|trial| (trial["run"].as_str(), trial["peer"].as_str())).collect();
    assert_eq!(runs, ["without", "with", "again"].map(|run| (Some(run), Some("fanfare"))));
    for (trial, has_tokens) in trials.iter().zip([false, true, false]) {
        let words =
            |name: &str| trial[name].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect::<Vec<_>>();
        let told = |name: &str| words(name).join(" ");
        assert_eq!(told("server_command").contains("--token-key ... "), has_tokens, "{trial}");
        assert_eq!(
            told("generator_command").contains(" --subscribe-token ... --publish-token ..."),
            has_tokens,
            "{trial}"
        );
    }
    assert!(!json.to_string().contains("HS256"), "{json}");
}

#[test]
fn a_server_that_knows_no_tokens_is_left_out_and_that_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let fanfare = fake_fanfare(directory.path(), "--publish-key <KEY>");
    let output = compare(&["--peers=fanfare", &fanfare, "--cases=few,tokens", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let json = json(&output);
    assert_eq!(json["trials"].as_array().unwrap().len(), 1, "{json}");
    assert!(json["notes"].to_string().contains("no server here knows tokens"), "{json}");
}
