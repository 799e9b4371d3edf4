//! Publishers' own ids as places to resume from, also with one id on several events.

mod support;

use fanfare_core::{
    Config, Event, EventId, Gap, GapReason, Pattern, Policy, Retention, Retentions, Start, engine::Framing,
};
use support::{Kit, channel, data_of, expired, keeping, limit, say, to_channel, told_to};

fn own(name: &str, data: &str, id: &str) -> Event {
    to_channel(name, data).with_own_id(id).unwrap()
}

/// A page of channel a behind the events with one of these publishers' own ids.
fn after_own(kit: &Kit, ids: &[&str]) -> (Vec<String>, Option<Gap>) {
    let start = Start::AfterOwn(ids.iter().map(|id| (*id).to_owned()).collect());
    let page = kit.hub.history(&channel("a"), &start, limit(9));
    (page.messages.iter().map(|message| message.fields().data).collect(), page.gap)
}

#[test]
fn an_id_of_its_publishers_own_is_a_position_while_it_is_kept_and_the_oldest_counts() {
    let mut kit = keeping(Retention { events_max: 3, ..Retention::default() });
    for event in [own("a", "1", "x"), own("a", "2", "x"), own("a", "3", "y"), own("b", "4", "y")] {
        kit.publish(event);
    }
    assert_eq!(after_own(&kit, &["x"]), (vec!["2".to_owned(), "3".to_owned()], None));
    assert_eq!(after_own(&kit, &["y"]), (vec![], None), "that on channel b is none of its");
    assert_eq!(after_own(&kit, &["y", "x"]).0.len(), 2, "either may be meant");
    assert_eq!(after_own(&kit, &["z"]), (vec![], Some(Gap::UNKNOWN_ID)));
    assert_eq!(after_own(&kit, &[]), (vec![], Some(Gap::UNKNOWN_ID)));
    say(&mut kit, "a", "5 6 7");
    assert_eq!(after_own(&kit, &["x"]), (vec![], Some(Gap::UNKNOWN_ID)), "all that had it were evicted");
}

#[test]
fn where_the_oldest_event_with_an_id_was_given_up_a_gap_says_what_else_was() {
    let mut kit = keeping(Retention { events_max: 3, ..Retention::default() });
    kit.publish(own("a", "1", "x"));
    let first = kit.hub.last_id();
    say(&mut kit, "a", "2");
    kit.publish(own("a", "3", "x"));
    assert_eq!(after_own(&kit, &["x"]), (vec!["2".to_owned(), "3".to_owned()], None));
    say(&mut kit, "a", "4");
    assert_eq!(after_own(&kit, &["x"]).1, None, "the event itself is no loss to one who has it");
    let second = EventId::new(first.ms(), first.n() + 1);
    say(&mut kit, "a", "5");
    let kept = ["3", "4", "5"].map(str::to_owned).to_vec();
    assert_eq!(after_own(&kit, &["x"]), (kept, expired(first, second)));
}

#[test]
fn an_id_that_comes_again_after_all_that_had_it_were_given_up_is_the_old_one() {
    let mut kit = keeping(Retention { events_max: 2, ..Retention::default() });
    kit.publish(own("a", "1", "x"));
    let first = kit.hub.last_id();
    say(&mut kit, "a", "2 3");
    kit.publish(own("a", "4", "x"));
    let gap = expired(first, EventId::new(first.ms(), first.n() + 1));
    assert_eq!(after_own(&kit, &["x"]), (vec!["3".to_owned(), "4".to_owned()], gap));
}

#[test]
fn where_the_newer_event_with_an_id_was_given_up_the_older_one_counts() {
    let of_b = (Pattern::new("b").unwrap(), Retention { events_max: 1, ..Retention::default() });
    let retentions = Retentions { channels: vec![of_b], ..Retentions::default() };
    let mut kit = Kit::new(Config { history: retentions, ..Config::default() });
    kit.publish(own("a", "1", "x"));
    let first = kit.hub.last_id();
    kit.publish(own("b", "2", "x"));
    kit.publish(to_channel("a", "3"));
    kit.publish(to_channel("b", "4"));
    let start = Start::AfterOwn(vec!["x".to_owned()]);
    let subscription = kit.subscribe_as("u", &["a", "b"], start, Policy::Repair);
    let link = kit.attach(subscription, Framing::Chunked, usize::MAX);
    kit.settle();
    assert_eq!(data_of(&link), ["3", "4"]);
    let told: Vec<_> = told_to(&link).into_iter().map(|told| (told.from, told.reason)).collect();
    assert_eq!(told, [(Some(first), GapReason::Expired)]);
}

#[test]
fn the_id_of_an_event_that_is_live_only_is_a_position_too() {
    let mut kit = Kit::new(Config::default());
    kit.publish(own("a", "1", "x").live_only());
    say(&mut kit, "a", "2");
    kit.publish(own("a", "3", "x").live_only());
    say(&mut kit, "a", "4");
    assert_eq!(after_own(&kit, &["x"]), (vec!["2".to_owned(), "4".to_owned()], None));
}

#[test]
fn many_events_with_one_own_id_are_found_by_the_oldest_of_each_channel() {
    let mut kit = Kit::new(Config::default());
    for number in 0..50 {
        kit.publish(to_channel(&format!("c{}", number % 5), "x").with_own_id("same").unwrap());
    }
    kit.run();
    for number in 0..5 {
        let name = channel(&format!("c{number}"));
        let page = kit.hub.history(&name, &Start::AfterOwn(vec!["same".to_owned()]), limit(99));
        assert_eq!((page.messages.len(), page.gap), (9, None), "its own oldest is the first of it");
    }
}
