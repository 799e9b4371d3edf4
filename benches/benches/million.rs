//! 1,000,000 slots in one process: how much memory they take and how long one event is on its way to all of them.
//!
//! The bench is a process of its own, so that no memory freed before hides in the figure. The slots are made once.
#![allow(missing_docs, reason = "criterion's macros make public items without docs")]

use std::{fs, time::Instant};

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use fanfare_benches::{Stage, channel, client, event, settings};
use fanfare_core::Target;

const SLOTS: usize = 1_000_000;
/// The fewest that criterion takes.
const SAMPLES: usize = 10;

fn million(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fan out to 1,000,000 slots");
    group.sample_size(SAMPLES).sampling_mode(SamplingMode::Flat);
    let mut stage = None;
    for (name, target, reached) in [
        ("channel", Target::Channel(channel()), SLOTS),
        ("all", Target::All, SLOTS),
        ("client with one of them", Target::Client(client(SLOTS / 2)), 1),
    ] {
        group.throughput(Throughput::Elements(reached as u64));
        group.bench_function(name, |bencher| {
            let stage = stage.get_or_insert_with(weighed);
            bencher.iter(|| stage.fan_out(event(&target)));
        });
    }
    group.finish();
}

/// A stage with all slots. Prints their weight.
#[allow(clippy::print_stdout, reason = "a figure beside those that criterion prints")]
fn weighed() -> Stage {
    let (before, started) = (resident_bytes(), Instant::now());
    let stage = Stage::of(SLOTS);
    let took = started.elapsed();
    if let (Some(before), Some(after)) = (before, resident_bytes()) {
        let each = after.saturating_sub(before) / SLOTS;
        println!("\n{SLOTS} slots, connected in {took:.2?}: {each} bytes of resident memory each");
    }
    stage
}

/// VmRSS of this process (proc(5)), where there is such a thing.
fn resident_bytes() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<usize>().ok().map(|kib| kib << 10)
}

criterion_group! { name = benches; config = settings(); targets = million }
criterion_main!(benches);
