//! [`Host`]: one host of an [`Address`](crate::Address), and lists of them.

use std::{
    fmt::{self, Display, Formatter},
    net::Ipv6Addr,
};

use thiserror::Error;

/// Largest number of hosts of one address. The other nodes are found through those; a longer list is a mistake.
pub(crate) const HOSTS_MAX: usize = 32;

/// A name or an IP address without brackets, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) port: u16,
}

/// The reason for which a text is no host, or no list of hosts.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum HostError {
    /// The host is empty, also in a list.
    #[error("a host is missing, as in redis://host:6379")]
    Missing,
    /// The host is neither a name nor an IP address.
    #[error("a host is a name, an IPv4 address, or an IPv6 address in brackets")]
    Malformed,
    /// The text after the colon is no port.
    #[error("a port is a number from 1 to 65535")]
    Port,
    /// The list is too long. All hosts are tried in turn.
    #[error("there are more than {HOSTS_MAX} hosts")]
    TooMany,
}

impl Host {
    pub(crate) fn parse_list(text: &str, default_port: u16) -> Result<Vec<Self>, HostError> {
        let hosts: Vec<_> = text.split(',').take(HOSTS_MAX + 1).collect();
        if hosts.len() > HOSTS_MAX {
            return Err(HostError::TooMany);
        }
        hosts.into_iter().map(|host| Self::parse(host, default_port)).collect()
    }

    pub(crate) fn parse(text: &str, default_port: u16) -> Result<Self, HostError> {
        let (name, port) = match text.strip_prefix('[') {
            Some(text) => {
                let (name, port) = text.split_once(']').ok_or(HostError::Malformed)?;
                name.parse::<Ipv6Addr>().map_err(|_| HostError::Malformed)?;
                (name, port)
            }
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        };
        if name.is_empty() {
            return Err(HostError::Missing);
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        // An address in brackets is checked above. Names that are not ASCII are written in punycode.
        if !text.starts_with('[') && !name.bytes().all(is_plain) {
            return Err(HostError::Malformed);
        }
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => default_port,
            None => return Err(HostError::Malformed),
            Some(port) if port.contains(':') => return Err(HostError::Malformed),
            Some(port) => {
                let port = number(port).and_then(|port| u16::try_from(port).ok());
                port.filter(|&port| port > 0).ok_or(HostError::Port)?
            }
        };
        Ok(Self { name: name.to_owned(), port })
    }
}

impl Display for Host {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.name.contains(':') {
            true => write!(f, "[{}]:{}", self.name, self.port),
            false => write!(f, "{}:{}", self.name, self.port),
        }
    }
}

/// Parses digits alone: `parse` takes a sign as well.
pub(crate) fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}
