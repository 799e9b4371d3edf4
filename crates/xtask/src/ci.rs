//! `cargo xtask ci`: the list of everything that CI runs, cheap steps first, and the walk through it.
//!
//! The walk stops at the first failure and says how to repeat that step alone. A table at the end has the time of each
//! step. CI runs nothing else, so a pass here is a pass there.

use std::time::{Duration, Instant};

use crate::invocation::{Invocation, Workspace};
use crate::{deny, smoke, suite, targets, tree, valkey};

/// Models of the data that threads of core share, in every interleaving: crates/core/src/models.rs.
const LOOM: &[&str] = &[
    "cargo",
    "test",
    "--package",
    "fanfare-core",
    "--lib",
    "--profile",
    "loom",
    "--target-dir",
    "{target}/loom",
    "--locked",
    "models::",
];

/// The feature that nothing else here is built with.
const OTLP_CLIPPY: &[&str] = &[
    "cargo",
    "clippy",
    "--package",
    "fanfare",
    "--features",
    "otlp",
    "--bins",
    "--test",
    "otlp",
    "--locked",
    "--",
    "-D",
    "warnings",
];
const OTLP_TEST: &[&str] =
    &["cargo", "test", "--package", "fanfare", "--features", "otlp", "--test", "otlp", "--locked"];

/// Work of a step. Receives the step's `repeat`, which is the whole work of most steps.
type Work = fn(&Workspace, &Invocation) -> Result<(), String>;

/// Work with a word for the table if it does not fail: [`PASSED`], or a restriction.
type ReportingWork = fn(&Workspace) -> Result<String, String>;

const PASSED: &str = "passed";

enum Doing {
    Plain(Work),
    Reporting(ReportingWork),
}

struct Step {
    name: &'static str,
    /// Runs this step alone.
    repeat: Invocation,
    doing: Doing,
}

fn steps(workspace: &Workspace) -> Vec<Step> {
    vec![
        Step::new("format", &["cargo", "fmt", "--all", "--check"]),
        Step::new("lint of the tree", &["cargo", "xtask", "tree"]).by(|workspace, _| tree::run(workspace)),
        Step::new("clippy", &["cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
        Step::new("other systems", &["cargo", "xtask", "targets"]).reporting(targets::run),
        Step::new("docs", &["cargo", "doc", "--workspace", "--no-deps", "--locked"])
            .with_env("RUSTDOCFLAGS", "-D warnings"),
        Step::new("deny", deny::CHECK).by(deny::run),
        Step::new("test", &["cargo", "xtask", "test", "--locked"])
            .by(|workspace, _| suite::run(workspace, &["--locked"])),
        Step::new("test with Valkey", &["cargo", "xtask", "valkey"]).by(|workspace, _| valkey::run(workspace)),
        Step::new("clippy with otlp", OTLP_CLIPPY),
        Step::new("test with otlp", OTLP_TEST),
        // In a separate target directory, because the flag affects every crate.
        Step::placed("loom models", workspace.place(LOOM)).with_env("RUSTFLAGS", "--cfg loom"),
        Step::new("load smoke", &["cargo", "xtask", "smoke"]).by(|workspace, _| smoke::run(workspace)),
        // At the root, because the workspace's default members have the benches.
        Step::new("benches compile", &["cargo", "bench", "--no-run", "--locked"]),
    ]
}

pub(crate) fn run(workspace: &Workspace) -> Result<(), String> {
    let steps = steps(workspace);
    let mut ends = Vec::new();
    let mut failure = None;
    for step in &steps {
        println!("\n=== {} ===", step.name);
        let start = Instant::now();
        let outcome = step.run(workspace);
        let result = outcome.as_deref().unwrap_or("failed").to_owned();
        ends.push(End { time: start.elapsed(), result });
        failure = outcome.err();
        if failure.is_some() {
            break;
        }
    }
    let names: Vec<&str> = steps.iter().map(|step| step.name).collect();
    println!("\n{}", table(&names, &ends));
    failure.map_or(Ok(()), Err)
}

impl Step {
    fn new(name: &'static str, words: &[&str]) -> Self {
        Self::placed(name, Invocation::new(words))
    }

    fn placed(name: &'static str, repeat: Invocation) -> Self {
        Self { name, repeat, doing: Doing::Plain(Workspace::run) }
    }

    fn with_env(mut self, name: &str, value: &str) -> Self {
        self.repeat = self.repeat.with_env(name, value);
        self
    }

    fn by(mut self, work: Work) -> Self {
        self.doing = Doing::Plain(work);
        self
    }

    fn reporting(mut self, work: ReportingWork) -> Self {
        self.doing = Doing::Reporting(work);
        self
    }

    fn run(&self, workspace: &Workspace) -> Result<String, String> {
        let outcome = match self.doing {
            Doing::Plain(work) => work(workspace, &self.repeat).map(|()| PASSED.to_owned()),
            Doing::Reporting(work) => work(workspace),
        };
        outcome.map_err(|why| format!("{why}\nci stopped at step `{}`; repeat it with: {}", self.name, self.repeat))
    }
}

/// The end of a step.
struct End {
    time: Duration,
    result: String,
}

/// One line for each step. `ends` is shorter than `names` if the walk stopped early.
fn table(names: &[&str], ends: &[End]) -> String {
    let width = names.iter().map(|name| name.len()).max().unwrap_or(0);
    let mut lines = vec![format!("{:width$}  {:>9}  result", "step", "wall time")];
    for (index, name) in names.iter().enumerate() {
        let line = match ends.get(index) {
            None => format!("{name:width$}  {:>9}  not run", "-"),
            Some(End { time, result }) => format!("{name:width$}  {:>7.1} s  {result}", time.as_secs_f64()),
        };
        lines.push(line);
    }
    let total: Duration = ends.iter().map(|end| end.time).sum();
    lines.push(format!("{:width$}  {:>7.1} s", "total", total.as_secs_f64()));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 3] = ["format", "clippy", "docs"];

    #[test]
    fn the_table_tells_what_passed_failed_and_was_not_reached() {
        let end = |time_ms, result: &str| End { time: Duration::from_millis(time_ms), result: result.to_owned() };
        let ends = [end(840, "passed, 1 target not checked"), end(12_340, "failed")];
        let expected = "\
step    wall time  result
format      0.8 s  passed, 1 target not checked
clippy     12.3 s  failed
docs            -  not run
total      13.2 s";
        assert_eq!(table(&NAMES, &ends), expected);
    }

    #[test]
    fn a_step_passes_or_says_with_which_restriction() {
        let workspace = Workspace::find().unwrap();
        assert_eq!(Step::new("format", &["true"]).run(&workspace).unwrap(), "passed");
        let step = Step::new("format", &["false"]).reporting(|_| Ok("passed, 2 targets not checked".to_owned()));
        assert_eq!(step.run(&workspace).unwrap(), "passed, 2 targets not checked");
    }

    #[test]
    fn a_step_that_fails_is_named_with_the_command_that_repeats_it() {
        let step = Step::new("format", &["false"]);
        let why = step.run(&Workspace::find().unwrap()).unwrap_err();
        assert!(why.ends_with("ci stopped at step `format`; repeat it with: false"), "{why}");
    }
}
