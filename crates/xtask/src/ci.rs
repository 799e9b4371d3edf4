//! `cargo xtask ci`: the list of everything that CI runs, cheap steps first, and the walk through it.
//!
//! The walk stops at the first failure and says how to repeat that step alone; in the end a table says what each step
//! took. CI itself runs nothing else, so what passes here passes there.

use std::time::{Duration, Instant};

use crate::invocation::{Invocation, Workspace};
use crate::{deny, smoke, suite, tree, valkey};

/// What the threads of core share, in every interleaving: crates/core/src/models.rs.
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

type Work = fn(&Workspace, &Invocation) -> Result<(), String>;

struct Step {
    name: &'static str,
    /// Runs this step alone.
    repeat: Invocation,
    /// Handed `repeat`, which is all there is to most steps.
    work: Work,
}

fn steps(workspace: &Workspace) -> Vec<Step> {
    vec![
        Step::new("format", &["cargo", "fmt", "--all", "--check"]),
        Step::new("lint of the tree", &["cargo", "xtask", "tree"]).by(|workspace, _| tree::run(workspace)),
        Step::new("clippy", &["cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
        Step::new("docs", &["cargo", "doc", "--workspace", "--no-deps", "--locked"])
            .with_env("RUSTDOCFLAGS", "-D warnings"),
        Step::new("deny", deny::CHECK).by(deny::run),
        Step::new("test", &["cargo", "xtask", "test", "--locked"])
            .by(|workspace, _| suite::run(workspace, &["--locked"])),
        Step::new("test with Valkey", &["cargo", "xtask", "valkey"]).by(|workspace, _| valkey::run(workspace)),
        // Apart from the other builds: the flag is for every crate.
        Step::placed("loom models", workspace.place(LOOM)).with_env("RUSTFLAGS", "--cfg loom"),
        Step::new("load smoke", &["cargo", "xtask", "smoke"]).by(|workspace, _| smoke::run(workspace)),
        // At the root, where the workspace's default members are the ones with benches.
        Step::new("benches compile", &["cargo", "bench", "--no-run", "--locked"]),
    ]
}

pub(crate) fn run(workspace: &Workspace) -> Result<(), String> {
    let steps = steps(workspace);
    let mut times = Vec::new();
    let mut outcome = Ok(());
    for step in &steps {
        println!("\n=== {} ===", step.name);
        let start = Instant::now();
        outcome = step.run(workspace);
        times.push(start.elapsed());
        if outcome.is_err() {
            break;
        }
    }
    let names: Vec<&str> = steps.iter().map(|step| step.name).collect();
    println!("\n{}", table(&names, &times, outcome.is_ok()));
    outcome
}

impl Step {
    fn new(name: &'static str, words: &[&str]) -> Self {
        Self::placed(name, Invocation::new(words))
    }

    fn placed(name: &'static str, repeat: Invocation) -> Self {
        Self { name, repeat, work: Workspace::run }
    }

    fn with_env(mut self, name: &str, value: &str) -> Self {
        self.repeat = self.repeat.with_env(name, value);
        self
    }

    fn by(mut self, work: Work) -> Self {
        self.work = work;
        self
    }

    fn run(&self, workspace: &Workspace) -> Result<(), String> {
        let outcome = (self.work)(workspace, &self.repeat);
        outcome.map_err(|why| format!("{why}\nci stopped at step `{}`; repeat it with: {}", self.name, self.repeat))
    }
}

/// One line a step: `times` is shorter than `names` when the walk stopped early, and then its last one failed.
fn table(names: &[&str], times: &[Duration], passed: bool) -> String {
    let width = names.iter().map(|name| name.len()).max().unwrap_or(0);
    let mut lines = vec![format!("{:width$}  {:>9}  result", "step", "wall time")];
    for (index, name) in names.iter().enumerate() {
        let line = match times.get(index) {
            None => format!("{name:width$}  {:>9}  not run", "-"),
            Some(time) => {
                let result = if passed || index + 1 < times.len() { "passed" } else { "failed" };
                format!("{name:width$}  {:>7.1} s  {result}", time.as_secs_f64())
            }
        };
        lines.push(line);
    }
    let total: Duration = times.iter().sum();
    lines.push(format!("{:width$}  {:>7.1} s", "total", total.as_secs_f64()));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 3] = ["format", "clippy", "docs"];

    #[test]
    fn the_table_tells_what_passed_failed_and_was_not_reached() {
        let times = [Duration::from_millis(840), Duration::from_millis(12_340)];
        let expected = "\
step    wall time  result
format      0.8 s  passed
clippy     12.3 s  failed
docs            -  not run
total      13.2 s";
        assert_eq!(table(&NAMES, &times, false), expected);
    }

    #[test]
    fn the_table_of_a_good_run_says_passed_on_every_line() {
        let text = table(&NAMES, &[Duration::ZERO; 3], true);
        assert_eq!(text.matches("passed").count(), 3, "{text}");
    }

    #[test]
    fn a_step_that_fails_is_named_with_the_command_that_repeats_it() {
        let step = Step::new("format", &["false"]);
        let why = step.run(&Workspace::find().unwrap()).unwrap_err();
        assert!(why.ends_with("ci stopped at step `format`; repeat it with: false"), "{why}");
    }
}
