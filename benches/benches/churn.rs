//! Connections that come and go: alone, among many, and while a broadcast runs.
//!
//! The clock stops when the shard has let go of the last one. An element is one connection that came and went.
#![allow(missing_docs, reason = "criterion's macros make public items without docs")]

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fanfare_benches::{Link, Stage, block_on, client, event, settings, subscribe};
use fanfare_core::{ClientId, Policy, Target, Wait, engine::Turn};

const SLOTS: usize = 10_000;
/// Connections that come and go in one iteration beside [`SLOTS`] that stay.
const GUESTS: usize = 1_000;
/// Connections that come, or go, between two turns of the shard. This takes fewer turns than a broadcast.
const GUESTS_PER_TURN: usize = 10;
/// Samples where an iteration takes long.
const SAMPLES: usize = 20;

/// A name that nobody on a stage has.
fn guest(number: usize) -> ClientId {
    client(usize::MAX - number)
}

fn alone(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("come and go/alone");
    let link = Link::open();
    group.throughput(Throughput::Elements(1));
    for slots in [0, 100_000] {
        let mut stage = None;
        group.bench_function(BenchmarkId::new("among", slots), |bencher| {
            let stage = stage.get_or_insert_with(|| Stage::of(slots));
            bencher.iter(|| {
                let slot = stage.connect(guest(0), &link);
                stage.settle();
                stage.part(&link, &[slot]);
            });
        });
    }
    group.finish();
}

/// Connections of one client each, and connections of one client together, whose list of connections is long then.
fn by_client(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("come and go");
    group.sample_size(SAMPLES);
    group.throughput(Throughput::Elements(SLOTS as u64));
    for (name, clients) in [("10,000 clients", SLOTS), ("10,000 of one client", 1)] {
        let (mut stage, link) = (None, Link::open());
        group.bench_function(name, |bencher| {
            let stage = stage.get_or_insert_with(|| Stage::new(Policy::default()));
            bencher.iter(|| {
                let slots = stage.join_as(SLOTS, &link, |number| guest(number % clients));
                stage.part(&link, &slots);
            });
        });
    }
    group.finish();
}

/// During a first broadcast they come, during a second they go: the shard takes some in every turn.
fn in_a_broadcast(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("come and go");
    group.sample_size(SAMPLES);
    group.throughput(Throughput::Elements(GUESTS as u64));
    let (mut stage, link) = (None, Link::open());
    group.bench_function("1,000 during two broadcasts to 10,000", |bencher| {
        let stage = stage.get_or_insert_with(|| Stage::of(SLOTS));
        bencher.iter(|| during_two_broadcasts(stage, &link));
    });
    group.finish();
}

fn during_two_broadcasts(stage: &mut Stage, link: &Link) {
    let mut slots = Vec::with_capacity(GUESTS);
    stage.publish(event(&Target::All));
    while slots.len() < GUESTS {
        assert_eq!(stage.turn(), Turn::More, "the broadcast still runs");
        let from = slots.len();
        slots.extend((from..from + GUESTS_PER_TURN).map(|number| stage.connect(guest(number), link)));
    }
    stage.settle();
    link.set_gone();
    stage.publish(event(&Target::All));
    for slots in slots.chunks(GUESTS_PER_TURN) {
        assert_eq!(stage.turn(), Turn::More, "the broadcast still runs");
        slots.iter().for_each(|slot| stage.hub().inbox(0).wake_slot(*slot));
    }
    stage.settle();
    link.set_open();
    stage.forget_notices();
}

/// The shard on its own thread, and on another thread a publisher whose broadcasts follow each other, or none.
fn threads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("come and go/threads");
    group.sample_size(SAMPLES);
    group.throughput(Throughput::Elements(1));
    let mut stage = None;
    for (name, beside) in [("quiet", Beside::Nothing), ("beside broadcasts to 10,000", Beside::Broadcasts)] {
        group.bench_function(name, |bencher| {
            let stage = stage.get_or_insert_with(|| Stage::of(SLOTS));
            bencher.iter_custom(|guests| visits(stage, beside, guests));
        });
    }
    group.finish();
}

/// Other work of the shard.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    Nothing,
    Broadcasts,
}

/// The time until `guests` connections have been registered and dropped here, and the shard has let go of the last.
fn visits(stage: &mut Stage, beside: Beside, guests: u64) -> Duration {
    let (is_enough, is_over, hub) = (AtomicBool::new(false), AtomicBool::new(false), stage.hub());
    thread::scope(|scope| {
        scope.spawn(|| stage.drive_until(|| is_over.load(Ordering::Acquire)));
        let broadcasting = scope.spawn(|| {
            while beside == Beside::Broadcasts && !is_enough.load(Ordering::Acquire) {
                assert!(block_on(hub.publish(event(&Target::All), Wait::Written)).is_ok());
            }
        });
        let started = Instant::now();
        for number in 0..guests {
            drop(subscribe(&hub, guest(usize::try_from(number).unwrap_or(0)), Policy::default()));
        }
        while hub.registry().connections() > SLOTS {
            thread::yield_now();
        }
        let took = started.elapsed();
        // The shard goes on until nobody waits for it.
        is_enough.store(true, Ordering::Release);
        assert!(broadcasting.join().is_ok());
        is_over.store(true, Ordering::Release);
        hub.inbox(0).wake();
        took
    })
}

criterion_group! { name = benches; config = settings(); targets = alone, by_client, in_a_broadcast, threads }
criterion_main!(benches);
