//! The scene with a short history. While the server is killed it gives space back, and removes and rewrites segments.
//! The events of a rare channel survive all of that.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use crate::{
    SeedOnPanic, assert_no_faults,
    home::Home,
    killer::{Found, Killer},
    ledger::{Name, Run, Seen, Target, View},
    publisher::Publisher,
    seed,
    space::Space,
    subscriber::{Habit, follow},
    support::until,
};

const HISTORY_EVENTS: usize = 50;

/// The moment of a kill.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// After a few answers.
    Soon,
    /// The oldest segment has gone, and others may be about to go.
    Removing,
    /// A segment is being written that will replace others.
    Rewriting,
    /// Others than the oldest segment have gone, and more may be about to go.
    Rewritten,
}

/// Moments while no event stays for long: old segments are removed.
const WITHOUT_RARE: [Moment; 14] = {
    use Moment::{Removing, Soon};
    [Soon, Soon, Soon, Soon, Soon, Soon, Soon, Removing, Soon, Soon, Removing, Soon, Removing, Soon]
};
/// Moments while some events stay: segments have to be rewritten.
const WITH_RARE: [Moment; 6] = {
    use Moment::{Rewriting, Rewritten, Soon};
    [Soon, Soon, Rewriting, Soon, Rewritten, Soon]
};
const ANSWERS_MAX: u64 = 30;
/// Longest wait after a segment being written was seen. Some writes take no longer.
const WRITING_US_MAX: u64 = 10_000;
/// Longest wait after a segment was gone.
const GIVING_BACK_US_MAX: u64 = 200_000;

const A: Target = Target::Channel("a");
const B: Target = Target::Channel("b");
const RARE: Target = Target::Channel("rare");
const EVERYTHING: [Target; 4] = [A, B, RARE, Target::All];
const CHANNELS: [&str; 3] = ["a", "b", "rare"];
const PAUSE: Duration = Duration::from_millis(8);
/// Few lines, so that the answer tells the ids of all.
const BATCH_LINES_MAX: u64 = 2;
const RARE_EACH: u64 = 40;
const RARE_EVENTS_MAX: usize = 45;
const AWAY: Habit = Habit::AwayFor(150);
const FOLLOWED: [(&[Target], Habit); 6] = [
    (&[A, B, RARE], Habit::Prompt),
    (&[A], Habit::OfEvents),
    (&[A, B], AWAY),
    (&[RARE], Habit::Prompt),
    (&[RARE], Habit::OfEvents),
    (&[RARE], AWAY),
];

/// More than the memory of an event beside its data.
const RECORD_BYTES: usize = 500;
/// Space that a journal takes beside twice the history.
const SPARE_BYTES: usize = 64 << 20;
/// Space that is written between two of the journal's checks.
const UNSEEN_BYTES: usize = 64 << 20;

#[test]
fn killed_while_space_is_given_back_it_keeps_what_is_recent_and_tells_what_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let (home, seed) = (Home::new(directory.path().join("journal")), seed());
    let _seed_on_panic = SeedOnPanic(seed);
    let mut killer = Killer::new(&home, seed, HISTORY_EVENTS);
    let (mut run, at_end) = load(&home, &mut killer, seed);
    run.history = killer.read_after_one_more_kill(&EVERYTHING, &CHANNELS);
    let bytes_max = 2 * memory(&run.history) + SPARE_BYTES;
    until("no more is taken than may be", || Space::of(&home.journal).bytes <= bytes_max);
    killer.stop_for_good();
    assert_no_faults(&run, seed);
    assert!(at_end.bytes <= bytes_max + UNSEEN_BYTES, "{at_end:?}, {bytes_max} allowed");
    // Else it has shown nothing.
    assert!(at_end.has_removed() && at_end.has_rewritten(), "{at_end:?}");
    let has_gap = |view: &View| view.seen.iter().any(|seen| matches!(seen, Seen::Gap(_)));
    assert!(run.streams.iter().any(has_gap));
    let is_rare = |name: Name| name.publisher == 'R';
    let rare = run.published.iter().filter(|published| is_rare(published.name)).count();
    assert!((10..HISTORY_EVENTS).contains(&rare), "{rare}");
}

/// Runs the load. Returns the records, and the size of the journal at the end.
fn load(home: &Home, killer: &mut Killer<'_>, seed: u64) -> (Run, Space) {
    let (begun, is_rare_time) = (&AtomicUsize::new(0), &AtomicBool::new(false));
    let site = &home.site;
    let publisher = |letter, targets| Publisher::new(site, letter, targets, seed).pausing(PAUSE);
    thread::scope(|scope| {
        let _over = site.over_on_drop();
        killer.start();
        let has_begun = || _ = begun.fetch_add(1, Ordering::Relaxed);
        let followers = FOLLOWED.map(|(targets, habit)| scope.spawn(move || follow(site, targets, habit, has_begun)));
        until("every stream has a position", || begun.load(Ordering::Relaxed) == FOLLOWED.len());
        let publishers = [
            scope.spawn(move || publisher('X', &[A]).publish_singly()),
            scope.spawn(move || publisher('Y', &[A, B]).publish_batches(BATCH_LINES_MAX)),
            scope.spawn(move || {
                while !is_rare_time.load(Ordering::Relaxed) && !site.is_closing() {
                    thread::sleep(PAUSE);
                }
                publisher('R', &[RARE]).publish_now_and_then(RARE_EACH, RARE_EVENTS_MAX)
            }),
        ];
        WITHOUT_RARE.into_iter().for_each(|moment| kill_at(moment, home, killer));
        is_rare_time.store(true, Ordering::Relaxed);
        WITH_RARE.into_iter().for_each(|moment| kill_at(moment, home, killer));
        // One that lives for more than a second catches up with those that did not, while events are published.
        until("enough is given back", || Space::of(&home.journal).bytes <= SPARE_BYTES + UNSEEN_BYTES);
        site.close();
        let published = publishers.into_iter().flat_map(|publisher| publisher.join().unwrap()).collect();
        let at_end = Space::of(&home.journal);
        killer.publish_end();
        let streams = followers.into_iter().map(|follower| follower.join().unwrap()).collect();
        (Run { published, history: Vec::new(), streams, history_events: Some(HISTORY_EVENTS) }, at_end)
    })
}

fn kill_at(moment: Moment, home: &Home, killer: &mut Killer<'_>) {
    let before = Space::of(&home.journal);
    let until = |what, is_so: &dyn Fn(&Space) -> bool| _ = until(what, || is_so(&Space::of(&home.journal)));
    let delay_us_max = match moment {
        Moment::Soon => {
            killer.wait_for_answers(ANSWERS_MAX);
            1
        }
        Moment::Removing => {
            until("a segment is removed", &|space| space.has_removed_since(&before));
            GIVING_BACK_US_MAX
        }
        Moment::Rewriting => {
            until("a segment is being rewritten", &Space::is_rewriting);
            WRITING_US_MAX
        }
        Moment::Rewritten => {
            until("segments are rewritten", &|space| space.has_rewritten_since(&before));
            GIVING_BACK_US_MAX
        }
    };
    thread::sleep(Duration::from_micros(killer.rng.number(delay_us_max)));
    assert_eq!(killer.kill(false), Found::Alive);
}

/// Memory of the events in the history, each once.
fn memory(history: &[View]) -> usize {
    let name = |seen: &Seen| if let Seen::Event(_, name) = seen { Some(*name) } else { None };
    let names: BTreeSet<Name> = history.iter().flat_map(|view| &view.seen).filter_map(name).collect();
    names.into_iter().map(|name| name.data().len() + RECORD_BYTES).sum()
}
