//! The rules for a short history, which keeps only the last events of each target. A view that is due an event has seen
//! it or received a gap that covers it. The last events are there. A view of targets that are kept whole receives no
//! gap.
//!
//! An event that was acknowledged without an id cannot be judged. It is a fault unless a view has seen it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Checker, Fault, What};
use crate::ledger::{Gap, Id, Name, Outcome, Run, Seen, Target, View};

/// Continues the check after the views of the history were read.
pub(super) fn check(checker: &mut Checker<'_>, run: &Run, events_max: usize) {
    let ids = ids(checker, run);
    checker.check_order_of_publishers(&ids);
    for view in &run.history {
        let last = view.targets.iter().flat_map(|target| last(checker, &ids, *target, events_max));
        let last: BTreeSet<Name> = last.collect();
        checker.demand(view, last.into_iter().collect());
    }
    for view in &run.streams {
        let is_outgrown = view.targets.iter().any(|target| published_on(run, *target) > events_max);
        checker.forbid_gaps(view, |text| !is_outgrown || Gap::of(text).is_none());
        let due = due(checker, &ids, view);
        checker.demand(view, due);
    }
}

/// The id of each event whose id is known. Two different ids for an event are a fault.
fn ids(checker: &mut Checker<'_>, run: &Run) -> BTreeMap<Name, Id> {
    let mut ids = checker.kept.clone();
    for published in &run.published {
        if let Outcome::Acknowledged(Some(id)) = published.outcome {
            ids.entry(published.name).or_insert(id);
        }
    }
    for view in &run.streams {
        for (id, name) in checker.read(view) {
            let known = *ids.entry(name).or_insert(id);
            if known != id {
                checker.fault(view, What::OtherId(name, known, id));
            }
        }
    }
    let is_unknown = |name: &Name| !ids.contains_key(name);
    let acknowledged = run.published.iter().filter(|published| matches!(published.outcome, Outcome::Acknowledged(_)));
    let lost = acknowledged.map(|published| published.name).filter(is_unknown);
    checker.faults.extend(lost.map(|name| Fault { place: "anywhere".to_owned(), what: What::Lost(name) }));
    ids
}

fn published_on(run: &Run, target: Target) -> usize {
    run.published.iter().filter(|published| published.targets.contains(&target)).count()
}

/// The last events of a target.
fn last(checker: &Checker<'_>, ids: &BTreeMap<Name, Id>, target: Target, events_max: usize) -> Vec<Name> {
    let is_there = |name: &Name| checker.published[name].targets.contains(&target);
    let mut events: Vec<(Id, Name)> =
        ids.iter().filter(|(name, _)| is_there(name)).map(|(name, id)| (*id, *name)).collect();
    events.sort_unstable();
    events.into_iter().rev().take(events_max).map(|(_, name)| name).collect()
}

/// The events that a stream must have seen: all that no gap covers.
fn due(checker: &Checker<'_>, ids: &BTreeMap<Name, Id>, view: &View) -> Vec<Name> {
    let gap = |seen: &Seen| if let Seen::Gap(text) = seen { Gap::of(text) } else { None };
    let gaps: Vec<Gap> = view.seen.iter().filter_map(gap).collect();
    let is_due = |name: &Name, id: Id| {
        id > view.after && view.is_due(&checker.published[name].targets) && !gaps.iter().any(|gap| gap.covers(id))
    };
    ids.iter().filter(|(name, id)| is_due(name, **id)).map(|(name, _)| *name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{checker::faults, ledger::Published};

    const BUSY: Target = Target::Channel("busy");
    const RARE: Target = Target::Channel("rare");

    fn x(number: u64) -> Name {
        Name { publisher: 'x', number }
    }

    fn rare() -> Name {
        Name { publisher: 'r', number: 0 }
    }

    fn view(place: &str, targets: &[Target], seen: Vec<Seen>) -> View {
        View { place: place.to_owned(), targets: targets.to_vec(), after: (1, 0), seen }
    }

    fn gap(from: u64, to: u64, reason: &str) -> Seen {
        Seen::Gap(format!(r#"{{"from":"1-{from}","to":"1-{to}","missed":null,"reason":"{reason}"}}"#))
    }

    /// A run without faults. Two of six events of a channel are kept, and the only event of another channel, with the
    /// id 1-1.
    fn good() -> Run {
        let of = |numbers: &[u64]| numbers.iter().map(|number| Seen::Event((1, *number), x(*number))).collect();
        let published = |name, target, outcome| Published { name, targets: vec![target], outcome };
        let acknowledged = |number| published(x(number), BUSY, Outcome::Acknowledged(Some((1, number))));
        let kept_rare = vec![Seen::Event((1, 1), rare())];
        Run {
            published: vec![
                published(rare(), RARE, Outcome::Acknowledged(Some((1, 1)))),
                acknowledged(2),
                acknowledged(3),
                acknowledged(4),
                acknowledged(5),
                published(x(6), BUSY, Outcome::Unknown),
                acknowledged(7),
            ],
            history: vec![view("busy page", &[BUSY], of(&[6, 7])), view("rare page", &[RARE], kept_rare.clone())],
            streams: vec![
                view("all", &[BUSY], of(&[2, 3, 4, 5, 6, 7])),
                view("some", &[BUSY], [of(&[2]), vec![gap(2, 5, "expired")], of(&[6, 7])].concat()),
                view("rare", &[RARE], kept_rare),
            ],
            history_events: Some(2),
        }
    }

    /// Faults after `change`.
    fn faults_after(change: impl FnOnce(&mut Run)) -> Vec<(String, What)> {
        let mut run = good();
        change(&mut run);
        faults(&run).into_iter().map(|fault| (fault.place, fault.what)).collect()
    }

    fn one(place: &str, what: What) -> Vec<(String, What)> {
        vec![(place.to_owned(), what)]
    }

    #[test]
    fn what_is_seen_or_covered_by_a_gap_is_no_fault_whatever_the_reason() {
        assert_eq!(faults(&good()), []);
        for reason in ["expired", "busy", "restart"] {
            assert_eq!(faults_after(|run| run.streams[1].seen[1] = gap(2, 5, reason)), []);
        }
        let in_two = faults_after(|run| {
            run.streams[1].seen.splice(1..2, [gap(2, 3, "busy"), gap(2, 5, "expired")]);
        });
        assert_eq!(in_two, []);
    }

    #[test]
    fn what_no_gap_covers_is_lost() {
        let lost = |number| ("some".to_owned(), What::Lost(x(number)));
        let without = faults_after(|run| drop(run.streams[1].seen.remove(1)));
        assert_eq!(without, [lost(3), lost(4), lost(5)]);
        assert_eq!(faults_after(|run| run.streams[1].seen[1] = gap(2, 4, "expired")), [lost(5)], "it ends too early");
        assert_eq!(faults_after(|run| run.streams[1].seen[1] = gap(3, 5, "expired")), [lost(3)], "it begins too late");
        let elsewhere = faults_after(|run| drop(run.streams[0].seen.remove(2)));
        assert_eq!(elsewhere, one("all", What::Lost(x(4))), "the gap was told to another");
    }

    #[test]
    fn a_gap_that_says_nothing_covers_nothing() {
        let text = r#"{"from":null,"to":null,"missed":null,"reason":"unknown-id"}"#;
        let told = faults_after(|run| run.streams[1].seen.push(Seen::Gap(text.to_owned())));
        assert_eq!(told, one("some", What::Gap(text.to_owned())));
    }

    #[test]
    fn who_follows_only_what_is_kept_as_a_whole_is_told_no_gap() {
        let Seen::Gap(text) = gap(0, 1, "expired") else { unreachable!() };
        let told = faults_after(|run| run.streams[2].seen.insert(0, Seen::Gap(text.clone())));
        assert_eq!(told, one("rare", What::Gap(text)));
    }

    #[test]
    fn the_last_events_of_each_target_are_in_its_history() {
        let newest = faults_after(|run| drop(run.history[0].seen.pop()));
        assert_eq!(newest, one("busy page", What::Lost(x(7))));
        let seen_and_not_kept = faults_after(|run| drop(run.history[0].seen.remove(0)));
        assert_eq!(seen_and_not_kept, one("busy page", What::Lost(x(6))));
        let old = faults_after(|run| drop(run.history[1].seen.pop()));
        assert_eq!(old, one("rare page", What::Lost(rare())));
        let told = faults_after(|run| run.history[0].seen.insert(0, gap(2, 5, "expired")));
        assert_eq!(told.len(), 1, "{told:?}");
    }

    #[test]
    fn twice_out_of_order_and_another_id_are_faults_of_streams_here_too() {
        let twice = faults_after(|run| run.streams[0].seen.push(Seen::Event((1, 8), x(4))));
        assert_eq!(twice[0], ("all".to_owned(), What::Twice(x(4))));
        let swapped = faults_after(|run| run.streams[0].seen.swap(0, 1));
        assert_eq!(swapped, one("all", What::Reordered(x(2))));
        let other = faults_after(|run| run.streams[0].seen[5] = Seen::Event((1, 8), x(7)));
        assert_eq!(other, one("all", What::OtherId(x(7), (1, 7), (1, 8))));
    }

    #[test]
    fn what_was_acknowledged_without_an_id_has_to_have_been_seen() {
        assert_eq!(faults_after(|run| run.published[3].outcome = Outcome::Acknowledged(None)), []);
        let unseen = faults_after(|run| {
            run.published[3].outcome = Outcome::Acknowledged(None);
            run.streams[0].seen.remove(2);
        });
        assert_eq!(unseen, one("anywhere", What::Lost(x(4))));
    }
}
