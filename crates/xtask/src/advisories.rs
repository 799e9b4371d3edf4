//! `cargo xtask advisories`: whether a crate in Cargo.lock has a known vulnerability, is unmaintained, or was yanked,
//! by the RustSec database and `cargo-deny`.
//!
//! No part of `cargo xtask ci`: the database is fetched from the network, and changes without a change here. A run that
//! checked nothing fails and says why.

use crate::deny;
use crate::invocation::{Invocation, Workspace};

const CHECK: &[&str] = &["cargo", "deny", "--locked", "check", "advisories"];

/// Words of `cargo-deny` about a database that it cannot fetch or read.
const NO_DATABASE: &[&str] = &["failed to fetch advisory database", "failed to load advisory database"];

pub(crate) fn run(workspace: &Workspace) -> Result<(), String> {
    let nothing = |why| format!("no advisory was looked at: {why}");
    deny::provide(workspace).map_err(nothing)?;
    let check = Invocation::new(CHECK);
    let mut lines = Vec::new();
    let status = workspace.follow(&check, |line| {
        println!("{line}");
        lines.push(line.to_owned());
    });
    let status = status.map_err(nothing)?;
    verdict(status.success(), &lines).map_err(|why| format!("{why}\nrepeat it with: {check}"))
}

/// The outcome, from how `cargo-deny` ended and what it printed.
fn verdict(is_success: bool, lines: &[String]) -> Result<(), String> {
    if is_success {
        return Ok(());
    }
    let is_absent = |line: &&String| NO_DATABASE.iter().any(|words| line.contains(words));
    match lines.iter().find(is_absent) {
        Some(line) => Err(format!("no advisory was looked at, because the database cannot be had: {line}")),
        None => Err("there are advisories, or the check failed: see above".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(lines: &[&str]) -> String {
        verdict(false, &lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>()).unwrap_err()
    }

    #[test]
    fn a_check_that_found_nothing_passes() {
        assert_eq!(verdict(true, &["advisories ok".to_owned()]), Ok(()));
    }

    #[test]
    fn a_database_that_cannot_be_had_is_not_taken_for_advisories() {
        let words = "[ERROR] failed to fetch advisory database https://github.com/RustSec/advisory-db with cli";
        let why = why(&["Compiling", words, "fatal: unable to access"]);
        assert!(why.starts_with("no advisory was looked at") && why.ends_with(words), "{why}");
    }

    #[test]
    fn advisories_are_a_failure() {
        let why = why(&["error[vulnerability]: a crate does what it must not", "advisories FAILED"]);
        assert!(why.starts_with("there are advisories"), "{why}");
    }
}
