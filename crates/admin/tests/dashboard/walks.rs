//! The page for those who use the keyboard, a screen reader, a phone or large letters.

use fanfare_http::core::GapReason;
use serde_json::json;

use crate::{site::Site, support::made_up::connection};

/// The views of `walks.js`.
const VIEWS: usize = 9;

/// A site where something has been lost, so that every colour is seen.
fn troubled() -> Site {
    let site = Site::new();
    {
        let mut world = site.made_up.world();
        world.figures.trouble = Some("the disk is full".to_owned());
        world.figures.ring_bytes = 63 << 20;
        world.figures.gaps = vec![(GapReason::Busy, 4)];
        world.connections.push(connection(12, &"a-long-name-without-a-space".repeat(9), 123_456_789));
    }
    site
}

fn judge(scenario: &str) {
    let site = troubled();
    let mut script = site.script(scenario);
    for _ in 0..VIEWS + 2 {
        let judged = script.report();
        assert_eq!((&judged[1], &judged[2]), (&json!(true), &json!([])), "{judged:#}");
    }
    script.end();
}

#[test]
fn axe_finds_nothing_in_light_on_a_desk() {
    judge("judge_light_desk");
}

#[test]
fn axe_finds_nothing_in_dark_on_a_desk() {
    judge("judge_dark_desk");
}

#[test]
fn axe_finds_nothing_in_light_on_a_phone() {
    judge("judge_light_phone");
}

#[test]
fn axe_finds_nothing_in_dark_on_a_phone() {
    judge("judge_dark_phone");
}

#[test]
fn axe_finds_nothing_where_the_token_is_asked_for() {
    let site = Site::with_token("secret");
    let mut script = site.script("judge_login");
    let judged = script.report();
    assert_eq!((&judged[0], &judged[2]), (&json!("login"), &json!([])), "{judged:#}");
    script.end();
}

#[test]
fn nothing_is_wider_than_the_screen() {
    let site = troubled();
    let mut script = site.script("widths");
    for _ in 0..3 * VIEWS {
        let seen = script.report();
        assert_eq!((&seen[1], &seen[2]), (&json!(true), &json!([])), "{seen:#}");
    }
    script.end();
}

#[test]
fn tab_comes_to_everything_and_everybody_sees_where_it_is() {
    let site = Site::new();
    let mut script = site.script("tabs");
    for _ in 0..VIEWS {
        let seen = script.report();
        assert_eq!((&seen[1], &seen[2], &seen[3]), (&json!(true), &json!([]), &json!([])), "{seen:#}");
    }
    script.end();
}

#[test]
fn everything_works_without_a_mouse() {
    let site = Site::new();
    let mut tail = site.client().stream("/api/v1/tail?channel=news", &[]);
    let mut script = site.script("keyboard");
    assert_eq!(script.report(), json!(["skip", "main"]));
    assert_eq!(script.report(), json!(["connection-title", "bob"]));
    assert_eq!(script.report(), json!([["dialog-no", "dialog-yes"], "Disconnect it"]));
    assert_eq!(script.report(), json!(["1 stream was told to end.", "good"]));
    assert_eq!(site.deeds.take(), ["disconnect connection 8"]);
    assert_eq!(script.report(), json!(["publish-title", "good", false]));
    assert_eq!(tail.next_of("event")["data"], "by hand");
    script.end();
}

#[test]
fn the_switch_of_colours_holds_and_wins_over_the_system() {
    let site = Site::new();
    let mut script = site.script("colours");
    assert_eq!(script.report(), json!([true, true, true]));
    assert_eq!(script.report(), json!([true, true]));
    script.end();
}

#[test]
fn a_screen_reader_finds_landmarks_headings_and_names() {
    let site = Site::new();
    let mut script = site.script("outline");
    for _ in 0..VIEWS {
        assert_eq!(script.report(), json!([1, 1, 1, 1, true, true, true]));
    }
    script.end();
}
