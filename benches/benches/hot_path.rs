//! The hot broadcast path, piece by piece: encode once, push to a ring, fan out to many slots.
//!
//! Every bench drains what it filled before the clock stops and reports elements per second.
#![allow(missing_docs, reason = "criterion's macros make public items without docs")]

use std::{sync::Arc, time::Duration};

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fanfare_benches::{Stage, channel};
use fanfare_core::{Draft, Event, EventId, Ring, RingBudget, Target};

fn event(data_bytes: usize) -> Event {
    Event::new(Target::Channel(channel()), "x".repeat(data_bytes))
}

fn encode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode");
    let budget = Arc::new(RingBudget::new(usize::MAX));
    for data_bytes in [16, 128, 4 << 10, 1 << 20] {
        group.throughput(Throughput::Bytes(data_bytes as u64));
        group.bench_with_input(BenchmarkId::from_parameter(data_bytes), &data_bytes, |bencher, &data_bytes| {
            bencher.iter_batched(
                || event(data_bytes),
                |event| Draft::new(event, Arc::clone(&budget)).finish(EventId::new(1, 0)),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn ring(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring");
    let message = Draft::new(event(128), Arc::new(RingBudget::new(usize::MAX))).finish(EventId::new(1, 0));
    let ring = Ring::new(64, 256 << 10);
    group.throughput(Throughput::Elements(64));
    group.bench_function("64 pushed and popped", |bencher| {
        bencher.iter(|| {
            for _ in 0..64 {
                assert!(ring.push(message.clone()).is_ok());
            }
            while ring.pop().is_some() {}
        });
    });
    group.finish();
}

fn fan_out(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fan out one event");
    for slots in [1, 1_000, 100_000] {
        let mut stage = Stage::new(slots, false);
        group.throughput(Throughput::Elements(slots as u64));
        group.bench_function(BenchmarkId::new("sockets that take it", slots), |bencher| {
            bencher.iter(|| {
                stage.publish(event(128));
                stage.settle();
            });
        });
    }
    let mut stage = Stage::new(1_000, true);
    group.throughput(Throughput::Elements(1_000));
    group.bench_function(BenchmarkId::new("full rings", 1_000), |bencher| {
        bencher.iter(|| {
            stage.publish(event(128));
            stage.settle();
        });
    });
    group.finish();
}

fn settings() -> Criterion {
    Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3))
}

criterion_group! { name = benches; config = settings(); targets = encode, ring, fan_out }
criterion_main!(benches);
