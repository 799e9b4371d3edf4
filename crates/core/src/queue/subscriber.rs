//! [`Subscribe`]: the wishes of a new connection. [`Subscriber`]: the connection as its shard gets it.

use std::{any::Any, sync::Arc};

use crate::{
    event::{
        event_id::EventId,
        name::{Channel, ClientId},
        pattern::Pattern,
        target::Target,
    },
    history::read::Start,
    policy::Policy,
};

/// The content of a heartbeat, which a stream gets after a time without events.
///
/// [`Subscribe`] has an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Heartbeat {
    /// A comment line, which applications do not see.
    #[default]
    Comment,
    /// The newest cursor, so that a client resumes from there.
    Cursor,
}

/// The form in which a connection gets its events.
///
/// [`Subscribe`] has an example.
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

/// A request for a stream of the events for all, for `client`, for `channels`, and for all channels that match `patterns`.
///
/// ```
/// use fanfare_core::{
///     Channel, ClientId, Event, Form, Heartbeat, Pattern, Policy, Start, Target, engine::{Framing, Subscribe},
/// };
///
/// # use fanfare_core::{Config, Wait, engine::{Hub, Turn}};
/// # #[derive(Clone, Default)]
/// # struct Collector(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);
/// # impl Collector {
/// #     fn text(&self) -> String { String::from_utf8(self.0.lock().unwrap().clone()).unwrap() }
/// # }
/// # impl fanfare_core::engine::Socket for Collector {
/// #     fn poll_write(&mut self, parts: &[std::io::IoSlice<'_>]) -> std::task::Poll<std::io::Result<usize>> {
/// #         std::task::Poll::Ready(std::io::Write::write_vectored(&mut *self.0.lock().unwrap(), parts))
/// #     }
/// #     fn poll_discard(&mut self) -> std::task::Poll<std::io::Result<usize>> { std::task::Poll::Pending }
/// #     fn shut_write(&mut self) {}
/// # }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (hub, mut shards) = Hub::<Collector>::new(Config::default(), Box::new(|| 1_000));
/// # let socket = Collector::default();
/// let subscription = hub.subscribe(Subscribe {
///     client: ClientId::new("42")?,
///     channels: vec![Channel::new("news")?],
///     patterns: vec![Pattern::subscribed("orders.*")?],
///     start: Start::Now,
///     policy: Policy::default(),
///     heartbeat: Heartbeat::Cursor,
///     form: Form::Envelope,
///     shard: 0,
///     now_ms: 0,
///     expires_ms: None,
///     catching_up: None,
///     held: None,
/// })?;
/// subscription.attach_socket(socket.clone(), Framing::Bare, 0);
/// let event = Event::new(Target::Channel(Channel::new("news")?), "hello").with_kind("headline")?;
/// # let mut publish = std::pin::pin!(hub.publish(event, Wait::Journal));
/// # assert!(publish.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready());
/// # while shards[0].turn(0) == Turn::More {}
/// // Once the event is published:
/// let data = r#"{"channel":"news","event":"headline","data":"hello"}"#;
/// assert_eq!(socket.text(), format!("id: 1000-1\ndata: {data}\n\n"));
/// # for _ in 0..4 { shards[0].sweep(15_000); }
/// // And after 15 s without another one:
/// assert!(socket.text().ends_with("\n\nevent: fanfare.cursor\nid: 1000-1\ndata:\n\n"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Subscribe {
    /// The client of the connection.
    pub client: ClientId,
    /// The channels to follow. Repeated ones count once.
    pub channels: Vec<Channel>,
    /// The patterns of further channels to follow, also of those that do not exist yet. Repeated ones count once. One without a star
    /// counts as a channel. An event that several of them match comes once.
    pub patterns: Vec<Pattern>,
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
    /// The time at which the stream ends in good order, in milliseconds of the same clock. `None`: never.
    ///
    /// Events that wait by then are still delivered, and a last `retry:` line ([`crate::Config::expired_retry_ms`]) brings the client
    /// back at once. A stream that catches up is given nothing more from the history, because the client comes back with its cursor.
    /// The time is kept to within one round of sweeps ([`crate::engine::SWEEP_TICKS`]). A stream whose head is not out yet ends when
    /// it is attached.
    pub expires_ms: Option<u64>,
    /// A seat of the caller's, which is dropped once the stream has caught up with what was kept, or has ended. A stream that begins
    /// with the next event drops it at once.
    pub catching_up: Option<Seat>,
    /// A seat of the caller's, which is dropped once the connection has ended, for whatever reason. A subscription that is dropped
    /// before it is attached ends with that, and so does every connection of a shard that is dropped.
    pub held: Option<Seat>,
}

/// Something that is held until it is dropped. The engine only shows it to operators ([`crate::engine::Listed::held`]).
pub type Seat = Arc<dyn Any + Send + Sync>;

/// The time at which a stream ends that has none.
pub(crate) const NEVER: u64 = u64::MAX;

/// A new connection, as its shard gets it.
#[derive(Debug)]
pub(crate) struct Subscriber {
    pub(crate) client: ClientId,
    /// The channels by name, each once.
    pub(crate) channels: Box<[Channel]>,
    /// The patterns, each once. None is the name of a channel.
    pub(crate) patterns: Box<[Pattern]>,
    /// The connection gets the events above this id.
    pub(crate) cursor: EventId,
    /// The newest id at the registration. No event up to it is live for this slot.
    pub(crate) opened: EventId,
    pub(crate) policy: Policy,
    pub(crate) heartbeat: Heartbeat,
    pub(crate) form: Form,
    pub(crate) opened_ms: u64,
    /// The time at which the stream ends, or [`NEVER`].
    pub(crate) expires_ms: u64,
    /// A seat for as long as the connection is open.
    pub(crate) held: Option<Seat>,
}

impl Subscriber {
    /// The targets that the connection names, without [`Target::All`].
    pub(crate) fn targets(&self) -> impl Iterator<Item = Target> {
        targets(&self.client, &self.channels)
    }

    /// Whether the connection follows `channel`, by its name or by a pattern.
    pub(crate) fn follows(&self, channel: &Channel) -> bool {
        self.channels.binary_search(channel).is_ok()
            || self.patterns.iter().any(|pattern| pattern.matches(channel.as_str()))
    }

    /// The targets that the connection names, in their order.
    pub(crate) fn all_targets(&self) -> Vec<Target> {
        all_targets(&self.client, &self.channels)
    }
}

/// The targets that a connection of `client` with these channels names, in their order if the channels are.
pub(crate) fn all_targets(client: &ClientId, channels: &[Channel]) -> Vec<Target> {
    std::iter::once(Target::All).chain(targets(client, channels)).collect()
}

fn targets(client: &ClientId, channels: &[Channel]) -> impl Iterator<Item = Target> {
    let channels = channels.iter().cloned().map(Target::Channel);
    channels.chain(std::iter::once(Target::Client(client.clone())))
}
