//! A server with a journal that is killed many times while events are published. No acknowledged event is lost, none
//! comes twice or out of order, and no client receives a gap. `CRASH_SEED` repeats the choices of a run.

mod checker;
mod home;
mod killer;
mod ledger;
mod publisher;
mod reclaiming;
mod seed;
mod site;
mod space;
mod subscriber;
#[path = "../support/mod.rs"]
mod support;

use std::{
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use home::Home;
use killer::{Found, Killer};
use ledger::{A, B, C, CHANNELS, EVERYTHING, Outcome, Run, Target};
use publisher::Publisher;
use seed::{SeedOnPanic, seed};
use site::Site;
use subscriber::{Habit, follow};
use support::{
    small_disk::{Ballast, SmallDisk},
    until,
};

const ANSWERS_A_LIFE_MAX: u64 = 300;
const BATCH_LINES_MAX: u64 = 20;
/// Large, so that no event is given up.
const HISTORY_EVENTS: usize = 1_000_000;

const FOLLOWED: [&[Target]; 5] =
    [&EVERYTHING, &[A, B, Target::All], &[C, Target::All], &[Target::All, Target::Client("user")], &[Target::All, B]];

/// The setting and the number of kills.
struct Scene<'a> {
    journal: PathBuf,
    kills: usize,
    /// Least number of kills while the server is alive.
    kills_alive_min: usize,
    stops: usize,
    /// Fills the disk now and then.
    ballast: Option<&'a Ballast>,
}

#[test]
fn however_often_it_is_killed_nothing_acknowledged_is_lost_and_nothing_comes_twice() {
    let directory = tempfile::tempdir().unwrap();
    check(&Scene {
        journal: directory.path().join("journal"),
        kills: 70,
        kills_alive_min: 50,
        stops: 5,
        ballast: None,
    });
}

#[test]
fn it_is_so_where_the_disk_is_full_now_and_then_and_nothing_refused_is_there() {
    let disk = SmallDisk::new(64);
    let ballast = Some(&disk.ballast);
    check(&Scene { journal: disk.path("journal"), kills: 20, kills_alive_min: 20, stops: 0, ballast });
}

fn check(scene: &Scene<'_>) {
    let seed = seed();
    let run = run(scene, seed);
    assert_no_faults(&run, seed);
    let of = |wanted: fn(&Outcome) -> bool| run.published.iter().filter(|published| wanted(&published.outcome)).count();
    let acknowledged = of(|outcome| matches!(outcome, Outcome::Acknowledged(_)));
    let (unknown, refused) = (of(|outcome| *outcome == Outcome::Unknown), of(|outcome| *outcome == Outcome::Refused));
    // Else it has shown nothing.
    let is_enough = acknowledged > 10 * scene.kills && unknown > scene.kills / 2;
    assert!(is_enough && (scene.ballast.is_none() || refused > scene.kills), "{acknowledged} {unknown} {refused}");
}

fn assert_no_faults(run: &Run, seed: u64) {
    let faults = checker::faults(run);
    let shown: Vec<String> = faults.iter().take(30).map(ToString::to_string).collect();
    let events = run.published.len();
    assert!(faults.is_empty(), "CRASH_SEED={seed}: {} faults in {events} events: {shown:#?}", faults.len());
}

/// Runs the scene. Returns all records of it.
fn run(scene: &Scene<'_>, seed: u64) -> Run {
    let _seed_on_panic = SeedOnPanic(seed);
    let (home, begun) = (&Home::new(scene.journal.clone()), &AtomicUsize::new(0));
    let (site, mut killer) = (&home.site, Killer::new(home, seed, HISTORY_EVENTS));
    let publisher = |letter, targets| Publisher::new(site, letter, targets, seed);
    let (published, streams) = thread::scope(|scope| {
        let _over = site.over_on_drop();
        killer.start();
        let has_begun = || _ = begun.fetch_add(1, Ordering::Relaxed);
        let followers = FOLLOWED.map(|targets| scope.spawn(move || follow(site, targets, Habit::Prompt, has_begun)));
        until("every stream has a position", || begun.load(Ordering::Relaxed) == FOLLOWED.len());
        let mut publishers = vec![
            scope.spawn(move || publisher('p', &[A, B, C]).publish_singly()),
            scope.spawn(move || publisher('q', &EVERYTHING).publish_singly()),
            scope.spawn(move || publisher('b', &EVERYTHING).publish_batches(BATCH_LINES_MAX)),
            scope.spawn(move || publisher('k', &EVERYTHING).publish_with_keys()),
        ];
        match scene.ballast {
            // Lines that a full disk has refused may come behind later ones when their batch is sent again.
            Some(ballast) => drop(scope.spawn(move || fill_again_and_again(site, ballast))),
            None => publishers
                .push(scope.spawn(move || publisher('m', &EVERYTHING).publish_batches_with_keys(BATCH_LINES_MAX))),
        }
        let mut kills_alive = 0;
        for kill in 1..=scene.kills {
            killer.wait_for_answers(ANSWERS_A_LIFE_MAX);
            kills_alive += usize::from(killer.kill(scene.ballast.is_none()) == Found::Alive);
            if scene.stops > 0 && kill.is_multiple_of(scene.kills / scene.stops) {
                killer.wait_for_answers(ANSWERS_A_LIFE_MAX);
                killer.stop();
            }
        }
        assert!(kills_alive >= scene.kills_alive_min, "{kills_alive} of {} found it alive", scene.kills);
        site.close();
        let published: Vec<_> = publishers.into_iter().flat_map(|publisher| publisher.join().unwrap()).collect();
        killer.publish_end();
        (published, followers.into_iter().map(|follower| follower.join().unwrap()).collect())
    });
    let history = killer.read_after_one_more_kill(&EVERYTHING, &CHANNELS);
    killer.stop_for_good();
    Run { published, history, streams, history_events: None }
}

fn fill_again_and_again(site: &Site, ballast: &Ballast) {
    let wait = |count: &dyn Fn() -> u64, more: u64| {
        let enough = count() + more;
        while count() < enough && !site.is_closing() {
            thread::sleep(Duration::from_micros(200));
        }
    };
    while !site.is_closing() {
        wait(&|| site.acknowledged(), 100);
        ballast.fill();
        wait(&|| site.refused(), 30);
        ballast.make_room();
    }
}
