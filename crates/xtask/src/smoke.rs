//! The load smoke: each case of the comparison once, much smaller than intended, with debug builds. The smoke finds
//! lost events. Its speeds mean nothing.

use crate::invocation::{Invocation, Workspace};

/// Both are built, because the load generator looks for the server beside itself.
const BUILD: &[&str] = &["cargo", "build", "--locked", "-p", "fanfare", "-p", "fanfare-loadtest"];
const COMPARE: &[&str] =
    &["cargo", "run", "--locked", "-p", "fanfare-loadtest", "--", "compare", "--rounds", "1", "--scale", "0.02"];

pub(crate) fn run(workspace: &Workspace) -> Result<(), String> {
    workspace.run(&Invocation::new(BUILD))?;
    workspace.run(&Invocation::new(COMPARE))
}
