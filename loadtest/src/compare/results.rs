//! [`Results`]: the trials of a comparison, to be asked for figures.

use crate::compare::case::{Case, Figure, Source};
use crate::compare::damage::Damage;
use crate::compare::spread::Spread;
use crate::compare::trial::Trial;

/// A figure of a server in a case: case, server, figure.
pub(crate) type Key<'a> = (&'a str, &'a str, &'a str);

/// The trials, to be asked for figures.
pub(crate) struct Results<'a> {
    pub(crate) cases: &'a [&'static Case],
    pub(crate) trials: &'a [Trial],
    pub(crate) rounds: u32,
}

impl Results<'_> {
    pub(crate) fn has_case(&self, name: &str) -> bool {
        self.cases.iter().any(|case| case.name == name)
    }

    /// The figure in each round.
    fn values(&self, (case, peer, figure): Key<'_>) -> Vec<Option<f64>> {
        let Some(case) = self.cases.iter().find(|known| known.name == case) else { return Vec::new() };
        let Some(figure) = case.figures.iter().find(|known| known.name == figure) else { return Vec::new() };
        (1..=self.rounds).map(|round| self.value(case, figure, peer, round)).collect()
    }

    fn value(&self, case: &Case, figure: &Figure, peer: &str, round: u32) -> Option<f64> {
        let of_run = |run: usize, name: &str| {
            let is_it = |trial: &&Trial| {
                (trial.round, trial.case, trial.run) == (round, case.name, case.runs[run].name) && trial.peer == peer
            };
            self.trials.iter().find(is_it)?.figure(name)
        };
        match figure.source {
            Source::Run(run, name) => of_run(run, name),
            Source::Ratio(over, under, name) => Some(of_run(over, name)? / of_run(under, name)?),
            Source::Further { few, more, name } => {
                let [few_streams, more_streams] = [few, more].map(|run| f64::from(case.runs[run].connections));
                let growth = of_run(more, name)? * more_streams - of_run(few, name)? * few_streams;
                Some(growth / (more_streams - few_streams))
            }
        }
    }

    /// Whether this server took part in the runs that the figure is from.
    pub(super) fn takes_part(&self, case: &Case, figure: &Figure, peer: &str) -> bool {
        figure.source.runs().iter().all(|run| {
            let is_it =
                |trial: &Trial| trial.peer == peer && (trial.case, trial.run) == (case.name, case.runs[*run].name);
            self.trials.iter().any(is_it)
        })
    }

    pub(crate) fn spread(&self, key: Key<'_>) -> Option<Spread> {
        Spread::of(self.values(key).into_iter().flatten())
    }

    pub(super) fn ratios(&self, over: Key<'_>, under: Key<'_>) -> Option<Spread> {
        Spread::of_ratios(&self.values(over), &self.values(under))
    }

    /// The median of the differences round by round.
    pub(crate) fn difference(&self, over: Key<'_>, under: Key<'_>) -> Option<f64> {
        let pairs = self.values(over).into_iter().zip(self.values(under));
        Spread::of(pairs.filter_map(|(over, under)| Some(over? - under?))).map(|spread| spread.median)
    }

    pub(crate) fn median(&self, key: Key<'_>) -> Option<f64> {
        self.spread(key).map(|spread| spread.median)
    }

    /// The median of the ratios round by round.
    pub(crate) fn ratio(&self, over: Key<'_>, under: Key<'_>) -> Option<f64> {
        self.ratios(over, under).map(|spread| spread.median)
    }

    /// Events of this server that were lost, duplicated or reordered, in all cases. `None`: none that is known of, but
    /// not every run had a result.
    pub(crate) fn damage(&self, peer: &str) -> Option<u64> {
        let counts: Vec<Option<u64>> = self.trials.iter().filter(|trial| trial.peer == peer).map(damaged).collect();
        let known = counts.iter().flatten().sum();
        (known > 0 || (!counts.is_empty() && !counts.contains(&None))).then_some(known)
    }

    pub(crate) fn damage_in(&self, case: &str, peer: &str) -> Damage {
        let mut damage = Damage { peer: peer.to_owned(), lost: 0, duplicated: 0, reordered: 0, faults: Vec::new() };
        for trial in self.trials.iter().filter(|trial| trial.case == case && trial.peer == peer) {
            damage.lost += missing(trial);
            damage.duplicated += count(trial, "duplicated");
            damage.reordered += count(trial, "reordered");
            let said = |fault: &String| format!("round {}, {}: {fault}", trial.round, trial.run);
            damage.faults.extend(trial.faults.iter().map(said));
        }
        damage
    }
}

fn count(trial: &Trial, name: &str) -> u64 {
    trial.figure(name).map_or(0, |count| count as u64)
}

fn damaged(trial: &Trial) -> Option<u64> {
    trial.figure("lost")?;
    Some(missing(trial) + count(trial, "duplicated") + count(trial, "reordered"))
}

/// Events that are missing, told by the server or not: in a case nothing has to be missing.
fn missing(trial: &Trial) -> u64 {
    count(trial, "lost") + count(trial, "told_missing")
}
