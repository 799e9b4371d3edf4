//! [`Subscription`]: a registered connection whose owner still holds it. Dropping it is leaving.
//!
//! Made by [`crate::Hub::subscribe`] before the response head is written; turned into an attached outlet
//! when the head is out.

use std::{mem, sync::Arc};

use crate::{
    budget::RingBudget,
    event_id::EventId,
    gap::Gap,
    hub::Hub,
    inbox::{Inbox, Item, SlotRef},
    memory_journal::Place,
    name::{Channel, ClientId},
    notice::CloseReason,
    outlet::{Framing, Outlet},
    policy::Policy,
    port::{Feed, Port},
    target::Target,
};

/// Where a stream begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the next event.
    Now,
    /// With what is kept after this position (exclusive), then live.
    After(EventId),
    /// With what is kept after an event whose publisher gave it one of these ids: after the oldest such event that the
    /// connection would have received. Several are several readings of what a client sent; none is an id that nobody knows.
    AfterOwn(Vec<String>),
    /// With what is kept from this Unix time on, in milliseconds (inclusive).
    Since {
        /// Unix time.
        ms: u64,
    },
    /// With the oldest that is kept.
    Earliest,
}

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
    /// It is due what is above this, and need not be told what is missing up to `told`.
    pub(crate) cursor: EventId,
    pub(crate) told: EventId,
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

/// A registered connection. While its head is not out, what it is due waits in its ring.
#[derive(Debug)]
pub struct Subscription<S> {
    hub: Arc<Hub<S>>,
    shard: usize,
    slot: SlotRef,
    place: Place,
    leave: Option<CloseReason>,
}

impl<S> Subscription<S> {
    pub(crate) fn new(hub: Arc<Hub<S>>, shard: usize, slot: SlotRef, place: Place) -> Self {
        Self { hub, shard, slot, place, leave: Some(CloseReason::HandshakeFailed) }
    }

    /// Where the stream begins: it is due, or told of, everything above this. For the [`crate::Prelude`] of a stream
    /// that wants to hear its cursor.
    pub fn cursor(&self) -> EventId {
        self.place.cursor
    }

    /// What the stream has to be told first, in the [`crate::Prelude`].
    pub fn gap(&self) -> Option<&Gap> {
        self.place.gap.as_ref()
    }

    /// The number of the connection, unique in its hub's life.
    pub fn connection(&self) -> u64 {
        self.slot.connection
    }

    /// Names the slot to [`crate::Inbox::ready`].
    pub fn slot(&self) -> SlotRef {
        self.slot
    }

    /// Hands the socket to the shard: the head is out. `input_bytes` have come behind the request already.
    pub fn attach_socket(mut self, socket: S, framing: Framing, input_bytes: usize) {
        self.leave = None;
        self.send(Item::Attach { slot: self.slot, outlet: Outlet::Socket { socket, framing }, input_bytes });
    }

    /// Turns it into the end that a response body polls.
    pub fn into_feed(mut self) -> Feed<S> {
        self.leave = Some(CloseReason::ClientGone);
        let port = Arc::new(Port::new(self.hub.ring()));
        let outlet = Outlet::Body { port: Arc::clone(&port), taken: 0 };
        self.send(Item::Attach { slot: self.slot, outlet, input_bytes: 0 });
        Feed::new(port, self)
    }

    pub(crate) fn budget(&self) -> &Arc<RingBudget> {
        self.hub.budget()
    }

    pub(crate) fn inbox(&self) -> (&Arc<Inbox<S>>, SlotRef) {
        (self.hub.inbox(self.shard), self.slot)
    }

    fn send(&self, item: Item<S>) {
        let inbox = self.hub.inbox(self.shard);
        inbox.push(item);
        inbox.wake();
    }
}

impl<S> Drop for Subscription<S> {
    fn drop(&mut self) {
        if let Some(reason) = mem::take(&mut self.leave) {
            self.send(Item::Leave { slot: self.slot, reason });
        }
    }
}
