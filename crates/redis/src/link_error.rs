//! [`LinkError`]: why there is no link to Redis, or no more, in words for an operator.

use std::io;

use redis::{ConnectionInfo, ErrorKind, RedisError};
use thiserror::Error;

use crate::primary::PrimaryError;

/// Why there is no link, or no more.
#[derive(Clone, Debug, Error)]
#[error("{reason}")]
pub(crate) struct LinkError {
    pub(crate) reason: String,
    /// It will not go away by itself.
    pub(crate) is_setting: bool,
}

impl LinkError {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_setting: false }
    }

    pub(crate) fn setting(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_setting: true }
    }

    /// Says whose error it is.
    pub(crate) fn of(self, info: &ConnectionInfo) -> Self {
        Self { reason: format!("redis {}: {}", info.addr(), self.reason), ..self }
    }
}

impl From<RedisError> for LinkError {
    fn from(error: RedisError) -> Self {
        let is_setting = matches!(error.kind(), ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig)
            || matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM" | "WRONGTYPE"));
        Self { reason: words(&error), is_setting }
    }
}

impl From<io::Error> for LinkError {
    fn from(error: io::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<PrimaryError> for LinkError {
    fn from(error: PrimaryError) -> Self {
        Self::new(error.to_string())
    }
}

/// What an error of the library says, in the server's own words if it is one of the server's.
fn words(error: &RedisError) -> String {
    match (error.code(), error.detail()) {
        _ if error.is_timeout() => "no answer in time".to_owned(),
        (Some(code), detail) => format!("{code} {}", detail.unwrap_or_default()).trim_end().to_owned(),
        _ => error.to_string(),
    }
}
