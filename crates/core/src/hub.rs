//! [`Hub`]: the face of the engine. It passes each publish to the order ([`crate::order`]) and each connection to the registry
//! and to the inbox of its shard.

pub(crate) mod explain;
pub(crate) mod figures;

use std::{cmp::Reverse, fmt, sync::Arc};

use crate::{
    config::Config,
    event::{
        Event, account::Account, budget::RingBudget, event_id::EventId, name::Channel, pattern::Pattern,
        receipt::Receipt, target::Target,
    },
    history::{
        read::{Page, ReadLimit, Start},
        retention::Retentions,
    },
    order::{
        Order, UnixClock,
        admission::Admission,
        answer::{PublishError, Wait},
        claim::{Claim, IdempotencyKey},
        external::External,
        journal::Desk,
        submission::{Publish, Submission, Way},
        ticket::Ticket,
    },
    queue::{
        inbox::{Inbox, Item, SlotRef},
        listing::{ListQuery, Listed, Whose},
        outlet::Socket,
        read_request::ReadRequest,
        subscriber::Subscribe,
        tally::{Inquiry, Report, Tally},
    },
    registry::{Registry, SubscribeError},
    shard::Shard,
    subscription::Subscription,
    sync::{AtomicU64, Ordering},
};

/// The object that takes publishes and fans them out to connections.
///
/// # Example
///
/// A shell calls these from its requests, each on any thread:
///
/// ```
/// use fanfare_core::{
///     Channel, ClientId, Config, Event, Form, Heartbeat, IdempotencyKey, Policy, PublishError, Start, Target, Wait,
///     engine::{Hub, Subscribe, SubscribeError, Turn},
/// };
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
/// let (hub, mut shards) = Hub::<NoSocket>::new(Config { connections_max: 1, ..Config::default() }, Box::new(|| 1_000));
/// let subscribe = Subscribe {
///     client: ClientId::new("ann")?,
///     channels: vec![Channel::new("news")?],
///     patterns: Vec::new(),
///     start: Start::Now,
///     policy: Policy::Repair,
///     heartbeat: Heartbeat::Comment,
///     form: Form::Plain,
///     shard: 0,
///     now_ms: 0,
///     expires_ms: None,
///     catching_up: None,
///     held: None,
/// };
/// let subscription = hub.subscribe(subscribe.clone())?;
/// assert_eq!(hub.subscribe(subscribe).err(), Some(SubscribeError::Full), "one connection is all there may be");
///
/// // `now` expects that a future need not wait.
/// let target = Target::Channel(Channel::new("news")?);
/// let (event, key) = (Event::new(target.clone(), "hello"), IdempotencyKey::new("1", "example")?);
/// let [first, again] = [(); 2].map(|()| now(hub.publish_once(event.clone(), &key, Wait::Journal)));
/// assert_eq!((first?.id, again?.is_repeat), (hub.last_id(), true));
///
/// // The owner of the shard goes on until it is idle.
/// while shards[0].turn(0) == Turn::More {}
/// let mut accounts = std::pin::pin!(hub.accounts_of(&target));
/// # assert!(accounts.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_pending());
/// while shards[0].turn(0) == Turn::More {}
/// let [(connection, account)] = now(accounts)[..] else { panic!("there is one connection") };
/// assert_eq!((connection, account.matched), (subscription.connection(), 1));
///
/// hub.drain();
/// assert_eq!(now(hub.publish(event, Wait::Journal)), Err(PublishError::Draining));
/// # Ok(())
/// # }
/// ```
///
/// [`Shard`] has an example with [`Hub::read`], and [`crate::journal`] one with [`Hub::behind_journal`].
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
    /// Publishes one event. A receipt means that the event has its id, that an external journal has it if there is one, and that
    /// every shard will take it in order. Waits while an inbox is full, and for an external journal.
    ///
    /// [`Hub`] has an example.
    ///
    /// # Errors
    /// [`PublishError`]: the event was not published, except that [`PublishError::Unknown`] leaves it open.
    pub async fn publish(&self, event: Event, wait: Wait) -> Result<Receipt, PublishError> {
        self.begin(event, None, wait).await?.receipt().await
    }

    /// Publishes one event once. A repetition with the same key publishes nothing and gets the first answer.
    ///
    /// [`Hub`] has an example.
    ///
    /// # Errors
    /// [`PublishError`], as for [`Hub::publish`].
    pub async fn publish_once(&self, event: Event, key: &IdempotencyKey, wait: Wait) -> Result<Receipt, PublishError> {
        self.begin(event, Some(key), wait).await?.receipt().await
    }

    /// Does the first half of a publish. The event keeps its place among others, so a caller may begin the next publish before
    /// this one is answered. Waits only while an inbox is full. A wait that is dropped has published nothing.
    ///
    /// [`Ticket`] has an example.
    ///
    /// # Errors
    /// [`PublishError`]: the event was not published.
    pub async fn begin(&self, event: Event, key: Option<&IdempotencyKey>, wait: Wait) -> Result<Ticket, PublishError> {
        self.begin_at(0, event, key, wait).await
    }

    /// Does the same as [`Hub::begin`] for a publish that began at `stamp`, in a clock of the shell. [`Shard::take_fanned`] tells the
    /// stamp again.
    ///
    /// # Errors
    /// [`PublishError`]: the event was not published.
    pub async fn begin_at(
        &self,
        stamp: u64,
        event: Event,
        key: Option<&IdempotencyKey>,
        wait: Wait,
    ) -> Result<Ticket, PublishError> {
        let mut way = Some(if self.order.external().is_there() {
            let publish = self.prepare(stamp, event.clone(), key, wait);
            Way::Journal(Box::new(Submission::new(publish, event, key.cloned())))
        } else {
            Way::Here(self.prepare(stamp, event, key, wait))
        });
        Admission::new(&self.order, &mut way).await
    }

    /// Does the part of a publish that needs no lock.
    fn prepare(&self, stamp: u64, event: Event, key: Option<&IdempotencyKey>, wait: Wait) -> Publish {
        let claim = key.map(|key| Claim::new(key, &event));
        let draft = self.order.draft(event).stamped(stamp);
        let matched = self.registry.estimate(draft.targets());
        let tally = (wait == Wait::Written).then(|| Arc::new(Tally::new(self.config.shards)));
        Publish { draft, claim, matched, tally }
    }

    /// Registers a connection. Every later event for it is delivered, or counted as lost.
    ///
    /// [`Hub`] has an example.
    ///
    /// # Errors
    /// [`SubscribeError`]: a limit is reached. The connection is not there.
    ///
    /// # Panics
    /// If `subscribe.shard` is not below the number of shards.
    pub fn subscribe(&self, mut subscribe: Subscribe) -> Result<Subscription<S>, SubscribeError> {
        let inbox = Arc::clone(self.inbox(subscribe.shard));
        let Subscribe { client, channels, patterns, .. } = &mut subscribe;
        channels.extend(patterns.iter().filter_map(Pattern::channel));
        channels.sort();
        channels.dedup();
        patterns.retain(|pattern| !pattern.is_exact());
        patterns.sort();
        patterns.dedup();
        // Relaxed: only uniqueness matters.
        let connection = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
        self.registry.enter(connection, client, channels, patterns)?;
        let slot = SlotRef { index: inbox.take_index(), connection };
        let beginning = self.order.register(slot, subscribe);
        Ok(Subscription::new(inbox, slot, beginning, Arc::clone(&self.budget), Arc::clone(&self.config)))
    }

    /// Answers a shard's request for events of the history. Called outside of the shard's loop.
    ///
    /// [`Shard`] has an example.
    pub fn read(&self, request: ReadRequest) {
        self.order.read(request);
    }

    /// The kept events of `channel` from `start` on, at most `limit`.
    ///
    /// [`Start`] and [`ReadLimit`] have examples.
    pub fn history(&self, channel: &Channel, start: &Start, limit: ReadLimit) -> Page {
        self.order.page(channel, start, limit)
    }

    /// The account of each connection that `target` reaches, with the number of the connection. Asks the shards, so there are
    /// none once these have drained.
    ///
    /// [`Hub`] has an example.
    pub async fn accounts_of(&self, target: &Target) -> Vec<(u64, Account)> {
        let report = Arc::new(Report::new(self.config.shards));
        self.ask(|| Item::Report { target: target.clone(), inquiry: Inquiry::of(&report) });
        let mut accounts = report.answers().await;
        accounts.sort_unstable_by_key(|(connection, _)| *connection);
        accounts
    }

    /// The connections that `query` asks for, the first ones of all shards. A shard looks at a few slots in each turn.
    pub async fn list(&self, query: &ListQuery) -> Vec<Listed> {
        let report = Arc::new(Report::new(self.config.shards));
        self.ask(|| Item::List { query: query.clone(), inquiry: Inquiry::of(&report) });
        let mut listed: Vec<Listed> = report.answers().await;
        listed.sort_unstable_by_key(|listed| (Reverse(listed.place.0), listed.connection));
        listed.truncate(query.limit);
        listed
    }

    /// Has streams end in good order: what waits still goes out, and the client comes back later. Returns how many. A stream that is
    /// stalled ends by the write timeout.
    pub async fn disconnect(&self, whose: &Whose) -> usize {
        let report = Arc::new(Report::<u64>::new(self.config.shards));
        self.ask(|| Item::Disconnect { whose: whose.clone(), inquiry: Inquiry::of(&report) });
        report.answers().await.len()
    }

    /// Puts an item into each inbox.
    fn ask(&self, item: impl Fn() -> Item<S>) {
        for inbox in self.order.inboxes() {
            inbox.push(item());
            inbox.wake();
        }
    }

    /// Throws the kept events of `channel` away, and returns how many, at a place of its own in the order ([`Event::purge`]). A stream
    /// that comes back for them is told a gap. Every hub with the same journal does the same.
    ///
    /// # Errors
    /// [`PublishError`]: nothing was thrown away, except that [`PublishError::Unknown`] leaves it open.
    pub async fn purge(&self, channel: Channel) -> Result<usize, PublishError> {
        let receipt = self.publish(Event::purge(channel), Wait::Journal).await?;
        Ok(receipt.matched)
    }

    /// The number of kept events of `channel`, and their bytes.
    pub fn kept_of(&self, channel: &Channel) -> (usize, usize) {
        self.order.kept_of(channel)
    }

    /// The limits of the history.
    pub fn retentions(&self) -> Retentions {
        self.order.retentions()
    }

    /// Sets other limits of the history. Events beyond them go within a few sweeps.
    pub fn set_retentions(&self, retentions: Retentions) {
        self.order.set_retentions(retentions);
    }

    /// Takes no more publishes, and ends every stream after the last accepted event.
    ///
    /// [`Hub`] has an example.
    pub fn drain(&self) {
        self.order.drain();
    }

    /// The clients and channels that are connected.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The budget of all bytes that wait, for sockets that keep some back.
    pub fn budget(&self) -> &Arc<RingBudget> {
        &self.budget
    }

    /// Bytes that the rings and sockets of the whole hub hold.
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

    /// Whether the history has the journal's events of before the start.
    pub fn is_ready(&self) -> bool {
        self.order.external().is_ready()
    }

    /// Waits for [`Hub::is_ready`].
    pub async fn ready(&self) {
        self.order.external().ready().await;
    }

    /// Whether the hub shares its journal with others.
    pub fn is_shared(&self) -> bool {
        self.order.is_shared()
    }

    /// Whether a stream may have to begin after an event of a shared journal that has not been read here. That is so if no
    /// event of `targets`, or of a channel that matches one of `patterns`, has the id. Then [`Hub::caught_up`] helps.
    pub fn may_be_ahead(&self, start: &Start, targets: &[Target], patterns: &[Pattern]) -> bool {
        self.order.may_be_ahead(start, targets, patterns)
    }

    /// Waits until the hub has every event that its shared journal has now. Waits on while the journal cannot be reached. Does
    /// nothing if the journal is not shared.
    pub async fn caught_up(&self) {
        if self.is_shared() {
            self.order.external().ask().await;
        }
    }

    /// The newest id.
    pub fn last_id(&self) -> EventId {
        self.order.last_id()
    }

    /// The inbox of shard `shard`.
    pub fn inbox(&self, shard: usize) -> &Arc<Inbox<S>> {
        self.order.inbox(shard)
    }

    /// The limits of the hub.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Gives the journal nothing more. The journal ends once it has answered the waiting submissions.
    pub fn close_journal(&self) {
        self.order.close_journal();
    }
}

#[cfg(all(test, loom))]
impl<S> Hub<S> {
    /// Whether no room is promised.
    pub(crate) fn is_unpromised(&self) -> bool {
        self.order.is_unpromised()
    }
}

impl<S: Send> Hub<S> {
    /// The interface that an external journal uses.
    ///
    /// [`Desk`] has an example.
    pub fn desk(&self) -> &(dyn Desk + '_) {
        &*self.order
    }

    /// Notes that the journal has ended, in order or not. All that wait for it are answered, and publishes are refused.
    pub fn journal_ended(&self) {
        self.order.journal_ended();
    }
}

impl<S: Socket> Hub<S> {
    /// A hub that orders events itself and keeps them in memory, with its shards. Each shard needs an owner that drives it.
    ///
    /// [`Hub`] has an example.
    pub fn new(config: Config, clock: UnixClock) -> (Arc<Self>, Vec<Shard<S>>) {
        Self::with(config, clock, External::none())
    }

    /// A hub whose events an external [`crate::journal::Journal`] orders and keeps through [`Hub::desk`], with its shards.
    ///
    /// [`crate::journal`] and [`Desk`] have examples.
    pub fn behind_journal(config: Config, clock: UnixClock) -> (Arc<Self>, Vec<Shard<S>>) {
        Self::with(config, clock, External::journal())
    }

    fn with(config: Config, clock: UnixClock, external: External) -> (Arc<Self>, Vec<Shard<S>>) {
        let config = Arc::new(config.at_least_one());
        let budget = Arc::new(RingBudget::new(config.hub_ring_bytes_max));
        let order = Arc::new(Order::new(&config, external, Arc::clone(&budget), clock));
        let registry = Arc::new(Registry::new(&config));
        let shard = |number| Shard::new(number, &order, &registry, &budget, &config);
        let shards = (0..config.shards).map(shard).collect();
        (Arc::new(Self { order, registry, budget, connections: AtomicU64::new(0), config }), shards)
    }
}
