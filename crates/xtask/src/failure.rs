//! [`Failure`]: a test binary, or the doc tests of a crate, that failed, with the commands that run what failed once more.

use crate::invocation::Invocation;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    name: String,
    note: Option<String>,
    /// Arguments of `cargo test` that choose the binary.
    selection: Vec<String>,
    tests: Vec<String>,
}

impl Failure {
    pub(crate) fn of(name: &str, selection: Vec<String>) -> Self {
        Self { name: name.to_owned(), note: None, selection, tests: Vec::new() }
    }

    pub(crate) fn with_note(mut self, note: &str) -> Self {
        self.note = Some(note.to_owned());
        self
    }

    pub(crate) fn with_tests(mut self, tests: Vec<String>) -> Self {
        self.tests = tests;
        self
    }

    /// Several lines. `repeat` is the command without a choice. `for_tests` are the arguments of its tests.
    pub(crate) fn report(&self, repeat: &Invocation, for_tests: &[&str]) -> String {
        let selection: Vec<&str> = self.selection.iter().map(String::as_str).collect();
        let whole = repeat.clone().with_args(&selection);
        let note = match &self.note {
            Some(note) => format!(" ({note})"),
            None if self.tests.is_empty() => " (no test was named)".to_owned(),
            None => String::new(),
        };
        let mut lines = vec![format!("{}{note}", self.name)];
        lines.extend(self.tests.iter().map(|test| format!("    {test}")));
        // rustdoc splits its arguments at spaces, and names of doc tests contain spaces.
        let command = if self.tests.is_empty() || selection.contains(&"--doc") {
            if for_tests.is_empty() { whole } else { whole.with_args(&["--"]).with_args(for_tests) }
        } else {
            let tests: Vec<&str> = self.tests.iter().map(String::as_str).collect();
            whole.with_args(&["--", "--exact"]).with_args(&tests).with_args(for_tests)
        };
        lines.push(format!("      {command}"));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_command_repeats_all_that_failed_in_a_binary() {
        let selection = ["-p", "a", "--test", "t"].map(str::to_owned).to_vec();
        let failure = Failure::of("a::t", selection).with_tests(vec!["x::y".to_owned(), "z".to_owned()]);
        let repeat = Invocation::new(&["cargo", "xtask", "test", "--locked"]).with_env("KEY", "v");
        let command = "KEY=v cargo xtask test --locked -p a --test t -- --exact x::y z --skip tls";
        let expected = format!("a::t\n    x::y\n    z\n      {command}");
        assert_eq!(failure.report(&repeat, &["--skip", "tls"]), expected);
    }
}
