//! [`Comparison`]: the findings, with medians, ratios and verdicts beside every single trial.
//!
//! Every form of output is made from this and adds nothing to it.

use crate::compare::case::{Better, Case, Figure};
use crate::compare::cores::Cores;
use crate::compare::damage::Damage;
use crate::compare::machine::Machine;
use crate::compare::peer::built_in::{FANFARE, FLOOR};
use crate::compare::results::Results;
use crate::compare::spread::Spread;
use crate::compare::target::{self, Verdict};
use crate::compare::trial::Trial;

/// A whole comparison.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Comparison {
    /// The command that made it.
    pub(crate) command: Vec<String>,
    pub(crate) machine: Machine,
    pub(crate) cores: Cores,
    pub(crate) rounds: u32,
    /// Below 1, the sizes are not those of the cases.
    pub(crate) scale: f64,
    /// Warnings about the figures.
    pub(crate) notes: Vec<String>,
    pub(crate) peers: Vec<PeerVersion>,
    pub(crate) cases: Vec<CaseSummary>,
    pub(crate) targets: Vec<Verdict>,
    /// Every run, in the order in which they were made.
    pub(crate) trials: Vec<Trial>,
}

#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct PeerVersion {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Its configuration beyond its command.
    pub(crate) configuration: Option<String>,
}

#[derive(Debug, serde::Serialize)]
pub(crate) struct CaseSummary {
    pub(crate) name: &'static str,
    pub(crate) shows: &'static str,
    pub(crate) figures: Vec<FigureSummary>,
    /// The damage of each server, to stand beside any figure.
    pub(crate) damages: Vec<Damage>,
}

#[derive(Debug, serde::Serialize)]
pub(crate) struct FigureSummary {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) better: Better,
    /// A row for each server that took part.
    pub(crate) rows: Vec<FigureRow>,
}

/// One figure of one server. `None`: it was not measured.
#[derive(Debug, serde::Serialize)]
pub(crate) struct FigureRow {
    pub(crate) peer: String,
    pub(crate) spread: Option<Spread>,
    /// This server's figure over the floor's, round by round.
    pub(crate) ratio_to_floor: Option<Spread>,
    /// Fanfare's over this server's, round by round.
    pub(crate) fanfare_ratio: Option<Spread>,
}

impl Results<'_> {
    /// Medians and ratios of one case, servers in the order of `peers`.
    fn summarize(&self, case: &'static Case, peers: &[PeerVersion]) -> CaseSummary {
        let row = |figure: &Figure, peer: &str| {
            let own = (case.name, peer, figure.name);
            FigureRow {
                peer: peer.to_owned(),
                spread: self.spread(own),
                ratio_to_floor: self.ratios(own, (case.name, FLOOR, figure.floor)),
                fanfare_ratio: self.ratios((case.name, FANFARE, figure.name), own),
            }
        };
        let figures = case.figures.iter().map(|figure| FigureSummary {
            name: figure.name,
            label: figure.label,
            better: figure.better,
            rows: peers
                .iter()
                .filter(|peer| self.takes_part(case, figure, &peer.name))
                .map(|peer| row(figure, &peer.name))
                .collect(),
        });
        let damages = peers.iter().map(|peer| self.damage_in(case.name, &peer.name));
        CaseSummary { name: case.name, shows: case.shows, figures: figures.collect(), damages: damages.collect() }
    }

    /// The cases and the verdicts.
    pub(crate) fn summary(&self, peers: &[PeerVersion]) -> (Vec<CaseSummary>, Vec<Verdict>) {
        let has_fanfare = peers.iter().any(|peer| peer.name == FANFARE);
        let targets = if has_fanfare { target::judge(self) } else { Vec::new() };
        (self.cases.iter().map(|case| self.summarize(case, peers)).collect(), targets)
    }
}

impl Comparison {
    /// Whether Fanfare did something that it must not.
    pub(crate) fn has_fault_of_fanfare(&self) -> bool {
        self.trials.iter().any(|trial| trial.peer == FANFARE && !trial.faults.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::compare::case;
    use crate::compare::generator::Outcome;
    use crate::compare::target::Reached;

    fn trial(round: u32, case: &'static str, run: &'static str, peer: &str, figures: serde_json::Value) -> Trial {
        let serde_json::Value::Object(figures) = figures else { panic!("no object") };
        let (peer, outcome) = (peer.to_owned(), Outcome::Figures(figures));
        let (server_command, generator_command, faults) = (None, Vec::new(), Vec::new());
        Trial { round, case, run, peer, server_command, generator_command, outcome, faults }
    }

    fn peers(names: &[&str]) -> Vec<PeerVersion> {
        names
            .iter()
            .map(|name| PeerVersion { name: (*name).to_owned(), version: String::new(), configuration: None })
            .collect()
    }

    #[test]
    fn ratios_are_within_rounds_and_verdicts_follow_them() {
        let mut trials = Vec::new();
        for (round, floor, fanfare) in [(1, 2.0, 2.1), (2, 4.0, 4.2), (3, 2.0, 4.0)] {
            let of = |cpu: f64| json!({"cpu_per_delivery_us": cpu, "lost": 0, "duplicated": 0, "reordered": 0});
            trials.push(trial(round, "sparse-1000", "fanout", "floor", of(floor)));
            trials.push(trial(round, "sparse-1000", "fanout", "fanfare", of(fanfare)));
        }
        let cases = [case::find("sparse-1000").unwrap()];
        let results = Results { cases: &cases, trials: &trials, rounds: 3 };
        let (cases, verdicts) = results.summary(&peers(&["floor", "fanfare"]));
        let row = &cases[0].figures[0].rows[1];
        assert_eq!(row.spread.map(|spread| (spread.median, spread.min, spread.max)), Some((4.0, 2.1, 4.2)));
        assert_eq!(row.ratio_to_floor.map(|spread| spread.median), Some(1.05));
        assert_eq!(row.fanfare_ratio.map(|spread| spread.median), Some(1.0));
        assert_eq!(cases[0].damages[1].text(), "none");
        let reached: Vec<(&str, Reached)> = verdicts.iter().map(|v| (v.target.as_str(), v.reached)).collect();
        let expected = [
            ("at most 1.10 x floor", Reached::Yes),
            ("at most 1.00 x nchan", Reached::Unmeasured),
            ("at most 1.20 x floor", Reached::Unmeasured),
            ("nothing lost, duplicated or reordered", Reached::Yes),
        ];
        assert_eq!(reached, expected);
    }

    #[test]
    fn a_figure_beside_a_loss_is_no_success() {
        let of =
            |cpu: f64, lost: u64| json!({"cpu_per_delivery_us": cpu, "lost": lost, "duplicated": 0, "reordered": 0});
        let cases = [case::find("sparse-1000").unwrap()];
        let measured = |floor_lost, fanfare_lost| {
            let trials = [
                trial(1, "sparse-1000", "fanout", "floor", of(2.0, floor_lost)),
                trial(1, "sparse-1000", "fanout", "fanfare", of(2.0, fanfare_lost)),
            ];
            let (_, mut verdicts) = Results { cases: &cases, trials: &trials, rounds: 1 }.summary(&peers(&["fanfare"]));
            let verdict = verdicts.swap_remove(0);
            assert!(verdict.text.ends_with(&verdict.measured), "{verdict:?}");
            (verdict.reached, verdict.measured)
        };
        assert_eq!(measured(0, 0), (Reached::Yes, "1.00, reached".to_owned()));
        assert_eq!(measured(0, 1), (Reached::No, "1.00, not counted: events were lost".to_owned()));
        assert_eq!(measured(1, 0), (Reached::Yes, "1.00, reached, but floor lost events".to_owned()));
    }

    #[test]
    fn a_loss_and_a_failed_run_are_beside_every_figure() {
        let mut failed = trial(2, "few", "fanout", "fanfare", json!({}));
        failed.outcome = Outcome::Failed("no result".to_owned());
        failed.faults = vec!["no result".to_owned()];
        let figures = json!({"publish_answer_p50_ms": 1.0, "lost": 3, "duplicated": 0, "reordered": 1});
        let trials = [trial(1, "few", "fanout", "fanfare", figures), failed];
        let cases = [case::find("few").unwrap()];
        let results = Results { cases: &cases, trials: &trials, rounds: 2 };
        let (cases, verdicts) = results.summary(&peers(&["fanfare"]));
        assert_eq!(cases[0].damages[0].text(), "lost 3, reordered 1, faults 1");
        assert_eq!(cases[0].damages[0].faults, ["round 2, fanout: no result"]);
        assert_eq!(verdicts.last().map(|v| (v.reached, v.value)), Some((Reached::No, Some(4.0))));
    }

    #[test]
    fn a_ratio_of_two_runs_is_taken_within_a_round() {
        let of = |p99_ms: f64| json!({"latency_p99_ms": p99_ms});
        let trials = [
            trial(1, "slow", "undisturbed", "fanfare", of(10.0)),
            trial(1, "slow", "disturbed", "fanfare", of(11.0)),
            trial(2, "slow", "undisturbed", "fanfare", of(20.0)),
        ];
        let cases = [case::find("slow").unwrap()];
        let results = Results { cases: &cases, trials: &trials, rounds: 2 };
        assert_eq!(results.median(("slow", "fanfare", "latency_p99_ratio")), Some(1.1));
        assert_eq!(results.damage("fanfare"), None);
    }

    #[test]
    fn tokens_are_judged_by_what_a_repeat_strays() {
        let cases = [case::find("tokens").unwrap()];
        let verdict = |with: f64, again: f64| {
            let of = |run, cpu: f64| trial(1, "tokens", run, "fanfare", json!({"cpu_per_delivery_us": cpu, "lost": 0}));
            let trials = [of("without", 4.0), of("with", with), of("again", again)];
            let (_, mut verdicts) = Results { cases: &cases, trials: &trials, rounds: 1 }.summary(&peers(&["fanfare"]));
            verdicts.swap_remove(0).text.replace("server CPU per delivery with tokens, over without: target: ", "")
        };
        assert_eq!(verdict(4.1, 4.04), "at most 1.03, or the 1.01 that a repeat strays: 1.02, reached");
        assert_eq!(verdict(4.4, 3.6), "at most 1.03, or the 1.11 that a repeat strays: 1.10, reached");
        assert_eq!(verdict(4.4, 4.0), "at most 1.03, or the 1.00 that a repeat strays: 1.10, missed by 6.80 %");
    }

    #[test]
    fn tls_and_http_2_are_judged_by_the_plain_floor() {
        let cases = [case::find("transports").unwrap(), case::find("transports-memory").unwrap()];
        let verdicts = |tls: f64, tls_h2: f64, h2: f64| {
            let cpu = |cpu: f64| json!({"cpu_per_delivery_us": cpu, "lost": 0});
            let memory = |bytes: f64| json!({"after_pss_per_connection_bytes": bytes, "lost": 0});
            let of = |case, run, peer, figures| trial(1, case, run, peer, figures);
            let trials = [
                of("transports", "plain", "floor", cpu(4.0)),
                of("transports", "tls-h2", "floor", cpu(99.0)),
                of("transports", "tls", "fanfare", cpu(tls)),
                of("transports", "tls-h2", "fanfare", cpu(tls_h2)),
                of("transports", "h2", "fanfare", cpu(h2)),
                of("transports-memory", "plain", "fanfare", memory(1_700.0)),
                of("transports-memory", "tls-h2", "fanfare", memory(4_000.0)),
                // 10 MB with 4,000 streams, and 18 MB with 12,000.
                of("transports-memory", "tls-h2-100", "fanfare", memory(2_500.0)),
                of("transports-memory", "tls-h2-100-more", "fanfare", memory(1_500.0)),
            ];
            let results = Results { cases: &cases, trials: &trials, rounds: 1 };
            let (_, verdicts) = results.summary(&peers(&["floor", "fanfare"]));
            let measured = verdicts.into_iter().filter(|verdict| verdict.reached != Reached::Unmeasured);
            measured.map(|verdict| format!("{}: {}", verdict.target, verdict.measured)).collect::<Vec<_>>()
        };
        let expected = [
            "at most 1.15 x floor, plain, or 0.600 us more: 1.10, reached",
            "at most 1.10 x floor, plain: 1.00, reached",
            "at most 1.20 x floor, plain, or 0.800 us more: 1.19, reached",
            "at most 2560 B more than plain: 2300, reached",
            "at most 1229 B: 1000, reached",
            "nothing lost, duplicated or reordered: 0, reached",
        ];
        assert_eq!(verdicts(4.4, 4.75, 4.0), expected);
        let some = verdicts(4.61, 4.8, 4.6);
        assert_eq!(some[0], "at most 1.15 x floor, plain, or 0.600 us more: 1.15, missed by 0.217 %");
        assert_eq!(some[1], "at most 1.10 x floor, plain: 1.15, missed by 4.55 %");
        assert_eq!(some[2], "at most 1.20 x floor, plain, or 0.800 us more: 1.20, reached");
    }
}
