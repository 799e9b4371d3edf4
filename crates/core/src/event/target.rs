//! [`Target`]: the audience of an event. Publishers name targets, and shards find their slots by them.

use std::fmt;

use crate::event::name::{Channel, ClientId};

/// The audience of an event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Every open connection.
    All,
    /// Every connection that follows the channel.
    Channel(Channel),
    /// Every connection of the client, and no other.
    Client(ClientId),
}

impl Target {
    /// The length of the name (in bytes).
    pub(crate) fn name_bytes(&self) -> usize {
        match self {
            Self::All => 0,
            Self::Channel(channel) => channel.as_str().len(),
            Self::Client(client) => client.as_str().len(),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Channel(channel) => write!(f, "{channel}"),
            Self::Client(client) => write!(f, "{client}"),
        }
    }
}
