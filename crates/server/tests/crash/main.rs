//! A server with a journal that is killed again and again while events are published: nothing that was acknowledged is
//! lost, nothing comes twice or out of order, and nobody is told a gap. `CRASH_SEED` repeats the choices of a run.

mod checker;
mod ledger;
mod publisher;
mod site;
mod subscriber;
#[path = "../support/mod.rs"]
mod support;

use std::{
    env,
    net::SocketAddr,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, SystemTime},
};

use ledger::{Outcome, Run, Target, View};
use publisher::Publisher;
use site::Site;
use subscriber::{END, follow, pages, replay};
use support::{
    Process,
    rng::Rng,
    small_disk::{Ballast, SmallDisk},
    until,
    wire::Requests,
};

/// Of a hundred kills so many come when the server has begun to end in order.
const LATE_KILLS_PERCENT: u64 = 10;
/// Of a hundred starts so many are killed before anybody is told of them, most in the middle of reading the journal.
const EARLY_KILLS_PERCENT: u64 = 15;
const ANSWERS_A_LIFE_MAX: u64 = 300;

const CHANNELS: [&str; 3] = ["a", "b", "c"];
const A: Target = Target::Channel("a");
const B: Target = Target::Channel("b");
const C: Target = Target::Channel("c");
const USER: Target = Target::Client("user");
const EVERYTHING: [Target; 5] = [A, B, C, Target::All, USER];
const FOLLOWED: [&[Target]; 5] =
    [&EVERYTHING, &[A, B, Target::All], &[C, Target::All], &[Target::All, USER], &[Target::All, B]];

/// Where and how often a server is killed.
struct Scene<'a> {
    journal: PathBuf,
    kills: usize,
    stops: usize,
    /// Fills the disk now and then.
    ballast: Option<&'a Ballast>,
}

#[test]
fn however_often_it_is_killed_nothing_acknowledged_is_lost_and_nothing_comes_twice() {
    let directory = tempfile::tempdir().unwrap();
    check(&Scene { journal: directory.path().join("journal"), kills: 60, stops: 5, ballast: None });
}

#[test]
fn it_is_so_where_the_disk_is_full_now_and_then_and_nothing_refused_is_there() {
    let disk = SmallDisk::new(64);
    check(&Scene { journal: disk.path("journal"), kills: 20, stops: 0, ballast: Some(&disk.ballast) });
}

fn check(scene: &Scene<'_>) {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let given = env::var("CRASH_SEED").ok().map(|seed| seed.parse().expect("CRASH_SEED is a number"));
    let seed = given.unwrap_or_else(|| since_1970.as_secs() ^ u64::from(since_1970.subsec_nanos()));
    let run = run(scene, seed);
    let faults = checker::faults(&run);
    let shown: Vec<String> = faults.iter().take(30).map(ToString::to_string).collect();
    let events = run.published.len();
    assert!(faults.is_empty(), "CRASH_SEED={seed}: {} faults in {events} events: {shown:#?}", faults.len());
    let of = |wanted: fn(&Outcome) -> bool| run.published.iter().filter(|published| wanted(&published.outcome)).count();
    let acknowledged = of(|outcome| matches!(outcome, Outcome::Acknowledged(_)));
    let (unknown, refused) = (of(|outcome| *outcome == Outcome::Unknown), of(|outcome| *outcome == Outcome::Refused));
    // Else it has shown nothing.
    let is_enough = acknowledged > 10 * scene.kills && unknown > scene.kills / 2;
    assert!(is_enough && (scene.ballast.is_none() || refused > scene.kills), "{acknowledged} {unknown} {refused}");
}

/// What everybody knows in the end.
fn run(scene: &Scene<'_>, seed: u64) -> Run {
    let _seed_on_panic = SeedOnPanic(seed);
    let (site, begun) = (&Site::new(scene.journal.clone()), &AtomicUsize::new(0));
    let mut killer = Killer::new(site, seed);
    let publisher = |letter, targets| Publisher::new(site, letter, targets, seed);
    let (published, streams) = thread::scope(|scope| {
        let _over = site.over_on_drop();
        killer.start();
        let has_begun = || _ = begun.fetch_add(1, Ordering::Relaxed);
        let followers = FOLLOWED.map(|targets| scope.spawn(move || follow(site, targets, has_begun)));
        until("every stream has a position", || begun.load(Ordering::Relaxed) == FOLLOWED.len());
        let mut publishers = vec![
            scope.spawn(move || publisher('p', &[A, B, C]).publish_singly()),
            scope.spawn(move || publisher('q', &EVERYTHING).publish_singly()),
            scope.spawn(move || publisher('b', &EVERYTHING).publish_batches()),
            scope.spawn(move || publisher('k', &EVERYTHING).publish_with_keys()),
        ];
        match scene.ballast {
            // Lines that a full disk has refused may come behind later ones when their batch is sent again.
            Some(ballast) => drop(scope.spawn(move || fill_again_and_again(site, ballast))),
            None => publishers.push(scope.spawn(move || publisher('m', &EVERYTHING).publish_batches_with_keys())),
        }
        (1..=scene.kills).for_each(|kill| {
            killer.kill(scene.ballast.is_none());
            if scene.stops > 0 && kill.is_multiple_of(scene.kills / scene.stops) {
                killer.stop();
            }
        });
        site.close();
        let published: Vec<_> = publishers.into_iter().flat_map(|publisher| publisher.join().unwrap()).collect();
        killer.publish_end();
        (published, followers.into_iter().map(|follower| follower.join().unwrap()).collect())
    });
    Run { published, history: killer.read_after_one_more_kill(), streams }
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

/// Has the server, and ends its lives.
struct Killer<'a> {
    site: &'a Site,
    rng: Rng,
    server: Option<Process>,
    address: SocketAddr,
}

impl<'a> Killer<'a> {
    fn new(site: &'a Site, seed: u64) -> Self {
        let address = "127.0.0.1:0".parse().unwrap();
        Self { site, rng: Rng::new(seed), server: None, address }
    }

    /// On the same port most of the time, and with any --fsync.
    fn start(&mut self) {
        loop {
            let fsync = self.rng.pick(&["always", "interval", "never"]);
            // With few, streams fall behind and are given what they missed from the history.
            let ring_messages = self.rng.pick(&["4", "64"]);
            let flags = ["--fsync", fsync, "--ring-messages", ring_messages];
            let mut server = self.site.start(self.address, &flags);
            if self.rng.chance(EARLY_KILLS_PERCENT) {
                thread::sleep(Duration::from_micros(self.rng.below(50_000)));
                self.site.kill(server);
            } else if let Some(address) = self.site.announce(&mut server) {
                self.address = address;
                self.server = Some(server);
                return;
            } else {
                self.address.set_port(0);
            }
        }
    }

    /// In the middle of publishing, and of ending if it may have begun to end.
    fn kill(&mut self, may_end: bool) {
        let server = self.taken_under_load();
        match may_end && self.rng.chance(LATE_KILLS_PERCENT) {
            true => self.site.kill_at_end(server, Duration::from_micros(self.rng.below(5_000))),
            false => self.site.kill(server),
        }
        self.start();
    }

    /// In order, in the middle of publishing.
    fn stop(&mut self) {
        let server = self.taken_under_load();
        self.site.stop(server);
        self.start();
    }

    /// The server, at a random moment; the next one is on another port now and then.
    fn taken_under_load(&mut self) -> Process {
        let site = self.site;
        let answered = || site.acknowledged() + site.refused();
        let enough = answered() + self.rng.below(ANSWERS_A_LIFE_MAX);
        until("publishes are answered", || answered() >= enough);
        thread::sleep(Duration::from_micros(self.rng.below(3_000)));
        if self.rng.chance(25) {
            self.address.set_port(0);
        }
        self.server.take().unwrap()
    }

    fn publish_end(&self) {
        let answer = Requests::open(self.address).unwrap().post(&format!("/broadcast?event={END}"), &[], "");
        assert_eq!(answer.unwrap().status, 202);
    }

    /// What is kept, as it is on the disk.
    fn read_after_one_more_kill(&mut self) -> Vec<View> {
        self.site.kill(self.server.take().unwrap());
        self.start();
        let mut views = vec![replay(self.address, &EVERYTHING)];
        views.extend(CHANNELS.map(|channel| pages(self.address, channel)));
        self.site.stop(self.server.take().unwrap());
        views
    }
}

/// Says how to repeat a run that fails in its middle.
struct SeedOnPanic(u64);

impl Drop for SeedOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            #[expect(clippy::print_stderr, reason = "it belongs to the test's output")]
            {
                eprintln!("CRASH_SEED={}", self.0);
            }
        }
    }
}
