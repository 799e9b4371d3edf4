//! [`PeerError`]: why a server cannot be had.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a server cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeerError {
    #[error("two servers are called {0}")]
    TwoOfOneName(String),
    #[error("there is no program {0}")]
    NoProgram(PathBuf),
    #[error(
        "fanfare is neither beside this program nor in PATH: `cargo build --release -p fanfare` makes it, --fanfare \
         says where it is, and --peers without fanfare leaves it out"
    )]
    NoFanfare,
    #[error("{missing} is missing: `apt-get install nginx libnginx-mod-nchan`, or leave nchan out of --peers")]
    NoNchan { missing: String },
    #[error("cannot start {peer}: {cause}")]
    Start { peer: String, cause: io::Error },
    #[error("{peer} ended at once ({status}); {last_words}")]
    Ended { peer: String, status: std::process::ExitStatus, last_words: String },
    #[error("{peer} does not listen after {timeout:?}; {last_words}")]
    Mute { peer: String, timeout: Duration, last_words: String },
    #[error("interrupted")]
    Interrupted,
}
