//! [`Reload`]: what whoever starts the listener does for `POST /api/v1/reload`.

use thiserror::Error;

/// Reads files and settings again, as far as that is possible while the server runs.
pub trait Reload: Send + 'static {
    /// Reads them. One call at a time.
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

/// For a server that has no files: a reload does nothing, and says so.
#[derive(Clone, Copy, Debug, Default)]
pub struct NothingToReload;

impl Reload for NothingToReload {
    async fn reload(&self) -> Result<Reloaded, ReloadError> {
        Ok(Reloaded::default())
    }
}
