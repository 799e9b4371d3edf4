//! [`Scene`]: what is counted. Every round is alike: the histories are full before the first, so that each event that comes lets
//! an old one go.

use std::task::{Context, Poll, Waker};

use fanfare_benches::{Link, NoSocket, Stage, channel, client, event, follow};
use fanfare_core::{
    Channel, Form, Pattern, Policy, Target,
    engine::{Feed, Life, Subscribe},
};

/// Connections that an event reaches.
const SLOTS: usize = 1_000;
/// Connections on a channel that most others do not follow.
const FEW: usize = 100;
/// Connections beside the few.
const OTHERS: usize = 9_900;
/// Events that are published together: one pass.
const EVENTS: usize = 16;
/// Events that a target keeps.
const KEPT: usize = 1_000;

/// One kind of delivery, or of publish.
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    /// Rounds of the shorter run.
    pub(crate) rounds: usize,
    /// Deliveries of one round, or publishes.
    pub(crate) elements: usize,
    /// Makes a stage, and plays so many rounds on it.
    pub(crate) play: fn(usize),
}

pub(crate) const SCENES: [Scene; 10] = [
    Scene { name: "delivery: to all", rounds: 200, elements: SLOTS, play: all },
    Scene { name: "delivery: to a channel", rounds: 200, elements: SLOTS, play: all_followers },
    Scene { name: "delivery: to 100 of 10,000 on a channel", rounds: 1_000, elements: FEW, play: few_followers },
    Scene { name: "delivery: to a channel, 16 at once", rounds: 50, elements: EVENTS * SLOTS, play: together },
    Scene { name: "delivery: 16 that wait in a ring", rounds: 20, elements: EVENTS * SLOTS, play: waiting },
    Scene { name: "delivery: to bodies", rounds: 200, elements: SLOTS, play: bodies },
    Scene { name: "delivery: with envelopes", rounds: 200, elements: SLOTS, play: envelopes },
    Scene { name: "delivery: by pattern", rounds: 200, elements: SLOTS, play: by_pattern },
    Scene { name: "publish: to a channel without streams", rounds: 2_000, elements: EVENTS, play: publishes },
    Scene { name: "publish: with a receipt", rounds: 20_000, elements: 1, play: receipts },
];

fn all(rounds: usize) {
    let (mut stage, link) = (full(&Target::All), Link::open());
    stage.join(SLOTS, &link);
    (0..rounds).for_each(|_| stage.fan_out(event(&Target::All)));
    assert_eq!(link.taken(), rounds * SLOTS);
}

fn all_followers(rounds: usize) {
    let (target, link) = (Target::Channel(channel()), Link::open());
    let mut stage = full(&target);
    stage.join(SLOTS, &link);
    (0..rounds).for_each(|_| stage.fan_out(event(&target)));
    assert_eq!(link.taken(), rounds * SLOTS);
}

fn few_followers(rounds: usize) {
    let few = Channel::new("few").unwrap_or_else(|_| unreachable!("a legal name"));
    let (target, link) = (Target::Channel(few.clone()), Link::open());
    let mut stage = full(&target);
    for number in 0..FEW {
        stage.join(OTHERS / FEW, &Link::shut());
        let wishes = follow(client(OTHERS + number), Policy::default());
        stage.connect_for(Subscribe { channels: vec![few.clone()], ..wishes }, &link);
        stage.settle();
    }
    (0..rounds).for_each(|_| stage.fan_out(event(&target)));
    assert_eq!(link.taken(), rounds * FEW);
}

fn together(rounds: usize) {
    let (target, link) = (Target::Channel(channel()), Link::open());
    let mut stage = full(&target);
    stage.join(SLOTS, &link);
    for _ in 0..rounds {
        (0..EVENTS).for_each(|_| stage.publish(event(&target)));
        stage.settle();
    }
    assert_eq!(link.taken(), rounds * EVENTS * SLOTS);
}

/// The sockets take nothing until the whole pass is in the rings.
fn waiting(rounds: usize) {
    let (target, link) = (Target::Channel(channel()), Link::shut());
    let mut stage = full(&target);
    let slots = stage.join(SLOTS, &link);
    for _ in 0..rounds {
        (0..EVENTS).for_each(|_| stage.publish(event(&target)));
        stage.settle();
        stage.empty(&link, &slots);
    }
    assert_eq!(link.taken(), rounds * EVENTS * SLOTS);
}

fn bodies(rounds: usize) {
    let target = Target::Channel(channel());
    let mut stage = full(&target);
    let mut feeds: Vec<_> =
        (0..SLOTS).map(|number| stage.subscribe(client(number)).into_feed(Life::default())).collect();
    stage.settle();
    for _ in 0..rounds {
        stage.fan_out(event(&target));
        assert_eq!(feeds.iter_mut().map(take_all).sum::<usize>(), SLOTS);
    }
}

fn take_all(feed: &mut Feed<NoSocket>) -> usize {
    let mut taken = 0;
    while let Poll::Ready(Some(Ok(_))) = feed.poll_next(&mut Context::from_waker(Waker::noop())) {
        taken += 1;
    }
    taken
}

fn envelopes(rounds: usize) {
    let (target, link) = (Target::Channel(channel()), Link::open());
    let mut stage = full(&target);
    for number in 0..SLOTS {
        stage.connect_for(Subscribe { form: Form::Envelope, ..follow(client(number), Policy::default()) }, &link);
    }
    stage.settle();
    (0..rounds).for_each(|_| stage.fan_out(event(&target)));
    assert_eq!(link.taken(), rounds * SLOTS);
}

fn by_pattern(rounds: usize) {
    let (target, link) = (Target::Channel(channel()), Link::open());
    let mut stage = full(&target);
    let patterns = vec![Pattern::new("ben*").unwrap_or_else(|_| unreachable!("a legal pattern"))];
    for number in 0..SLOTS {
        let wishes = follow(client(number), Policy::default());
        stage.connect_for(Subscribe { channels: Vec::new(), patterns: patterns.clone(), ..wishes }, &link);
    }
    stage.settle();
    (0..rounds).for_each(|_| stage.fan_out(event(&target)));
    assert_eq!(link.taken(), rounds * SLOTS);
}

/// The shard takes the events out of its inbox, and has nobody to give them to.
fn publishes(rounds: usize) {
    let target = Target::Channel(channel());
    let mut stage = full(&target);
    for _ in 0..rounds {
        (0..EVENTS).for_each(|_| stage.publish(event(&target)));
        stage.settle();
    }
}

/// The publisher waits until the shard has delivered the event to the one stream.
fn receipts(rounds: usize) {
    let (target, link) = (Target::Channel(channel()), Link::open());
    let mut stage = full(&target);
    stage.join(1, &link);
    for _ in 0..rounds {
        stage.fan_out_counted(event(&target));
    }
    assert_eq!(link.taken(), rounds);
}

/// A stage without clients, on which `target` keeps as many events as it may.
fn full(target: &Target) -> Stage {
    let mut stage = Stage::new(Policy::default());
    (0..KEPT).for_each(|_| stage.fan_out(event(target)));
    stage
}
