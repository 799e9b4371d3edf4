//! Random worlds against a naive model: groups, faults, kills, crashes of the machine, orderly ends, removals, rewrites,
//! clocks that step, files that somebody takes away; some events with a key.
//!
//! After each start: what was acknowledged is there once, or given up and marked, or covered by what is lost; nothing that
//! was surely refused is there; and ids only rise. The key of an event is there for as long as it is not forgotten, whether
//! the event is or not. Whoever looks at the files before that start finds a loss if there is one,
//! and none after a mere kill.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use fanfare_core::{Event, EventId, Target, journal::Holds};
use proptest::prelude::*;

use crate::{
    config::{Fsync, LogConfig},
    files::Files as _,
    finding::Finding,
    log::Log,
    reclaim::Reclaim,
    record::{Entry, Stored},
    tests::support::{self, MemoryDisk, NOW_MS, Op, Started, boot, channel, start_in},
};

#[derive(Clone, Debug)]
enum Step {
    /// For each event: whether it is live only, and whether it has a key.
    Append {
        group: Vec<(bool, bool)>,
        ms: u64,
    },
    Probe,
    Sync,
    Fail(Vec<Op>),
    FailOnce(usize),
    /// The process is gone in the middle of what it does.
    Die(usize),
    Full(usize),
    Heal,
    Kill,
    Close,
    /// The power fails: this share of the bytes that were not synced is there, and the new names are or not.
    Crash {
        kept: f64,
        is_named: bool,
    },
    /// The clock steps, by so many milliseconds.
    Clock(i64),
    /// Files are removed after a kill: segments (a bit for each, from the newest on), or the file that names the
    /// newest. The state may be removed too.
    TakeAway {
        segments: u64,
        has_state: bool,
    },
    /// Every so manieth event up to the newest is given up.
    GiveUp(usize),
    /// This many of the oldest keys are forgotten.
    Forget(usize),
    Remove,
    Rewrite {
        skip: usize,
        count: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let op = prop::sample::select(vec![
        Op::Create,
        Op::Rename,
        Op::Remove,
        Op::SyncNames,
        Op::Write,
        Op::SetLen,
        Op::SyncData,
    ]);
    prop_oneof![
        8 => (prop::collection::vec((prop::bool::weighted(0.2), prop::bool::weighted(0.3)), 1..5), 0_u64..20)
            .prop_map(|(group, ms)| Step::Append { group, ms }),
        1 => Just(Step::Probe),
        2 => Just(Step::Sync),
        1 => prop::collection::vec(op, 1..4).prop_map(Step::Fail),
        2 => (0_usize..20).prop_map(Step::FailOnce),
        1 => (0_usize..20).prop_map(Step::Die),
        1 => (0_usize..300).prop_map(Step::Full),
        4 => Just(Step::Heal),
        1 => Just(Step::Kill),
        1 => Just(Step::Close),
        1 => (0.0..=1.0, any::<bool>()).prop_map(|(kept, is_named)| Step::Crash { kept, is_named }),
        1 => (-600_000_i64..600_000).prop_map(Step::Clock),
        1 => (0_u64..16, any::<bool>()).prop_map(|(segments, has_state)| Step::TakeAway { segments, has_state }),
        1 => (1_usize..4).prop_map(Step::GiveUp),
        1 => (0_usize..6).prop_map(Step::Forget),
        2 => Just(Step::Remove),
        2 => (0_usize..3, 1_usize..4).prop_map(|(skip, count)| Step::Rewrite { skip, count }),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Acknowledged,
    Refused,
    Unknown,
}

struct World {
    fsync: Fsync,
    /// Above it the oldest become everybody's.
    marks_max: usize,
    disk: Arc<MemoryDisk>,
    now_ms: u64,
    boots: u8,
    /// The machine stopped with something unsynced, or somebody took a file away.
    has_lost: bool,
    /// A segment was removed while the state could not be written.
    is_unmarked: bool,
    /// The clock has stepped: after a crash of the machine nothing tells how far ids had come.
    is_clock_stepped: bool,
    /// The file that names the newest segment is there and says so.
    is_newest_named: bool,
    /// Whether this run has a segment.
    has_begun: bool,
    started: Started,
    log: Log,
    reclaim: Reclaim,
    /// By their data, a number.
    fates: Vec<(Fate, Target)>,
    /// Acknowledged ones that were recorded.
    ids: BTreeMap<EventId, usize>,
    given_up: HashSet<EventId>,
    /// Publishes with a key that is remembered.
    keys: BTreeMap<EventId, usize>,
    /// The newest id given to anybody.
    last: EventId,
}

const SEGMENT_BYTES_MAX: u64 = 400;

impl World {
    fn new(fsync: Fsync, marks_max: usize) -> Self {
        let disk = MemoryDisk::new();
        let started = start_in(&disk, boot(1), NOW_MS);
        let log = started.log(LogConfig { fsync, segment_bytes_max: SEGMENT_BYTES_MAX });
        let reclaim = Reclaim::new(&started.recovered, marks_max);
        Self {
            fsync,
            marks_max,
            disk,
            now_ms: NOW_MS,
            boots: 1,
            has_lost: false,
            is_unmarked: false,
            is_clock_stepped: false,
            is_newest_named: true,
            has_begun: false,
            last: EventId::ZERO,
            started,
            log,
            reclaim,
            fates: Vec::new(),
            ids: BTreeMap::new(),
            given_up: HashSet::new(),
            keys: BTreeMap::new(),
        }
    }

    fn append(&mut self, group: &[(bool, bool)]) {
        let first = self.fates.len();
        let events: Vec<Event> =
            (first..).zip(group).map(|(number, (is_live_only, _))| event(number, *is_live_only)).collect();
        let entry = |(index, event): (usize, _)| {
            if group[index].1 { support::keyed(event, "k", first + index) } else { support::entry(event) }
        };
        let entries: Vec<Entry<'_>> = events.iter().enumerate().map(entry).collect();
        let result = self.log.append(self.now_ms, &entries);
        let fate = match &result {
            Ok(_) => Fate::Acknowledged,
            Err(error) if error.is_unknown => Fate::Unknown,
            Err(_) => Fate::Refused,
        };
        self.fates.extend(events.iter().map(|event| (fate, event.targets()[0].clone())));
        for (index, id) in result.unwrap_or_default().into_iter().enumerate() {
            assert!(id > self.last.max(self.started.recovered.ids_upto()), "ids rise");
            (self.last, self.is_newest_named, self.has_begun) = (id, true, true);
            if events[index].is_kept() {
                self.ids.insert(id, first + index);
            }
            if group[index].1 {
                self.keys.insert(id, first + index);
            }
        }
    }

    fn restart(&mut self) {
        self.disk.heal();
        self.look();
        self.has_begun = false;
        self.started = start_in(&self.disk, boot(self.boots), self.now_ms);
        self.log = self.started.log(LogConfig { fsync: self.fsync, segment_bytes_max: SEGMENT_BYTES_MAX });
        self.reclaim = Reclaim::new(&self.started.recovered, self.marks_max);
        self.check();
    }

    fn check(&mut self) {
        let recovered = &self.started.recovered;
        assert!(recovered.ids_upto() >= self.last, "{} {}", recovered.ids_upto(), self.last);
        assert!(self.started.ids().is_sorted_by(|a, b| a < b));
        assert!(
            self.has_lost || self.is_unmarked || recovered.lost() == EventId::ZERO,
            "{:?}",
            self.started.findings()
        );
        self.is_newest_named &= !self.started.findings().contains(&Finding::NoNewest);
        let mut found = HashSet::new();
        for stored in &self.started.stored {
            let Some(event) = &stored.event else { continue };
            let number: usize = event.data().parse().unwrap();
            let (fate, target) = &self.fates[number];
            assert_ne!(*fate, Fate::Refused, "{number}");
            assert_eq!(event.targets(), std::slice::from_ref(target));
            match self.ids.get(&stored.id) {
                Some(known) => assert_eq!(*known, number),
                // Now it is known: it has to be there from now on.
                None => assert_eq!(self.ids.insert(stored.id, number), None),
            }
            assert!(found.insert(number), "{number} is there twice");
        }
        for (id, number) in &self.ids {
            let may_be_lost = self.has_lost || self.given_up.contains(id);
            if found.contains(number) || (may_be_lost && recovered.lost() >= *id) {
                continue;
            }
            let marks = recovered.marks();
            let mark = marks.targets.get(&self.fates[*number].1).copied().unwrap_or_default().max(marks.forgotten);
            assert!(mark >= *id, "{id} of event {number} is neither there nor marked: {mark}");
            assert!(self.given_up.contains(id), "{id} was needed");
        }
        self.check_keys();
    }

    fn check_keys(&mut self) {
        let found: BTreeMap<_, _> =
            self.started.stored.iter().filter_map(|stored| Some((stored.id, stored.key?))).collect();
        for (id, key) in &found {
            // Each event is appended with its number as the count of connections that it reached.
            let number = key.matched;
            assert_ne!(self.fates[number].0, Fate::Refused, "{number}");
            let is_his = |is_live_only| support::keyed(&event(number, is_live_only), "k", number).key == Some(*key);
            assert!(is_his(true) || is_his(false), "{number}");
            // A key of an append with an unknown end counts from now on.
            if self.fates[number].0 == Fate::Unknown {
                self.keys.insert(*id, number);
            }
        }
        let lost = self.started.recovered.lost();
        for (id, number) in &self.keys {
            assert!(
                found.contains_key(id) || self.has_lost && lost >= *id,
                "the key of {number} is not known: {id}, lost up to {lost}"
            );
        }
        self.keys.retain(|id, _| found.contains_key(id));
    }

    /// The findings of a check before the next start.
    fn look(&self) {
        let opened = support::read_only(&self.disk, boot(self.boots));
        let findings = opened.check().unwrap().findings;
        let is_expected = |finding: &Finding| match finding {
            Finding::Torn { .. } => true,
            Finding::Unmarked { .. } => self.is_unmarked,
            _ => false,
        };
        assert!(self.has_lost || findings.iter().all(is_expected), "{findings:?}");
    }

    fn take_away(&mut self, segments: u64, has_state: bool) {
        self.disk.heal();
        let newest_first = self.disk.names().into_iter().filter(|name| name.ends_with(".journal")).rev();
        let chosen =
            newest_first.enumerate().filter(|(index, _)| segments.checked_shr(*index as u32).unwrap_or(0) & 1 == 1);
        let mut taken: Vec<String> = chosen.map(|(_, name)| name).filter(|_| self.is_newest_named).collect();
        // Not with the newest segment too, nor soon after it: then nothing tells how far ids had come.
        if taken.is_empty() && self.has_begun {
            taken.push("newest".to_owned());
        }
        if has_state {
            taken.push("state".to_owned());
        }
        let before = start_in(&self.disk.copy(), boot(self.boots), self.now_ms).ids();
        if taken.is_empty() {
            return;
        }
        for name in &taken {
            self.disk.take(name);
            self.has_lost = true;
        }
        let after = start_in(&self.disk.copy(), boot(self.boots), self.now_ms).ids();
        // Of a journal that never had an event nothing can be missing.
        let has_events = self.last > EventId::ZERO;
        let is_due = after != before || has_events && taken.iter().any(|name| !name.ends_with(".journal"));
        let opened = support::read_only(&self.disk, boot(self.boots));
        let is_found = opened.check().unwrap().findings.iter().any(Finding::is_loss);
        assert!(is_found || !is_due, "{taken:?}");
        self.restart();
    }

    fn reclaim(&mut self, skip: usize, count: usize) {
        let sealed = self.started.recovered.segments().sealed();
        let run: Vec<u64> = sealed.iter().skip(skip).take(count).map(|sealed| sealed.number).collect();
        let (given_up, keys) = (&self.given_up, &self.keys);
        let holds =
            |stored: &Stored| Holds { event: !given_up.contains(&stored.id), key: keys.contains_key(&stored.id) };
        let is_live = |stored: &[Stored]| stored.iter().map(holds).collect();
        if let (Some(first), Some(last)) = (run.first(), run.last()) {
            // The next start looks at the effects of a failed rewrite.
            let _ = self.reclaim.rewrite(*first, *last, is_live);
        }
    }

    fn remove(&mut self) {
        let sealed = self.started.recovered.segments().sealed();
        let Some(oldest) = sealed.first() else { return };
        // Not what came back from an append nobody knew the end of.
        let ids: Vec<EventId> = self.ids.range(..=oldest.upto).map(|(id, _)| *id).collect();
        if ids.iter().all(|id| self.given_up.contains(id)) && self.keys.range(..=oldest.upto).next().is_none() {
            let state = self.disk.bytes("state");
            self.is_unmarked |= self.reclaim.remove(oldest.number).is_ok() && self.disk.bytes("state") == state;
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Append { group, ms } => {
                self.now_ms += ms;
                self.append(&group);
            }
            Step::Probe => drop(self.log.probe(self.now_ms, 100)),
            Step::Sync => drop(self.log.unsynced().sync()),
            Step::Fail(ops) => self.disk.fail(&ops),
            Step::FailOnce(count) => self.disk.fail_after(count, false),
            Step::Die(count) => self.disk.fail_after(count, true),
            Step::Clock(ms) => {
                self.now_ms = self.now_ms.saturating_add_signed(ms);
                self.is_clock_stepped = true;
            }
            Step::TakeAway { segments, has_state } => self.take_away(segments, has_state),
            Step::Full(room) => self.disk.set_room(Some(room)),
            Step::Heal => drop(self.disk.heal()),
            Step::Kill => self.restart(),
            Step::Close => {
                let next = self.started.log(LogConfig::default());
                drop(std::mem::replace(&mut self.log, next).close());
                self.restart();
            }
            Step::Crash { .. } if self.is_clock_stepped && self.fsync != Fsync::Always => self.restart(),
            Step::Crash { kept, is_named } => {
                self.disk.heal();
                if is_named {
                    self.disk.sync_names().unwrap();
                }
                self.has_lost |= self.fsync != Fsync::Always;
                self.disk.crash(kept);
                self.boots += 1;
                self.restart();
            }
            Step::Forget(count) => {
                for _ in 0..count {
                    self.keys.pop_first();
                }
            }
            Step::GiveUp(nth) => self.given_up.extend(self.ids.keys().step_by(nth)),
            Step::Remove => self.remove(),
            Step::Rewrite { skip, count } => self.reclaim(skip, count),
        }
    }
}

fn event(number: usize, is_live_only: bool) -> Event {
    let event = Event::new(channel(["a", "b", "c"][number % 3]), number.to_string());
    if is_live_only { event.live_only() } else { event }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_no_event_is_missing_without_a_word(
        fsync in prop::sample::select(vec![Fsync::Always, Fsync::Interval, Fsync::Never]),
        marks_max in prop::sample::select(vec![2, 100]),
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut world = World::new(fsync, marks_max);
        for step in steps {
            world.take(step);
        }
        world.restart();
    }
}
