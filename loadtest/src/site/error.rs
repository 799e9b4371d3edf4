//! [`SiteError`]: why two nodes behind nginx cannot be had, or one of them not be replaced.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

/// Why a site cannot be had, or not be replaced in part.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SiteError {
    #[error("{program} is missing: `apt-get install {package}`")]
    Missing { program: &'static str, package: &'static str },
    #[error(
        "fanfare is neither beside this program nor in PATH: `cargo build --release -p fanfare` makes it, and --fanfare \
         says where it is"
    )]
    NoFanfare,
    #[error("there is no port between {from} and {to} that is free")]
    NoPort { from: u16, to: u16 },
    #[error("cannot make the files of {program}: {cause}")]
    Files { program: &'static str, cause: io::Error },
    #[error("cannot start {program}: {cause}")]
    Start { program: &'static str, cause: io::Error },
    #[error("{program} ended at its start ({status}); {last_words}")]
    Ended { program: &'static str, status: ExitStatus, last_words: String },
    #[error("{program} is not ready after {timeout:?}; {last_words}")]
    Mute { program: &'static str, timeout: Duration, last_words: String },
    #[error("node {node} has not ended {timeout:?} after SIGTERM; {last_words}")]
    Stays { node: usize, timeout: Duration, last_words: String },
    #[error("`fanfare upgrade` of node {node}: {said}")]
    Upgrade { node: usize, said: String },
    #[error("interrupted")]
    Interrupted,
}
