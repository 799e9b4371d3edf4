//! [`Subscribe`]: what a connection asks for; [`Subscriber`]: what its shard is told of it.

use crate::{
    event::{
        event_id::EventId,
        name::{Channel, ClientId},
        target::Target,
    },
    history::read::Start,
    policy::Policy,
};

/// What a stream says when it has had nothing for long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Heartbeat {
    /// A comment line, which nobody sees.
    #[default]
    Comment,
    /// The client's cursor, moved forward: it then resumes from there.
    Cursor,
}

/// How a connection gets its events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// As they were published.
    #[default]
    Plain,
    /// Without a type; the data is one JSON object: `{"channel":"news","event":"tick","data":"..."}`. Instead of `channel` there
    /// is `"client":"42"` or `"all":true`, and no `event` if the event has no type. Of several channels it names the first, in
    /// the order of their names, that the connection follows.
    Envelope,
}

/// What a connection wants to receive: broadcasts to all, messages to `client`, and `channels`.
#[derive(Clone, Debug)]
pub struct Subscribe {
    /// Whose connection it is.
    pub client: ClientId,
    /// What it follows; each once.
    pub channels: Vec<Channel>,
    /// Where it begins.
    pub start: Start,
    /// What its ring does when it is full.
    pub policy: Policy,
    /// What it is sent in silence.
    pub heartbeat: Heartbeat,
    /// How it gets its events.
    pub form: Form,
    /// Which shard owns it, below the number of shards.
    pub shard: usize,
    /// Monotonic milliseconds, of the clock that the shard is driven with.
    pub now_ms: u64,
}

/// What the shard is told about a new slot.
#[derive(Debug)]
pub(crate) struct Subscriber {
    pub(crate) client: ClientId,
    /// In order, each once.
    pub(crate) channels: Box<[Channel]>,
    /// The stream is due everything above this.
    pub(crate) cursor: EventId,
    /// The newest id when it was registered: nothing at or below it is live for this slot.
    pub(crate) opened: EventId,
    pub(crate) policy: Policy,
    pub(crate) heartbeat: Heartbeat,
    pub(crate) form: Form,
    pub(crate) opened_ms: u64,
}

impl Subscriber {
    /// The targets whose events it receives, but for all.
    pub(crate) fn targets(&self) -> impl Iterator<Item = Target> {
        let channels = self.channels.iter().cloned().map(Target::Channel);
        channels.chain(std::iter::once(Target::Client(self.client.clone())))
    }

    /// The targets whose events it receives.
    pub(crate) fn all_targets(&self) -> Vec<Target> {
        std::iter::once(Target::All).chain(self.targets()).collect()
    }
}
