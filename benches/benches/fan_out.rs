//! One event on its way to many slots whose outlets take it at once, from the publish to the last slot.
//!
//! An element is one delivery. The kernel's part is not in here: these are the engine's own nanoseconds.
#![allow(missing_docs, reason = "criterion's macros make public items without docs")]

use std::task::{Context, Poll, Waker};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fanfare_benches::{Link, NoSocket, Stage, channel, client, event, follow, settings};
use fanfare_core::{
    Form, Policy, Target,
    engine::{Feed, Life, Subscribe},
};

const SLOTS: usize = 10_000;
/// Events that wait together: four passes.
const EVENTS: usize = 64;
/// Samples where an iteration takes long.
const SAMPLES: usize = 20;

fn by_slots(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fan out/channel");
    let target = Target::Channel(channel());
    for slots in [1, 100, SLOTS, 100_000] {
        let mut stage = None;
        group.throughput(Throughput::Elements(slots as u64));
        if slots > SLOTS {
            group.sample_size(SAMPLES);
        }
        group.bench_function(BenchmarkId::from_parameter(slots), |bencher| {
            let stage = stage.get_or_insert_with(|| Stage::of(slots));
            bencher.iter(|| stage.fan_out(event(&target)));
        });
    }
    group.finish();
}

fn by_target(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fan out");
    group.throughput(Throughput::Elements(SLOTS as u64));
    let one_client = || {
        let mut stage = Stage::new(Policy::default());
        stage.join_as(SLOTS, &Link::open(), |_| client(0));
        stage
    };
    for (name, target) in [("all", Target::All), ("client", Target::Client(client(0)))] {
        let mut stage = None;
        group.bench_function(BenchmarkId::new(name, SLOTS), |bencher| {
            let stage = stage.get_or_insert_with(one_client);
            bencher.iter(|| stage.fan_out(event(&target)));
        });
    }
    group.finish();
}

fn receipt(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fan out");
    group.throughput(Throughput::Elements(SLOTS as u64));
    let (target, mut stage) = (Target::Channel(channel()), None);
    group.bench_function(BenchmarkId::new("counted for a receipt", SLOTS), |bencher| {
        let stage = stage.get_or_insert_with(|| Stage::of(SLOTS));
        bencher.iter(|| {
            let outcome = stage.fan_out_counted(event(&target)).outcome;
            assert_eq!(outcome.map(|outcome| outcome.written), Some(SLOTS));
        });
    });
    group.finish();
}

fn many_events(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fan out");
    group.sample_size(SAMPLES);
    group.throughput(Throughput::Elements((EVENTS * SLOTS) as u64));
    let (target, mut stage) = (Target::Channel(channel()), None);
    group.bench_function(BenchmarkId::new("64 events at once", SLOTS), |bencher| {
        let stage = stage.get_or_insert_with(|| Stage::of(SLOTS));
        bencher.iter(|| {
            (0..EVENTS).for_each(|_| stage.publish(event(&target)));
            stage.settle();
        });
    });
    group.finish();
}

/// The same as [`by_slots`] and [`many_events`], for connections that ask for the channel of each event.
fn envelopes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fan out");
    group.sample_size(SAMPLES);
    let (target, mut stage) = (Target::Channel(channel()), None);
    for (name, events) in [("an envelope", 1), ("64 envelopes at once", EVENTS)] {
        group.throughput(Throughput::Elements((events * SLOTS) as u64));
        group.bench_function(BenchmarkId::new(name, SLOTS), |bencher| {
            let stage = stage.get_or_insert_with(with_envelopes);
            bencher.iter(|| {
                (0..events).for_each(|_| stage.publish(event(&target)));
                stage.settle();
            });
        });
    }
    group.finish();
}

fn with_envelopes() -> Stage {
    let (mut stage, link) = (Stage::new(Policy::default()), Link::open());
    for number in 0..SLOTS {
        stage.connect_for(Subscribe { form: Form::Envelope, ..follow(client(number), Policy::default()) }, &link);
    }
    stage.settle();
    stage
}

/// Bodies take their messages from their ports, as hyper lets them, once the shard has served them all.
fn bodies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fan out");
    group.throughput(Throughput::Elements(SLOTS as u64));
    let (target, mut both) = (Target::Channel(channel()), None);
    group.bench_function(BenchmarkId::new("to bodies", SLOTS), |bencher| {
        let (stage, feeds) = both.get_or_insert_with(with_feeds);
        bencher.iter(|| {
            stage.fan_out(event(&target));
            assert_eq!(feeds.iter_mut().map(take_all).sum::<usize>(), SLOTS);
        });
    });
    group.finish();
}

fn with_feeds() -> (Stage, Vec<Feed<NoSocket>>) {
    let mut stage = Stage::new(Policy::default());
    let feeds = (0..SLOTS).map(|number| stage.subscribe(client(number)).into_feed(Life::default())).collect();
    stage.settle();
    (stage, feeds)
}

fn take_all(feed: &mut Feed<NoSocket>) -> usize {
    let mut taken = 0;
    while let Poll::Ready(Some(Ok(_))) = feed.poll_next(&mut Context::from_waker(Waker::noop())) {
        taken += 1;
    }
    taken
}

criterion_group! { name = benches; config = settings(); targets = by_slots, by_target, receipt, many_events, envelopes, bodies }
criterion_main!(benches);
