//! [`Subscription`]: a registered connection whose response head is not written yet. After that it becomes an attached socket
//! or a [`Feed`].

use std::sync::Arc;

use crate::{
    config::Config,
    event::{budget::RingBudget, event_id::EventId, gap::Gap, notice::CloseReason},
    feed::Feed,
    history::read::Beginning,
    queue::{
        inbox::{Inbox, Item, SlotRef},
        life::Life,
        outlet::{Framing, Outlet},
        port::Port,
        ring::Ring,
        slot_guard::SlotGuard,
    },
};

/// A registered connection without an outlet. Until it has one, its events wait in its ring.
///
/// ```
/// use fanfare_core::{Config, EventId, GapReason, Start, engine::{Framing, Hub, Prelude}};
///
/// # use fanfare_core::{ClientId, Form, Heartbeat, Policy, engine::Subscribe};
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
/// # let (client, heartbeat, form) = (ClientId::new("42")?, Heartbeat::Comment, Form::Plain);
/// # let (policy, channels, shard) = (Policy::Repair, Vec::new(), 0);
/// # let (hub, _shards) = Hub::<Collector>::new(Config::default(), Box::new(|| 1_000));
/// let start = Start::After(EventId::new(2_000, 0));
/// let subscription = hub.subscribe(Subscribe { client: client.clone(), start, /* ... */
/// # channels, patterns: Vec::new(), policy, heartbeat, form, shard, now_ms: 0,
/// # expires_ms: None, catching_up: None, held: None })?;
/// assert_eq!(subscription.gap().map(|gap| gap.reason), Some(GapReason::UnknownId), "no event had it yet");
///
/// // The head of the answer comes first, then the prelude, then the shard has the socket.
/// let (connection, gap, cursor) = (subscription.connection(), subscription.gap(), Some(subscription.cursor()));
/// let prelude = Prelude { retry_ms: 2_000, connection, client: &client, notes: &[], gap, cursor }.to_string();
/// assert!(prelude.starts_with("retry: 2000\n: connection 1 client 42\nevent: fanfare.gap\n"));
/// let socket = Collector::default();
/// subscription.attach_socket(socket, Framing::Bare, 0);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Subscription<S> {
    guard: SlotGuard<S>,
    beginning: Beginning,
    budget: Arc<RingBudget>,
    config: Arc<Config>,
}

impl<S> Subscription<S> {
    pub(crate) fn new(
        inbox: Arc<Inbox<S>>,
        slot: SlotRef,
        beginning: Beginning,
        budget: Arc<RingBudget>,
        config: Arc<Config>,
    ) -> Self {
        Self { guard: SlotGuard::new(inbox, slot), beginning, budget, config }
    }

    /// The cursor of the beginning. The stream gets every event above it, or a gap. Needed for the [`crate::engine::Prelude`] if the
    /// client asked for its cursor.
    pub fn cursor(&self) -> EventId {
        self.beginning.cursor
    }

    /// The gap that the [`crate::engine::Prelude`] has to tell.
    pub fn gap(&self) -> Option<&Gap> {
        self.beginning.gap.as_ref()
    }

    /// The number of the connection. A hub never gives it again.
    pub fn connection(&self) -> u64 {
        self.guard.slot().connection
    }

    /// The slot, for [`crate::engine::Inbox::wake_slot`].
    pub fn slot(&self) -> SlotRef {
        self.guard.slot()
    }

    /// Hands the socket to the shard, once the head is written. `input_bytes` have already come after the request.
    ///
    /// [`Subscription`] has an example.
    pub fn attach_socket(mut self, socket: S, framing: Framing, input_bytes: usize) {
        self.guard.set_reason(None);
        let outlet = Outlet::Socket { socket, framing };
        self.guard.send(Item::Attach { slot: self.guard.slot(), outlet, input_bytes });
    }

    /// Turns the subscription into a feed, for a response body to poll. The shard ends `life` when it cuts the stream. A feed whose
    /// life has ended, by the shard or by others, gives [`crate::engine::Cut`] when it is polled next.
    ///
    /// [`Feed`] has an example.
    pub fn into_feed(mut self, life: Life) -> Feed<S> {
        self.guard.set_reason(Some(CloseReason::ClientGone));
        let ring = Ring::new(self.config.ring_messages_max, self.config.ring_bytes_max);
        let port = Arc::new(Port::new(ring, life));
        let outlet = Outlet::Body { port: Arc::clone(&port), taken: 0 };
        self.guard.send(Item::Attach { slot: self.guard.slot(), outlet, input_bytes: 0 });
        Feed::new(port, self.guard, self.budget)
    }
}
