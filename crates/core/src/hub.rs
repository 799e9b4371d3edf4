//! [`Hub`]: takes publishes, gives them their order, hands each to every shard; and registers connections.
//!
//! The order lock is the one critical section per publish: number, finish, hand over. Nothing is encoded,
//! awaited or written inside it, and no subscriber can hold it up.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use parking_lot::{Mutex, MutexGuard};
use thiserror::Error;

use crate::{
    budget::RingBudget,
    config::Config,
    event::Event,
    event_id::EventId,
    gate::{Admission, Gate},
    inbox::{Inbox, Item, SlotRef},
    journal::{Batch, MemoryJournal, ReadLimit},
    message::Draft,
    name::ClientId,
    outlet::Socket,
    receipt::{Receipt, Tally},
    registry::Registry,
    ring::Ring,
    shard::{ReadRequest, Shard},
    subscription::{Start, Subscribe, Subscriber, Subscription},
    target::Target,
};

/// Unix time in milliseconds; core reads no clock of its own.
pub type UnixClock = Box<dyn Fn() -> u64 + Send + Sync>;

/// Why an event was not published: none of it was.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PublishError {
    /// The hub takes nothing more.
    #[error("the server is draining")]
    Draining,
}

/// There are as many connections as may be.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("too many connections")]
pub struct Full;

/// How much a publisher wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// That the journal has it; the number of connections is an estimate.
    Journal,
    /// What every shard did with it.
    Written,
}

/// What the order lock protects.
#[derive(Debug, Default)]
pub(crate) struct Order {
    journal: MemoryJournal,
    pub(crate) gate: Gate,
    draining: bool,
}

impl Order {
    pub(crate) fn is_draining(&self) -> bool {
        self.draining
    }
}

/// The in-process object that takes publishes and fans them out.
pub struct Hub<S> {
    order: Mutex<Order>,
    /// Publishers that wait at the gate; written under the order lock, read by shards without it.
    pub(crate) waiting: AtomicUsize,
    inboxes: Box<[Arc<Inbox<S>>]>,
    registry: Registry,
    budget: Arc<RingBudget>,
    connections: AtomicU64,
    clock: UnixClock,
    config: Config,
}

impl<S> fmt::Debug for Hub<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("config", &self.config).finish_non_exhaustive()
    }
}

impl<S> Hub<S> {
    /// Publishes one event: the answer means that the journal has it and every shard will take it in order.
    /// Waits only while a shard's inbox is full; dropped while it does, it has published nothing.
    ///
    /// # Errors
    /// [`PublishError`]; nothing was published then.
    pub async fn publish(&self, event: Event, wait: Wait) -> Result<Receipt, PublishError> {
        let draft = Draft::new(event, Arc::clone(&self.budget));
        let estimate = self.registry.estimate(draft.targets());
        let tally = (wait == Wait::Written).then(|| Arc::new(Tally::new(self.inboxes.len())));
        let id = Admission::new(self, draft, tally.clone()).await?;
        Ok(match tally {
            None => Receipt { id, matched: estimate, outcome: None },
            Some(tally) => {
                let outcome = tally.outcome().await;
                Receipt { id, matched: outcome.matched(), outcome: Some(outcome) }
            }
        })
    }

    /// Registers a connection: what is published from here on is delivered to it or counted against it.
    ///
    /// # Errors
    /// [`Full`]: there are as many connections as may be.
    ///
    /// # Panics
    /// If `subscribe.shard` is not below the number of shards.
    pub fn subscribe(self: &Arc<Self>, subscribe: Subscribe) -> Result<Subscription<S>, Full> {
        let Subscribe { client, mut channels, start, policy, shard, now_ms } = subscribe;
        channels.sort();
        channels.dedup();
        // Relaxed: only uniqueness matters.
        let connection = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
        if !self.registry.enter(connection, &client, &channels, self.config.connections_max) {
            return Err(Full);
        }
        let resume = match start {
            Start::Now => None,
            Start::After(cursor) => Some(cursor),
        };
        let inbox = &self.inboxes[shard];
        let slot = SlotRef { index: inbox.take_place(), connection };
        // Under the order lock: every event up to `seen` is in the inbox before this item, every later one after.
        let order = self.order.lock();
        let seen = order.journal.last();
        let subscriber = Subscriber { client, channels: channels.into(), resume, seen, policy, opened_ms: now_ms };
        inbox.push(Item::Subscribe { slot, subscriber: Box::new(subscriber) });
        drop(order);
        inbox.wake();
        Ok(Subscription::new(Arc::clone(self), shard, slot))
    }

    /// Answers what a shard asked of the journal. Called away from the shard's loop.
    pub fn read(&self, request: &ReadRequest) {
        self.answer(request, |journal| journal.read(request.after, &request.targets, request.limit));
    }

    /// Answers in place of the journal: `batch` is made for the newest id so far. Tests and journals that are
    /// kept elsewhere use it.
    pub fn answer_with(&self, request: &ReadRequest, batch: impl FnOnce(EventId) -> Batch) {
        self.answer(request, |journal| batch(journal.last()));
    }

    /// The answer is posted while the order is held, so that the shard takes it exactly between the events that
    /// it covers and those after.
    fn answer(&self, request: &ReadRequest, batch: impl FnOnce(&MemoryJournal) -> Batch) {
        let order = self.order.lock();
        let batch = batch(&order.journal);
        let inbox = &self.inboxes[request.shard];
        inbox.push(Item::Batch { slot: request.slot, batch });
        drop(order);
        inbox.wake();
    }

    /// Takes no more publishes and ends every stream once it has what was accepted.
    pub fn drain(&self) {
        let mut order = self.order.lock();
        order.draining = true;
        let waiting = order.gate.take_all();
        for inbox in &self.inboxes {
            inbox.push(Item::Drain);
            inbox.set_draining();
        }
        drop(order);
        waiting.into_iter().for_each(std::task::Waker::wake);
        self.inboxes.iter().for_each(|inbox| inbox.wake());
    }

    /// Who is connected.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The connections that `client` holds.
    pub fn connections_of(&self, client: &ClientId) -> Vec<u64> {
        self.registry.connections_of(client)
    }

    /// Bytes that rings hold in the whole hub.
    pub fn ring_bytes(&self) -> usize {
        self.budget.held_bytes()
    }

    /// The newest id given so far.
    pub fn last_id(&self) -> EventId {
        self.order.lock().journal.last()
    }

    /// The queue in front of shard `shard`.
    pub fn inbox(&self, shard: usize) -> &Arc<Inbox<S>> {
        &self.inboxes[shard]
    }

    /// The limits it was made with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn budget(&self) -> &Arc<RingBudget> {
        &self.budget
    }

    pub(crate) fn ring(&self) -> Ring {
        Ring::new(self.config.ring_messages_max, self.config.ring_bytes_max)
    }

    pub(crate) fn read_limit(&self) -> ReadLimit {
        ReadLimit { messages_max: self.config.ring_messages_max.max(1), bytes_max: self.config.ring_bytes_max }
    }

    pub(crate) fn order(&self) -> MutexGuard<'_, Order> {
        self.order.lock()
    }

    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.inboxes.iter().all(|inbox| inbox.has_room(bytes))
    }

    /// The one place that gives order and hands over. The caller has made sure of room and holds the lock.
    pub(crate) fn commit(
        &self,
        order: &mut Order,
        draft: Draft,
        tally: Option<Arc<Tally>>,
    ) -> Result<EventId, PublishError> {
        if order.draining {
            return Err(PublishError::Draining);
        }
        let message = order.journal.append((self.clock)(), draft);
        for inbox in &self.inboxes {
            inbox.reserve(message.bytes());
            inbox.push(Item::Publish { message: message.clone(), tally: tally.clone() });
        }
        Ok(message.id())
    }

    pub(crate) fn wake_shards(&self) {
        self.inboxes.iter().for_each(|inbox| inbox.wake());
    }

    /// A shard has taken publishes from its inbox: whoever waits for room may look again.
    pub(crate) fn release(&self, shard: usize, messages: usize, bytes: usize) {
        self.inboxes[shard].release(messages, bytes);
        // SeqCst: see `Inbox::has_room`.
        if self.waiting.load(Ordering::SeqCst) > 0 {
            let next = self.order.lock().gate.first();
            if let Some(waker) = next {
                waker.wake();
            }
        }
    }

    pub(crate) fn leave(&self, connection: u64, subscriber: &Subscriber) {
        self.registry.leave(connection, &subscriber.client, &subscriber.channels);
    }
}

impl<S: Socket> Hub<S> {
    /// A hub and its shards, each to be driven by one owner.
    pub fn new(config: Config, clock: UnixClock) -> (Arc<Self>, Vec<Shard<S>>) {
        let config = config.at_least_one();
        let shards = config.shards;
        let inbox = || Arc::new(Inbox::new(config.inbox_messages_max, config.inbox_bytes_max));
        let hub = Arc::new(Self {
            order: Mutex::default(),
            waiting: AtomicUsize::new(0),
            inboxes: (0..shards).map(|_| inbox()).collect(),
            registry: Registry::default(),
            budget: Arc::new(RingBudget::new(config.hub_ring_bytes_max)),
            connections: AtomicU64::new(0),
            clock,
            config,
        });
        let shards = (0..shards).map(|number| Shard::new(Arc::clone(&hub), number)).collect();
        (hub, shards)
    }
}

impl Subscriber {
    /// The targets whose events it receives, but for all.
    pub(crate) fn targets(&self) -> impl Iterator<Item = Target> {
        let channels = self.channels.iter().cloned().map(Target::Channel);
        channels.chain(std::iter::once(Target::Client(self.client.clone())))
    }
}
