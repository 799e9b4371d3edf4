//! Fan-out to slots whose sockets are full: what is due waits in their rings, or is dropped by the policy.
//!
//! In every iteration the sockets take again what waits, and the shard writes it, before the clock stops.
#![allow(missing_docs, reason = "criterion's macros make public items without docs")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fanfare_benches::{Link, Stage, channel, event, settings};
use fanfare_core::{Config, Policy, SlotRef, Target};

const SLOTS: usize = 10_000;
/// Where every slot is due many events.
const SLOTS_OF_MANY: usize = 1_000;
/// Where an iteration takes long.
const SAMPLES: usize = 20;

/// A stage, and those on it whose sockets are full.
struct Jam {
    stage: Stage,
    link: Link,
    slots: Vec<SlotRef>,
}

impl Jam {
    /// Every socket is full.
    fn whole(slots: usize, policy: Policy) -> Self {
        let (mut stage, link) = (Stage::new(policy), Link::shut());
        let slots = stage.join(slots, &link);
        Self { stage, link, slots }
    }

    /// Every second socket is full.
    fn half(slots: usize) -> Self {
        let mut jam = Self::whole(0, Policy::default());
        let open = Link::open();
        for _ in 0..slots / 2 {
            jam.stage.join(1, &open);
            jam.slots.append(&mut jam.stage.join(1, &jam.link));
        }
        jam
    }

    fn fan_out(&mut self, target: &Target, events: usize) {
        (0..events).for_each(|_| self.stage.publish(event(target)));
        self.stage.settle();
        self.stage.empty(&self.link, &self.slots);
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
            bencher.iter(|| jam.fan_out(&target, 1));
        });
    }
    let mut jam = None;
    group.throughput(Throughput::Elements(SLOTS as u64));
    group.bench_function(BenchmarkId::new("every second", SLOTS), |bencher| {
        let jam = jam.get_or_insert_with(|| Jam::half(SLOTS));
        bencher.iter(|| jam.fan_out(&target, 1));
    });
    group.finish();
}

/// As many events again as the rings hold, so that half of all deliveries meet a full ring.
fn dropped(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("full, half dropped and drained");
    let target = Target::Channel(channel());
    let events = 2 * Config::default().ring_messages_max;
    group.sample_size(SAMPLES);
    group.throughput(Throughput::Elements((events * SLOTS_OF_MANY) as u64));
    for (name, policy) in [("newest", Policy::DropNewest), ("oldest", Policy::DropOldest)] {
        let mut jam = None;
        group.bench_function(BenchmarkId::new(name, SLOTS_OF_MANY), |bencher| {
            let jam = jam.get_or_insert_with(|| Jam::whole(SLOTS_OF_MANY, policy));
            bencher.iter(|| jam.fan_out(&target, events));
        });
    }
    group.finish();
}

criterion_group! { name = benches; config = settings(); targets = queued, dropped }
criterion_main!(benches);
