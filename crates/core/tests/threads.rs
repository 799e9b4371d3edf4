//! Real threads: publishers, shards and bodies at once. The results of the single thread in model.rs must hold here
//! too: one order for everybody, everything, once. No wake-up is lost: all sleeps are without a time limit.

mod support;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use fanfare_core::{
    Config, Event, EventId, Form, Heartbeat, Policy, Start, Target, Wait,
    engine::{Amount, Feed, Framing, Hub, Life, Shard, Subscribe, Turn},
};
use support::{Chunks, Judge, Link, MockSocket, channel, client};

const PUBLISHERS: usize = 8;
const SHARDS: usize = 4;
const EVENTS: usize = 400;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn waker() -> Waker {
    Waker::from(Arc::new(Unpark(thread::current())))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let (mut future, waker) = (std::pin::pin!(future), waker());
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

/// Drives a shard as a shell does, until it is drained.
fn drive(mut shard: Shard<MockSocket>) -> Shard<MockSocket> {
    let waker = waker();
    let inbox = Arc::clone(shard.inbox());
    loop {
        inbox.register(&Context::from_waker(&waker));
        while shard.turn(0) == Turn::More {}
        if shard.is_drained() {
            return shard;
        }
        if inbox.is_empty() {
            thread::park();
        }
    }
}

fn config() -> Config {
    Config {
        shards: SHARDS,
        ring_messages_max: 2 * PUBLISHERS * EVENTS,
        ring_bytes_max: usize::MAX,
        hub_ring_bytes_max: usize::MAX,
        inbox_messages_max: 5,
        turn_slots_max: 2,
        ..Config::default()
    }
}

fn hub() -> (Arc<Hub<MockSocket>>, Vec<Shard<MockSocket>>) {
    Hub::new(config(), Box::new(|| 1_000))
}

fn subscribe(hub: &Arc<Hub<MockSocket>>, shard: usize) -> fanfare_core::engine::Subscription<MockSocket> {
    hub.subscribe(Subscribe {
        client: client("u"),
        channels: vec![channel("a"), channel("b")],
        start: Start::Now,
        policy: Policy::Repair,
        heartbeat: Heartbeat::Comment,
        form: Form::Plain,
        shard,
        now_ms: 0,
        patterns: Vec::new(),
        expires_ms: None,
        catching_up: None,
        held: None,
    })
    .unwrap()
}

fn publish_all(hub: &Hub<MockSocket>, publisher: usize) {
    for number in 0..EVENTS {
        let data = format!("{publisher}/{number}");
        let target = match number % 4 {
            0 => Target::All,
            1 => Target::Client(client("u")),
            2 => Target::Channel(channel("a")),
            _ => Target::Channel(channel("b")),
        };
        let wait = if number % 16 == 0 { Wait::Written } else { Wait::Journal };
        let receipt = block_on(hub.publish(Event::new(target, data), wait)).unwrap();
        assert!(wait == Wait::Journal || receipt.matched == receipt.outcome.unwrap().matched());
    }
}

/// Polls a body to its end.
fn read_all(mut feed: Feed<MockSocket>) -> Vec<String> {
    let mut judge = Judge::default();
    let mut data = Vec::new();
    while let Some(message) = block_on(std::future::poll_fn(|cx| feed.poll_next(cx))) {
        data.extend(judge.feed(message.unwrap().whole().sse()).into_iter().map(|event| event.data));
    }
    data
}

fn read_link(link: &Link) -> Vec<String> {
    let (mut chunks, mut judge) = (Chunks::default(), Judge::default());
    let events = chunks.feed(&link.out()).into_iter().flat_map(|payload| judge.feed(&payload));
    let data = events.map(|event| event.data).collect();
    assert!(chunks.is_over() && link.is_shut());
    data
}

/// Checks that no event of `order` is missing or twice, and that each publisher's events are in its order.
fn check_order(order: &[String]) {
    assert_eq!(order.len(), PUBLISHERS * EVENTS);
    let mut next: HashMap<&str, usize> = HashMap::new();
    for data in order {
        let (publisher, number) = data.split_once('/').unwrap();
        let next = next.entry(publisher).or_default();
        assert_eq!(number.parse::<usize>().unwrap(), *next, "of publisher {publisher}");
        *next += 1;
    }
}

#[test]
fn every_subscriber_of_everything_sees_one_order_all_of_it_once() {
    let (hub, shards) = hub();
    let mut links = Vec::new();
    let mut feeds = Vec::new();
    for at in 0..3 * SHARDS {
        let subscription = subscribe(&hub, at % SHARDS);
        if at < SHARDS {
            feeds.push(subscription.into_feed(Life::default()));
            continue;
        }
        let room = if at < 2 * SHARDS { usize::MAX } else { 50 };
        let (socket, link) = Link::new(Arc::clone(hub.inbox(at % SHARDS)), subscription.slot(), room);
        subscription.attach_socket(socket, Framing::Chunked, 0);
        links.push(link);
    }
    let is_over = AtomicBool::new(false);
    let bodies = thread::scope(|scope| {
        let shards: Vec<_> = shards.into_iter().map(|shard| scope.spawn(move || drive(shard))).collect();
        let bodies: Vec<_> = feeds.into_iter().map(|feed| scope.spawn(move || read_all(feed))).collect();
        let publishers: Vec<_> = (0..PUBLISHERS)
            .map(|at| {
                scope.spawn({
                    let hub = &hub;
                    move || publish_all(hub, at)
                })
            })
            .collect();
        // Slow clients take a few bytes at a time, some come and go.
        scope.spawn(|| {
            let mut round = 0;
            while !is_over.load(Ordering::Relaxed) {
                links.iter().for_each(|link| link.give(100));
                let subscription = subscribe(&hub, round % SHARDS);
                if round % 2 == 0 {
                    drop(subscription.into_feed(Life::default()));
                }
                round += 1;
                thread::yield_now();
            }
            links.iter().for_each(Link::open);
        });
        publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
        is_over.store(true, Ordering::Relaxed);
        hub.drain();
        let bodies: Vec<_> = bodies.into_iter().map(|body| body.join().unwrap()).collect();
        // Their clients close once they have the end.
        for link in &links {
            while !link.is_shut() {
                thread::yield_now();
            }
            link.end();
        }
        shards.into_iter().for_each(|shard| assert_eq!(shard.join().unwrap().open(), 0));
        bodies
    });
    check_order(&bodies[0]);
    bodies.iter().for_each(|body| assert!(*body == bodies[0], "one order for every body"));
    links.iter().for_each(|link| assert!(read_link(link) == bodies[0], "one order for every socket"));
    assert_eq!((hub.ring_bytes(), hub.registry().connections()), (0, 0));
    (0..SHARDS).for_each(|shard| assert_eq!(hub.inbox(shard).load(), Amount::default()));
}

#[test]
fn a_body_that_takes_while_its_ring_is_emptied_gets_nothing_twice_or_out_of_order() {
    // A few messages are too much, and the one that the body has taken is not.
    let config = Config { hub_ring_bytes_max: 200, ..Config::default() };
    let (hub, mut shards) = Hub::new(config, Box::new(|| 1_000));
    let mut feed = subscribe(&hub, 0).into_feed(Life::default());
    let (newest, is_over) = (parking_lot::Mutex::new(EventId::ZERO), AtomicBool::new(false));
    thread::scope(|scope| {
        let body = scope.spawn(|| {
            let mut cx = Context::from_waker(Waker::noop());
            while !is_over.load(Ordering::Relaxed) {
                let Poll::Ready(Some(Ok(message))) = feed.poll_next(&mut cx) else { continue };
                let message = message.whole();
                let mut newest = newest.lock();
                assert!(message.id() > *newest, "{} after {newest}", message.id());
                *newest = message.id();
            }
        });
        for round in 0..300 {
            for number in 0..40 {
                let event = Event::new(Target::All, format!("{round}/{number}"));
                block_on(hub.publish(event, Wait::Journal)).unwrap();
            }
            if body.is_finished() {
                break;
            }
            // Its ring is filled in one turn and emptied in the next, while the body takes from it.
            while *newest.lock() != hub.last_id() && !body.is_finished() {
                shards[0].turn(0);
                for request in shards[0].take_reads() {
                    hub.read(request);
                }
            }
        }
        is_over.store(true, Ordering::Relaxed);
        body.join().unwrap();
    });
}
