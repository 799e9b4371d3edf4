//! Catch-up: a connection that is fed from a journal gets the history after its cursor and then the live events,
//! no gap, no repeat, no reordering, whatever is published meanwhile. The journal is the test's own.

#![allow(clippy::print_stdout, reason = "the seed of a failing run")]

mod support;

use std::task::Poll;

use fanfare_core::{Batch, Config, EventId, Feed, Framing, Policy, Start, Turn, Wait};
use support::{
    Ending, History, Kit, Link, MockSocket, Plan, Rng, World, all, data_in, data_of, poll, taken, to_channel,
};

/// A hub and a journal that keeps what it publishes.
struct Kept {
    kit: Kit,
    history: History,
    /// Every event to all or to channel `a`, in order.
    said: Vec<String>,
    /// Sees the hub's own messages, for tests in which their bytes matter.
    watcher: Option<Feed<MockSocket>>,
}

impl Kept {
    fn new(config: Config) -> Self {
        let config = Config { history: true, ..config };
        Self { kit: Kit::new(config), history: History::default(), said: Vec::new(), watcher: None }
    }

    fn watched(config: Config) -> Self {
        let mut kept = Self::new(config);
        kept.watcher = Some(kept.kit.subscribe(&[]).into_feed());
        kept.kit.run();
        kept
    }

    fn say(&mut self, text: &str) {
        for word in text.split_whitespace() {
            let id = self.kit.publish(all(word)).id;
            match &mut self.watcher {
                None => self.history.push(all(word), id),
                Some(watcher) => {
                    // One turn, so that its own ring is not emptied before it has taken the message.
                    self.kit.turn();
                    taken(watcher).into_iter().for_each(|message| self.history.keep(message));
                }
            }
            self.said.push(word.to_owned());
        }
    }

    fn after(&self, cursor: EventId) -> fanfare_core::Subscription<MockSocket> {
        self.kit.subscribe_as("u", &["a"], Start::After(cursor), Policy::DropNewest)
    }

    fn resume(&mut self, cursor: EventId, room: usize) -> Link {
        let link = self.kit.attach(self.after(cursor), Framing::Chunked, room);
        self.kit.run();
        link
    }

    /// Answers what the shards ask for; returns how many there were.
    fn answer(&mut self) -> usize {
        let reads = self.kit.reads();
        for request in &reads {
            self.kit.hub.answer_with(request, |last| self.history.batch(request, last));
        }
        reads.len()
    }

    /// Runs and answers until nothing more is asked.
    fn settle(&mut self) {
        for _ in 0..1_000 {
            self.kit.run();
            if self.answer() == 0 {
                return;
            }
        }
        panic!("it asks the journal again and again");
    }
}

fn small() -> Config {
    Config { ring_messages_max: 2, ..Config::default() }
}

#[test]
fn a_socket_gets_the_history_and_then_the_live_events_without_a_seam() {
    let mut kept = Kept::new(small());
    kept.say("1 2 3 4 5");
    let link = kept.resume(EventId::new(1_000, 0), usize::MAX);
    for word in ["6", "7", "8", "9", "10", "11"] {
        // Once between the question and the answer, once between the answer and its turn.
        kept.say(word);
        assert_eq!(kept.kit.turn(), Turn::Idle);
        kept.answer();
        kept.say(&format!("{word}b"));
        kept.kit.run();
    }
    kept.settle();
    kept.say("live");
    kept.kit.run();
    assert_eq!(kept.kit.reads().len(), 0, "it is live again");
    assert_eq!(data_of(&link), kept.said[1..]);
}

#[test]
fn a_slow_socket_is_fed_at_its_own_pace_and_misses_nothing() {
    let mut kept = Kept::new(small());
    kept.say("1 2 3 4 5 6 7");
    let link = kept.resume(EventId::ZERO, 0);
    for round in 0..200 {
        if round % 5 == 0 && round < 100 {
            kept.say(&format!("r{round}"));
        }
        link.give(7);
        kept.kit.run();
        kept.answer();
    }
    assert!(data_of(&link).len() > 10);
    link.open();
    kept.settle();
    assert_eq!(data_of(&link), kept.said);
    assert_eq!(kept.kit.hub.ring_bytes() + kept.history.held_bytes(), 0);
}

#[test]
fn a_body_is_fed_only_when_it_has_taken_what_it_was_given() {
    let mut kept = Kept::new(small());
    kept.say("1 2 3 4 5");
    let mut feed: Feed<MockSocket> = kept.after(EventId::ZERO).into_feed();
    kept.kit.run();
    assert_eq!(kept.answer(), 1);
    kept.say("6");
    kept.kit.run();
    assert_eq!(kept.kit.reads().len(), 0, "two messages wait in its ring");
    let mut got = Vec::new();
    for _ in 0..8 {
        got.extend(taken(&mut feed).iter().map(data_in));
        kept.kit.run();
        kept.answer();
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
    let link = kept.resume(EventId::ZERO, usize::MAX);
    kept.say("2 3 4");
    kept.kit.run();
    assert_eq!((kept.kit.hub.ring_bytes(), data_of(&link).len()), (0, 0), "the journal has it");
    kept.settle();
    assert_eq!(data_of(&link), kept.said);
}

#[test]
fn what_is_published_before_the_head_is_out_comes_from_the_journal_once() {
    let mut kept = Kept::new(small());
    kept.say("1 2");
    let subscription = kept.after(EventId::new(1_000, 0));
    kept.say("3 4 5");
    kept.kit.run();
    assert_eq!(kept.kit.hub.ring_bytes(), 0);
    let link = kept.kit.attach(subscription, Framing::Bare, usize::MAX);
    kept.settle();
    let mut parser = support::Parser::default();
    let got: Vec<_> = parser.feed(&link.out()).into_iter().map(|event| event.data).collect();
    assert_eq!(got, kept.said[1..]);
}

#[test]
fn with_an_empty_journal_a_resumed_connection_is_live_at_once() {
    let mut kept = Kept::new(Config::default());
    kept.say("1");
    let link = kept.resume(EventId::ZERO, usize::MAX);
    let reads = kept.kit.reads();
    assert_eq!((reads.len(), reads[0].after(), reads[0].targets().len()), (1, EventId::ZERO, 3));
    kept.kit.hub.read(&reads[0]);
    kept.kit.run();
    let mut publish = kept.kit.publishing(all("2"), Wait::Written);
    assert!(poll(&mut publish).is_pending());
    kept.kit.run();
    let Poll::Ready(Ok(receipt)) = poll(&mut publish) else { panic!("every shard is done") };
    assert_eq!((receipt.matched, receipt.outcome.unwrap().written), (1, 1));
    assert_eq!(data_of(&link), ["2"]);
}

#[test]
fn an_empty_answer_that_does_not_reach_the_shards_position_is_asked_on() {
    let mut kept = Kept::new(Config::default());
    kept.say("1 2 3 4");
    let link = kept.resume(EventId::ZERO, usize::MAX);
    kept.say("5");
    // A journal may look at a part of what it has and find nothing there for this connection.
    let reads = kept.kit.reads();
    kept.kit.hub.answer_with(&reads[0], |_| Batch { messages: Vec::new(), next: EventId::new(1_000, 1) });
    kept.settle();
    assert_eq!(data_of(&link), ["3", "4", "5"]);
}

#[test]
fn a_pass_that_yields_in_the_middle_makes_no_gap_and_no_repeat() {
    let mut kept = Kept::new(Config { turn_slots_max: 1, ring_messages_max: 3, ..Config::default() });
    kept.say("1 2 3");
    kept.kit.run();
    let links: Vec<_> = (0..3).map(|from| kept.resume(EventId::new(1_000, from), usize::MAX)).collect();
    for word in ["4", "5", "6", "7", "8", "9"] {
        kept.say(word);
        kept.kit.turn();
        kept.answer();
        kept.say(&format!("{word}b"));
        kept.kit.turn();
    }
    kept.settle();
    for (from, link) in links.iter().enumerate() {
        assert_eq!(data_of(link), kept.said[from + 1..]);
    }
}

#[test]
fn an_answer_for_a_connection_that_left_goes_to_nobody() {
    let mut kept = Kept::new(Config::default());
    kept.say("1 2");
    let link = kept.resume(EventId::ZERO, usize::MAX);
    let reads = kept.kit.reads();
    link.end();
    kept.kit.run();
    let next = kept.kit.connect(Policy::DropNewest, usize::MAX);
    kept.kit.hub.answer_with(&reads[0], |last| kept.history.batch(&reads[0], last));
    kept.say("3");
    kept.kit.run();
    assert_eq!((data_of(&link).len(), data_of(&next)), (0, vec!["3".to_owned()]));
}

#[test]
fn rings_over_the_hubs_limit_are_emptied_and_repaired_from_the_journal() {
    let mut kept = Kept::watched(Config { hub_ring_bytes_max: 100, ..Config::default() });
    let slow = kept.kit.connect(Policy::DropNewest, 10);
    let fine = kept.kit.connect(Policy::DropNewest, usize::MAX);
    for number in 0..20 {
        kept.say(&format!("e{number}"));
        kept.kit.run();
    }
    kept.settle();
    assert!(kept.kit.hub.ring_bytes() <= 100, "at rest it holds what it may: {}", kept.kit.hub.ring_bytes());
    slow.open();
    kept.settle();
    assert_eq!((data_of(&slow), data_of(&fine)), (kept.said.clone(), kept.said.clone()));
    assert_eq!(kept.kit.hub.ring_bytes(), 0);
}

#[test]
fn a_stuck_socket_over_the_hubs_limit_does_not_ask_the_journal_again_and_again() {
    let mut kept = Kept::watched(Config { hub_ring_bytes_max: 0, ..Config::default() });
    let stuck = kept.kit.connect(Policy::DropNewest, 0);
    kept.say("1 2 3");
    let mut reads = 0;
    for _ in 0..50 {
        kept.kit.turn();
        reads += kept.answer();
    }
    assert!(reads <= 3, "{reads} reads for a socket that never took a byte");
    stuck.open();
    kept.settle();
    assert_eq!(data_of(&stuck), kept.said);
}

#[test]
fn a_stuck_socket_whose_ring_is_emptied_over_and_over_still_times_out() {
    let config = Config { hub_ring_bytes_max: 0, write_timeout_ms: 100, heartbeat_ms: 10_000, ..Config::default() };
    let mut kept = Kept::watched(config);
    let _stuck = kept.kit.connect(Policy::DropNewest, 0);
    for ms in (0..=400).step_by(20) {
        kept.kit.now_ms = ms;
        kept.say("x");
        for _ in 0..4 {
            kept.kit.turn();
            kept.answer();
        }
        kept.kit.sweep_at(ms);
    }
    assert_eq!(kept.kit.closed().len(), 1, "it took no byte for 400 ms while some waited");
}

#[test]
fn a_drain_gives_a_connection_that_catches_up_what_the_journal_has_for_it() {
    let mut kept = Kept::new(small());
    kept.say("1 2 3 4 5");
    let link = kept.resume(EventId::ZERO, usize::MAX);
    kept.kit.hub.drain();
    kept.settle();
    assert_eq!(data_of(&link), kept.said, "what was accepted is delivered");
    assert!(link.is_shut());
}

#[test]
fn a_receipt_counts_a_connection_that_got_the_event_from_the_journal_first() {
    let mut kept = Kept::new(Config::default());
    let link = kept.resume(EventId::ZERO, usize::MAX);
    let reads = kept.kit.reads();
    let mut publish = kept.kit.publishing(to_channel("a", "1"), Wait::Written);
    assert!(poll(&mut publish).is_pending());
    kept.history.push(to_channel("a", "1"), kept.kit.hub.last_id());
    kept.kit.hub.answer_with(&reads[0], |last| kept.history.batch(&reads[0], last));
    kept.settle();
    assert_eq!(data_of(&link), ["1"]);
    let Poll::Ready(Ok(receipt)) = poll(&mut publish) else { panic!("every shard is done") };
    assert_eq!(receipt.matched, 1);
}

fn run(seed: u64, is_lossless: bool) {
    println!("replay with FANFARE_SEED={seed}");
    let mut rng = Rng::new(seed);
    let config = Config {
        shards: rng.pick(&[1, 2, 4]),
        // Lossless: rings that never fill before the hub's limit empties them.
        ring_messages_max: if is_lossless { 1_000 } else { rng.within(1, 5) },
        ring_bytes_max: if is_lossless { usize::MAX } else { rng.pick(&[60, 500, 5_000]) },
        // Above what half-written messages hold: connections that hold too much of those are closed.
        hub_ring_bytes_max: if is_lossless { 4_000 } else { rng.pick(&[200, 2_000, usize::MAX]) },
        inbox_messages_max: rng.within(1, 8),
        heartbeat_ms: rng.pick(&[20, 200]),
        write_timeout_ms: rng.pick(&[100, 100_000]),
        input_bytes_max: 30,
        turn_slots_max: rng.within(1, 4),
        history: true,
        ..Config::default()
    };
    println!("lossless {is_lossless}, {config:?}");
    let mut world = World::new(rng.next(), Plan { config, has_history: true, is_lossless, members_max: 12 });
    (0..5_000).for_each(|_| world.step());
    let (closed, delivered) = world.finish(Ending::Leave);
    assert!(closed > 20 && delivered > 300, "{closed} connections, {delivered} events");
}

#[test]
fn random_operations_lose_and_repeat_nothing_that_the_journal_has() {
    match std::env::var("FANFARE_SEED").map(|seed| seed.parse().expect("FANFARE_SEED is a number")) {
        Ok(seed) => [true, false].into_iter().for_each(|is_lossless| run(seed, is_lossless)),
        Err(_) => (1..=8).for_each(|seed| run(seed, seed % 2 == 0)),
    }
}
