//! The time in which an event becomes bytes, by the size of its data and by its lines.
//!
//! An event is encoded once per publish, outside the order lock. Nothing of it grows with the number of connections.
#![allow(missing_docs, reason = "criterion's macros make public items without docs")]

use std::sync::Arc;

use criterion::{
    BatchSize, BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
    measurement::WallTime,
};
use fanfare_benches::{channel, settings};
use fanfare_core::{
    Event, EventId, Target,
    engine::{Draft, RingBudget},
};

/// Data bytes of the events that differ in lines.
const LINED_BYTES: usize = 4 << 10;

fn by_size(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode/bytes");
    for bytes in [16, 128, LINED_BYTES, 64 << 10, 1 << 20] {
        encode(&mut group, bytes, &"x".repeat(bytes));
    }
    group.finish();
}

fn by_lines(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("encode/lines of 4 KiB");
    for lines in [16, 256, LINED_BYTES] {
        let line = "x".repeat(LINED_BYTES / lines - 1) + "\n";
        encode(&mut group, lines, &line.repeat(lines));
    }
    group.finish();
}

fn encode(group: &mut BenchmarkGroup<'_, WallTime>, parameter: usize, data: &str) {
    let budget = Arc::new(RingBudget::new(usize::MAX));
    let size = if data.len() >= LINED_BYTES { BatchSize::LargeInput } else { BatchSize::SmallInput };
    group.throughput(Throughput::ElementsAndBytes { elements: 1, bytes: data.len() as u64 });
    group.bench_function(BenchmarkId::from_parameter(parameter), |bencher| {
        bencher.iter_batched(
            || Event::new(Target::Channel(channel()), data),
            |event| Draft::new(event, Arc::clone(&budget)).finish(EventId::new(1, 0)),
            size,
        );
    });
}

criterion_group! { name = benches; config = settings(); targets = by_size, by_lines }
criterion_main!(benches);
