//! A page that is left open for a day holds no more than after its first hour.

use serde_json::json;

use crate::site::Site;

/// Lines of a tail.
const TAIL_MAX: u64 = 200;
/// Events of a flood.
const FLOOD: usize = 1_500;

#[test]
fn beats_of_a_day_leave_no_elements_behind() {
    let site = Site::new();
    let mut script = site.script("beats");
    assert_eq!(script.report(), "an hour");
    let seen = script.report();
    let held = |when: &str, what: &str| seen[when][what].as_u64().unwrap();
    assert_eq!(seen["rows"], json!([20, 20]));
    assert_eq!(seen["sum"], "2 things in the last minute:", "drops and refusals");
    assert_eq!(held("hour", "elements"), held("day", "elements"), "{seen}");
    // Nodes that nobody needs may wait for the collector.
    assert!(held("day", "nodes") <= held("hour", "nodes") + 100, "{seen}");
    assert!(held("day", "listeners") <= held("hour", "listeners") + 10, "{seen}");
    script.end();
}

#[test]
fn charts_keep_an_hour_and_comparisons_a_minute() {
    let site = Site::new();
    let mut script = site.script("arrays");
    let seen = script.report();
    assert_eq!(seen["points"], json!([3_600, 3_600]));
    assert_eq!(seen["marks"], 61);
    assert_eq!(seen["window"], json!([301, 301]));
    assert_eq!(seen["afterClock"], 1);
    assert_eq!(seen["hole"], json!([1, 2, null, 2]));
    assert_eq!(seen["quantiles"], json!([null, 1, 1, 2]));
    script.end();
}

#[test]
fn a_tail_keeps_its_newest_lines() {
    let site = Site::new();
    let flood = |number: usize| {
        for n in 0..FLOOD {
            site.publish("news", &format!("{number}: {n}"));
        }
        site.publish("news", &format!("last of {number}"));
    };
    let mut script = site.script("tails");
    assert_eq!(script.report(), "open");
    flood(1);
    script.go_on();
    assert_eq!(script.report(), "more");
    flood(2);
    script.go_on();
    let seen = script.report();
    assert_eq!((&seen["one"][0], &seen["two"][0]), (&json!(TAIL_MAX), &json!(TAIL_MAX)), "{seen}");
    assert_eq!(seen["one"][1]["elements"], seen["two"][1]["elements"], "{seen}");
    let nodes = |round: &str| seen[round][1]["nodes"].as_u64().unwrap();
    assert!(nodes("two") <= nodes("one") + 100, "{seen}");
    assert!(seen["count"].as_str().unwrap().contains("not shown any more"), "{seen}");
    assert_eq!(script.report(), "paused");
    flood(3);
    script.go_on();
    assert_eq!(script.report(), TAIL_MAX);
    script.end();
}

#[test]
fn the_screen_has_three_messages_at_most() {
    let site = Site::new();
    let mut script = site.script("messages");
    assert_eq!(script.report(), 3);
    script.end();
}
