//! [`Control`]: what only the program around the listener can do to the server: end it, and read its files again.

use thiserror::Error;

/// Does what `POST /api/v1/drain` and `POST /api/v1/reload` ask for.
pub trait Control: Send + 'static {
    /// Begins the drain of the server, as SIGTERM does, and returns at once. A second call does nothing more.
    fn drain(&self);

    /// Reads files and settings again, as far as that is possible while the server runs. One call at a time. A call is dropped if it
    /// takes longer than [`crate::Limits::answer_timeout`].
    ///
    /// # Errors
    /// [`ReloadError`]: a file is wrong. Then nothing has changed.
    fn reload(&self) -> impl Future<Output = Result<Reloaded, ReloadError>>;
}

/// What a reload did, each part by the name of its setting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// What has changed, and is used from now on.
    pub applied: Vec<String>,
    /// What was read, and is as before.
    pub unchanged: Vec<String>,
    /// What has changed, and is used only after a restart.
    pub needs_restart: Vec<String>,
}

/// The reason for which nothing was reloaded, in words for the person who asked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct ReloadError(pub String);
