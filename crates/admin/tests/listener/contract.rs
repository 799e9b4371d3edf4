//! `openapi.json` and the listener say the same: schemathesis makes up requests from the document, and judges the answers. What it
//! cannot read, and answers that it does not meet, are held against the schemas.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use fanfare_admin::{Admin, AdminToken};
use fanfare_http::{Event, Target, Wait};
use serde_json::{Value, json};

use crate::{
    api::verdicts,
    support::{
        listener::Listener,
        made_up::channel,
        parts::{package, python_program},
    },
};

/// Requests for each operation. Twice as many find nothing more, and take twice as long.
const EXAMPLES_MAX: &str = "25";

#[test]
fn schemathesis_finds_no_fault() {
    let token = Some(AdminToken::new("correct-horse").unwrap());
    let listener = Listener::with(Admin { token, ..Admin::default() });
    // Else the first request would end what the others are about.
    listener.made_up.world().has_endless_streams = true;
    let directory = tempfile::tempdir().unwrap();
    let (config, document) = (package().join("tests/listener/schemathesis.toml"), package().join("src/openapi.json"));
    let output = Command::new(python_program("schemathesis"))
        .arg("--config-file")
        .arg(&config)
        .arg("run")
        .arg(&document)
        .args(["--url", &listener.url(), "--seed", "1", "--max-examples", EXAMPLES_MAX])
        .args(["--generation-deterministic", "--no-color", "--request-timeout", "20"])
        .args(["--header", "Authorization: Bearer correct-horse"])
        // Streams never end. They have tests of their own.
        .args(["--exclude-path", "/api/v1/events", "--exclude-path", "/api/v1/tail"])
        // It keeps a cache where it runs.
        .current_dir(directory.path())
        .env("HOME", directory.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    // It says so even if it has tested nothing.
    assert!(said.contains("21 selected / 23 total") && said.contains("Tested: 21"), "{said}");
}

/// Fails unless each value obeys the schema of its name.
fn check(values: &[(&str, Value)]) {
    let mut python = Command::new(python_program("python"));
    python.args(["tests/listener/schemas.py", "src/openapi.json"]).current_dir(package());
    let mut python = python.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut input = python.stdin.take().unwrap();
    for (schema, value) in values {
        writeln!(input, "{}", json!([schema, value])).unwrap();
    }
    drop(input);
    let output = python.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said.trim(), values.len().to_string(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[should_panic(expected = "TailEvent")]
fn a_value_that_breaks_its_schema_is_found() {
    check(&[("Disconnected", json!({ "disconnected": 1 })), ("TailEvent", json!({ "id": "1-1" }))]);
}

#[test]
fn streams_carry_what_the_document_says() {
    let listener = Listener::new();
    let mut events = listener.stream("/api/v1/events");
    let mut tail = listener.stream("/api/v1/tail?channel=news");
    for target in [Target::Channel(channel("news")), Target::All] {
        let event = Event::new(target, "hello").with_kind("headline").unwrap();
        listener.wait(listener.handle.publish(event, Wait::Journal)).unwrap();
    }
    // The second event has rates.
    let mut values = vec![("FiguresEvent", events.next_of("figures")), ("FiguresEvent", events.next_of("figures"))];
    values.push(("ChannelsEvent", events.next_of("channels")));
    values.push(("ConnectionsEvent", events.next_of("connections")));
    values.push(("TailEvent", tail.next_of("event")));
    values.push(("TailEvent", tail.next_of("event")));
    check(&values);
}

#[test]
fn every_verdict_is_one_of_the_document() {
    let listener = Listener::new();
    let explained = verdicts().into_iter().map(|(verdict, ..)| {
        listener.made_up.world().explanation = verdict;
        ("Explanation", listener.get("/api/v1/explain?event=1-1&client=ann").ok(200))
    });
    check(&explained.collect::<Vec<_>>());
}
