//! Publishes that nobody receives: the cost to keep an event while the history is full, and to remember a key.
//!
//! The clock stops when the shard has taken the event. An element is one event.

use criterion::{BatchSize, Criterion, Throughput};
use fanfare_benches::{DATA_BYTES, Stage};
use fanfare_core::{Channel, Config, Event, EventId, IdempotencyKey, Policy, ReadLimit, Start, Target};

/// Events that every target keeps at most.
const KEPT: usize = 1_000;

/// Publishes to one target, to three, and to one that keeps nothing.
pub(crate) fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("replay/append");
    group.throughput(Throughput::Elements(1));
    let mut stage = None;
    for (name, targets, is_kept) in
        [("evicting from 1 target", 1, true), ("evicting from 3 targets", TARGETS.len(), true), ("not kept", 1, false)]
    {
        let event = || if is_kept { to(targets) } else { to(targets).live_only() };
        group.bench_function(name, |bencher| {
            let stage = stage.get_or_insert_with(full);
            bencher.iter_batched(event, |event| stage.fan_out(event), BatchSize::SmallInput);
            assert_eq!(newest(stage) == stage.hub().last_id(), is_kept, "the last one is kept, or it is not");
        });
    }
    group.finish();
}

/// Publishes with as many keys remembered as may be. A new key makes the oldest be forgotten.
pub(crate) fn keys(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("replay/append");
    group.throughput(Throughput::Elements(1));
    let (mut stage, mut keys) = (None, (0..).map(key));
    let mut next = move || (to(1), keys.next().unwrap_or_else(|| unreachable!("there is always one more")));
    group.bench_function("with a new key", |bencher| {
        let stage = stage.get_or_insert_with(|| full_of_keys(&mut next));
        let publish = |(event, key): (Event, IdempotencyKey)| {
            assert!(!stage.publish_once(event, &key).is_repeat);
            stage.settle();
        };
        bencher.iter_batched(&mut next, publish, BatchSize::SmallInput);
        assert_eq!(newest(stage), stage.hub().last_id(), "every one was published");
    });
    group.bench_function("with a repeated key", |bencher| {
        let stage = stage.get_or_insert_with(|| full_of_keys(&mut next));
        let (event, key) = next();
        let first = stage.publish_once(event, &key);
        let publish = |event| {
            assert!(stage.publish_once(event, &key).is_repeat);
            stage.settle();
        };
        bencher.iter_batched(|| to(1), publish, BatchSize::SmallInput);
        assert_eq!((newest(stage), stage.hub().last_id()), (first.id, first.id), "only the first was published");
    });
    group.finish();
}

const TARGETS: [&str; 3] = ["a", "b", "c"];

fn channels(count: usize) -> impl Iterator<Item = Channel> {
    TARGETS[..count].iter().map(|name| Channel::new(name).unwrap_or_else(|_| unreachable!("a legal name")))
}

fn to(targets: usize) -> Event {
    let targets = channels(targets).map(Target::Channel).collect();
    Event::for_targets(targets, "x".repeat(DATA_BYTES)).unwrap_or_else(|_| unreachable!("there are some"))
}

fn key(number: usize) -> IdempotencyKey {
    IdempotencyKey::new(&format!("key-{number}"), "").unwrap_or_else(|_| unreachable!("a legal name"))
}

/// A stage without clients. Every target keeps as much as it may.
fn full() -> Stage {
    let mut stage = Stage::new(Policy::default());
    (0..KEPT).for_each(|_| stage.fan_out(to(TARGETS.len())));
    stage
}

fn full_of_keys(mut next: impl FnMut() -> (Event, IdempotencyKey)) -> Stage {
    let mut stage = full();
    for _ in 0..Config::default().idempotency_keys_max {
        let (event, key) = next();
        stage.publish_once(event, &key);
        stage.settle();
    }
    stage
}

/// The newest event that is kept of the first target. All of them still keep as many as they may.
fn newest(stage: &Stage) -> EventId {
    let limit = ReadLimit { messages_max: usize::MAX, bytes_max: usize::MAX };
    let history = |channel| stage.hub().history(&channel, &Start::After(EventId::ZERO), limit).messages;
    let kept: Vec<_> = channels(TARGETS.len()).map(history).collect();
    assert!(kept.iter().all(|messages| messages.len() == KEPT), "as many as may be kept");
    kept[0][KEPT - 1].id()
}
