//! [`Subscription`]: a registered connection before its response head is written. Once the head is out, it becomes an attached
//! socket or a [`Feed`].

use std::sync::Arc;

use crate::{
    config::Config,
    event::{budget::RingBudget, event_id::EventId, gap::Gap, notice::CloseReason},
    feed::Feed,
    history::read::Beginning,
    queue::{
        inbox::{Inbox, Item, SlotRef},
        outlet::{Framing, Outlet},
        port::Port,
        ring::Ring,
        slot_guard::SlotGuard,
    },
};

/// A registered connection. Until its outlet is attached, its events wait in its ring.
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

    /// Where the stream begins: it is due, or told of, everything above this. For the [`crate::Prelude`] of a stream
    /// that wants to hear its cursor.
    pub fn cursor(&self) -> EventId {
        self.beginning.cursor
    }

    /// The gap that the stream has to be told first, in the [`crate::Prelude`].
    pub fn gap(&self) -> Option<&Gap> {
        self.beginning.gap.as_ref()
    }

    /// The number of the connection, unique in its hub's life.
    pub fn connection(&self) -> u64 {
        self.guard.slot().connection
    }

    /// Names the slot to [`crate::Inbox::ready`].
    pub fn slot(&self) -> SlotRef {
        self.guard.slot()
    }

    /// Hands the socket to the shard: the head is out. `input_bytes` have come behind the request already.
    pub fn attach_socket(mut self, socket: S, framing: Framing, input_bytes: usize) {
        self.guard.set_reason(None);
        let outlet = Outlet::Socket { socket, framing };
        self.guard.send(Item::Attach { slot: self.guard.slot(), outlet, input_bytes });
    }

    /// Turns it into the end that a response body polls.
    pub fn into_feed(mut self) -> Feed<S> {
        self.guard.set_reason(Some(CloseReason::ClientGone));
        let port = Arc::new(Port::new(Ring::new(self.config.ring_messages_max, self.config.ring_bytes_max)));
        let outlet = Outlet::Body { port: Arc::clone(&port), taken: 0 };
        self.guard.send(Item::Attach { slot: self.guard.slot(), outlet, input_bytes: 0 });
        Feed::new(port, self.guard, self.budget)
    }
}
