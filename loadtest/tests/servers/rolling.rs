//! A rolling restart of two nodes behind nginx, small: with real nodes, Redis and nginx.

use serde_json::Value;

use crate::started::loadtest;

/// The exit status, the report if there is one, and the words on stderr.
fn run(args: &str) -> (i32, Value, String) {
    let args: Vec<&str> = args.split_whitespace().collect();
    let small = ["--connections", "200", "--rate", "20/s", "--before", "1s", "--pause", "2500ms", "--timeout", "90s"];
    let output = loadtest(&["rolling", "--json"]).args(small).args(args).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no report: {said}"));
    (output.status.code().unwrap(), json, said)
}

/// All streams of a node have left it and have come back, with every event.
fn check_whole(json: &Value) {
    for name in ["lost", "duplicated", "reordered", "gaps", "closed", "refused_again"] {
        assert_eq!(json[name], 0, "{name}: {json}");
    }
    // Each stream was on one of the nodes, or came to the second from the first.
    let returns = json["returns"].as_u64().unwrap();
    assert!((200..=400).contains(&returns), "{json}");
    assert_eq!(json["reconnects"], returns, "{json}");
    assert_eq!(json["deliveries"], 200 * json["published"].as_u64().unwrap(), "{json}");
    assert_eq!(json["drain_s"].as_array().unwrap().len(), 2, "{json}");
}

#[test]
fn a_rolling_restart_loses_nothing_and_spreads_the_streams() {
    let (status, json, said) = run("");
    assert_eq!((status, said.as_str(), &json["faults"]), (0, "", &serde_json::json!([])), "{json}");
    check_whole(&json);
    let most = json["returns_most_in_a_second"].as_u64().unwrap();
    assert!((1..=40).contains(&most), "a fifth at most: {json}");
}

#[test]
fn streams_that_all_come_back_at_once_are_a_fault() {
    let settings = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(settings.path(), "[limits]\ndrain-spread = \"0s\"\n").unwrap();
    let args = format!("--upgrade --fanfare-args --config={}", settings.path().display());
    let (status, json, said) = run(&args);
    check_whole(&json);
    let most = json["returns_most_in_a_second"].as_u64().unwrap();
    assert!(most > 40, "{json}");
    let fault = format!("{most} streams came back within one second ({:.1} %); 40 are allowed", most as f64 / 2.0);
    assert_eq!((status, &json["faults"], &json["way"]), (1, &serde_json::json!([fault]), &"upgrade".into()), "{said}");
}
