//! [`Progress`]: reads the output of `cargo test` line by line. Before each binary it says how far the run is. At the
//! end it knows the failures.
//!
//! Decides nothing: cargo's exit code says whether a run failed.

use std::time::Duration;

use crate::{
    binaries::{Binaries, Binary},
    failure::Failure,
};

/// Beginning of cargo's line before a binary, and before the doc tests of a crate.
const RUNNING: &str = "     Running ";
const DOC_TESTS: &str = "   Doc-tests ";
/// Beginning of cargo's line after a failure.
const FAILED: [&str; 2] = ["error: test failed, to rerun pass `", "error: doctest failed, to rerun pass `"];
/// Line of a test binary before the names of failed tests, and the line after them.
const NAMES: &str = "failures:";
const NAME: &str = "    ";
const NAMES_END: &str = "test result: ";
/// Text behind the name of a test that hangs.
const SLOW: &str = " has been running for over ";

pub(crate) struct Progress<'a> {
    binaries: &'a Binaries,
    /// Binaries in the order of their starts. The last one is running, or was the last to run.
    begun: Vec<Begun<'a>>,
    failures: Vec<Failure>,
    /// Tests of the running binary that failed.
    failed_tests: Vec<String>,
    /// Tests of the running binary that take long and have not ended.
    slow_tests: Vec<String>,
}

struct Begun<'a> {
    name: String,
    /// `None` for doc tests, and if cargo did not list the binary.
    binary: Option<&'a Binary>,
}

impl<'a> Progress<'a> {
    /// Begins with the listed `binaries`. The list may be empty.
    pub(crate) fn new(binaries: &'a Binaries) -> Self {
        Self { binaries, begun: Vec::new(), failures: Vec::new(), failed_tests: Vec::new(), slow_tests: Vec::new() }
    }

    /// Takes a line that was printed at `now`, counted from the start. Returns a text to print before that line.
    pub(crate) fn hear(&mut self, line: &str, now: Duration) -> Option<String> {
        if let Some(started) = line.strip_prefix(RUNNING) {
            // `unittests src/lib.rs (target/debug/deps/fanfare_core-0f3a)`
            let path = started.rsplit_once('(').map_or(started, |(_, path)| path.trim_end_matches(')'));
            let binary = self.binaries.at(path);
            let name = binary.map_or_else(|| started.to_owned(), |binary| binary.name.clone());
            return Some(self.begin(Begun { name, binary }, now));
        }
        if let Some(package) = line.strip_prefix(DOC_TESTS) {
            return Some(self.begin(Begun { name: format!("doc tests of {package}"), binary: None }, now));
        }
        if let Some(choice) = FAILED.iter().find_map(|words| line.strip_prefix(words)) {
            let choice = choice.split('`').next().unwrap_or_default();
            let selection = choice.split_whitespace().map(str::to_owned).collect();
            self.fail(selection, None);
        } else if line == NAMES {
            // The line comes once before the output of the tests, and once more before their names.
            self.failed_tests.clear();
        } else if let Some(test) = line.strip_prefix(NAME) {
            self.failed_tests.push(test.to_owned());
        } else if let Some(result) = line.strip_prefix(NAMES_END) {
            if !result.starts_with("FAILED") {
                self.failed_tests.clear();
            }
        } else if let Some(test) = line.strip_prefix("test ") {
            self.hear_test(test);
        }
        None
    }

    fn hear_test(&mut self, line: &str) {
        if let Some((test, _)) = line.split_once(SLOW) {
            self.slow_tests.push(test.to_owned());
        } else if let Some((test, _)) = line.split_once(" ... ") {
            self.slow_tests.retain(|slow| slow != test);
        }
    }

    fn begin(&mut self, begun: Begun<'a>, now: Duration) -> String {
        self.failed_tests.clear();
        self.slow_tests.clear();
        let number = self.begun.iter().filter(|before| before.binary.is_some() == begun.binary.is_some()).count() + 1;
        let place = match (begun.binary, self.binaries.count()) {
            (Some(_), all) => format!("{number}/{all}"),
            (None, _) => number.to_string(),
        };
        let line = format!("[{place}] {} ({:.1} s so far)", begun.name, now.as_secs_f64());
        self.begun.push(begun);
        line
    }

    /// Notes that the run was killed after `limit`. The running binary has failed, and so have the binaries that did
    /// not run.
    pub(crate) fn killed(&mut self, limit: &str) {
        let running = self.begun.last().and_then(|running| running.binary);
        self.failed_tests = std::mem::take(&mut self.slow_tests);
        let selection = running.map_or_else(|| vec!["--doc".to_owned()], |binary| binary.selection.clone());
        if self.begun.is_empty() {
            self.failures.push(Failure::of(&format!("nothing ran: killed after {limit}"), Vec::new()));
        } else {
            self.fail(selection, Some(format!("killed after {limit}")));
        }
        let has_run = |binary: &Binary| self.begun.iter().any(|begun| begun.binary == Some(binary));
        for binary in self.binaries.iter().filter(|binary| !has_run(binary)) {
            let failure = Failure::of(&binary.name, binary.selection.clone());
            self.failures.push(failure.with_note("not run, because another one hung"));
        }
    }

    fn fail(&mut self, selection: Vec<String>, note: Option<String>) {
        let name = self.begun.last().map_or("a test binary", |begun| &begun.name);
        let failure = Failure::of(name, selection).with_tests(std::mem::take(&mut self.failed_tests));
        self.failures.push(match note {
            Some(note) => failure.with_note(&note),
            None => failure,
        });
    }

    pub(crate) fn into_failures(self) -> Vec<Failure> {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{binaries::tests::artefact, invocation::Invocation};

    fn binaries() -> Binaries {
        let streams = artefact("http#fanfare-http@0.1.0", "test", "streams", "/t/debug/deps/streams-1");
        Binaries::of(&(streams + &artefact("core#fanfare-core@0.1.0", "lib", "fanfare_core", "/t/debug/deps/core-2")))
    }

    /// The printed texts and the failures, each failure with its commands.
    fn heard(binaries: &Binaries, output: &str, killed_after: Option<&str>) -> (Vec<String>, Vec<String>) {
        let mut progress = Progress::new(binaries);
        let lines = output.lines().filter_map(|line| progress.hear(line, Duration::from_millis(1_250))).collect();
        if let Some(limit) = killed_after {
            progress.killed(limit);
        }
        let repeat = Invocation::new(&["again"]);
        (lines, progress.into_failures().iter().map(|failure| failure.report(&repeat, &[])).collect())
    }

    const FAILING: &str = "
     Running tests/streams/main.rs (target/debug/deps/streams-1)

running 2 tests
test heads::a ... FAILED
test heads::b ... ok

failures:

---- heads::a stdout ----
    this is said by the test

failures:
    heads::a

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

error: test failed, to rerun pass `-p fanfare-http --test streams`
     Running unittests src/lib.rs (target/debug/deps/core-2)
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
error: 1 target failed:
    `-p fanfare-http --test streams`
";

    #[test]
    fn each_binary_is_announced_and_what_failed_is_kept() {
        let (lines, failures) = heard(&binaries(), FAILING, None);
        assert_eq!(lines, ["[1/2] fanfare-http::streams (1.2 s so far)", "[2/2] fanfare-core (1.2 s so far)"]);
        let expected =
            "fanfare-http::streams\n    heads::a\n      again -p fanfare-http --test streams -- --exact heads::a";
        assert_eq!(failures, [expected]);
    }

    #[test]
    fn a_binary_that_names_no_test_is_a_failure_too() {
        let output = "     Running tests/streams/main.rs (target/debug/deps/streams-1)
error: test failed, to rerun pass `-p fanfare-http --test streams`

Caused by:
  process didn't exit successfully: `target/debug/deps/streams-1` (signal: 6, SIGABRT: process abort signal)";
        let (_, failures) = heard(&binaries(), output, None);
        assert_eq!(failures, ["fanfare-http::streams (no test was named)\n      again -p fanfare-http --test streams"]);
    }

    #[test]
    fn doc_tests_have_no_number_of_all() {
        let output = "   Doc-tests fanfare_core

failures:
    crates/core/src/hub.rs - hub (line 3)

test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s

error: doctest failed, to rerun pass `-p fanfare-core --doc`";
        let (lines, failures) = heard(&Binaries::default(), output, None);
        assert_eq!(lines, ["[1] doc tests of fanfare_core (1.2 s so far)"]);
        let expected =
            "doc tests of fanfare_core\n    crates/core/src/hub.rs - hub (line 3)\n      again -p fanfare-core --doc";
        assert_eq!(failures, [expected]);
    }

    #[test]
    fn what_hung_and_what_did_not_run_for_it_are_failures() {
        let output = "     Running tests/streams/main.rs (target/debug/deps/streams-1)
test heads::a has been running for over 60 seconds
test heads::b has been running for over 60 seconds
test heads::b ... ok";
        let (_, failures) = heard(&binaries(), output, Some("30m"));
        let hung = "fanfare-http::streams (killed after 30m)\n    heads::a\n      again -p fanfare-http --test streams -- --exact heads::a";
        let left = "fanfare-core (not run, because another one hung)\n      again -p fanfare-core --lib";
        assert_eq!(failures, [hung, left]);
    }

    #[test]
    fn lines_like_names_before_a_good_result_are_nobodys() {
        let output = "     Running tests/streams/main.rs (target/debug/deps/streams-1)
    printed by a test
test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
error: test failed, to rerun pass `-p fanfare-http --test streams`";
        assert!(heard(&binaries(), output, None).1[0].contains("no test was named"));
    }
}
