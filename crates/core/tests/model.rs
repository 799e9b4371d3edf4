//! The hub under random operations, against a naive model: for each connection the list of events that match it.
//!
//! `FANFARE_SEED=<n>` replays one run, and `FANFARE_SEEDS=<n>` all runs of random seeds; the seeds of a run that fails are in its output.

#![allow(clippy::print_stdout, reason = "the seed of a failing run")]

mod support;

use fanfare_core::{Config, Pattern, Retention, Retentions};
use support::{Ending, Plan, Rng, World};

const STEPS: usize = 12_000;

fn config(rng: &mut Rng, is_lossless: bool) -> Config {
    Config {
        shards: rng.pick(&[1, 2, 4]),
        ring_messages_max: rng.within(1, 6),
        ring_bytes_max: rng.pick(&[40, 200, 2_000]),
        // Above what half-written messages hold: connections that hold too much of those are closed.
        hub_ring_bytes_max: rng.pick(&[600, 4_000, usize::MAX]),
        inbox_messages_max: rng.within(1, 8),
        inbox_bytes_max: rng.pick(&[100, 400, 5_000]),
        heartbeat_ms: rng.pick(&[20, 200]),
        write_timeout_ms: rng.pick(&[100, 1_000]),
        linger_ms: 50,
        input_bytes_max: 30,
        drain_spread_ms: rng.pick(&[0, 500]),
        turn_slots_max: rng.within(1, 4),
        patience_ms: rng.pick(&[0, 5, 100]),
        reads_max: rng.within(1, 4),
        history: history(rng, is_lossless),
        ..Config::default()
    }
}

fn history(rng: &mut Rng, is_lossless: bool) -> Retentions {
    let endless = Retention { events_max: usize::MAX, bytes_max: usize::MAX, age_ms_max: u64::MAX };
    if is_lossless {
        return Retentions { each: endless, bytes_max: usize::MAX, ..Retentions::default() };
    }
    Retentions {
        each: Retention {
            events_max: rng.pick(&[0, 1, 5, 40, usize::MAX]),
            bytes_max: rng.pick(&[400, 4_000, usize::MAX]),
            age_ms_max: rng.pick(&[0, 500, u64::MAX]),
        },
        channels: vec![(Pattern::new("a").unwrap(), endless)],
        bytes_max: rng.pick(&[3_000, 30_000, usize::MAX]),
        targets_max: rng.pick(&[1, 3, 100]),
    }
}

/// Runs one world. Returns the number of fates that nobody knew any more, and of all that were asked for.
fn run(seed: u64) -> (usize, usize) {
    // Shown only when the test fails.
    println!("replay with FANFARE_SEED={seed}");
    let mut rng = Rng::new(seed);
    let is_lossless = rng.chance(30);
    let is_outside = rng.chance(50);
    let is_shared = rng.chance(50);
    let config = config(&mut rng, is_lossless);
    // A history that keeps hardly anything knows hardly anything of what was.
    let known_parts = if config.history.each.events_max <= 1 { 5 } else { 10 };
    let plan = Plan { config, is_lossless, is_outside, is_shared, members_max: 16 };
    println!("{plan:?}");
    let ending = if rng.chance(50) { Ending::Leave } else { Ending::Drain };
    let mut world = World::new(rng.next(), plan);
    (0..STEPS).for_each(|_| world.step());
    let (answered, vague) = (world.answered, world.vague);
    assert!(known_parts * vague <= answered, "{vague} of {answered} fates are said to be too long ago");
    let (closed, delivered) = world.finish(ending);
    println!("{ending:?}: {closed} connections, {delivered} events delivered");
    assert!(closed > 50 && delivered > 500, "a world in which nothing happens proves nothing");
    (vague, answered)
}

fn run_all(seeds: impl Iterator<Item = u64>) {
    let (vague, answered) = seeds.map(run).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert!(25 * vague <= answered, "{vague} of {answered} fates are said to be too long ago");
}

fn replayed() -> Option<u64> {
    of_variable("FANFARE_SEED")
}

fn of_variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|seed| seed.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[test]
fn the_hub_does_what_the_model_says_for_fixed_seeds() {
    match replayed() {
        Some(seed) => {
            run(seed);
        }
        None => run_all(1..=12),
    }
}

#[test]
fn the_hub_does_what_the_model_says_for_random_seeds() {
    if replayed().is_none() {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let seed = of_variable("FANFARE_SEEDS").unwrap_or(now.as_nanos() as u64);
        println!("replay all with FANFARE_SEEDS={seed}");
        let mut seeds = Rng::new(seed);
        run_all((0..24).map(|_| seeds.next()));
    }
}
