//! [`Subscribe`]: the wishes of a new connection. [`Subscriber`]: the connection as its shard gets it.

use crate::{
    event::{
        event_id::EventId,
        name::{Channel, ClientId},
        target::Target,
    },
    history::read::Start,
    policy::Policy,
};

/// The content of a heartbeat, which a stream gets after a time without events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Heartbeat {
    /// A comment line, which applications do not see.
    #[default]
    Comment,
    /// The newest cursor, so that a client resumes from there.
    Cursor,
}

/// The form in which a connection gets its events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// The event as it was published.
    #[default]
    Plain,
    /// An event without a type, whose data is a JSON object: `{"channel":"news","event":"tick","data":"..."}`.
    ///
    /// An event for a client has `"client":"42"` instead of `channel`, and one for all `"all":true`. `event` is left out if
    /// there is no type. Of several channels the object names the first, by name, that the connection follows.
    Envelope,
}

/// A request for a stream of the events for all, for `client` and for `channels`.
#[derive(Clone, Debug)]
pub struct Subscribe {
    /// The client of the connection.
    pub client: ClientId,
    /// The channels to follow. Repeated ones count once.
    pub channels: Vec<Channel>,
    /// The place where the stream begins.
    pub start: Start,
    /// The behaviour of a full ring.
    pub policy: Policy,
    /// The content of heartbeats.
    pub heartbeat: Heartbeat,
    /// The form of events.
    pub form: Form,
    /// The shard of the connection, below the number of shards.
    pub shard: usize,
    /// The time now, in milliseconds of the monotonic clock that drives the shard.
    pub now_ms: u64,
}

/// A new connection, as its shard gets it.
#[derive(Debug)]
pub(crate) struct Subscriber {
    pub(crate) client: ClientId,
    /// The channels by name, each once.
    pub(crate) channels: Box<[Channel]>,
    /// The connection gets the events above this id.
    pub(crate) cursor: EventId,
    /// The newest id at the registration. No event up to it is live for this slot.
    pub(crate) opened: EventId,
    pub(crate) policy: Policy,
    pub(crate) heartbeat: Heartbeat,
    pub(crate) form: Form,
    pub(crate) opened_ms: u64,
}

impl Subscriber {
    /// The targets that the connection receives, without [`Target::All`].
    pub(crate) fn targets(&self) -> impl Iterator<Item = Target> {
        targets(&self.client, &self.channels)
    }

    /// The targets that the connection receives.
    pub(crate) fn all_targets(&self) -> Vec<Target> {
        all_targets(&self.client, &self.channels)
    }
}

/// The targets that a connection of `client` with these channels receives.
pub(crate) fn all_targets(client: &ClientId, channels: &[Channel]) -> Vec<Target> {
    std::iter::once(Target::All).chain(targets(client, channels)).collect()
}

fn targets(client: &ClientId, channels: &[Channel]) -> impl Iterator<Item = Target> {
    let channels = channels.iter().cloned().map(Target::Channel);
    channels.chain(std::iter::once(Target::Client(client.clone())))
}
