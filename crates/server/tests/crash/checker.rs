//! [`faults`]: everything that is wrong with a run: lost, doubled, reordered or invented events, and every gap.
//!
//! A pure function, tested below with each fault. [`short`] has the rules for a short history.

#[path = "checker/short.rs"]
mod short;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
};

use crate::ledger::{Id, Name, Outcome, Published, Run, Seen, View};

/// One fault and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) place: String,
    pub(crate) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The event was acknowledged or is kept elsewhere, and is missing here.
    Lost(Name),
    Twice(Name),
    /// The event is behind one that it should precede.
    Reordered(Name),
    /// The event was never published, its publish was refused, or it has another target.
    Invented(String),
    /// The id is not the one that the publisher got, or not the one elsewhere.
    OtherId(Name, Id, Id),
    Gap(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.place, self.what)
    }
}

/// All faults of `run`.
pub(crate) fn faults(run: &Run) -> Vec<Fault> {
    let mut checker = Checker::new(run);
    for view in &run.history {
        let found = checker.read(view);
        checker.forbid_gaps(view, |_| true);
        checker.keep(view, &found);
    }
    if let Some(events_max) = run.history_events {
        short::check(&mut checker, run, events_max);
        return checker.faults;
    }
    for view in &run.history {
        let due = checker.due(view, |published| matches!(published.outcome, Outcome::Acknowledged(_)));
        checker.demand(view, due);
    }
    checker.check_order_of_publishers(&checker.kept.clone());
    for view in &run.streams {
        let found = checker.read(view);
        checker.forbid_gaps(view, |_| true);
        checker.compare(view, &found);
        let due = checker.due(view, |_| false);
        checker.demand(view, due);
    }
    checker.faults
}

struct Checker<'a> {
    published: HashMap<Name, &'a Published>,
    /// The events in the history.
    kept: BTreeMap<Name, Id>,
    faults: Vec<Fault>,
}

impl<'a> Checker<'a> {
    fn new(run: &'a Run) -> Self {
        let published = run.published.iter().map(|published| (published.name, published)).collect();
        Self { published, kept: BTreeMap::new(), faults: Vec::new() }
    }

    fn fault(&mut self, view: &View, what: What) {
        self.faults.push(Fault { place: view.place.clone(), what });
    }

    /// The events of a view, each once. Checks all that needs no other view.
    fn read(&mut self, view: &View) -> Vec<(Id, Name)> {
        let (mut found, mut last) = (HashMap::new(), view.after);
        for seen in &view.seen {
            let (id, name) = match seen {
                Seen::Event(id, name) => (*id, *name),
                Seen::Foreign(_, data) => {
                    self.fault(view, What::Invented(data.clone()));
                    continue;
                }
                Seen::Gap(_) => continue,
            };
            let published = self.published.get(&name).copied();
            if published
                .is_none_or(|published| published.outcome == Outcome::Refused || !view.is_due(&published.targets))
            {
                self.fault(view, What::Invented(name.to_string()));
            } else if found.insert(name, id).is_some() {
                self.fault(view, What::Twice(name));
            } else if id <= last {
                self.fault(view, What::Reordered(name));
            }
            last = last.max(id);
        }
        found.into_iter().map(|(name, id)| (id, name)).collect()
    }

    fn forbid_gaps(&mut self, view: &View, is_wrong: impl Fn(&str) -> bool) {
        for seen in &view.seen {
            if let Seen::Gap(text) = seen
                && is_wrong(text)
            {
                self.fault(view, What::Gap(text.clone()));
            }
        }
    }

    /// Adds a view of the history to the kept events.
    fn keep(&mut self, view: &View, found: &[(Id, Name)]) {
        for &(id, name) in found {
            let told = match self.published.get(&name).map(|published| published.outcome) {
                Some(Outcome::Acknowledged(Some(told))) => told,
                _ => id,
            };
            let before = *self.kept.entry(name).or_insert(id);
            if let Some(other) = [told, before].into_iter().find(|other| *other != id) {
                self.fault(view, What::OtherId(name, other, id));
            }
        }
    }

    /// Checks that a stream saw only kept events, with the same ids.
    fn compare(&mut self, view: &View, found: &[(Id, Name)]) {
        for &(id, name) in found {
            match self.kept.get(&name) {
                None => self.fault(view, What::Invented(name.to_string())),
                Some(kept) if *kept != id => {
                    let kept = *kept;
                    self.fault(view, What::OtherId(name, kept, id));
                }
                Some(_) => {}
            }
        }
    }

    /// The events that must be in a view: those that are kept, and those that must be kept.
    fn due(&self, view: &View, must_be_kept: impl Fn(&Published) -> bool) -> Vec<Name> {
        let is_due = |published: &&&Published| {
            let is_behind =
                self.kept.get(&published.name).map_or_else(|| must_be_kept(published), |id| *id > view.after);
            is_behind && view.is_due(&published.targets)
        };
        let mut due: Vec<Name> = self.published.values().filter(is_due).map(|published| published.name).collect();
        due.sort_unstable();
        due
    }

    fn demand(&mut self, view: &View, due: Vec<Name>) {
        let name = |seen: &Seen| if let Seen::Event(_, name) = seen { Some(*name) } else { None };
        let there: HashSet<Name> = view.seen.iter().filter_map(name).collect();
        for name in due.into_iter().filter(|name| !there.contains(name)) {
            self.fault(view, What::Lost(name));
        }
    }

    /// Checks the order of each publisher's events. A publisher waits for the answer, or for the end of the connection,
    /// before the next publish.
    fn check_order_of_publishers(&mut self, ids: &BTreeMap<Name, Id>) {
        let wrong = ids
            .iter()
            .zip(ids.iter().skip(1))
            .filter(|((name, id), (next, next_id))| name.publisher == next.publisher && id >= next_id);
        let fault = |next: Name| Fault { place: "history".to_owned(), what: What::Reordered(next) };
        self.faults.extend(wrong.map(|(_, (next, _))| fault(*next)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Target;

    const NEWS: Target = Target::Channel("news");
    const ALL: Target = Target::All;
    const USER: Target = Target::Client("u");

    fn a(number: u64) -> Name {
        Name { publisher: 'a', number }
    }

    fn b(number: u64) -> Name {
        Name { publisher: 'b', number }
    }

    fn seen(count: u64, name: Name) -> Seen {
        Seen::Event((1, count), name)
    }

    fn view(place: &str, targets: &[Target], after: u64, seen: &[Seen]) -> View {
        View { place: place.to_owned(), targets: targets.to_vec(), after: (1, after), seen: seen.to_vec() }
    }

    /// A run without faults: two publishers with all outcomes, a history of everything and of a channel, and a stream
    /// that began behind 1-1.
    fn good() -> Run {
        let published = |name, target, outcome| Published { name, targets: vec![target], outcome };
        let acknowledged = |count| Outcome::Acknowledged(Some((1, count)));
        let kept = [seen(1, a(0)), seen(2, b(0)), seen(3, a(1)), seen(5, b(1)), seen(6, a(4))];
        let news = [kept[0].clone(), kept[2].clone(), kept[4].clone()];
        let stream = [kept[1].clone(), kept[2].clone(), kept[4].clone()];
        Run {
            published: vec![
                published(a(0), NEWS, acknowledged(1)),
                published(a(1), NEWS, Outcome::Unknown),
                published(a(2), NEWS, Outcome::Unknown),
                published(a(3), NEWS, Outcome::Refused),
                published(a(4), NEWS, Outcome::Acknowledged(None)),
                published(b(0), ALL, acknowledged(2)),
                published(b(1), USER, acknowledged(5)),
            ],
            history: vec![view("kept", &[NEWS, ALL, USER], 0, &kept), view("page", &[NEWS], 0, &news)],
            streams: vec![view("stream", &[NEWS, ALL], 1, &stream)],
            history_events: None,
        }
    }

    /// Faults after `change`, in order of places.
    fn faults_after(change: impl FnOnce(&mut Run)) -> Vec<(String, What)> {
        let mut run = good();
        change(&mut run);
        let mut faults: Vec<_> = faults(&run).into_iter().map(|fault| (fault.place, fault.what)).collect();
        faults.sort_by(|(left, _), (right, _)| left.cmp(right));
        faults
    }

    fn one(place: &str, what: What) -> Vec<(String, What)> {
        vec![(place.to_owned(), what)]
    }

    #[test]
    fn a_run_without_a_fault_has_none_whatever_became_of_what_nobody_answered() {
        assert_eq!(faults(&good()), []);
        let without_it = faults_after(|run| {
            run.history[0].seen.remove(2);
            run.history[1].seen.remove(1);
            run.streams[0].seen.remove(1);
        });
        assert_eq!(without_it, []);
    }

    #[test]
    fn a_lost_event_is_found() {
        let everywhere = faults_after(|run| {
            run.history[0].seen.remove(4);
            run.history[1].seen.remove(2);
            run.streams[0].seen.remove(2);
        });
        assert_eq!(everywhere, [one("kept", What::Lost(a(4))), one("page", What::Lost(a(4)))].concat());
        let from_page = faults_after(|run| drop(run.history[1].seen.remove(0)));
        assert_eq!(from_page, one("page", What::Lost(a(0))));
        let unanswered = faults_after(|run| drop(run.history[1].seen.remove(1)));
        assert_eq!(unanswered, one("page", What::Lost(a(1))));
        for index in 0..3 {
            let name = [b(0), a(1), a(4)][index];
            let from_stream = faults_after(|run| drop(run.streams[0].seen.remove(index)));
            assert_eq!(from_stream, one("stream", What::Lost(name)));
        }
    }

    #[test]
    fn a_doubled_event_is_found() {
        for id in [3, 7] {
            let kept = faults_after(|run| run.history[1].seen.push(seen(id, a(1))));
            assert_eq!(kept[0], ("page".to_owned(), What::Twice(a(1))));
            let streamed = faults_after(|run| run.streams[0].seen.push(seen(id, a(1))));
            assert_eq!(streamed[0], ("stream".to_owned(), What::Twice(a(1))));
        }
    }

    #[test]
    fn a_reordered_event_is_found() {
        let kept = faults_after(|run| run.history[1].seen.swap(0, 1));
        assert_eq!(kept, one("page", What::Reordered(a(0))));
        let streamed = faults_after(|run| run.streams[0].seen.swap(0, 1));
        assert_eq!(streamed, one("stream", What::Reordered(b(0))));
        // In order of their ids, and not in that of their publisher.
        let published = faults_after(|run| {
            run.published[4].name = a(2);
            run.published[2].name = a(4);
            run.published[1].name = a(5);
            for view in run.history.iter_mut().chain(&mut run.streams) {
                for seen in &mut view.seen {
                    match seen {
                        Seen::Event(_, name) if *name == a(1) => *name = a(5),
                        Seen::Event(_, name) if *name == a(4) => *name = a(2),
                        _ => {}
                    }
                }
            }
        });
        assert_eq!(published, one("history", What::Reordered(a(5))));
    }

    #[test]
    fn an_invented_event_is_found() {
        let invented = |name: Name| What::Invented(name.to_string());
        for name in [a(9), a(3)] {
            let kept = faults_after(|run| run.history[1].seen.push(seen(7, name)));
            assert_eq!(kept, one("page", invented(name)), "nobody published it, or it was refused");
        }
        let elsewhere = faults_after(|run| run.history[1].seen.insert(1, seen(2, b(0))));
        assert_eq!(elsewhere, one("page", invented(b(0))), "it is not for this channel");
        let streamed = faults_after(|run| run.streams[0].seen.push(seen(7, a(2))));
        assert_eq!(streamed, one("stream", invented(a(2))), "it was seen and is not kept");
        let foreign = Seen::event((1, 7), "a-1 and more");
        assert_eq!(
            faults_after(|run| run.streams[0].seen.push(foreign)),
            one("stream", What::Invented("a-1 and more".to_owned()))
        );
    }

    #[test]
    fn another_id_is_found() {
        let told = faults_after(|run| run.published[5].outcome = Outcome::Acknowledged(Some((1, 1))));
        assert_eq!(told, one("kept", What::OtherId(b(0), (1, 1), (1, 2))));
        let page = faults_after(|run| run.history[1].seen[1] = seen(4, a(1)));
        assert_eq!(page, one("page", What::OtherId(a(1), (1, 3), (1, 4))));
        let streamed = faults_after(|run| run.streams[0].seen[1] = seen(4, a(1)));
        assert_eq!(streamed, one("stream", What::OtherId(a(1), (1, 3), (1, 4))));
    }

    #[test]
    fn a_gap_is_found() {
        let gap = || Seen::Gap("busy".to_owned());
        let told = || What::Gap("busy".to_owned());
        assert_eq!(faults_after(|run| run.history[1].seen.push(gap())), one("page", told()));
        assert_eq!(faults_after(|run| run.streams[0].seen.insert(0, gap())), one("stream", told()));
    }
}
