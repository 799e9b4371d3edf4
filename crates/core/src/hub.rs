//! [`Hub`]: the face of the engine. It takes publishes and subscriptions, and passes each on to the part that does it: the order
//! ([`crate::order`]), the registry, or a shard's inbox.

use std::{fmt, sync::Arc};

use thiserror::Error;

use crate::{
    config::Config,
    event::{
        Event,
        account::Account,
        budget::RingBudget,
        event_id::EventId,
        name::{Channel, ClientId},
        receipt::Receipt,
        target::Target,
    },
    history::read::{Page, ReadLimit, Start},
    order::{
        Order, UnixClock,
        admission::Admission,
        answer::{Answer, PublishError, Wait},
        claim::{Claim, IdempotencyKey},
        external::External,
        journal::Desk,
        submission::{Entry, Origin},
        ticket::Ticket,
    },
    queue::{
        inbox::{Inbox, Item, SlotRef},
        outlet::Socket,
        read_request::ReadRequest,
        subscriber::{Subscribe, Subscriber},
        tally::{Question, Report, Tally},
    },
    registry::Registry,
    shard::Shard,
    subscription::Subscription,
    sync::{AtomicU64, Ordering},
};

/// There are as many connections as may be.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("too many connections")]
pub struct Full;

/// The in-process object that takes publishes and fans them out.
pub struct Hub<S> {
    order: Arc<Order<S>>,
    registry: Arc<Registry>,
    budget: Arc<RingBudget>,
    connections: AtomicU64,
    config: Arc<Config>,
}

impl<S> fmt::Debug for Hub<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("config", &self.config).finish_non_exhaustive()
    }
}

impl<S> Hub<S> {
    /// Publishes one event: the answer means that the journal has it and every shard will take it in order.
    /// Waits while a shard's inbox is full, and for an external journal.
    ///
    /// # Errors
    /// [`PublishError`]; nothing was published then, unless it says so.
    pub async fn publish(&self, event: Event, wait: Wait) -> Result<Receipt, PublishError> {
        self.begin(event, None, wait).await?.receipt().await
    }

    /// As [`Hub::publish`], but once for each key: the same event again is not published, and gets the first answer.
    ///
    /// # Errors
    /// [`PublishError`]; nothing was published then, unless it says so.
    pub async fn publish_once(&self, event: Event, key: &IdempotencyKey, wait: Wait) -> Result<Receipt, PublishError> {
        self.begin(event, Some(key), wait).await?.receipt().await
    }

    /// The first half of a publish: its place among others is certain, and the next may follow before this is answered.
    /// Waits only while a shard's inbox is full. Dropped while it waits, it has published nothing.
    ///
    /// # Errors
    /// [`PublishError`]; nothing was published then.
    pub async fn begin(&self, event: Event, key: Option<&IdempotencyKey>, wait: Wait) -> Result<Ticket, PublishError> {
        let claim = key.map(|key| Claim::new(key, &event));
        let is_external = self.order.external().is_there();
        let origin = is_external.then(|| Box::new(Origin { event: event.clone(), key: key.cloned() }));
        let draft = self.order.draft(event);
        let matched = self.registry.estimate(draft.targets());
        let tally = (wait == Wait::Written).then(|| Arc::new(Tally::new(self.config.shards)));
        let answer = Answer { matched, tally, ..Answer::of(EventId::ZERO) };
        Admission::new(&self.order, Entry { draft, claim, answer, origin }).await
    }

    /// Registers a connection: every later event is delivered to it or counted against it.
    ///
    /// # Errors
    /// [`Full`]: there are as many connections as may be.
    ///
    /// # Panics
    /// If `subscribe.shard` is not below the number of shards.
    pub fn subscribe(&self, subscribe: Subscribe) -> Result<Subscription<S>, Full> {
        let Subscribe { mut client, mut channels, start, policy, heartbeat, form, shard, now_ms } = subscribe;
        let inbox = Arc::clone(self.inbox(shard));
        channels.sort();
        channels.dedup();
        // Relaxed: only uniqueness matters.
        let connection = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
        if !self.registry.enter(connection, &mut client, &mut channels, self.config.connections_max) {
            return Err(Full);
        }
        let [cursor, opened] = [EventId::ZERO; 2];
        let (channels, opened_ms) = (channels.into(), now_ms);
        let subscriber = Box::new(Subscriber { client, channels, cursor, opened, policy, heartbeat, form, opened_ms });
        let slot = SlotRef { index: inbox.take_place(), connection };
        let place = self.order.register(shard, slot, subscriber, &start);
        Ok(Subscription::new(inbox, slot, place, Arc::clone(&self.budget), Arc::clone(&self.config)))
    }

    /// Answers what a shard asked of the history. Called away from the shard's loop.
    pub fn read(&self, request: ReadRequest) {
        self.order.read(request);
    }

    /// The kept events of `channel` from `start` on, at most `limit`.
    pub fn history(&self, channel: &Channel, start: &Start, limit: ReadLimit) -> Page {
        self.order.page(channel, start, limit)
    }

    /// What became of the events of each connection that `target` reaches, by the number of the connection. Answered by
    /// the shards: not once they have drained.
    pub async fn accounts_of(&self, target: &Target) -> Vec<(u64, Account)> {
        let report = Arc::new(Report::new(self.config.shards));
        for inbox in self.order.inboxes() {
            inbox.push(Item::Report { target: target.clone(), question: Question::of(&report) });
            inbox.wake();
        }
        report.accounts().await
    }

    /// Takes no more publishes and ends every stream once it has what was accepted.
    pub fn drain(&self) {
        self.order.drain();
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

    /// Bytes of memory that the history takes.
    pub fn history_bytes(&self) -> usize {
        self.order.history_bytes()
    }

    /// The reason for which the journal takes no events, if there is one.
    pub fn trouble(&self) -> Option<String> {
        self.order.external().trouble()
    }

    /// Whether the history holds what the journal had before the start.
    pub fn is_ready(&self) -> bool {
        self.order.external().is_ready()
    }

    /// Waits for [`Hub::is_ready`].
    pub async fn ready(&self) {
        self.order.external().ready().await;
    }

    /// Whether others write to its journal as well.
    pub fn is_shared(&self) -> bool {
        self.order.is_shared()
    }

    /// Whether a stream may have to begin behind an event that is in a shared journal already and has not been read here: nothing
    /// that went to one of `targets` has the id. See [`Hub::caught_up`].
    pub fn may_be_ahead(&self, start: &Start, targets: &[Target]) -> bool {
        self.order.may_be_ahead(start, targets)
    }

    /// Waits until the hub has everything that its journal has now, if others write to that as well: for as long as that
    /// cannot be reached.
    pub async fn caught_up(&self) {
        if self.is_shared() {
            self.order.external().ask().await;
        }
    }

    /// The newest id given so far.
    pub fn last_id(&self) -> EventId {
        self.order.last_id()
    }

    /// The queue in front of shard `shard`.
    pub fn inbox(&self, shard: usize) -> &Arc<Inbox<S>> {
        self.order.inbox(shard)
    }

    /// The limits it was made with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The journal is given nothing more, and ends when it has answered those that wait.
    pub fn close_journal(&self) {
        self.order.close_journal();
    }
}

#[cfg(all(test, loom))]
impl<S> Hub<S> {
    /// Whether no room is promised to anybody.
    pub(crate) fn is_unpromised(&self) -> bool {
        self.order.is_unpromised()
    }
}

impl<S: Send> Hub<S> {
    /// Where an external journal takes submissions and gives them back.
    pub fn desk(&self) -> &(dyn Desk + '_) {
        &*self.order
    }

    /// The journal has ended, in order or not: nobody waits for it any more, and publishes are refused.
    pub fn journal_ended(&self) {
        self.order.journal_ended();
    }
}

impl<S: Socket> Hub<S> {
    /// A hub that orders events itself and keeps them in memory, and its shards, each to be driven by one owner.
    pub fn new(config: Config, clock: UnixClock) -> (Arc<Self>, Vec<Shard<S>>) {
        Self::with(config, clock, External::new(false))
    }

    /// A hub whose events an external [`crate::Journal`] orders and keeps, through [`Hub::desk`].
    pub fn behind_journal(config: Config, clock: UnixClock) -> (Arc<Self>, Vec<Shard<S>>) {
        Self::with(config, clock, External::new(true))
    }

    fn with(config: Config, clock: UnixClock, external: External) -> (Arc<Self>, Vec<Shard<S>>) {
        let config = Arc::new(config.at_least_one());
        let budget = Arc::new(RingBudget::new(config.hub_ring_bytes_max));
        let order = Arc::new(Order::new(&config, external, Arc::clone(&budget), clock));
        let registry = Arc::<Registry>::default();
        let shard = |number| Shard::new(number, &order, &registry, &budget, &config);
        let shards = (0..config.shards).map(shard).collect();
        (Arc::new(Self { order, registry, budget, connections: AtomicU64::new(0), config }), shards)
    }
}
