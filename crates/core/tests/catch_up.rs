//! Catch-up: a connection that is fed from the journal gets the history after its cursor and then the live events.
//! There is no gap, no repeat and no reordering, even if events are published meanwhile. Missing events are told as a
//! gap.

mod support;

use std::task::Poll;

use fanfare_core::{
    Config, EventId, GapReason, Policy, Retention, Retentions, Start, Wait,
    engine::{Feed, Framing, Life, Subscription, Turn},
};
use support::{Kit, Link, MockSocket, Told, all, data_in, data_of, poll, taken, to_channel, told_to};

/// A hub with the events published so far.
struct Kept {
    kit: Kit,
    /// Every event to all or to channel `a`, in order.
    said: Vec<String>,
}

impl Kept {
    fn new(config: Config) -> Self {
        Self { kit: Kit::new(config), said: Vec::new() }
    }

    fn say(&mut self, text: &str) {
        self.kit.say(text);
        self.said.extend(text.split_whitespace().map(str::to_owned));
    }

    fn after(&self, cursor: EventId) -> Subscription<MockSocket> {
        self.kit.subscribe_as("u", &["a"], Start::After(cursor), Policy::Repair)
    }

    /// Publishes an event every 20 ms. Leaves time for relief and repair after each.
    fn press_for_400_ms(&mut self) {
        for ms in (0..=400).step_by(20) {
            self.kit.now_ms = ms;
            self.say("x");
            for _ in 0..4 {
                self.kit.turn();
                self.kit.answer();
            }
            self.kit.sweep_at(ms);
        }
    }

    fn resume(&mut self, cursor: EventId, room: usize) -> Link {
        let link = self.kit.attach(self.after(cursor), Framing::Chunked, room);
        self.kit.run();
        link
    }
}

/// A hub whose rings hold nothing, and whose clients have 100 ms to take bytes.
fn squeezed() -> Config {
    Config { hub_ring_bytes_max: 0, write_timeout_ms: 100, heartbeat_ms: 10_000, ..Config::default() }
}

/// The hub's first id. The first event has the number 1.
const BORN: EventId = EventId::new(1_000, 0);

fn small() -> Config {
    Config { ring_messages_max: 2, ..Config::default() }
}

/// A history of at most `events_max` events of each target.
fn few(events_max: usize) -> Retentions {
    Retentions { each: Retention { events_max, ..Retention::default() }, ..Retentions::default() }
}

fn id(n: u64) -> EventId {
    EventId::new(1_000, n)
}

#[test]
fn a_socket_gets_the_history_and_then_the_live_events_without_a_seam() {
    let mut kept = Kept::new(small());
    kept.say("1 2 3 4 5");
    let link = kept.resume(id(1), usize::MAX);
    for word in ["6", "7", "8", "9", "10", "11"] {
        // Once between the question and the answer, once between the answer and its turn.
        kept.say(word);
        assert_ne!(kept.kit.turn(), Turn::More);
        kept.kit.answer();
        kept.say(&format!("{word}b"));
        kept.kit.run();
    }
    kept.kit.settle();
    kept.say("live");
    kept.kit.run();
    assert_eq!(kept.kit.reads().len(), 0, "it is live again");
    assert_eq!(data_of(&link), kept.said[1..]);
}

#[test]
fn a_slow_socket_is_fed_at_its_own_pace_and_misses_nothing() {
    let mut kept = Kept::new(small());
    kept.say("1 2 3 4 5 6 7");
    let link = kept.resume(BORN, 0);
    for round in 0..200 {
        if round % 5 == 0 && round < 100 {
            kept.say(&format!("r{round}"));
        }
        link.give(7);
        kept.kit.run();
        kept.kit.answer();
    }
    assert!(data_of(&link).len() > 10);
    link.open();
    kept.kit.settle();
    assert_eq!(data_of(&link), kept.said);
    assert_eq!(kept.kit.hub.ring_bytes(), 0);
}

#[test]
fn a_body_is_fed_only_when_it_has_taken_what_it_was_given() {
    let mut kept = Kept::new(small());
    kept.say("1 2 3 4 5");
    let mut feed: Feed<MockSocket> = kept.after(BORN).into_feed(Life::default());
    kept.kit.run();
    assert_eq!(kept.kit.answer(), 1);
    kept.say("6");
    kept.kit.run();
    assert_eq!(kept.kit.reads().len(), 0, "two messages wait in its ring");
    let mut got = Vec::new();
    for _ in 0..8 {
        got.extend(taken(&mut feed).iter().map(data_in));
        kept.kit.run();
        kept.kit.answer();
        kept.kit.run();
    }
    kept.say("live");
    kept.kit.run();
    assert_eq!(kept.kit.reads().len(), 0);
    got.extend(taken(&mut feed).iter().map(data_in));
    assert_eq!(got, kept.said);
}

#[test]
fn nothing_live_is_pushed_to_a_ring_while_its_connection_catches_up() {
    let mut kept = Kept::new(Config::default());
    kept.say("1");
    let link = kept.resume(BORN, usize::MAX);
    kept.say("2 3 4");
    kept.kit.run();
    assert_eq!((kept.kit.hub.ring_bytes(), data_of(&link).len()), (0, 0), "the journal has it");
    kept.kit.settle();
    assert_eq!(data_of(&link), kept.said);
}

#[test]
fn what_is_published_before_the_head_is_out_comes_from_the_journal_once() {
    let mut kept = Kept::new(small());
    kept.say("1 2");
    let subscription = kept.after(id(1));
    kept.say("3 4 5");
    kept.kit.run();
    assert_eq!(kept.kit.hub.ring_bytes(), 0);
    let link = kept.kit.attach(subscription, Framing::Bare, usize::MAX);
    kept.kit.settle();
    let mut judge = support::Judge::default();
    let got: Vec<_> = judge.feed(&link.out()).into_iter().map(|event| event.data).collect();
    assert_eq!(got, kept.said[1..]);
}

#[test]
fn a_pass_that_yields_in_the_middle_makes_no_gap_and_no_repeat() {
    let mut kept = Kept::new(Config { turn_slots_max: 1, ring_messages_max: 3, ..Config::default() });
    kept.say("1 2 3");
    kept.kit.run();
    let links: Vec<_> = (1..=3).map(|from| kept.resume(id(from), usize::MAX)).collect();
    for word in ["4", "5", "6", "7", "8", "9"] {
        kept.say(word);
        kept.kit.turn();
        kept.kit.answer();
        kept.say(&format!("{word}b"));
        kept.kit.turn();
    }
    kept.kit.settle();
    for (from, link) in links.iter().enumerate() {
        assert_eq!(data_of(link), kept.said[from + 1..]);
    }
}

#[test]
fn rings_over_the_hubs_limit_are_emptied_and_repaired_from_the_journal() {
    let mut kept = Kept::new(Config { hub_ring_bytes_max: 100, ..Config::default() });
    let slow = kept.kit.connect(Policy::Repair, 10);
    let fine = kept.kit.connect(Policy::Repair, usize::MAX);
    for number in 0..20 {
        kept.say(&format!("e{number}"));
        kept.kit.run();
    }
    kept.kit.settle();
    assert!(kept.kit.hub.ring_bytes() <= 100, "at rest it holds what it may: {}", kept.kit.hub.ring_bytes());
    slow.open();
    kept.kit.settle();
    assert_eq!((data_of(&slow), data_of(&fine)), (kept.said.clone(), kept.said.clone()));
    assert_eq!(kept.kit.hub.ring_bytes(), 0);
}

#[test]
fn a_stuck_socket_over_the_hubs_limit_does_not_ask_the_journal_again_and_again() {
    let mut kept = Kept::new(Config { hub_ring_bytes_max: 0, ..Config::default() });
    let stuck = kept.kit.connect(Policy::Repair, 0);
    kept.say("1 2 3");
    let mut reads = 0;
    for _ in 0..50 {
        kept.kit.turn();
        reads += kept.kit.answer();
    }
    assert!(reads <= 3, "{reads} reads for a socket that never took a byte");
    stuck.open();
    kept.kit.settle();
    assert_eq!(data_of(&stuck), kept.said);
}

#[test]
fn a_stuck_socket_whose_ring_is_emptied_over_and_over_still_times_out() {
    let mut kept = Kept::new(squeezed());
    let _stuck = kept.kit.connect(Policy::Repair, 0);
    kept.press_for_400_ms();
    assert_eq!(kept.kit.closed().len(), 1, "it took no byte for 400 ms while some waited");
}

#[test]
fn a_drain_gives_a_connection_that_catches_up_what_the_journal_has_for_it() {
    let mut kept = Kept::new(small());
    kept.say("1 2 3 4 5");
    let link = kept.resume(BORN, usize::MAX);
    kept.kit.hub.drain();
    kept.kit.settle();
    assert_eq!(data_of(&link), kept.said, "what was accepted is delivered");
    assert!(link.is_shut());
}

#[test]
fn who_has_everything_already_asks_for_nothing() {
    let mut kept = Kept::new(Config::default());
    kept.say("1 2");
    let link = kept.resume(id(2), usize::MAX);
    assert_eq!(kept.kit.reads().len(), 0);
    kept.say("3");
    kept.kit.run();
    assert_eq!(data_of(&link), ["3"]);
}

#[test]
fn an_answer_for_a_connection_that_left_goes_to_nobody() {
    let mut kept = Kept::new(Config::default());
    kept.say("1 2");
    let link = kept.resume(BORN, usize::MAX);
    let reads = kept.kit.reads();
    link.end();
    kept.kit.run();
    let next = kept.kit.connect(Policy::Repair, usize::MAX);
    reads.into_iter().for_each(|read| kept.kit.hub.read(read));
    kept.say("3");
    kept.kit.run();
    assert_eq!((data_of(&link).len(), data_of(&next)), (0, vec!["3".to_owned()]));
}

#[test]
fn a_receipt_counts_a_connection_that_gets_the_event_from_the_journal() {
    let mut kept = Kept::new(Config::default());
    kept.say("0");
    let link = kept.resume(BORN, usize::MAX);
    let mut publish = kept.kit.publishing(to_channel("a", "1"), Wait::Written);
    assert!(poll(&mut publish).is_pending());
    kept.kit.settle();
    assert_eq!(data_of(&link), ["0", "1"]);
    let Poll::Ready(Ok(receipt)) = poll(&mut publish) else { panic!("every shard is done") };
    assert_eq!((receipt.matched, receipt.outcome.unwrap().queued), (1, 1));
}

#[test]
fn a_full_ring_is_repaired_from_the_journal_and_the_account_says_so() {
    let mut kept = Kept::new(small());
    let link = kept.kit.connect(Policy::Repair, 0);
    for word in ["1", "2", "3", "4", "5"] {
        kept.say(word);
        kept.kit.run();
    }
    link.open();
    kept.kit.settle();
    assert_eq!((data_of(&link), told_to(&link)), (kept.said, vec![]));
    link.end();
    kept.kit.run();
    let account = kept.kit.closed()[0].account;
    assert_eq!((account.matched, account.written, account.lost), (5, 5, 0));
    assert_eq!((account.dropped, account.repaired, account.lag()), (3, 3, 0));
}

#[test]
fn what_the_journal_does_not_keep_any_more_is_told_exactly_and_before_what_is_newer() {
    let mut kept = Kept::new(Config { history: few(2), ..small() });
    let link = kept.kit.connect(Policy::Repair, 0);
    for number in 1..=9 {
        kept.say(&number.to_string());
        kept.kit.run();
    }
    link.open();
    kept.kit.settle();
    let events: Vec<_> = support::events_of(&link).into_iter().map(|event| event.data).collect();
    let gap = r#"{"from":"1000-2","to":"1000-7","missed":5,"reason":"busy"}"#;
    assert_eq!(events, ["1", "2", gap, "8", "9"]);
    link.end();
    kept.kit.run();
    let account = kept.kit.closed()[0].account;
    assert_eq!((account.matched, account.written, account.lost, account.repaired), (9, 4, 5, 2));
}

#[test]
fn who_was_away_is_told_that_something_expired_and_not_how_much() {
    let mut kept = Kept::new(Config { history: few(2), ..Config::default() });
    kept.say("1 2 3 4 5");
    let link = kept.resume(id(1), usize::MAX);
    kept.kit.settle();
    let told = Told { from: Some(id(1)), to: Some(id(3)), missed: None, reason: GapReason::Expired };
    assert_eq!((told_to(&link), data_of(&link)), (vec![told], vec!["4".to_owned(), "5".to_owned()]));
    let whole = kept.resume(id(3), usize::MAX);
    kept.kit.settle();
    assert_eq!((told_to(&whole), data_of(&whole).len()), (vec![], 2), "nothing it had not seen is gone");
}

#[test]
fn a_cursor_from_before_the_birth_is_told_so_and_gets_all_that_is_kept() {
    let mut kept = Kept::new(Config::default());
    kept.say("1 2");
    let link = kept.resume(EventId::new(999, 7), usize::MAX);
    kept.kit.settle();
    let told = Told { from: Some(EventId::new(999, 7)), to: Some(BORN), missed: None, reason: GapReason::Restart };
    assert_eq!((told_to(&link), data_of(&link)), (vec![told], kept.said));
}

#[test]
fn the_oldest_that_is_kept_is_a_start_without_a_gap() {
    let mut kept = Kept::new(Config { history: few(2), ..Config::default() });
    kept.say("1 2 3 4 5");
    let subscription = kept.kit.subscribe_as("u", &[], Start::Earliest, Policy::Repair);
    let link = kept.kit.attach(subscription, Framing::Chunked, usize::MAX);
    kept.kit.settle();
    assert_eq!((told_to(&link), data_of(&link)), (vec![], vec!["4".to_owned(), "5".to_owned()]));
}

#[test]
fn what_is_live_only_and_found_no_room_is_told_and_what_is_kept_around_it_is_repaired() {
    let mut kept = Kept::new(small());
    let link = kept.kit.connect(Policy::Repair, 0);
    for word in ["1", "2", "3"] {
        kept.say(word);
        kept.kit.run();
    }
    kept.kit.publish(all("tick").live_only());
    kept.say("4");
    link.open();
    kept.kit.settle();
    assert_eq!(data_of(&link), kept.said);
    let told = Told { from: Some(id(2)), to: Some(id(4)), missed: Some(1), reason: GapReason::Busy };
    assert_eq!(told_to(&link), [told]);
}

#[test]
fn a_flood_waits_until_those_who_can_take_more_have_come_round() {
    let mut kept = Kept::new(Config { patience_ms: 0, history: few(500), ..Config::default() });
    let links: Vec<_> = (0..40).map(|_| kept.kit.connect(Policy::Repair, 0)).collect();
    kept.say(&"x ".repeat(200));
    kept.kit.run();
    links.iter().for_each(Link::open);
    // Whoever is served less than there is published would lose some of it.
    while kept.said.len() < 6_000 {
        while kept.kit.hub.inbox(0).load().messages < 64 {
            kept.say("y");
        }
        kept.kit.turn();
        kept.kit.answer();
    }
    kept.kit.settle();
    for link in &links {
        assert_eq!((told_to(link), data_of(link).len()), (vec![], kept.said.len()));
    }
}

#[test]
fn no_more_than_a_few_ask_the_journal_at_a_time() {
    let mut kept = Kept::new(Config { reads_max: 3, ..Config::default() });
    kept.say("1");
    let links: Vec<_> = (0..10).map(|_| kept.resume(BORN, usize::MAX)).collect();
    let mut reads = kept.kit.reads();
    assert_eq!(reads.len(), 3);
    reads.drain(..1).for_each(|read| kept.kit.hub.read(read));
    kept.kit.run();
    let next = kept.kit.reads();
    assert_eq!(next.len(), 1, "who was answered makes room for the next");
    reads.into_iter().for_each(|read| kept.kit.hub.read(read));
    // One is answered late: the others do without its place.
    kept.kit.settle();
    assert_eq!(links.iter().filter(|link| data_of(link) == ["1"]).count(), 9);
    next.into_iter().for_each(|read| kept.kit.hub.read(read));
    kept.kit.settle();
    assert!(links.iter().all(|link| data_of(link) == ["1"]));
}

#[test]
fn one_gap_is_told_once_while_a_long_replay_goes_on_and_other_channels_lose_more() {
    let mut kept = Kept::new(Config { history: few(30), ring_messages_max: 4, ..Config::default() });
    for number in 0..30 {
        kept.kit.publish(to_channel("a", &number.to_string()));
        kept.kit.publish(to_channel("b", &number.to_string()));
        kept.kit.run();
    }
    let subscription = kept.kit.subscribe_as("u", &["a", "b"], Start::After(BORN), Policy::Repair);
    let link = kept.kit.attach(subscription, Framing::Chunked, usize::MAX);
    // Each batch finds that the mark of channel b has moved on, past the connection's own beginning.
    for _ in 0..60 {
        kept.kit.publish(to_channel("b", "more"));
        kept.kit.run();
        kept.kit.answer();
    }
    kept.kit.settle();
    let older: Vec<_> = told_to(&link).into_iter().filter(|told| told.missed.is_none()).collect();
    assert!(older.len() <= 2, "{older:?}");
}

#[test]
fn a_stuck_body_whose_ring_is_emptied_over_and_over_still_times_out() {
    let mut kept = Kept::new(squeezed());
    let _stuck = kept.kit.subscribe_as("u", &[], Start::Now, Policy::Repair).into_feed(Life::default());
    kept.kit.run();
    kept.press_for_400_ms();
    assert_eq!(kept.kit.closed().len(), 1, "it took nothing for 400 ms while some waited");
}

#[test]
fn a_round_of_readers_holds_publishes_up_for_a_moment_and_no_longer() {
    let mut kept = Kept::new(Config { patience_ms: 0, reads_max: 1, ..Config::default() });
    kept.say(&"x ".repeat(900));
    kept.kit.run();
    let _links: Vec<_> = (0..20).map(|_| kept.resume(BORN, usize::MAX)).collect();
    let live = kept.kit.connect(Policy::Repair, usize::MAX);
    let _unanswered = kept.kit.reads();
    kept.say(&"y ".repeat(200));
    kept.kit.turn();
    let Turn::Paused { until_ms } = kept.kit.turn() else { panic!("there is a flood, and nobody has been served") };
    kept.kit.now_ms = until_ms;
    for _ in 0..40 {
        kept.kit.turn();
        kept.kit.now_ms += 50;
    }
    assert_eq!(data_of(&live).len(), 200, "the journal does not answer, and publishes go on");
}
