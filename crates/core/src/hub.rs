//! [`Hub`]: takes publishes, gives them their order, hands each to every shard; and registers connections.
//!
//! The order lock is the one critical section per publish: number, finish, keep, hand over. Nothing is encoded,
//! awaited or written inside it. The journal is read under it too, a few events at a time. With a [`crate::Journal`]
//! outside of the hub a publish waits for that in between (see [`crate::Desk`]).

use std::{fmt, sync::Arc};

use thiserror::Error;

use crate::{
    account::Account,
    budget::RingBudget,
    claim::Claim,
    config::Config,
    event::Event,
    event_id::EventId,
    gap::Gap,
    gate::{Admission, Gate},
    idempotency::{Answer, Idempotency, IdempotencyKey},
    inbox::{Inbox, Item, SlotRef},
    journal::Refusal,
    memory_journal::{Batch, MemoryJournal, Query, ReadLimit},
    message::{Draft, Message},
    milestone::Milestone,
    name::{Channel, ClientId},
    order::Order,
    outlet::Socket,
    pass::Pass,
    receipt::{Question, Receipt, Report, Tally},
    registry::Registry,
    ring::Ring,
    shard::{ReadRequest, Shard},
    submission::{Origin, Submissions},
    subscription::{Start, Subscribe, Subscriber, Subscription},
    sync::{AtomicBool, AtomicU64, AtomicUsize, AtomicWaker, Mutex, Ordering},
    target::Target,
    underway::Underway,
};

/// Unix time in milliseconds; core reads no clock of its own.
pub type UnixClock = Box<dyn Fn() -> u64 + Send + Sync>;

/// Why an event was not published.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PublishError {
    /// The hub takes nothing more.
    #[error("the server is draining")]
    Draining,
    /// The idempotency key was used for another event.
    #[error("the idempotency key was used for another event")]
    KeyReused,
    /// The journal does not take events now.
    #[error("the journal is unavailable")]
    Journal,
    /// A part of the server has failed: not every connection would get the event.
    #[error("a part of the server has failed")]
    Broken,
    /// The journal broke while it took the event. Publish it again with the same idempotency key.
    #[error("the journal broke: the event may have been published")]
    Unknown,
}

impl From<Refusal> for PublishError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotPublished => Self::Journal,
            Refusal::Unknown => Self::Unknown,
            Refusal::KeyReused => Self::KeyReused,
        }
    }
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

/// Events of a page that are read at a time.
const PAGE_STEP: usize = 64;

/// A page of a channel's history.
#[derive(Debug)]
pub struct Page {
    /// Events in id order.
    pub messages: Vec<Message>,
    /// What is missing before or among them.
    pub gap: Option<Gap>,
    /// Where the next page begins (exclusive).
    pub next: EventId,
}

/// The in-process object that takes publishes and fans them out.
pub struct Hub<S> {
    pub(crate) order: Mutex<Order>,
    /// A journal outside of the hub gives the order.
    pub(crate) has_outside: bool,
    /// Publishers that wait at the gate; written under the order lock, read by shards without it.
    pub(crate) waiting: AtomicUsize,
    pub(crate) inboxes: Box<[Arc<Inbox<S>>]>,
    registry: Registry,
    budget: Arc<RingBudget>,
    connections: AtomicU64,
    /// The journal outside of the hub, and what keeps it from its work.
    pub(crate) journal_waker: AtomicWaker,
    /// It waits for room: written by the journal alone, read by shards.
    pub(crate) journal_waits: AtomicBool,
    pub(crate) room_waker: AtomicWaker,
    /// 1 once the hub has what its journal had before it.
    pub(crate) ready: Milestone,
    /// How often somebody has asked a shared journal whether that is all, and how many of these questions it has answered.
    pub(crate) asked: AtomicU64,
    pub(crate) answered: Milestone,
    trouble: Mutex<Option<String>>,
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
    /// Waits while a shard's inbox is full, and for a journal outside of the hub.
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
    /// Waits only while a shard's inbox is full; dropped while it does, it has published nothing.
    ///
    /// # Errors
    /// [`PublishError`]; nothing was published then.
    pub async fn begin(
        &self,
        event: Event,
        key: Option<&IdempotencyKey>,
        wait: Wait,
    ) -> Result<Underway, PublishError> {
        let claim = key.map(|key| Claim::new(key, &event));
        let origin = self.has_outside.then(|| Box::new(Origin { event: event.clone(), key: key.cloned() }));
        let draft = self.draft(event);
        let matched = self.registry.estimate(draft.targets());
        let tally = (wait == Wait::Written).then(|| Arc::new(Tally::new(self.inboxes.len())));
        let answer = Answer { id: EventId::ZERO, matched, tally, is_repeat: false };
        Admission::new(self, draft, claim, answer, origin).await
    }

    /// Registers a connection: what is published from here on is delivered to it or counted against it.
    ///
    /// # Errors
    /// [`Full`]: there are as many connections as may be.
    ///
    /// # Panics
    /// If `subscribe.shard` is not below the number of shards.
    pub fn subscribe(self: &Arc<Self>, subscribe: Subscribe) -> Result<Subscription<S>, Full> {
        let Subscribe { mut client, mut channels, start, policy, heartbeat, form, shard, now_ms } = subscribe;
        channels.sort();
        channels.dedup();
        // Relaxed: only uniqueness matters.
        let connection = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
        if !self.registry.enter(connection, &mut client, &mut channels, self.config.connections_max) {
            return Err(Full);
        }
        let [cursor, told, opened] = [EventId::ZERO; 3];
        let (channels, opened_ms) = (channels.into(), now_ms);
        let mut subscriber =
            Box::new(Subscriber { client, channels, cursor, told, opened, policy, heartbeat, form, opened_ms });
        let targets = if start == Start::Now { Vec::new() } else { subscriber.all_targets() };
        let inbox = &self.inboxes[shard];
        let slot = SlotRef { index: inbox.take_place(), connection };
        // Under the order lock: every event up to `opened` is in the inbox before this item, every later one after.
        let now_unix_ms = self.unix_ms();
        let mut order = self.order.lock();
        let place = order.journal.place(&start, &targets, now_unix_ms);
        (subscriber.cursor, subscriber.told, subscriber.opened) = (place.cursor, place.told, order.journal.last());
        inbox.push(Item::Subscribe { slot, subscriber });
        drop(order);
        inbox.wake();
        Ok(Subscription::new(Arc::clone(self), shard, slot, place))
    }

    /// Answers what a shard asked of the journal. Called away from the shard's loop.
    pub fn read(&self, request: ReadRequest) {
        let now_ms = self.unix_ms();
        let batch = self.order.lock().journal.read(&request.query(), now_ms);
        self.inboxes[request.shard].answer(request.slot, batch);
    }

    /// What is kept of `channel` from `start` on, at most `limit`.
    pub fn history(&self, channel: &Channel, start: &Start, limit: ReadLimit) -> Page {
        let targets = [Target::Channel(channel.clone())];
        let now_ms = self.unix_ms();
        let (place, upto) = {
            let mut order = self.order.lock();
            (order.journal.place(start, &targets, now_ms), order.journal.last())
        };
        let mut page = Page { messages: Vec::new(), gap: place.gap, next: place.cursor };
        let mut bytes_left = limit.bytes_max;
        // A few at a time: publishers wait while the journal is read.
        while page.messages.len() < limit.messages_max {
            let messages_max = (limit.messages_max - page.messages.len()).min(PAGE_STEP);
            let limit = ReadLimit { messages_max, bytes_max: bytes_left };
            let query = Query { after: page.next, upto, targets: &targets, limit, opened: upto };
            let Batch { messages, next, hole } = self.order.lock().journal.read(&query, now_ms);
            let bytes = messages.iter().map(Message::bytes).sum();
            if bytes > bytes_left && !page.messages.is_empty() {
                break;
            }
            if let Some(hole) = hole.filter(|hole| hole.to > place.told) {
                let reason = page.gap.map_or(hole.reason, |gap| gap.reason);
                page.gap = Some(Gap { from: Some(place.cursor), to: Some(hole.to), missed: None, reason });
            }
            bytes_left = bytes_left.saturating_sub(bytes);
            page.messages.extend(messages);
            page.next = next;
            if next >= upto {
                break;
            }
        }
        page
    }

    /// What became of the events of each connection that `target` reaches, by the number of the connection. Answered by
    /// the shards: not once they have drained.
    pub async fn accounts_of(&self, target: &Target) -> Vec<(u64, Account)> {
        let report = Arc::new(Report::new(self.inboxes.len()));
        for inbox in &self.inboxes {
            inbox.push(Item::Report { target: target.clone(), question: Question::of(&report) });
            inbox.wake();
        }
        report.accounts().await
    }

    /// Takes no more publishes and ends every stream once it has what was accepted.
    pub fn drain(&self) {
        let mut order = self.order.lock();
        order.is_draining = true;
        let waiting = order.gate.all();
        self.inboxes.iter().for_each(|inbox| inbox.set_draining());
        if order.submissions.unanswered == 0 {
            self.post_drain();
        }
        drop(order);
        waiting.into_iter().for_each(std::task::Waker::wake);
        self.wake_shards();
        self.journal_waker.wake();
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
        self.order.lock().journal.bytes()
    }

    /// What keeps the journal from taking events, if anything does.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().clone()
    }

    pub(crate) fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock() = trouble;
    }

    /// Whether it has what its journal had before it.
    pub fn is_ready(&self) -> bool {
        self.ready.has_reached(1)
    }

    /// Waits for that.
    pub async fn ready(&self) {
        self.ready.wait(1).await;
    }

    /// Whether others write to its journal as well.
    pub fn is_shared(&self) -> bool {
        self.order.lock().journal.is_shared()
    }

    /// Whether the place may be behind an event that is in the journal already and that the hub has not read: others write to
    /// that as well, and nothing that went to one of `targets` has the id. See [`Hub::caught_up`].
    pub fn may_be_ahead(&self, start: &Start, targets: &[Target]) -> bool {
        let Start::AfterOwn(own_ids) = start else { return false };
        let order = self.order.lock();
        order.journal.is_shared() && !own_ids.is_empty() && !order.journal.knows(own_ids, targets)
    }

    /// Waits until the hub has everything that its journal has now, if others write to that as well: for as long as that
    /// cannot be reached.
    pub async fn caught_up(&self) {
        if !self.is_shared() {
            return;
        }
        // Relaxed: the wake makes it seen.
        let question = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        self.journal_waker.wake();
        self.answered.wait(question).await;
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
        ReadLimit { messages_max: self.config.ring_messages_max, bytes_max: Pass::bytes_max(&self.config) }
    }

    pub(crate) fn draft(&self, event: Event) -> Draft {
        Draft::new(event, Arc::clone(&self.budget))
    }

    pub(crate) fn unix_ms(&self) -> u64 {
        (self.clock)()
    }

    pub(crate) fn wake_shards(&self) {
        self.inboxes.iter().for_each(|inbox| inbox.wake());
    }

    pub(crate) fn leave(&self, connection: u64, subscriber: &Subscriber) {
        self.registry.leave(connection, &subscriber.client, &subscriber.channels);
    }
}

impl<S: Socket> Hub<S> {
    /// A hub that orders events itself and keeps them in memory, and its shards, each to be driven by one owner.
    pub fn new(config: Config, clock: UnixClock) -> (Arc<Self>, Vec<Shard<S>>) {
        let hub = Self::made(config, clock);
        Self::with_shards(hub)
    }

    /// A hub whose events a [`crate::Journal`] orders and keeps: the hub is to be its [`crate::Desk`].
    pub fn behind_journal(config: Config, clock: UnixClock) -> (Arc<Self>, Vec<Shard<S>>) {
        let hub = Self::made(config, clock);
        Self::with_shards(Self { has_outside: true, ready: Milestone::new(0), ..hub })
    }

    fn with_shards(hub: Self) -> (Arc<Self>, Vec<Shard<S>>) {
        let hub = Arc::new(hub);
        let shards = (0..hub.inboxes.len()).map(|number| Shard::new(Arc::clone(&hub), number)).collect();
        (hub, shards)
    }

    fn made(config: Config, clock: UnixClock) -> Self {
        let config = config.at_least_one();
        let order = Order {
            journal: MemoryJournal::new(config.history.clone(), clock()),
            idempotency: Idempotency::new(config.idempotency_ms, config.idempotency_keys_max),
            gate: Gate::default(),
            submissions: Submissions::default(),
            is_draining: false,
        };
        let inbox = || Arc::new(Inbox::new(config.inbox_messages_max, config.inbox_bytes_max));
        Self {
            order: Mutex::new(order),
            has_outside: false,
            waiting: AtomicUsize::new(0),
            inboxes: (0..config.shards).map(|_| inbox()).collect(),
            registry: Registry::default(),
            budget: Arc::new(RingBudget::new(config.hub_ring_bytes_max)),
            connections: AtomicU64::new(0),
            journal_waker: AtomicWaker::new(),
            journal_waits: AtomicBool::new(false),
            room_waker: AtomicWaker::new(),
            ready: Milestone::new(1),
            asked: AtomicU64::new(0),
            answered: Milestone::new(0),
            trouble: Mutex::default(),
            clock,
            config,
        }
    }
}
