//! `cargo xtask test`: what the tests need is put in place, then every test runs.
//!
//! Further arguments go to `cargo test`. Those that choose packages or targets take the place of the choice made here.

use crate::install;
use crate::invocation::{Invocation, Workspace};

/// Every target but the benches, which are compiled by a step of their own.
const TARGETS: &[&str] = &["--lib", "--bins", "--tests"];

/// Tests run the examples, which `cargo test` with a choice of targets does not build as programs.
const EXAMPLES: &[&str] = &["cargo", "build", "--workspace", "--examples"];

/// coreutils' timeout, which ends the test binary together with cargo. Compiling on a slow machine is in it too.
const KILLED_WHEN_HUNG: &[&str] = &["timeout", "--kill-after=10s", "30m"];

const TARGET_FLAGS: &[&str] = &[
    "--lib",
    "--bin",
    "--bins",
    "--test",
    "--tests",
    "--example",
    "--examples",
    "--bench",
    "--benches",
    "--all-targets",
    "--doc",
];

const PACKAGE_FLAGS: &[&str] = &["--package", "--workspace", "--all", "--manifest-path"];

pub(crate) fn run(workspace: &Workspace, args: &[&str]) -> Result<(), String> {
    install::run(workspace)?;
    workspace.run(&Invocation::new(EXAMPLES))?;
    plan(args).iter().try_for_each(|invocation| workspace.run(invocation))
}

/// Two runs, because cargo takes `--doc` only alone; one when the caller made a choice.
fn plan(args: &[&str]) -> Vec<Invocation> {
    let for_cargo = || args.iter().take_while(|arg| **arg != "--").map(|arg| arg.split('=').next().unwrap_or(arg));
    let chosen_packages = for_cargo().any(|flag| PACKAGE_FLAGS.contains(&flag) || is_short_package(flag));
    let chosen_targets = for_cargo().any(|flag| TARGET_FLAGS.contains(&flag));
    // Cargo cannot compile doc tests without running them.
    let only_compiled = for_cargo().any(|flag| flag == "--no-run");

    let test = Invocation::new(KILLED_WHEN_HUNG).with_args(&["cargo", "test"]);
    if chosen_packages {
        return vec![test.with_args(args)];
    }
    let test = test.with_args(&["--workspace"]);
    if chosen_targets {
        return vec![test.with_args(args)];
    }
    let targets = test.clone().with_args(TARGETS).with_args(args);
    if only_compiled {
        return vec![targets];
    }
    vec![targets, test.with_args(&["--doc"]).with_args(args)]
}

/// `-p name` and `-pname`.
fn is_short_package(flag: &str) -> bool {
    flag.starts_with("-p")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(args: &[&str]) -> Vec<String> {
        plan(args).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn without_arguments_every_test_runs() {
        let all = [
            "timeout --kill-after=10s 30m cargo test --workspace --lib --bins --tests",
            "timeout --kill-after=10s 30m cargo test --workspace --doc",
        ];
        assert_eq!(typed(&[]), all);
    }

    #[test]
    fn further_arguments_are_passed_on_to_both_runs() {
        let runs = typed(&["--locked", "a_name", "--", "--nocapture", "--test-threads=1"]);
        assert_eq!(runs.len(), 2);
        assert!(runs.iter().all(|run| run.ends_with(" --locked a_name -- --nocapture --test-threads=1")), "{runs:?}");
    }

    #[test]
    fn a_choice_of_targets_or_packages_is_kept() {
        assert_eq!(
            typed(&["--test", "streams"]),
            ["timeout --kill-after=10s 30m cargo test --workspace --test streams"]
        );
        assert_eq!(typed(&["--test=streams"]), ["timeout --kill-after=10s 30m cargo test --workspace --test=streams"]);
        assert_eq!(typed(&["-p", "fanfare-core"]), ["timeout --kill-after=10s 30m cargo test -p fanfare-core"]);
        assert_eq!(
            typed(&["--package=xtask", "--bins"]),
            ["timeout --kill-after=10s 30m cargo test --package=xtask --bins"]
        );
    }

    #[test]
    fn doc_tests_are_left_out_of_a_run_that_only_compiles() {
        assert_eq!(
            typed(&["--no-run"]),
            ["timeout --kill-after=10s 30m cargo test --workspace --lib --bins --tests --no-run"]
        );
    }

    #[test]
    fn flags_of_the_tests_themselves_choose_nothing() {
        assert_eq!(typed(&["--", "--test", "-p"]).len(), 2);
        assert_eq!(typed(&["--profile", "release"]).len(), 2);
    }
}
