//! The load smoke: every case of the comparison once, much smaller than it is meant, with debug builds. Whether an event
//! was lost shows; how fast anything is does not.

use crate::invocation::{Invocation, Workspace};

/// The load generator finds the server beside itself.
const BUILD: &[&str] = &["cargo", "build", "--locked", "-p", "fanfare", "-p", "fanfare-loadtest"];
const COMPARE: &[&str] =
    &["cargo", "run", "--locked", "-p", "fanfare-loadtest", "--", "compare", "--rounds", "1", "--scale", "0.02"];

pub(crate) fn run(workspace: &Workspace) -> Result<(), String> {
    workspace.run(&Invocation::new(BUILD))?;
    workspace.run(&Invocation::new(COMPARE))
}
