//! `fanfare token`: makes tokens and the keys of publishers, and explains tokens.

mod explain;
mod input;
mod key;
mod mint;
mod words;

use crate::{args::TokenTask, failure::Failure};

/// Runs one of the commands.
pub(crate) fn run(task: &TokenTask) -> Result<(), Failure> {
    match task {
        TokenTask::Mint(args) => mint::run(args),
        TokenTask::Key(args) => key::run(args),
        TokenTask::Explain { token, settings } => explain::run(token.as_deref(), settings),
    }
}
