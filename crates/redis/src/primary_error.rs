//! [`PrimaryError`]: why no primary was found, with a [`Failure`] of each server that was asked.

use std::fmt::{self, Display, Formatter};

use redis::RedisError;
use thiserror::Error;

use crate::{host::Host, redis_error};

/// The reason for which no primary was found.
#[derive(Debug, Error)]
pub(crate) enum PrimaryError {
    /// No sentinel answers, knows the name, or names a server that is primary.
    #[error("no sentinel leads to the primary {master:?}: {failures}")]
    Sentinels {
        /// Name of the primary.
        master: String,
        /// The servers that were asked.
        failures: Failures,
    },
    /// No node answers, or none names a server that is primary.
    #[error("no node of the cluster leads to the primary that has {key:?}: {failures}")]
    Cluster {
        /// A key in the hash slot of the journal.
        key: String,
        /// The servers that were asked.
        failures: Failures,
    },
    /// The library refuses the address.
    #[error("{host}: {source}")]
    Address {
        /// The server.
        host: String,
        /// The error of the library.
        source: RedisError,
    },
}

/// The servers that were asked, in the order of the address, each with its failure.
#[derive(Debug)]
pub(crate) struct Failures(Vec<(Host, Failure)>);

/// The reason for which one server was no help.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error("fails: {0}")]
    Redis(#[from] RedisError),
    #[error("does not know it")]
    Unknown,
    #[error("gives an answer that cannot be read")]
    Answer,
    #[error("says that it is {0:?}, not primary")]
    NotPrimary(String),
    #[error("names {0}, which {1}")]
    Named(Host, Box<Failure>),
}

impl PrimaryError {
    /// Whether all servers have said that a setting has to change.
    pub(crate) fn is_setting(&self) -> bool {
        match self {
            Self::Sentinels { failures, .. } | Self::Cluster { failures, .. } => {
                !failures.0.is_empty() && failures.0.iter().all(|(_, failure)| failure.is_setting())
            }
            Self::Address { .. } => true,
        }
    }
}

impl Failures {
    pub(crate) fn new(failures: Vec<(Host, Failure)>) -> Self {
        Self(failures)
    }
}

impl Failure {
    fn is_setting(&self) -> bool {
        match self {
            Self::Redis(error) => redis_error::is_setting(error),
            Self::Named(_, failure) => failure.is_setting(),
            Self::Unknown | Self::Answer | Self::NotPrimary(_) => false,
        }
    }
}

impl Display for Failures {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, (host, failure)) in self.0.iter().enumerate() {
            write!(f, "{}{host} {failure}", if index == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}
