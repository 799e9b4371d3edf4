//! [`LinkError`]: why there is no link to Redis, or no more, in words for an operator.

use std::io;

use redis::{ConnectionInfo, RedisError};
use thiserror::Error;

use crate::{
    primary_error::PrimaryError,
    redis_error::{is_setting, plain, words},
};

/// The reason for which there is no link, or no more.
#[derive(Clone, Debug, Error)]
#[error("{reason}")]
pub(crate) struct LinkError {
    pub(crate) reason: String,
    /// Whether a setting has to change: the error will not go away by itself.
    pub(crate) is_setting: bool,
}

impl LinkError {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_setting: false }
    }

    /// The error of an attempt to connect.
    pub(crate) fn connecting(error: RedisError, is_tls: bool) -> Self {
        // A plain server takes the TLS hello for the beginning of a command, and a TLS server does not understand a
        // plain one.
        match is_tls {
            true if error.is_timeout() => Self::new("no TLS answer: if this port is plain, write redis://"),
            false if error.is_connection_dropped() && !error.is_connection_refusal() => {
                let Self { reason, .. } = Self::from(error);
                Self::new(format!("{reason}; if this port speaks TLS, write rediss://"))
            }
            _ => Self::from(error),
        }
    }

    pub(crate) fn setting(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_setting: true }
    }

    /// Adds the address of the server.
    pub(crate) fn of(self, info: &ConnectionInfo) -> Self {
        Self { reason: format!("redis {}: {}", info.addr(), self.reason), ..self }
    }
}

impl From<RedisError> for LinkError {
    fn from(error: RedisError) -> Self {
        Self { reason: words(&error), is_setting: is_setting(&error) }
    }
}

impl From<io::Error> for LinkError {
    fn from(error: io::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<PrimaryError> for LinkError {
    fn from(error: PrimaryError) -> Self {
        Self { is_setting: error.is_setting(), reason: plain(&error.to_string()) }
    }
}
