//! The commands for given arguments. Also a small package whose tests fail, hang and pass, run like those of the
//! workspace.

use std::{fs, path::PathBuf, process};

use super::*;

fn plan(args: &[&str]) -> Plan {
    Plan::of(&Args::parse(args).unwrap(), &Invocation::new(&[]), TESTS_TIME_MAX)
}

fn compiled(args: &[&str]) -> Option<String> {
    plan(args).compile.map(|invocation| invocation.to_string())
}

fn typed(args: &[&str]) -> Vec<String> {
    plan(args).runs.iter().map(|run| run.test.to_string()).collect()
}

#[test]
fn without_arguments_every_test_is_compiled_and_then_runs() {
    assert_eq!(compiled(&[]).unwrap(), "cargo test --workspace --lib --bins --tests --no-run");
    let all = [
        "timeout --kill-after=10s 30m cargo test --workspace --lib --bins --tests --no-fail-fast",
        "timeout --kill-after=10s 20m cargo test --workspace --doc --no-fail-fast",
    ];
    assert_eq!(typed(&[]), all);
}

#[test]
fn further_arguments_are_passed_on_to_all() {
    let args = ["--locked", "a_name", "--", "--nocapture", "--test-threads=1"];
    let runs = typed(&args);
    assert_eq!(runs.len(), 2);
    assert!(runs.iter().all(|run| run.ends_with(" --locked a_name -- --nocapture --test-threads=1")), "{runs:?}");
    assert!(compiled(&args).unwrap().ends_with(" --no-run --locked a_name -- --nocapture --test-threads=1"));
}

#[test]
fn a_choice_of_targets_or_packages_is_kept() {
    let run = |choice: &str| vec![format!("timeout --kill-after=10s 30m cargo test {choice}")];
    assert_eq!(typed(&["--test", "streams"]), run("--workspace --no-fail-fast --test streams"));
    assert_eq!(typed(&["--test=streams"]), run("--workspace --no-fail-fast --test=streams"));
    assert_eq!(typed(&["-p", "fanfare-core"]), run("--no-fail-fast -p fanfare-core"));
    assert_eq!(typed(&["--package=xtask", "--bins"]), run("--no-fail-fast --package=xtask --bins"));
    assert_eq!(compiled(&["-p", "fanfare-core"]).unwrap(), "cargo test --no-run -p fanfare-core");
}

#[test]
fn doc_tests_are_left_out_of_a_run_that_only_compiles_and_are_not_compiled_before() {
    assert_eq!(compiled(&["--no-run"]).unwrap(), "cargo test --workspace --lib --bins --tests --no-run");
    assert!(typed(&["--no-run"]).is_empty());
    assert_eq!(compiled(&["--doc"]), None);
    assert_eq!(typed(&["--doc"]), ["timeout --kill-after=10s 20m cargo test --workspace --no-fail-fast --doc"]);
}

#[test]
fn flags_of_the_tests_themselves_choose_nothing() {
    assert_eq!(typed(&["--", "--test", "-p"]).len(), 2);
    assert_eq!(typed(&["--profile", "release"]).len(), 2);
}

#[test]
fn a_flag_that_is_typed_is_not_given_twice() {
    assert!(typed(&["--no-fail-fast"]).iter().all(|run| run.matches("--no-fail-fast").count() == 1));
    assert!(plan(&["--message-format=short"]).runs[0].list.is_none());
}

#[test]
fn flags_that_say_how_to_build_are_for_the_examples_and_for_repeats_too() {
    let args = ["--locked", "-p", "a", "--profile", "release", "--features=x", "name", "--", "--release"];
    let flags = Args::parse(&args).unwrap().build_flags();
    assert_eq!(flags, ["--locked", "--profile", "release", "--features=x"]);
    assert_eq!(plan(&args).repeat.to_string(), "cargo xtask test --locked --profile release --features=x");
}

#[test]
fn a_target_directory_is_taken_from_where_the_caller_is() {
    let here = std::env::current_dir().unwrap().join("t").display().to_string();
    for typed in [&["--target-dir", "t"][..], &["--target-dir=t"], &["--target-dir", &here, "--", "--target-dir=x"]] {
        let args = Args::parse(typed).unwrap();
        assert_eq!(args.target_dir(), Some(&*here), "{typed:?}");
        assert!(args.build_flags().concat().ends_with(&here));
    }
    assert_eq!(Args::parse(&["--", "--target-dir=x"]).unwrap().target_dir(), None);
}

/// A package with a library and three test binaries. Removed at the end.
struct Sample(PathBuf);

impl Sample {
    fn new(name: &str, last_test: &str) -> Self {
        let root = std::env::temp_dir().join(format!("xtask-{name}-{}", process::id()));
        fs::create_dir_all(root.join("src")).unwrap();
        fs::create_dir_all(root.join("tests")).unwrap();
        let write = |path: &str, text: &str| fs::write(root.join(path), text).unwrap();
        write("Cargo.toml", "[package]\nname = \"sample-a\"\nedition = \"2024\"\n[workspace]\n");
        write("src/lib.rs", "//! ```\n//! panic!();\n//! ```\n");
        write("tests/a.rs", "#[test]\nfn fails() { panic!() }\n#[test]\nfn passes() {}\n");
        write("tests/b.rs", "#[test]\nfn ends() { std::process::abort() }\n");
        write("tests/c.rs", last_test);
        Self(root)
    }

    fn test(&self, args: &[&str], time_max: &'static str) -> Result<(), String> {
        // Also correct if this test was started with a target directory for the workspace.
        let target = self.0.join("target");
        let workspace = Workspace::at(&self.0)?.with_target(target.to_str().unwrap())?;
        run_some(&workspace, args, &Invocation::new(&[]).with_env("SAMPLE", "set"), time_max)
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn every_failure_of_every_run_is_told_in_one_list() {
    let sample =
        Sample::new("failures", "#[test]\nfn sees() { assert_eq!(std::env::var(\"SAMPLE\").unwrap(), \"set\") }\n");
    let why = sample.test(&["--offline"], "5m").unwrap_err();
    let expected = "\
3 failures, each with the command that repeats it:
  sample-a::a
      fails
        SAMPLE=set cargo xtask test --offline -p sample-a --test a -- --exact fails
  sample-a::b (no test was named)
        SAMPLE=set cargo xtask test --offline -p sample-a --test b
  doc tests of sample_a
      src/lib.rs - (line 1)
        SAMPLE=set cargo xtask test --offline -p sample-a --doc";
    // Cargo leaves the package out if there is only one.
    assert_eq!(why.replace("--offline --", "--offline -p sample-a --"), expected);
    assert!(sample.test(&["--offline", "--test", "c"], "5m").is_ok());
}

#[test]
fn a_test_that_hangs_is_killed_and_named_beside_what_failed_before() {
    let sample =
        Sample::new("hang", "#[test]\nfn hangs() { std::thread::sleep(std::time::Duration::from_secs(600)) }\n");
    let start = Instant::now();
    let why = sample.test(&["--offline", "--test", "a", "--test", "c"], "10s").unwrap_err();
    assert!(start.elapsed().as_secs() < 120, "{:?}", start.elapsed());
    assert!(why.contains("sample-a::c (killed after 10s)"), "{why}");
    assert!(why.contains("sample-a::a\n"), "{why}");
}
