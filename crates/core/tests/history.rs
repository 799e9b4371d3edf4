//! The history of channels, as [`fanfare_core::engine::Hub::history`] pages through it, against a naive model of the limits.

#![allow(clippy::print_stdout, reason = "the seed of a failing run")]

mod support;

use std::{collections::BTreeMap, sync::Arc, sync::atomic::Ordering};

use fanfare_core::{
    Config, Event, EventId, Gap, GapReason, Pattern, Retention, Retentions, Start, Target,
    engine::{Draft, RingBudget},
};
use support::{Kit, Rng, all, channel, expired, keeping, limit, say, to_channel, to_client};

const BORN: EventId = EventId::new(1_000, 0);

/// Data of all events kept of channel `name` after `after`, and the gap.
fn page(kit: &Kit, name: &str, after: EventId) -> (Vec<String>, Option<Gap>) {
    let page = kit.hub.history(&channel(name), &Start::After(after), limit(usize::MAX));
    (page.messages.iter().map(|message| message.fields().data).collect(), page.gap)
}

#[test]
fn a_target_keeps_its_number_of_events_and_not_one_more() {
    let mut kit = keeping(Retention { events_max: 3, ..Retention::default() });
    say(&mut kit, "a", "1 2 3");
    assert_eq!(page(&kit, "a", BORN).1, None);
    say(&mut kit, "a", "4");
    let gap = expired(BORN, EventId::new(1_000, 1));
    assert_eq!(page(&kit, "a", BORN), (["2", "3", "4"].map(str::to_owned).to_vec(), gap));
    assert_eq!(page(&kit, "a", EventId::new(1_000, 1)).1, None, "what it has seen is not missing");
}

#[test]
fn a_target_keeps_its_bytes_and_not_one_more() {
    let bytes = |data: &str| {
        let draft = Draft::new(to_channel("a", data), Arc::new(RingBudget::new(0)));
        draft.finish(BORN).kept_bytes()
    };
    for (less, kept) in [(0, 2), (1, 1)] {
        let mut kit = keeping(Retention { bytes_max: 2 * bytes("x") - less, ..Retention::default() });
        say(&mut kit, "a", "1 2");
        assert_eq!(page(&kit, "a", BORN).0.len(), kept);
    }
}

#[test]
fn a_target_keeps_events_for_their_time_and_not_a_millisecond_longer() {
    let mut kit = keeping(Retention { age_ms_max: 500, ..Retention::default() });
    say(&mut kit, "a", "1");
    kit.unix_ms.store(1_500, Ordering::Relaxed);
    assert_eq!(page(&kit, "a", BORN).0.len(), 1);
    kit.unix_ms.store(1_501, Ordering::Relaxed);
    assert_eq!(page(&kit, "a", BORN), (vec![], expired(BORN, EventId::new(1_000, 1))));
    assert_eq!(kit.hub.history_bytes(), 0);
}

#[test]
fn a_silent_target_gives_its_memory_back_without_being_asked() {
    let mut kit = keeping(Retention { age_ms_max: 500, ..Retention::default() });
    say(&mut kit, "a", "1 2 3");
    kit.unix_ms.store(1_501, Ordering::Relaxed);
    kit.sweep_at(10);
    assert_eq!(kit.hub.history_bytes(), 0);
}

#[test]
fn over_the_hubs_bytes_the_oldest_event_of_all_goes_and_one_on_two_channels_counts_once() {
    let event = |data: &str| {
        let targets = ["a", "b"].map(|name| Target::Channel(channel(name)));
        Event::for_targets(targets.to_vec(), data).unwrap()
    };
    let unit = Draft::new(event("1"), Arc::new(RingBudget::new(0))).finish(BORN).kept_bytes();
    let history = Retentions { bytes_max: 3 * unit, ..Retentions::default() };
    let mut kit = Kit::new(Config { history, ..Config::default() });
    for data in ["1", "2", "3"] {
        kit.publish(event(data));
    }
    assert_eq!((page(&kit, "a", BORN).0.len(), page(&kit, "b", BORN).1), (3, None));
    say(&mut kit, "c", "4");
    for name in ["a", "b"] {
        let (kept, gap) = page(&kit, name, BORN);
        assert_eq!((kept, gap), (vec!["2".to_owned(), "3".to_owned()], expired(BORN, EventId::new(1_000, 1))));
    }
    assert!(kit.hub.history_bytes() <= 3 * unit);
}

#[test]
fn above_the_limit_of_targets_the_one_that_was_silent_for_longest_is_forgotten_and_nobody_takes_it_for_whole() {
    let history = Retentions { targets_max: 2, ..Retentions::default() };
    let mut kit = Kit::new(Config { history, ..Config::default() });
    for name in ["a", "b", "a"] {
        say(&mut kit, name, name);
    }
    assert_eq!(page(&kit, "b", BORN), (vec!["b".to_owned()], None));
    say(&mut kit, "c", "c");
    let mark = EventId::new(1_000, 2);
    assert_eq!(page(&kit, "b", BORN), (vec![], expired(BORN, mark)), "what it had is gone");
    assert_eq!(page(&kit, "a", BORN), (vec!["a".to_owned(), "a".to_owned()], None));
    assert_eq!(page(&kit, "never", BORN).1, expired(BORN, mark), "a gap too many is allowed, a missing one is not");
    assert_eq!(page(&kit, "never", mark).1, None);
    assert_eq!(page(&kit, "c", BORN).1, expired(BORN, mark), "it may have been forgotten itself");
}

#[test]
fn a_pattern_sets_the_limits_of_the_channels_that_match() {
    let few = Retention { events_max: 1, ..Retention::default() };
    let none = Retention { events_max: 0, ..Retention::default() };
    let pattern = |text| Pattern::new(text).unwrap();
    let channels = vec![(pattern("news.*"), few), (pattern("ticks"), none)];
    let mut kit = Kit::new(Config { history: Retentions { channels, ..Retentions::default() }, ..Config::default() });
    for name in ["news.a", "ticks", "other"] {
        say(&mut kit, name, "1 2");
    }
    let kept = ["news.a", "ticks", "other"].map(|name| page(&kit, name, BORN).0.len());
    assert_eq!(kept, [1, 0, 2]);
    assert!(page(&kit, "ticks", BORN).1.is_some());
}

#[test]
fn live_only_events_are_not_kept_and_are_no_gap() {
    let mut kit = Kit::new(Config::default());
    kit.publish(to_channel("a", "tick").live_only());
    say(&mut kit, "a", "1");
    assert_eq!(page(&kit, "a", BORN), (vec!["1".to_owned()], None));
}

#[test]
fn a_position_is_told_restart_before_the_birth_and_unknown_beyond_the_newest() {
    let mut kit = Kit::new(Config::default());
    say(&mut kit, "a", "1");
    let restart = Gap { from: Some(EventId::ZERO), to: Some(BORN), missed: None, reason: GapReason::Restart };
    assert_eq!(page(&kit, "a", EventId::ZERO), (vec!["1".to_owned()], Some(restart)));
    assert_eq!(page(&kit, "a", EventId::new(1_000, 1)), (vec![], None));
    assert_eq!(page(&kit, "a", EventId::new(1_000, 2)), (vec![], Some(Gap::UNKNOWN_ID)));
}

#[test]
fn names_count_for_the_memory_that_an_event_takes() {
    let long: Vec<_> = (0..128).map(|n| Target::Channel(channel(&format!("{n:0256}")))).collect();
    let bytes = |targets| {
        let draft = Draft::new(Event::for_targets(targets, "1").unwrap(), Arc::new(RingBudget::new(0)));
        draft.finish(BORN).kept_bytes()
    };
    assert!(bytes(long) > 128 * 256 + bytes(vec![Target::All]));
}

/// The events that the limits leave, computed in the simplest way.
struct Naive {
    kept: BTreeMap<Target, Vec<(EventId, String)>>,
    marks: BTreeMap<Target, EventId>,
    newest: BTreeMap<Target, EventId>,
    bytes: BTreeMap<EventId, usize>,
    forgotten: EventId,
    retentions: Retentions,
}

impl Naive {
    fn push(&mut self, event: &Event, id: EventId, now_ms: u64) {
        let bytes = Draft::new(event.clone(), Arc::new(RingBudget::new(0))).finish(id).kept_bytes();
        self.bytes.insert(id, bytes);
        for target in event.targets() {
            if !self.kept.contains_key(target) {
                if self.kept.len() == self.retentions.targets_max {
                    let (oldest, _) = self.newest.iter().min_by_key(|(_, newest)| **newest).unwrap();
                    let oldest = oldest.clone();
                    self.kept.remove(&oldest);
                    let newest = self.newest.remove(&oldest).unwrap();
                    self.forgotten = self.forgotten.max(newest).max(self.marks.remove(&oldest).unwrap());
                }
                self.kept.insert(target.clone(), Vec::new());
                self.marks.insert(target.clone(), self.forgotten);
            }
            self.newest.insert(target.clone(), id);
            self.kept.get_mut(target).unwrap().push((id, event.data().to_owned()));
            self.trim(target, now_ms);
        }
        while self.held_bytes() > self.retentions.bytes_max {
            let oldest =
                self.kept.iter().filter_map(|(target, events)| Some((events.first()?.0, target.clone()))).min();
            let Some((_, target)) = oldest else { break };
            self.evict(&target);
        }
    }

    fn held_bytes(&self) -> usize {
        let mut ids: Vec<_> = self.kept.values().flatten().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.iter().map(|id| self.bytes[id]).sum()
    }

    fn evict(&mut self, target: &Target) {
        let (id, _) = self.kept.get_mut(target).unwrap().remove(0);
        self.marks.insert(target.clone(), id);
    }

    fn trim(&mut self, target: &Target, now_ms: u64) {
        let Retention { events_max, bytes_max, age_ms_max } = match target {
            Target::Channel(name) if name.as_str() == "c1" => self.retentions.channels[0].1,
            _ => self.retentions.each,
        };
        while let Some(events) = self.kept.get(target)
            && let Some((oldest, _)) = events.first()
        {
            let bytes: usize = events.iter().map(|(id, _)| self.bytes[id]).sum();
            let is_old = now_ms.saturating_sub(oldest.ms()) > age_ms_max;
            if events.len() <= events_max && bytes <= bytes_max && !is_old {
                return;
            }
            self.evict(target);
        }
    }
}

fn retentions(rng: &mut Rng, is_shared: bool) -> Retentions {
    let mut retention = || Retention {
        events_max: rng.pick(&[0, 1, 3, 20]),
        bytes_max: rng.pick(&[0, 900, 3_000, usize::MAX]),
        age_ms_max: rng.pick(&[0, 40, 300, u64::MAX]),
    };
    let (each, special) = (retention(), retention());
    let channels = vec![(Pattern::new("c1").unwrap(), special)];
    // Two that were silent since the same event are equally old: then either may be forgotten.
    let targets_max = if is_shared { 100 } else { rng.within(1, 9) };
    Retentions { each, channels, bytes_max: rng.pick(&[0, 2_000, 20_000]), targets_max }
}

fn run(seed: u64) {
    println!("seed {seed}");
    let mut rng = Rng::new(seed);
    let is_shared = rng.chance(50);
    let retentions = retentions(&mut rng, is_shared);
    println!("{retentions:?}");
    let mut kit = Kit::new(Config { history: retentions.clone(), ..Config::default() });
    let mut naive = Naive {
        kept: BTreeMap::new(),
        marks: BTreeMap::new(),
        newest: BTreeMap::new(),
        bytes: BTreeMap::new(),
        forgotten: EventId::ZERO,
        retentions,
    };
    let mut now_ms = 1_000;
    for number in 0..600 {
        now_ms += if rng.chance(20) { rng.below(60) as u64 } else { 0 };
        kit.unix_ms.store(now_ms, Ordering::Relaxed);
        let data = format!("{number} {}", "x".repeat(rng.below(400)));
        let name = |rng: &mut Rng| format!("c{}", rng.below(6));
        let event = match rng.below(5) {
            0 => all(&data),
            1 => to_client(&name(&mut rng), &data),
            2 if is_shared => {
                let targets = (0..3).map(|_| Target::Channel(channel(&name(&mut rng)))).collect();
                Event::for_targets(targets, data).unwrap()
            }
            _ => to_channel(&name(&mut rng), &data),
        };
        let last = kit.publish(event.clone()).id;
        kit.run();
        naive.push(&event, last, now_ms);
        let target = Target::Channel(channel(&name(&mut rng)));
        naive.trim(&target, now_ms);
        check(&kit, &naive, &target, last, &mut rng);
        assert_eq!(kit.hub.history_bytes(), naive.held_bytes());
    }
}

fn check(kit: &Kit, naive: &Naive, target: &Target, last: EventId, rng: &mut Rng) {
    let Target::Channel(channel) = target else { panic!("only channels have pages") };
    let after = EventId::new(rng.within(990, last.ms() as usize) as u64, rng.below(3) as u64);
    let messages_max = rng.within(1, 30);
    let page = kit.hub.history(channel, &Start::After(after), limit(messages_max));
    if after > last {
        assert_eq!((page.messages.len(), page.gap, page.next), (0, Some(Gap::UNKNOWN_ID), last));
        return;
    }
    let kept = naive.kept.get(target).map(Vec::as_slice).unwrap_or_default();
    let due: Vec<_> = kept.iter().filter(|(id, _)| *id > after).cloned().collect();
    let given: Vec<_> = page.messages.iter().map(|message| (message.id(), message.fields().data)).collect();
    assert_eq!(given, due[..due.len().min(messages_max)]);
    let next = if due.len() > messages_max { due[messages_max - 1].0 } else { last };
    assert_eq!(page.next, next);
    let to = naive.marks.get(target).copied().unwrap_or(naive.forgotten).max(BORN);
    let reason = if after < BORN { GapReason::Restart } else { GapReason::Expired };
    let gap = Gap { from: Some(after), to: Some(to), missed: None, reason };
    assert_eq!(page.gap, (to > after).then_some(gap));
}

#[test]
fn random_limits_keep_and_tell_what_the_naive_model_says() {
    (1..=60).for_each(run);
}
