//! The licence and ban check, with `cargo-deny` at a pinned version; deny.toml holds the rules.
//!
//! Advisories are left out: their database would have to be fetched, and a run must give the same answer without a
//! network. `cargo xtask advisories` checks them: see advisories.rs.

use crate::invocation::{Invocation, Workspace};
use crate::version::Version;

/// Oldest `cargo-deny` that is accepted, and the version that is installed if there is none.
const DENY: Version = Version { major: 0, minor: 20, patch: 2 };

pub(crate) const CHECK: &[&str] = &["cargo", "deny", "--locked", "check", "bans", "licenses", "sources"];

/// Installs `cargo-deny` where it is missing or too old, then runs `check`.
pub(crate) fn run(workspace: &Workspace, check: &Invocation) -> Result<(), String> {
    provide(workspace)?;
    workspace.run(check)
}

/// Installs `cargo-deny` where it is missing or too old.
pub(crate) fn provide(workspace: &Workspace) -> Result<(), String> {
    let found = installed(workspace);
    if found >= Some(DENY) {
        return Ok(());
    }
    let found = found.map_or("absent".to_owned(), |version| format!("at {version}"));
    println!("cargo-deny is {found} and {DENY} is needed: installing it, which takes a few minutes");
    workspace.run(&Invocation::new(&["cargo", "install", "cargo-deny", "--version", &DENY.to_string(), "--locked"]))?;
    if installed(workspace) >= Some(DENY) {
        return Ok(());
    }
    Err(format!("cargo-deny {DENY} was installed, but `cargo deny --version` does not answer with it: see PATH"))
}

fn installed(workspace: &Workspace) -> Option<Version> {
    let answer = workspace.ask(&Invocation::new(&["cargo", "deny", "--version"])).ok()?;
    Version::first_in(&answer)
}
