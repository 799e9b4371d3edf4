//! Traffic on three nodes that are killed, ended or cut off in turn, with a Redis that is killed as well. No
//! acknowledged event is lost, none comes twice or out of order, all nodes have the same events, and no client receives
//! a gap. `CRASH_SEED` repeats the choices of a run.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use crate::{
    checker::{self, What},
    fleet::{Fault, NODES, Nodes, check_log, start},
    ledger::{A, B, C, CHANNELS, EVERYTHING, Name, Outcome, Run, Target, View},
    node::DURABLE,
    publisher::Publisher,
    rig::RedisServer,
    seed::{SeedOnPanic, seed},
    site::Site,
    subscriber::{END, Habit, follow, pages, replay},
    support::{rng::Rng, until},
};

const ANSWERS_A_ROUND_MAX: u64 = 300;
/// Longest absence. Some are longer than publishes wait for an answer.
const AWAY_MS_MAX: u64 = 800;
const BATCH_LINES_MAX: u64 = 20;
const FOLLOWED: [(&[Target], Habit); 6] = [
    (&EVERYTHING, Habit::Prompt),
    (&EVERYTHING, Habit::OfEvents),
    (&[A, B, Target::All], Habit::Prompt),
    (&[C, Target::All], Habit::OfEvents),
    (&[Target::All, Target::Client("user")], Habit::AwayFor(200)),
    (&[Target::All, B], Habit::Prompt),
];

#[test]
fn nothing_acknowledged_is_lost_doubled_or_reordered_when_nodes_are_killed_or_end() {
    use Fault::{Node, Stop};
    check(&[Node, Node, Stop, Node, Stop, Node, Node, Stop, Node]);
}

#[test]
fn it_is_so_when_redis_is_killed_as_well() {
    use Fault::{Both, Node, Redis};
    check(&[Redis, Node, Redis, Both, Node, Redis, Both]);
}

#[test]
fn it_is_so_when_nodes_are_cut_off_from_redis() {
    use Fault::{Cut, Node, Stall};
    check(&[Cut, Stall, Cut, Stall, Node, Cut, Stall]);
}

fn check(wanted: &[Fault]) {
    let seed = seed();
    let run = run(wanted, seed);
    let faults = faults(&run);
    let shown: Vec<String> = faults.iter().take(30).map(ToString::to_string).collect();
    let events = run.published.len();
    assert!(faults.is_empty(), "CRASH_SEED={seed}: {} faults in {events} events: {shown:#?}", faults.len());
    let of = |wanted: fn(&Outcome) -> bool| run.published.iter().filter(|published| wanted(&published.outcome)).count();
    let acknowledged = of(|outcome| matches!(outcome, Outcome::Acknowledged(_)));
    let unknown = of(|outcome| *outcome == Outcome::Unknown);
    // Else it has shown nothing.
    assert!(acknowledged > 50 * wanted.len() && unknown > 0, "{acknowledged} {unknown}");
}

/// Faults of a run. An event with an unknown outcome may come behind the next event of its publisher, which went to
/// another node.
fn faults(run: &Run) -> Vec<checker::Fault> {
    let outcomes: BTreeMap<Name, Outcome> =
        run.published.iter().map(|published| (published.name, published.outcome)).collect();
    let is_overtaken = |next: &Name| {
        let before = outcomes.range(..*next).rev().find(|(_, outcome)| **outcome != Outcome::Refused);
        before.is_some_and(|(name, outcome)| name.publisher == next.publisher && *outcome == Outcome::Unknown)
    };
    let mut faults = checker::faults(run);
    faults.retain(|fault| match &fault.what {
        What::Reordered(next) => fault.place != "history" || !is_overtaken(next),
        _ => true,
    });
    faults
}

fn run(wanted: &[Fault], seed: u64) -> Run {
    let _seed_on_panic = SeedOnPanic(seed);
    let mut redis = RedisServer::start(&DURABLE);
    let (site, begun) = (&Site::new(NODES), &AtomicUsize::new(0));
    let mut nodes = Nodes::start(site, &redis);
    let mut rng = Rng::new(seed);
    let publisher = |letter, targets| Publisher::new(site, letter, targets, seed);
    let (published, streams) = thread::scope(|scope| {
        let _over = site.over_on_drop();
        let has_begun = || _ = begun.fetch_add(1, Ordering::Relaxed);
        let followers = FOLLOWED.map(|(targets, habit)| scope.spawn(move || follow(site, targets, habit, has_begun)));
        until("every stream has a position", || begun.load(Ordering::Relaxed) == FOLLOWED.len());
        let mut publishers = vec![
            scope.spawn(move || publisher('p', &[A, B, C]).publish_singly()),
            scope.spawn(move || publisher('q', &EVERYTHING).publish_singly()),
            scope.spawn(move || publisher('b', &EVERYTHING).publish_batches(BATCH_LINES_MAX)),
            scope.spawn(move || publisher('k', &EVERYTHING).publish_with_keys()),
            scope.spawn(move || publisher('l', &[A, Target::Client("user")]).publish_with_keys()),
        ];
        if wanted.iter().all(|fault| matches!(fault, Fault::Node | Fault::Stop)) {
            // Lines that were refused while Redis was away may come behind later ones when their batch is sent again.
            publishers
                .push(scope.spawn(move || publisher('m', &EVERYTHING).publish_batches_with_keys(BATCH_LINES_MAX)));
        }
        for (round, fault) in wanted.iter().enumerate() {
            let enough = site.acknowledged() + 1 + rng.number(ANSWERS_A_ROUND_MAX);
            until("publishes are answered", || site.acknowledged() >= enough);
            thread::sleep(Duration::from_micros(rng.number(3_000)));
            let (node, away) = (round % NODES, Duration::from_millis(rng.number(AWAY_MS_MAX)));
            match fault {
                Fault::Node | Fault::Stop => {
                    nodes.end(node, if *fault == Fault::Stop { "TERM" } else { "KILL" });
                    nodes.announce(node);
                }
                Fault::Redis => {
                    redis.kill();
                    thread::sleep(away);
                    redis.restart();
                }
                Fault::Both => {
                    redis.kill();
                    nodes.end(node, "KILL");
                    redis.restart();
                    nodes.announce(node);
                }
                Fault::Cut | Fault::Stall => nodes.break_network(node, *fault, away),
            }
        }
        let enough = site.acknowledged() + 50;
        until("publishes are answered at the end", || site.acknowledged() >= enough);
        site.close();
        let published: Vec<_> = publishers.into_iter().flat_map(|publisher| publisher.join().unwrap()).collect();
        nodes.servers[0].publish_at_last(&format!("/broadcast?event={END}"), &[], "");
        (published, followers.into_iter().map(|follower| follower.join().unwrap()).collect())
    });
    let later = start(&redis.url());
    later.until_ready();
    let addresses = nodes.servers.iter().chain([&later]).map(|server| server.address);
    let history: Vec<View> = addresses.flat_map(views).collect();
    nodes.servers.into_iter().for_each(|server| check_log(&server.log()));
    Run { published, history, streams, history_events: None }
}

/// All events of one node.
fn views(address: SocketAddr) -> Vec<View> {
    let mut views = vec![replay(address, &EVERYTHING)];
    views.extend(CHANNELS.map(|channel| pages(address, channel)));
    views.iter_mut().for_each(|view| view.place.push_str(&format!(" at {address}")));
    views
}
