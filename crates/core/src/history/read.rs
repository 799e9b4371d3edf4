//! Reads of the history. The beginning of a stream: [`Start`], [`Beginning`]. One read: [`Query`], [`ReadLimit`], [`Batch`],
//! [`Hole`]. A read for an HTTP client: [`Page`].

use crate::event::{
    event_id::EventId,
    gap::{Gap, GapReason},
    message::Message,
    pattern::Pattern,
    target::Target,
};

/// The place where a client wants its stream to begin.
///
/// A page of history begins at the same places as a stream:
///
/// ```
/// use fanfare_core::{Channel, Config, Event, ReadLimit, Start, Target, Wait, engine::Hub};
///
/// # struct NoSocket;
/// # impl fanfare_core::engine::Socket for NoSocket {
/// #     fn poll_write(&mut self, _: &[std::io::IoSlice<'_>]) -> std::task::Poll<std::io::Result<usize>> { std::task::Poll::Pending }
/// #     fn poll_discard(&mut self) -> std::task::Poll<std::io::Result<usize>> { std::task::Poll::Pending }
/// #     fn shut_write(&mut self) {}
/// # }
/// # /// The value of a future that need not wait.
/// # fn now<T>(future: impl Future<Output = T>) -> T {
/// #     let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
/// #     let std::task::Poll::Ready(value) = std::pin::pin!(future).poll(&mut cx) else { panic!("it has to wait") };
/// #     value
/// # }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (hub, _shards) = Hub::<NoSocket>::new(Config::default(), Box::new(|| 1_000));
/// let news = Channel::new("news")?;
/// // `now` expects that a future need not wait.
/// let publish = |event| now(hub.publish(event, Wait::Journal));
/// let first = publish(Event::new(Target::Channel(news.clone()), "one").with_own_id("a")?)?;
/// publish(Event::new(Target::Channel(news.clone()), "two"))?;
///
/// let limit = ReadLimit { messages_max: 100, bytes_max: 1 << 20 };
/// let count = |start| hub.history(&news, &start, limit).messages.len();
/// assert_eq!((count(Start::Earliest), count(Start::Now)), (2, 0));
/// assert_eq!((count(Start::Since { ms: 1_000 }), count(Start::Since { ms: 1_001 })), (2, 0));
/// assert_eq!((count(Start::After(first.id)), count(Start::AfterOwn(vec!["a".to_owned()]))), (1, 1));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// The next event.
    Now,
    /// The kept events after this position (exclusive), then live.
    After(EventId),
    /// The kept events after the oldest event for the connection with one of these publisher's own ids. Several ids are several
    /// readings of one text that a client sent. An empty list is an id that nobody knows.
    AfterOwn(Vec<String>),
    /// The kept events from a time on (inclusive).
    Since {
        /// Unix time in milliseconds.
        ms: u64,
    },
    /// The oldest kept event.
    Earliest,
}

/// The result of one read, from one state of the history.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The matching events in the order of their ids, each once.
    pub(crate) messages: Vec<Message>,
    /// The id after which the next read goes on. `messages` has all matching events up to it (inclusive).
    pub(crate) next: EventId,
    /// The events that may be missing.
    pub(crate) hole: Option<Hole>,
    /// [`Query::checked`] of the next read.
    pub(crate) checked: u64,
}

/// Events above the cursor of a read and up to `to` that may have existed and are not kept any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hole {
    /// The last id that may be missing (inclusive).
    pub(crate) to: EventId,
    /// The reason: expired or restart.
    pub(crate) reason: GapReason,
    /// The number of kept events that the query asks for above [`Query::opened`].
    pub(crate) kept: u64,
    /// The target of the query with the shortest history.
    pub(crate) target: Target,
}

/// The most that one read may give. The first event comes whatever its size.
///
/// ```
/// use fanfare_core::{Channel, Config, Event, ReadLimit, Start, Target, Wait, engine::Hub};
///
/// # struct NoSocket;
/// # impl fanfare_core::engine::Socket for NoSocket {
/// #     fn poll_write(&mut self, _: &[std::io::IoSlice<'_>]) -> std::task::Poll<std::io::Result<usize>> { std::task::Poll::Pending }
/// #     fn poll_discard(&mut self) -> std::task::Poll<std::io::Result<usize>> { std::task::Poll::Pending }
/// #     fn shut_write(&mut self) {}
/// # }
/// # /// The value of a future that need not wait.
/// # fn now<T>(future: impl Future<Output = T>) -> T {
/// #     let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
/// #     let std::task::Poll::Ready(value) = std::pin::pin!(future).poll(&mut cx) else { panic!("it has to wait") };
/// #     value
/// # }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (hub, _shards) = Hub::<NoSocket>::new(Config::default(), Box::new(|| 1_000));
/// let news = Channel::new("news")?;
/// # for data in ["one", "two", "three"] {
/// #     now(hub.publish(Event::new(Target::Channel(news.clone()), data), Wait::Journal))?;
/// # }
/// // The channel has three events.
/// let limit = ReadLimit { messages_max: 2, bytes_max: 1 << 20 };
/// let page = hub.history(&news, &Start::Earliest, limit);
/// let rest = hub.history(&news, &Start::After(page.next), limit);
/// assert_eq!((page.messages.len(), rest.messages.len(), rest.gap), (2, 1, None));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ReadLimit {
    /// The limit of events.
    pub messages_max: usize,
    /// The limit of bytes.
    pub bytes_max: usize,
}

/// The events that a read asks for.
pub(crate) struct Query<'a> {
    /// The id below the first one (exclusive).
    pub(crate) after: EventId,
    /// The last id (inclusive), not above the newest one of the history.
    pub(crate) upto: EventId,
    /// The targets in their order. An event has to go to one of them, or to a channel that matches a pattern.
    pub(crate) targets: &'a [Target],
    pub(crate) patterns: &'a [Pattern],
    pub(crate) limit: ReadLimit,
    /// The newest id when the connection was opened, for [`Hole::kept`].
    pub(crate) opened: EventId,
    /// The eviction up to which earlier reads have told all holes, for a query with patterns. 0: none.
    pub(crate) checked: u64,
}

/// The place where a stream begins, resolved to a cursor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Beginning {
    /// The stream gets the events above this id.
    pub(crate) cursor: EventId,
    /// Events up to this id may be missing without a gap.
    pub(crate) known: EventId,
    /// The gap to tell first.
    pub(crate) gap: Option<Gap>,
}

/// A page of a channel's history.
///
/// [`ReadLimit`] has an example.
#[derive(Debug)]
pub struct Page {
    /// The events in the order of their ids.
    pub messages: Vec<Message>,
    /// The events that are missing before or among them.
    pub gap: Option<Gap>,
    /// The id after which the next page begins.
    pub next: EventId,
}
