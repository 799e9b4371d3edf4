//! `cargo xtask test`: installs what the tests need, compiles every test, then runs all tests, even after a failure.
//!
//! Further arguments go to `cargo test`. If they choose packages or targets, they replace the choice made here.
//! Compiling does not count towards the time limit of the tests. All failures are printed at the end.

use std::time::Instant;

use crate::binaries::Binaries;
use crate::failure::Failure;
use crate::install;
use crate::invocation::{Invocation, Workspace};
use crate::progress::Progress;

/// Every target but the benches, which are compiled by a step of their own.
const TARGETS: &[&str] = &["--lib", "--bins", "--tests"];

/// Builds the examples, which tests run. `cargo test` with a choice of targets does not build them as programs.
const EXAMPLES: &[&str] = &["cargo", "build", "--workspace", "--examples"];

/// Time limit of all binaries together, as coreutils' timeout takes it.
const TESTS_TIME_MAX: &str = "30m";

/// Time limit of the doc tests, with their compiling, because cargo cannot compile them without running them.
const DOC_TESTS_TIME_MAX: &str = "20m";

/// Exit codes of `timeout` after the time limit: the command ended at SIGTERM, or only at SIGKILL.
const TIME_OVER: [i32; 2] = [124, 137];

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

/// Flags that say how to build. Other builds for the same tests get them too. The flags of the second list have a
/// value.
const BUILD_FLAGS: &[&str] =
    &["--locked", "--offline", "--frozen", "--release", "-r", "--all-features", "--no-default-features"];
const BUILD_FLAGS_WITH_VALUE: &[&str] = &["--profile", "--features", "-F", "--target", "--target-dir", "--config"];

pub(crate) fn run(workspace: &Workspace, args: &[&str]) -> Result<(), String> {
    let args = Args::parse(args)?;
    let elsewhere = args.target_dir().map(|target| workspace.with_target(target)).transpose()?;
    let workspace = elsewhere.as_ref().unwrap_or(workspace);
    install::run(workspace)?;
    workspace.run(&Invocation::new(EXAMPLES).with_args(&words(&args.build_flags())))?;
    Plan::of(&args, &Invocation::new(&[]), TESTS_TIME_MAX).run(workspace)
}

/// Runs only the tests that `args` choose, with the variables of `base`, for `time_max` at most.
pub(crate) fn run_some(
    workspace: &Workspace,
    args: &[&str],
    base: &Invocation,
    time_max: &'static str,
) -> Result<(), String> {
    Plan::of(&Args::parse(args)?, base, time_max).run(workspace)
}

/// The arguments of the caller.
struct Args {
    for_cargo: Vec<String>,
    /// Arguments after `--`.
    for_tests: Vec<String>,
}

impl Args {
    fn parse(args: &[&str]) -> Result<Self, String> {
        let mut parts = args.splitn(2, |arg| *arg == "--");
        let mut part = || parts.next().unwrap_or_default().iter().map(ToString::to_string).collect();
        let (mut for_cargo, for_tests): (Vec<String>, Vec<String>) = (part(), part());
        // Commands run at the root. The caller may be elsewhere.
        let absolute = |path: &str| match std::path::absolute(path) {
            Ok(path) => Ok(path.display().to_string()),
            Err(error) => Err(format!("--target-dir {path}: {error}")),
        };
        let mut is_target_dir = false;
        for arg in &mut for_cargo {
            if is_target_dir {
                *arg = absolute(arg)?;
            } else if let Some(path) = arg.strip_prefix("--target-dir=") {
                *arg = format!("--target-dir={}", absolute(path)?);
            }
            is_target_dir = arg == "--target-dir";
        }
        Ok(Self { for_cargo, for_tests })
    }

    fn has(&self, is_one: impl Fn(&str) -> bool) -> bool {
        self.for_cargo.iter().any(|arg| is_one(arg.split('=').next().unwrap_or(arg)))
    }

    fn target_dir(&self) -> Option<&str> {
        let flag = |arg: &String| arg == "--target-dir";
        let apart = self.for_cargo.iter().position(flag).and_then(|place| self.for_cargo.get(place + 1));
        apart.map(String::as_str).or_else(|| self.for_cargo.iter().find_map(|arg| arg.strip_prefix("--target-dir=")))
    }

    fn build_flags(&self) -> Vec<String> {
        let mut flags = Vec::new();
        let mut args = self.for_cargo.iter();
        while let Some(arg) = args.next() {
            let is_whole = BUILD_FLAGS.contains(&arg.as_str());
            let has_value = arg.split_once('=').is_some_and(|(flag, _)| BUILD_FLAGS_WITH_VALUE.contains(&flag));
            if is_whole || has_value {
                flags.push(arg.clone());
            } else if BUILD_FLAGS_WITH_VALUE.contains(&arg.as_str()) {
                flags.push(arg.clone());
                flags.extend(args.next().cloned());
            }
        }
        flags
    }

    /// `cargo test` with a choice, these flags, and the caller's arguments.
    fn test(&self, base: &Invocation, choice: &[&str], flags: &[&str]) -> Invocation {
        let test = base.clone().with_args(&["cargo", "test"]).with_args(choice).with_args(flags);
        let test = test.with_args(&words(&self.for_cargo));
        if self.for_tests.is_empty() { test } else { test.with_args(&["--"]).with_args(&words(&self.for_tests)) }
    }
}

/// Whether the flag is `-p name` or `-pname`.
fn is_short_package(flag: &str) -> bool {
    flag.starts_with("-p")
}

/// The commands in their order: compile everything, then run each run.
struct Plan {
    compile: Option<Invocation>,
    runs: Vec<Run>,
    /// The command that repeats a failure, without the choice of tests; and the arguments for the tests.
    repeat: Invocation,
    for_tests: Vec<String>,
}

struct Run {
    test: Invocation,
    time_max: &'static str,
    /// Lists the compiled binaries. `None` where cargo cannot list them.
    list: Option<Invocation>,
}

impl Plan {
    /// Plans two runs, because cargo takes `--doc` only alone. Plans one if the caller made a choice.
    fn of(args: &Args, base: &Invocation, time_max: &'static str) -> Self {
        let chosen_packages = args.has(|flag| PACKAGE_FLAGS.contains(&flag) || is_short_package(flag));
        let chosen_targets = args.has(|flag| TARGET_FLAGS.contains(&flag));
        let only_docs = args.has(|flag| flag == "--doc");
        let only_compiled = args.has(|flag| flag == "--no-run");
        let mut choice: Vec<&str> = if chosen_packages { Vec::new() } else { vec!["--workspace"] };
        let docs_choice = [&*choice, &["--doc"]].concat();
        if !chosen_packages && !chosen_targets {
            choice.extend(TARGETS);
        }
        let to_the_end: &[&str] = if args.has(|flag| flag == "--no-fail-fast") { &[] } else { &["--no-fail-fast"] };
        let run = |choice: &[&str], time_max, list| {
            let base = base.clone().with_args(&["timeout", "--kill-after=10s", time_max]);
            Run { test: args.test(&base, choice, to_the_end), time_max, list }
        };
        let list = args.test(base, &choice, &["--no-run", "--message-format=json"]);
        let list = (!args.has(|flag| flag == "--message-format")).then_some(list);
        let mut runs = Vec::new();
        if only_docs {
            runs.push(run(&choice, DOC_TESTS_TIME_MAX, None));
        } else if !only_compiled {
            runs.push(run(&choice, time_max, list));
            if !chosen_packages && !chosen_targets {
                runs.push(run(&docs_choice, DOC_TESTS_TIME_MAX, None));
            }
        }
        let compiled: &[&str] = if only_compiled { &[] } else { &["--no-run"] };
        let compile = (!only_docs).then(|| args.test(base, &choice, compiled));
        let repeat = base.clone().with_args(&["cargo", "xtask", "test"]).with_args(&words(&args.build_flags()));
        Self { compile, runs, repeat, for_tests: args.for_tests.clone() }
    }

    fn run(&self, workspace: &Workspace) -> Result<(), String> {
        if let Some(compile) = &self.compile {
            workspace.run(compile)?;
        }
        let mut failures = Vec::new();
        for run in &self.runs {
            failures.extend(run.run(workspace)?);
        }
        if failures.is_empty() {
            return Ok(());
        }
        let reports = failures.iter().map(|failure| failure.report(&self.repeat, &words(&self.for_tests)));
        let reports: Vec<String> = reports.map(|report| format!("\n  {}", report.replace('\n', "\n  "))).collect();
        let count = if failures.len() == 1 { "1 failure" } else { &format!("{} failures", failures.len()) };
        Err(format!("{count}, each with the command that repeats it:{}", reports.concat()))
    }
}

impl Run {
    fn run(&self, workspace: &Workspace) -> Result<Vec<Failure>, String> {
        let binaries = match &self.list {
            Some(list) => Binaries::of(&workspace.ask(list)?),
            None => Binaries::default(),
        };
        let mut progress = Progress::new(&binaries);
        let start = Instant::now();
        let status = workspace.follow(&self.test, |line| {
            if let Some(news) = progress.hear(line, start.elapsed()) {
                println!("{news}");
            }
            println!("{line}");
        })?;
        if status.success() {
            return Ok(Vec::new());
        }
        if status.code().is_some_and(|code| TIME_OVER.contains(&code)) {
            progress.killed(self.time_max);
        }
        let failures = progress.into_failures();
        if failures.is_empty() {
            return Err(format!("`{}` failed ({status}) and named no test", self.test));
        }
        Ok(failures)
    }
}

fn words(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

#[cfg(test)]
mod tests;
