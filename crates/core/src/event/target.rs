//! [`Target`]: the audience of an event. Publishers name targets, and shards find their slots by them.

use std::fmt;

use crate::event::name::{Channel, ClientId};

/// The audience of an event.
///
/// ```
/// use fanfare_core::{Channel, ClientId, Event, NameError, Target};
///
/// let [news, ann] = [Target::Channel(Channel::new("news")?), Target::Client(ClientId::new("ann")?)];
/// assert_eq!([Target::All.to_string(), news.to_string(), ann.to_string()], ["all", "news", "ann"]);
/// let event = Event::for_targets(vec![news.clone(), ann.clone(), news.clone()], "hello").unwrap();
/// assert_eq!(event.targets(), [news, ann], "each once");
/// # Ok::<_, NameError>(())
/// ```
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
