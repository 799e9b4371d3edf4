//! Names and data from clients stay text, and what cannot be seen is spelled out.

use fanfare_http::{ChannelAccount, Pattern};
use serde_json::json;

use crate::{
    site::Site,
    support::made_up::{channel, connection},
};

const CLIENT: &str = "<img src=x onerror=ran=1>\u{202e}moc.live\u{2069}\u{200b}";
const CHANNEL: &str = "<b>a&amp;</b>\u{202e}\u{feff} \u{61c}'\"`$";
const CLIENT_SHOWN: &str = "<img src=x onerror=ran=1>⟦U+202E⟧moc.live⟦U+2069⟧⟦U+200B⟧";
const CHANNEL_SHOWN: &str = "<b>a&amp;</b>⟦U+202E⟧⟦U+FEFF⟧ ⟦U+061C⟧'\"`$";

#[test]
fn names_and_data_that_want_to_be_more_stay_text() {
    let site = Site::new();
    {
        let mut world = site.made_up.world();
        let mut hostile = connection(66, CLIENT, 500);
        hostile.channels = vec![channel(CHANNEL)];
        hostile.patterns = vec![Pattern::new("<i>*</i>").unwrap()];
        hostile.holder = Some("<u>\u{202e}holder".to_owned());
        world.connections.push(hostile);
        world.channels.push((channel(CHANNEL), ChannelAccount { connections: 99, ..ChannelAccount::default() }));
        world.channels.sort_by(|(one, _), (other, _)| one.cmp(other));
        world.figures.refusals.push(("<s>rule".to_owned(), 7));
    }
    let mut script = site.script("hostile");
    assert_eq!(script.report(), "ready");
    script.tell(&json!([CLIENT, CHANNEL]).to_string());
    assert_eq!(script.report(), json!([CLIENT_SHOWN, CHANNEL_SHOWN, [format!("#66 of {CLIENT_SHOWN}")]]));
    let title = format!("Client {CLIENT_SHOWN}");
    assert_eq!(script.report(), json!([title, format!("{title} – Fanfare admin"), true]));
    assert_eq!(script.report(), format!("Disconnect all streams of {CLIENT_SHOWN}?"));
    assert_eq!(script.report(), format!("Channel {CHANNEL_SHOWN}"));
    let stream = script.report();
    assert_eq!(stream[0], json!([format!("channel {CHANNEL_SHOWN}"), "pattern <i>*</i>"]));
    assert!(stream[1].as_str().unwrap().contains("<u>⟦U+202E⟧holder"), "{stream}");
    assert_eq!(script.report(), json!([CLIENT_SHOWN, CHANNEL_SHOWN]));
    assert_eq!(script.report(), "tail");
    site.publish(CHANNEL, "<script>ran=1</script>\u{0}\u{1b}[31m\u{202e}txt\nline\ttab");
    script.go_on();
    assert_eq!(
        script.report(),
        json!([["<script>ran=1</script>⟦U+0000⟧⟦U+001B⟧[31m⟦U+202E⟧txt\nline\ttab"], CHANNEL_SHOWN])
    );
    assert!(script.report().as_str().unwrap().contains(CLIENT_SHOWN));
    assert_eq!(script.report(), 1);
    assert_eq!(script.report(), "good");
    assert_eq!(site.deeds.take().last().unwrap(), &format!("disconnect client {CLIENT}"), "the name itself was sent");
    assert_eq!(script.report(), json!([0, true]));
    script.end();
}

#[test]
fn names_that_a_browser_takes_for_steps_of_a_path_are_not_asked_for() {
    let site = Site::new();
    let mut script = site.script("dots");
    let said = script.report();
    assert!(said[0].as_str().unwrap().contains("a browser cannot ask for the name \"..\""), "{said}");
    assert_eq!(script.report(), "bad");
    assert_eq!(script.report(), json!([]));
    assert!(site.deeds.take().is_empty());
    script.end();
}

#[test]
fn addresses_that_are_no_view_show_the_first_one() {
    let site = Site::new();
    let mut script = site.script("addresses");
    assert_eq!(script.report(), 1);
    script.end();
}
