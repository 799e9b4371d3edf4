//! Connections that follow channels by pattern: live, from the history, and the limits.

mod holes;
#[path = "../support/mod.rs"]
mod support;

use fanfare_core::{
    Channel, Config, Event, EventId, Form, GapReason, Pattern, Policy, Retention, Retentions, Start, Target, Wait,
    engine::{Framing, Subscribe, SubscribeError, Subscription},
    journal::Past,
};
use support::{Kit, Link, MockSocket, Rng, channel, data_of, keeping, poll, say, to_channel, told_to};

fn pattern(text: &str) -> Pattern {
    Pattern::new(text).unwrap()
}

fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| pattern(text)).collect()
}

/// A connection of client `u` that follows these patterns from `start` on, with policy repair.
fn wishes(kit: &Kit, texts: &[&str], start: Start) -> Subscribe {
    Subscribe { patterns: patterns(texts), start, policy: Policy::Repair, ..kit.wishes(&[]) }
}

fn open(kit: &Kit, wishes: Subscribe, room: usize) -> Link {
    kit.attach(kit.hub.subscribe(wishes).unwrap(), Framing::Chunked, room)
}

/// A stream of what these patterns match, with everything that it can have now.
fn follow(kit: &mut Kit, texts: &[&str], start: Start) -> Link {
    let link = open(kit, wishes(kit, texts, start), usize::MAX);
    kit.settle();
    link
}

fn on_channels(names: &[&str], data: &str) -> Event {
    Event::for_targets(names.iter().map(|name| Target::Channel(channel(name))).collect(), data).unwrap()
}

/// The bounds and reasons of the gaps that a stream was told.
fn gaps_of(link: &Link) -> Vec<(Option<EventId>, Option<EventId>, GapReason)> {
    told_to(link).into_iter().map(|told| (told.from, told.to, told.reason)).collect()
}

#[test]
fn an_event_of_a_channel_that_matches_comes_once_however_many_patterns_and_channels_match() {
    let mut kit = Kit::new(Config::default());
    let wishes =
        Subscribe { channels: vec![channel("orders.1")], ..wishes(&kit, &["orders.*", "*", "*.1"], Start::Now) };
    let many = open(&kit, wishes, usize::MAX);
    let one = follow(&mut kit, &["orders.*"], Start::Now);
    let none = follow(&mut kit, &[], Start::Now);
    for (name, data) in [("orders.1", "1"), ("orders.", "2"), ("order", "3"), ("news", "4")] {
        say(&mut kit, name, data);
    }
    kit.publish(on_channels(&["orders.1", "orders.2", "x"], "5"));
    kit.run();
    assert_eq!(data_of(&many), ["1", "2", "3", "4", "5"]);
    assert_eq!(data_of(&one), ["1", "2", "5"]);
    assert_eq!(data_of(&none), [""; 0]);
}

#[test]
fn a_pattern_without_a_star_is_a_channel_and_one_that_is_repeated_counts_once() {
    let mut kit = Kit::new(Config { inner_patterns_max: 0, ..Config::default() });
    let wishes = Subscribe { channels: vec![channel("a")], ..wishes(&kit, &["a", "b", "b", "c*", "c*"], Start::Now) };
    let link = open(&kit, wishes, usize::MAX);
    kit.run();
    assert_eq!(kit.hub.registry().channel(&channel("a")).unwrap().connections, 1);
    assert_eq!(kit.hub.registry().estimate(&["a", "b", "cc"].map(|name| Target::Channel(channel(name)))), 1);
    for (name, data) in [("a", "1"), ("b", "2"), ("cc", "3"), ("aa", "4")] {
        say(&mut kit, name, data);
    }
    assert_eq!(data_of(&link), ["1", "2", "3"]);
    link.end();
    kit.run();
    assert_eq!(kit.hub.registry().channel(&channel("a")), None);
}

#[test]
fn a_receipt_counts_a_connection_once_and_the_estimate_knows_its_patterns() {
    let mut kit = Kit::new(Config::default());
    let _link = follow(&mut kit, &["a*", "*b"], Start::Now);
    let targets = [Target::Channel(channel("ab"))];
    assert_eq!(kit.hub.registry().estimate(&targets), 1, "never more than there are");
    let mut publishing = kit.publishing(to_channel("ab", "1"), Wait::Written);
    assert!(poll(&mut publishing).is_pending());
    kit.run();
    let std::task::Poll::Ready(Ok(receipt)) = poll(&mut publishing) else { panic!("it is delivered") };
    assert_eq!(receipt.outcome.unwrap().written, 1);
}

#[test]
fn an_envelope_names_the_first_channel_that_a_pattern_matches_and_no_other() {
    let mut kit = Kit::new(Config::default());
    let enveloped = Subscribe { form: Form::Envelope, ..wishes(&kit, &["b*", "c"], Start::Earliest) };
    let live = open(&kit, enveloped.clone(), usize::MAX);
    kit.run();
    kit.publish(on_channels(&["a", "b2", "b1", "c"], "1"));
    kit.publish(on_channels(&["a", "c", "d"], "2"));
    kit.run();
    let late = open(&kit, enveloped, usize::MAX);
    kit.settle();
    let expected = [r#"{"channel":"b1","data":"1"}"#, r#"{"channel":"c","data":"2"}"#];
    assert_eq!((data_of(&live), data_of(&late)), (expected.map(str::to_owned).to_vec(), data_of(&live)));
}

#[test]
fn a_stream_begins_behind_an_id_at_a_time_or_at_the_earliest_event() {
    let mut kit = Kit::new(Config::default());
    for (name, data) in [("a1", "1"), ("b", "2"), ("a2", "3")] {
        say(&mut kit, name, data);
    }
    kit.publish(on_channels(&["a1", "a2", "b"], "4"));
    kit.unix_ms.store(2_000, std::sync::atomic::Ordering::Relaxed);
    say(&mut kit, "a1", "5");
    let starts = [
        (Start::Earliest, vec!["1", "3", "4", "5"]),
        (Start::After(EventId::new(1_000, 1)), vec!["3", "4", "5"]),
        (Start::After(EventId::new(1_000, 4)), vec!["5"]),
        (Start::Since { ms: 1_001 }, vec!["5"]),
        (Start::Now, vec![]),
    ];
    for (start, expected) in starts {
        let link = follow(&mut kit, &["a*", "*1"], start);
        assert_eq!((data_of(&link), told_to(&link)), (expected.into_iter().map(str::to_owned).collect(), vec![]));
    }
}

#[test]
fn events_for_all_for_the_client_of_channels_and_of_patterns_come_in_one_order() {
    let mut kit = Kit::new(Config { ring_messages_max: 2, ..Config::default() });
    let event = |number: usize| {
        let target = match number % 5 {
            0 => Target::All,
            1 => Target::Channel(channel("named")),
            2 => Target::Client(support::client("u")),
            3 => Target::Channel(channel("a.b")),
            _ => Target::Client(support::client("other")),
        };
        Event::for_targets(vec![target, Target::Channel(channel("x"))], number.to_string()).unwrap()
    };
    for number in 0..40 {
        kit.publish(event(number));
    }
    kit.run();
    let wishes = Subscribe { channels: vec![channel("named")], ..wishes(&kit, &["a*"], Start::Earliest) };
    let link = open(&kit, wishes, usize::MAX);
    kit.settle();
    let expected: Vec<_> = (0..40).filter(|number| number % 5 != 4).map(|number| number.to_string()).collect();
    assert_eq!((data_of(&link), told_to(&link)), (expected, vec![]));
}

#[test]
fn a_slow_stream_is_repaired_through_its_patterns() {
    let mut kit = Kit::new(Config { ring_messages_max: 2, ..Config::default() });
    let link = open(&kit, wishes(&kit, &["a*"], Start::Now), 0);
    kit.run();
    for number in 0..50 {
        say(&mut kit, ["a", "ab", "b"][number % 3], &number.to_string());
    }
    link.open();
    kit.settle();
    let expected: Vec<_> = (0..50).filter(|number| number % 3 < 2).map(|number| number.to_string()).collect();
    assert_eq!((data_of(&link), told_to(&link)), (expected, vec![]));
}

#[test]
fn a_read_that_looks_at_many_events_of_others_goes_on_until_it_has_found_its_own() {
    let each = Retention { events_max: usize::MAX, ..Retention::default() };
    let mut kit = keeping(each);
    let of_others = |kit: &mut Kit| {
        for part in 0..30 {
            for number in 0..100 {
                kit.publish(to_channel(&format!("other {part}"), &number.to_string()));
            }
            kit.run();
        }
    };
    of_others(&mut kit);
    say(&mut kit, "mine", "1");
    of_others(&mut kit);
    say(&mut kit, "mine", "2");
    of_others(&mut kit);
    let link = open(&kit, wishes(&kit, &["m*"], Start::Earliest), usize::MAX);
    let mut reads = 0;
    loop {
        kit.run();
        let asked = kit.answer();
        if asked == 0 {
            break;
        }
        reads += asked;
    }
    assert_eq!((data_of(&link), told_to(&link)), (vec!["1".to_owned(), "2".to_owned()], vec![]));
    assert!((9..=12).contains(&reads), "{reads} reads for 9,002 events");
}

#[test]
fn an_event_at_the_place_where_a_read_stops_looking_comes_once() {
    for before in 1_022..=1_026 {
        let mut kit = keeping(Retention { events_max: usize::MAX, ..Retention::default() });
        for number in 0..before + 100 {
            let event =
                if number == before { on_channels(&["a", "m1", "m2"], "mine") } else { to_channel("other", "x") };
            kit.publish(event);
            if number % 500 == 0 {
                kit.run();
            }
        }
        kit.run();
        let link = follow(&mut kit, &["m*"], Start::Earliest);
        assert_eq!((data_of(&link), told_to(&link)), (vec!["mine".to_owned()], vec![]), "{before}");
    }
}

#[test]
fn a_stream_that_looks_for_long_without_finding_anything_has_its_heartbeats() {
    let each = Retention { events_max: usize::MAX, ..Retention::default() };
    let history = Retentions { each, ..Retentions::default() };
    let mut kit = Kit::new(Config { history, heartbeat_ms: 1_000, ..Config::default() });
    for number in 0..5_000 {
        kit.publish(to_channel("other", &number.to_string()));
        if number % 500 == 0 {
            kit.run();
        }
    }
    kit.run();
    let link = open(&kit, wishes(&kit, &["m*"], Start::Earliest), usize::MAX);
    for _ in 0..4 {
        kit.run();
        kit.answer();
        let now_ms = kit.now_ms + 500;
        kit.sweep_at(now_ms);
    }
    assert_eq!(link.out(), b"2\r\n:\n\r\n2\r\n:\n\r\n");
}

#[test]
fn an_own_id_is_a_place_for_patterns_also_if_its_channel_keeps_nothing() {
    let mut kit = Kit::new(Config::default());
    let own = |name: &str, data: &str| to_channel(name, data).with_own_id("x").unwrap();
    kit.publish(own("b", "1"));
    kit.publish(own("a1", "2").live_only());
    kit.publish(to_channel("a2", "3"));
    kit.publish(own("a2", "4"));
    kit.publish(to_channel("a1", "5"));
    kit.run();
    let start = || Start::AfterOwn(vec!["x".to_owned()]);
    assert_eq!(data_of(&follow(&mut kit, &["a*"], start())), ["3", "4", "5"], "the oldest that matches counts");
    assert_eq!(data_of(&follow(&mut kit, &["*2"], start())), [""; 0]);
    let reason = |subscription: Subscription<MockSocket>| subscription.gap().map(|gap| gap.reason);
    let unknown = kit.hub.subscribe(wishes(&kit, &["c*"], start())).unwrap();
    assert_eq!(reason(unknown), Some(GapReason::UnknownId), "it was on other channels only");
}

#[test]
fn a_hub_behind_a_shared_journal_knows_own_ids_by_pattern() {
    let kit = Kit::behind_journal(Config::default());
    kit.hub.desk().restore_past(Past { is_shared: true, ..Past::default() });
    let event = to_channel("a1", "1").with_own_id("x").unwrap();
    kit.settle_all([fanfare_core::journal::Settled::Other(EventId::new(1, 0), event)]);
    let start = Start::AfterOwn(vec!["x".to_owned()]);
    assert!(!kit.hub.may_be_ahead(&start, &[Target::All], &patterns(&["a*"])));
    assert!(kit.hub.may_be_ahead(&start, &[Target::All], &patterns(&["b*"])));
}

#[test]
fn what_a_journal_gave_up_before_the_start_is_a_gap_for_the_patterns_that_match() {
    let kit = &mut Kit::behind_journal(Config::default());
    let id = |n| EventId::new(5, n);
    let marks = vec![(Target::Channel(channel("a1")), id(3)), (Target::Channel(channel("b")), id(7))];
    let past = Past { born: id(0), last: id(9), given_up: id(1), marks, ..Past::default() };
    kit.hub.desk().restore_past(past);
    for (text, after, told) in
        [("a*", 2, Some(3)), ("a*", 3, None), ("b*", 3, Some(7)), ("c*", 0, Some(1)), ("c*", 1, None)]
    {
        let link = follow(kit, &[text], Start::After(id(after)));
        let expected: Vec<_> = told.map(|to| (Some(id(after)), Some(id(to)), GapReason::Expired)).into_iter().collect();
        assert_eq!(gaps_of(&link), expected, "{text} {after}");
    }
}

#[test]
fn accounts_of_a_channel_have_each_connection_that_follows_it_once() {
    let mut kit = Kit::new(Config::default());
    let both = open(&kit, Subscribe { channels: vec![channel("ab")], ..wishes(&kit, &["a*", "*b"], Start::Now) }, 0);
    let _other = follow(&mut kit, &["b*"], Start::Now);
    drop(both);
    let target = Target::Channel(channel("ab"));
    let mut accounts = Box::pin(kit.hub.accounts_of(&target));
    assert!(poll(&mut accounts).is_pending());
    while kit.shards[0].turn(0) == fanfare_core::engine::Turn::More {}
    let std::task::Poll::Ready(accounts) = poll(&mut accounts) else { panic!("it is answered") };
    assert_eq!(accounts.into_iter().map(|(connection, _)| connection).collect::<Vec<_>>(), [1]);
}

#[test]
fn as_many_inner_patterns_are_followed_as_may_be_and_not_one_more() {
    let mut kit = Kit::new(Config { inner_patterns_max: 2, ..Config::default() });
    let subscribe = |kit: &Kit, texts: &[&str]| kit.hub.subscribe(wishes(kit, texts, Start::Now));
    let refused = |kit: &Kit, texts: &[&str]| subscribe(kit, texts).err();
    let first = subscribe(&kit, &["*a", "b*b"]).unwrap();
    let again = subscribe(&kit, &["*a", "b*b"]).unwrap();
    assert_eq!(refused(&kit, &["*c"]), Some(SubscribeError::TooManyPatterns));
    assert_eq!(refused(&kit, &["a*", "*c"]), Some(SubscribeError::TooManyPatterns));
    assert_eq!(kit.hub.registry().connections(), 2, "one that is refused is not there");
    let estimate = |kit: &Kit, name: &str| kit.hub.registry().estimate(&[Target::Channel(channel(name))]);
    assert_eq!((estimate(&kit, "a"), estimate(&kit, "ab")), (2, 0), "nor are its patterns");
    let open_ended: Vec<_> = (0..300).map(|number| format!("{number}*")).collect();
    let open_ended: Vec<_> = open_ended.iter().map(String::as_str).collect();
    assert_eq!(refused(&kit, &open_ended), None, "those with a star at the end have no limit");
    drop(first);
    kit.run();
    assert_eq!(refused(&kit, &["*c"]), Some(SubscribeError::TooManyPatterns), "another one follows them still");
    drop(again);
    kit.run();
    assert_eq!(refused(&kit, &["*c", "*d"]), None);
    kit.run();
    assert_eq!(refused(&kit, &["*c", "*d", "*e"]), Some(SubscribeError::TooManyPatterns));
}

#[test]
fn random_patterns_reach_what_a_naive_match_says_live_and_from_the_history() {
    let mut rng = Rng::new(11);
    for _ in 0..40 {
        let text =
            |letters: &[char], rng: &mut Rng| -> String { (0..rng.within(1, 4)).map(|_| rng.pick(letters)).collect() };
        let mut kit = Kit::new(Config::default());
        let wanted: Vec<String> = (0..rng.within(1, 3)).map(|_| text(&['a', 'b', '*', '*'], &mut rng)).collect();
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        let live = follow(&mut kit, &wanted, Start::Now);
        let mut expected = Vec::new();
        for number in 0..60 {
            let name = text(&['a', 'b', 'c'], &mut rng);
            say(&mut kit, &name, &number.to_string());
            if wanted.iter().any(|one| naive(one.as_bytes(), name.as_bytes())) {
                expected.push(number.to_string());
            }
        }
        assert_eq!(data_of(&live), expected, "{wanted:?}");
        assert_eq!(data_of(&follow(&mut kit, &wanted, Start::Earliest)), expected, "{wanted:?}");
    }
}

fn naive(pattern: &[u8], name: &[u8]) -> bool {
    match pattern {
        [] => name.is_empty(),
        [b'*', rest @ ..] => (0..=name.len()).any(|at| naive(rest, &name[at..])),
        [one, rest @ ..] => name.first() == Some(one) && naive(rest, &name[1..]),
    }
}

#[test]
fn a_channel_whose_name_has_a_star_is_published_to_as_any_other() {
    let mut kit = Kit::new(Config::default());
    let link = follow(&mut kit, &["news.*"], Start::Now);
    assert!(Channel::new("news.*").is_ok());
    say(&mut kit, "news.*", "1");
    assert_eq!(data_of(&link), ["1"]);
}
