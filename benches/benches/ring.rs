//! A slot's ring alone: the cost to let a message wait, to take it out, and to hear that there is no room.
//!
//! Every ring is empty again before the clock stops.
#![allow(missing_docs, reason = "criterion's macros make public items without docs")]

use std::{
    hint::black_box,
    sync::{Arc, Barrier},
    thread,
    time::{Duration, Instant},
};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use fanfare_benches::{channel, event, settings};
use fanfare_core::{
    Config, EventId, Message, Target,
    engine::{Draft, Ring, RingBudget},
};

fn message() -> Message {
    let event = event(&Target::Channel(channel()));
    Draft::new(event, Arc::new(RingBudget::new(usize::MAX))).finish(EventId::new(1, 0))
}

fn empty_ring() -> Ring {
    let config = Config::default();
    Ring::new(config.ring_messages_max, config.ring_bytes_max)
}

fn fill(ring: &Ring, message: &Message) {
    while ring.push(message.clone()).is_ok() {}
}

fn drain(ring: &Ring) {
    while let Some(message) = ring.pop() {
        black_box(message);
    }
}

fn one_thread(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring");
    let (ring, message) = (empty_ring(), message());
    group.throughput(Throughput::Elements(1));
    group.bench_function("push, pop", |bencher| {
        bencher.iter(|| {
            assert!(ring.push(message.clone()).is_ok());
            ring.pop()
        });
    });
    fill(&ring, &message);
    group.throughput(Throughput::Elements(ring.len() as u64));
    group.bench_function("pop all of a full ring", |bencher| {
        let full = || {
            let ring = empty_ring();
            fill(&ring, &message);
            ring
        };
        bencher.iter_batched_ref(full, |ring| drain(ring), BatchSize::SmallInput);
    });
    drain(&ring);
    group.bench_function("push until full, pop all", |bencher| {
        bencher.iter(|| {
            fill(&ring, &message);
            drain(&ring);
        });
    });
    fill(&ring, &message);
    group.throughput(Throughput::Elements(1));
    group.bench_function("push on full", |bencher| bencher.iter(|| ring.push(message.clone()).is_err()));
    group.finish();
}

fn two_threads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring");
    group.throughput(Throughput::Elements(1));
    group.bench_function("push against pop", |bencher| bencher.iter_custom(push_against_pop));
    group.finish();
}

/// The time until `messages` messages pushed here have been popped by another thread.
fn push_against_pop(messages: u64) -> Duration {
    let (ring, message, start) = (empty_ring(), message(), Barrier::new(2));
    thread::scope(|scope| {
        let popping = scope.spawn(|| {
            start.wait();
            let mut left = messages;
            while left > 0 {
                match ring.pop() {
                    Some(_) => left -= 1,
                    None => thread::yield_now(),
                }
            }
        });
        start.wait();
        let started = Instant::now();
        for _ in 0..messages {
            let mut message = message.clone();
            while let Err(refused) = ring.push(message) {
                message = refused;
                thread::yield_now();
            }
        }
        assert!(popping.join().is_ok());
        started.elapsed()
    })
}

criterion_group! { name = benches; config = settings(); targets = one_thread, two_threads }
criterion_main!(benches);
