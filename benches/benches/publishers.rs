//! Publishers on threads of their own, as many at once as the inbox lets through, against one shard.
//!
//! In an iteration each of them publishes once. The clock runs from their common start until the shard has delivered
//! the last event. An element is one delivery.
#![allow(missing_docs, reason = "criterion's macros make public items without docs")]

use std::{
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fanfare_benches::{Stage, block_on, channel, client, event, settings};
use fanfare_core::{Target, Wait};

const SLOTS: usize = 10_000;
const PUBLISHERS: [usize; 3] = [1, 4, 16];
/// An iteration takes long.
const SAMPLES: usize = 20;

fn publishers(criterion: &mut Criterion) {
    let mut stage = None;
    for (name, target, reached) in [
        ("publishers to channel", Target::Channel(channel()), SLOTS),
        ("publishers to all", Target::All, SLOTS),
        ("publishers to client", Target::Client(client(0)), 1),
    ] {
        let mut group = criterion.benchmark_group(name);
        group.sample_size(SAMPLES);
        for publishers in PUBLISHERS {
            group.throughput(Throughput::Elements((publishers * reached) as u64));
            group.bench_function(BenchmarkId::from_parameter(publishers), |bencher| {
                let stage = stage.get_or_insert_with(|| Stage::of(SLOTS));
                bencher.iter_custom(|events| race(stage, publishers, events, &target));
            });
        }
        group.finish();
    }
}

/// The time until `publishers` threads have published `events` events each, and all of them are delivered.
fn race(stage: &mut Stage, publishers: usize, events: u64, target: &Target) -> Duration {
    let (start, done, hub) = (Barrier::new(publishers + 1), AtomicUsize::new(0), stage.hub());
    thread::scope(|scope| {
        for _ in 0..publishers {
            scope.spawn(|| {
                start.wait();
                for _ in 0..events {
                    assert!(block_on(hub.publish(event(target), Wait::Journal)).is_ok());
                }
                // Release: who sees it sees the events in the inbox.
                done.fetch_add(1, Ordering::Release);
                hub.inbox(0).wake();
            });
        }
        start.wait();
        let started = Instant::now();
        stage.drive_until(|| done.load(Ordering::Acquire) == publishers);
        started.elapsed()
    })
}

criterion_group! { name = benches; config = settings(); targets = publishers }
criterion_main!(benches);
