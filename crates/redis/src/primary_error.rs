//! [`PrimaryError`]: why no primary was found, with a [`Refusal`] of each server that was asked.

use std::fmt::{self, Display, Formatter};

use redis::RedisError;
use thiserror::Error;

use crate::{host::Host, redis_error};

/// Why no primary was found.
#[derive(Debug, Error)]
pub(crate) enum PrimaryError {
    /// No sentinel answers, knows the name, or names a server that is primary.
    #[error("no sentinel leads to the primary {master:?}: {refusals}")]
    Sentinels {
        /// Name of the primary.
        master: String,
        /// The servers that were asked.
        refusals: Refusals,
    },
    /// No node answers, or none names a server that is primary.
    #[error("no node of the cluster leads to the primary that has {key:?}: {refusals}")]
    Cluster {
        /// A key in the hash slot of the journal.
        key: String,
        /// The servers that were asked.
        refusals: Refusals,
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

/// The servers that were asked, in the order of the address, each with its refusal.
#[derive(Debug)]
pub(crate) struct Refusals(Vec<(Host, Refusal)>);

/// Why one server was no help.
#[derive(Debug, Error)]
pub(crate) enum Refusal {
    #[error("fails: {0}")]
    Redis(#[from] RedisError),
    #[error("does not know it")]
    Unknown,
    #[error("gives an answer that cannot be read")]
    Answer,
    #[error("says that it is {0:?}, not primary")]
    NotPrimary(String),
    #[error("names {0}, which {1}")]
    Named(Host, Box<Refusal>),
}

impl PrimaryError {
    /// Whether all servers have said that a setting has to change.
    pub(crate) fn is_setting(&self) -> bool {
        match self {
            Self::Sentinels { refusals, .. } | Self::Cluster { refusals, .. } => {
                !refusals.0.is_empty() && refusals.0.iter().all(|(_, refusal)| refusal.is_setting())
            }
            Self::Address { .. } => true,
        }
    }
}

impl Refusals {
    pub(crate) fn new(refusals: Vec<(Host, Refusal)>) -> Self {
        Self(refusals)
    }
}

impl Refusal {
    fn is_setting(&self) -> bool {
        match self {
            Self::Redis(error) => redis_error::is_setting(error),
            Self::Named(_, refusal) => refusal.is_setting(),
            Self::Unknown | Self::Answer | Self::NotPrimary(_) => false,
        }
    }
}

impl Display for Refusals {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, (host, refusal)) in self.0.iter().enumerate() {
            write!(f, "{}{host} {refusal}", if index == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}
