//! [`Failure`]: the reason for which the process does not end well, and its exit code.

use std::io;

/// A sentence for standard error, unless it is empty, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: u8,
    pub(crate) reason: String,
}

impl Failure {
    /// A part failed, the other side refused, or connections had to be cut. Exit code 1.
    pub(crate) fn failed(reason: impl Into<String>) -> Self {
        Self { status: 1, reason: reason.into() }
    }

    /// The system has not done what was asked of it. Exit code 1.
    pub(crate) fn of_system(what: &str, error: &io::Error) -> Self {
        Self::failed(format!("{what}: {error}"))
    }

    /// The same failure with nothing left to say: the log has it.
    pub(crate) fn told(self) -> Self {
        Self { reason: String::new(), ..self }
    }

    /// The command line or a setting is wrong. Exit code 2.
    pub(crate) fn usage(reason: impl Into<String>) -> Self {
        Self { status: 2, reason: reason.into() }
    }
}
