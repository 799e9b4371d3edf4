//! Fan-out to slots whose sockets are full. By the policy their messages wait in their rings, are dropped, or are left
//! to the journal and read from it later.
//!
//! In every iteration the sockets take the waiting messages again, and the shard writes them, before the clock stops.
//! Messages taken by then are counted.
#![allow(missing_docs, reason = "criterion's macros make public items without docs")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fanfare_benches::{Link, Stage, channel, event, settings};
use fanfare_core::{Config, Policy, Target, engine::SlotRef};

const SLOTS: usize = 10_000;
/// Slots where each is due many events.
const SLOTS_OF_MANY: usize = 1_000;
/// Samples where an iteration takes long.
const SAMPLES: usize = 20;

/// A stage with slots whose sockets are full. The sockets of `open` are not.
struct Jam {
    stage: Stage,
    link: Link,
    slots: Vec<SlotRef>,
    open: Link,
}

impl Jam {
    /// Every socket is full.
    fn whole(slots: usize, policy: Policy) -> Self {
        let (mut stage, link) = (Stage::new(policy), Link::shut());
        let slots = stage.join(slots, &link);
        Self { stage, link, slots, open: Link::open() }
    }

    /// Every second socket is full.
    fn half(slots: usize, policy: Policy) -> Self {
        let mut jam = Self::whole(0, policy);
        for _ in 0..slots / 2 {
            jam.stage.join(1, &jam.open);
            jam.slots.append(&mut jam.stage.join(1, &jam.link));
        }
        jam
    }

    /// Every socket together takes `messages`.
    fn fan_out(&mut self, target: &Target, events: usize, messages: usize) {
        let before = self.taken();
        (0..events).for_each(|_| self.stage.publish(event(target)));
        self.stage.settle();
        self.stage.empty(&self.link, &self.slots);
        assert_eq!(self.taken() - before, messages, "what was delivered");
    }

    fn taken(&self) -> usize {
        self.link.taken() + self.open.taken()
    }
}

fn queued(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("full, queued and drained");
    let target = Target::Channel(channel());
    group.sample_size(SAMPLES);
    for slots in [SLOTS, 100_000] {
        let mut jam = None;
        group.throughput(Throughput::Elements(slots as u64));
        group.bench_function(BenchmarkId::new("all", slots), |bencher| {
            let jam = jam.get_or_insert_with(|| Jam::whole(slots, Policy::default()));
            bencher.iter(|| jam.fan_out(&target, 1, slots));
        });
    }
    let mut jam = None;
    group.throughput(Throughput::Elements(SLOTS as u64));
    group.bench_function(BenchmarkId::new("every second", SLOTS), |bencher| {
        let jam = jam.get_or_insert_with(|| Jam::half(SLOTS, Policy::default()));
        bencher.iter(|| jam.fan_out(&target, 1, SLOTS));
    });
    group.finish();
}

/// Publishes as many events again as the rings hold, so that half of all deliveries meet a full ring, and are told in a
/// gap.
fn dropped(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("full, half dropped and drained");
    let target = Target::Channel(channel());
    let kept = Config::default().ring_messages_max;
    let events = 2 * kept;
    group.sample_size(SAMPLES);
    group.throughput(Throughput::Elements((events * SLOTS_OF_MANY) as u64));
    for (name, policy) in [("newest", Policy::DropNewest), ("oldest", Policy::DropOldest)] {
        let mut jam = None;
        group.bench_function(BenchmarkId::new(name, SLOTS_OF_MANY), |bencher| {
            let jam = jam.get_or_insert_with(|| Jam::whole(SLOTS_OF_MANY, policy));
            bencher.iter(|| jam.fan_out(&target, events, (kept + 1) * SLOTS_OF_MANY));
        });
    }
    group.finish();
}

/// The same, but nothing is lost: messages that met a full ring are read from the journal once the ring is empty.
fn repaired(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("full, half repaired and drained");
    let target = Target::Channel(channel());
    let events = 2 * Config::default().ring_messages_max;
    group.sample_size(SAMPLES);
    group.throughput(Throughput::Elements((events * SLOTS_OF_MANY) as u64));
    for (name, jam_of) in [("all", Jam::whole as fn(usize, Policy) -> Jam), ("every second", Jam::half)] {
        let mut jam = None;
        group.bench_function(BenchmarkId::new(name, SLOTS_OF_MANY), |bencher| {
            let jam = jam.get_or_insert_with(|| jam_of(SLOTS_OF_MANY, Policy::Repair));
            bencher.iter(|| jam.fan_out(&target, events, events * SLOTS_OF_MANY));
        });
    }
    group.finish();
}

criterion_group! { name = benches; config = settings(); targets = queued, dropped, repaired }
criterion_main!(benches);
