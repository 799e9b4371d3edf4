//! What is remembered for the question of the fate of an event takes bounded memory, however large names and rings are.
//!
//! In a process of its own, because it counts every allocation.

mod support;

use std::alloc::System;

use fanfare_core::{Config, Event, Policy, Retention, Retentions, Start, Target, engine::Framing};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use support::{Kit, channel};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Connections that are open at a time.
const TOGETHER: usize = 16;
/// What may be remembered: 16 MiB of connections, 8 MiB of events, and passes. Allocations are a little larger than what is counted.
const REMEMBERED_BYTES_MAX: usize = 32 << 20;

fn heap_bytes() -> usize {
    let stats = HEAP.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

fn kit() -> Kit {
    let each = Retention { events_max: 4, ..Retention::default() };
    let history = Retentions { each, targets_max: 64, ..Retentions::default() };
    Kit::new(Config { shards: 1, ring_messages_max: 256, history, ..Config::default() })
}

/// A name as long as one may be.
fn long(number: usize) -> String {
    format!("{number:x>256}")
}

/// Connections with many long names come, have events wait, and go.
fn churn(kit: &mut Kit, connections: usize) {
    let names: Vec<_> = (0..40).map(long).collect();
    let mut opened = 0;
    while opened < connections {
        let links: Vec<_> = (0..TOGETHER)
            .map(|_| {
                opened += 1;
                // Each has names of its own.
                let mut own: Vec<_> = names.iter().map(|name| format!("{opened}{}", &name[8..])).collect();
                own.push("a".to_owned());
                let wanted: Vec<_> = own.iter().map(String::as_str).collect();
                let subscription = kit.subscribe_as(&long(opened), &wanted, Start::Now, Policy::DropOldest);
                kit.attach(subscription, Framing::Chunked, 300)
            })
            .collect();
        for _ in 0..64 {
            kit.publish(Event::new(Target::Channel(channel("a")), "x"));
        }
        kit.settle();
        links.iter().for_each(|link| link.end());
        kit.settle();
        kit.notices();
    }
}

/// Events for many targets with long names.
fn flood(kit: &mut Kit, events: usize) {
    for number in 0..events {
        let target = |at: usize| Target::Channel(channel(&format!("{number}-{}", &long(at)[16..])));
        kit.publish(Event::for_targets((0..30).map(target).collect(), "x").unwrap().live_only());
        kit.settle();
    }
}

#[test]
fn connections_that_have_ended_and_events_that_are_gone_take_bounded_memory() {
    let mut kit = kit();
    kit.settle();
    let before = heap_bytes();
    churn(&mut kit, 1_700);
    flood(&mut kit, 1_100);
    let full = heap_bytes() - before;
    assert!(full > 16 << 20, "{full} bytes: nothing is remembered, or the test is too small");
    assert!(full < REMEMBERED_BYTES_MAX, "{full} bytes");
    churn(&mut kit, 800);
    flood(&mut kit, 500);
    let later = heap_bytes() - before;
    assert!(later < full + full / 10, "{later} bytes after {full}");
}
