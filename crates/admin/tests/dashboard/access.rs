//! The token, a connection that breaks off, and a tab that nobody looks at.

use serde_json::json;

use crate::{site::Site, support::until};

#[test]
fn the_page_asks_for_the_token_and_keeps_it_in_the_tab_alone() {
    let site = Site::with_token("secret");
    let mut script = site.script("token");
    assert_eq!(script.report(), json!(["", "token", 1]), "nothing is wrong yet, and nothing else is seen");
    assert_eq!(script.report(), "The admin token is wrong.");
    assert_eq!(script.report(), "A token has visible ASCII characters only, and no space.");
    assert_eq!(script.report(), json!([false, "", { "fanfare-admin-token": "secret" }, {}, []]));
    assert_eq!(script.report(), 0, "it is forgotten");
    script.end();
}

#[test]
fn a_page_without_a_connection_says_since_when_and_comes_back_by_itself() {
    let mut site = Site::new();
    let mut script = site.script("lost");
    assert_eq!(script.report(), "live");
    site.end();
    script.go_on();
    let lost = script.report();
    let since = lost[0].as_str().unwrap();
    assert!(
        since.starts_with("No connection to the server since ") && since.ends_with("What you see is from before."),
        "{since}"
    );
    assert!(lost[1].as_str().unwrap().contains("The next attempt is in "), "{lost}");
    assert_eq!(lost[2], "4", "the figures are still there");
    site.made_up.world().figures.deliveries.lost = 3;
    site.serve();
    script.go_on();
    assert_eq!(script.report(), json!([false, true]), "the banner is gone, and said one time only");
    assert_eq!(script.report(), "live");
    site.end();
    script.go_on();
    assert_eq!(script.report(), "lost again");
    site.serve();
    script.go_on();
    script.end();
}

#[test]
fn a_tab_that_is_hidden_for_a_minute_reads_nothing_until_it_is_seen() {
    let site = Site::new();
    let mut script = site.script("hidden");
    assert_eq!(script.report(), "hidden for a moment");
    site.made_up.world().figures.deliveries.lost = 1;
    script.go_on();
    assert_eq!(script.report(), 1, "a short look elsewhere changes nothing");
    assert_eq!(script.report(), 0);
    // Nobody follows any more, so nobody looks at the figures: two beats of the server are the same number of looks.
    let looks = || site.made_up.world().looks;
    let mut before = looks();
    until("the server has stopped looking", || {
        std::thread::sleep(std::time::Duration::from_millis(1_500));
        std::mem::replace(&mut before, looks()) == looks()
    });
    site.made_up.world().figures.deliveries.lost = 8;
    script.go_on();
    assert_eq!(script.report(), 1);
    script.end();
}

#[test]
fn a_stream_that_has_gone_silent_is_given_up() {
    let site = Site::new();
    let mut script = site.script("silent");
    assert_eq!(script.report(), 0);
    assert_eq!(script.report(), 1);
    script.end();
}
