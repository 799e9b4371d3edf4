//! The order of events: each publish gets its id and goes to every shard, here or by way of an external journal.
//!
//! Under the lock only the id line is encoded. Nothing is awaited or written there. This folder knows `event`, `history`, `queue`
//! and `config`. It knows no shard and no slot.
//!
//! # Nouns
//!
//! - [`Order`]: gives ids under one lock, keeps each event and puts it into every inbox.
//! - [`ticket::Ticket`]: the publisher's end of a publish, until it is answered.
//! - [`journal::Journal`]: an external store that orders and keeps events, such as a disk.
//! - [`journal::Desk`]: the interface of the hub that a journal uses.
//! - [`submission::Submission`]: a publish on its way through a journal.
//!
//! # Walk
//!
//! A [`submission::Publish`] waits until every inbox has room for it, then gets its id and becomes an [`answer::Answer`]. With
//! an external journal it comes as a `Submission` instead. The journal takes it from the `Desk`, keeps it, and settles it with
//! its id. In both cases the event is appended to the history and pushed into every inbox in one step.

pub(crate) mod admission;
pub(crate) mod answer;
pub(crate) mod claim;
mod desk;
pub(crate) mod external;
pub(crate) mod journal;
mod keys;
mod looks;
mod reads;
pub(crate) mod submission;
pub(crate) mod ticket;
mod wakes;

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use crate::{
    config::Config,
    event::{Event, budget::RingBudget, draft::Draft, event_id::EventId, gap::Gap},
    history::{
        History,
        read::{Beginning, Start},
    },
    order::{
        answer::{Answer, PublishError},
        external::External,
        keys::Keys,
        submission::{Publish, Submissions, Way},
        ticket::Ticket,
        wakes::Wakes,
    },
    queue::{
        drain::Drain,
        gate::Gate,
        inbox::{Amount, Inbox, Item, SlotRef},
        subscriber::{NEVER, Subscribe, Subscriber, all_targets},
        tally::Part,
    },
    sync::{AtomicU64, Mutex, MutexGuard, Ordering},
};

/// A clock that gives Unix time in milliseconds. Core itself reads none.
pub type UnixClock = Box<dyn Fn() -> u64 + Send + Sync>;

/// Gives events their ids, one after the other, and hands them to the shards in that order.
pub(crate) struct Order<S> {
    locked: Mutex<Locked>,
    inboxes: Box<[Arc<Inbox<S>>]>,
    gate: Arc<Gate>,
    drain: Arc<Drain>,
    external: External,
    inbox_bytes_max: usize,
    budget: Arc<RingBudget>,
    clock: UnixClock,
    /// Publishers that found the lock taken.
    contentions: AtomicU64,
    began_ms: u64,
}

impl<S> fmt::Debug for Order<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order").field("external", &self.external).finish_non_exhaustive()
    }
}

/// The state that the order lock guards.
#[derive(Debug)]
struct Locked {
    history: History,
    keys: Keys,
    submissions: Submissions,
    /// Events that were handed over, and their bytes.
    events: u64,
    event_bytes: u64,
}

impl<S> Order<S> {
    /// An order for `config.shards` inboxes.
    pub(crate) fn new(config: &Config, external: External, budget: Arc<RingBudget>, clock: UnixClock) -> Self {
        let (gate, drain) = (Arc::new(Gate::new()), Arc::new(Drain::new()));
        let inbox = || Arc::new(Inbox::new(config, Arc::clone(&gate), Arc::clone(&drain)));
        let locked = Locked {
            history: History::new(config.history.clone(), clock()),
            keys: Keys::new(config.idempotency_ms, config.idempotency_keys_max),
            submissions: Submissions::default(),
            events: 0,
            event_bytes: 0,
        };
        let inboxes = (0..config.shards).map(|_| inbox()).collect();
        let inbox_bytes_max = config.inbox_bytes_max;
        let (locked, contentions, began_ms) = (Mutex::new(locked), AtomicU64::new(0), clock());
        Self { locked, inboxes, gate, drain, external, inbox_bytes_max, budget, clock, contentions, began_ms }
    }

    pub(crate) fn inbox(&self, shard: usize) -> &Arc<Inbox<S>> {
        &self.inboxes[shard]
    }

    pub(crate) fn inboxes(&self) -> &[Arc<Inbox<S>>] {
        &self.inboxes
    }

    pub(crate) fn external(&self) -> &External {
        &self.external
    }

    fn lock(&self) -> MutexGuard<'_, Locked> {
        self.locked.lock()
    }

    /// As [`Order::lock`], for a publisher. Counts if another has the lock.
    fn lock_counted(&self) -> MutexGuard<'_, Locked> {
        self.locked.try_lock().unwrap_or_else(|| {
            // Relaxed: a figure for people.
            self.contentions.fetch_add(1, Ordering::Relaxed);
            self.lock()
        })
    }

    fn wakes(&self) -> Wakes<'_, S> {
        Wakes::new(&self.inboxes, &self.external)
    }

    /// Encodes an event. Called without the lock.
    pub(crate) fn draft(&self, event: Event) -> Draft {
        Draft::new(event, Arc::clone(&self.budget))
    }

    fn unix_ms(&self) -> u64 {
        (self.clock)()
    }

    /// Looks once whether the publish may go, and admits it then. Does everything under one lock. A publish that has joined the
    /// queue at the gate leaves it by [`Order::leave_gate`].
    pub(crate) fn poll_admit(
        &self,
        way: &mut Option<Way>,
        place: &mut Option<u64>,
        cx: &Context<'_>,
    ) -> Poll<Result<Ticket, PublishError>> {
        let mut wakes = self.wakes();
        let mut locked = self.lock_counted();
        let Some(publish) = way.as_ref().map(Way::publish) else { return Poll::Pending };
        if let Some(claim) = &publish.claim
            && let Some(ticket) = locked.keys.find(claim, self.unix_ms())?
        {
            return Poll::Ready(Ok(ticket));
        }
        self.check(&locked)?;
        let bytes = publish.draft.bytes_max();
        let may_go = |place| self.gate.is_first(place) && self.has_room(&locked, bytes);
        if !may_go(*place) {
            *place = Some(self.gate.join(*place, cx.waker()));
            // A shard may have freed room before it saw the announcement, so look again.
            if !may_go(*place) {
                return Poll::Pending;
            }
        }
        let Some(way) = way.take() else { return Poll::Pending };
        Poll::Ready(Ok(self.admit(&mut locked, way, &mut wakes)))
    }

    /// Takes a publisher out of the queue at the gate: it is admitted, or has given up.
    pub(crate) fn leave_gate(&self, place: u64) {
        self.gate.leave(place);
    }

    /// Gives the id, or leaves that to the external journal. The caller has made sure of room.
    fn admit(&self, locked: &mut Locked, way: Way, wakes: &mut Wakes<'_, S>) -> Ticket {
        match way {
            Way::Here(publish) => {
                let now_ms = self.unix_ms();
                let id = locked.history.last().next(now_ms);
                wakes.add_shards();
                Ticket::known(self.hand_over(locked, id, publish, now_ms))
            }
            Way::Journal(submission) => {
                let ticket = submission.reply.ticket();
                if let Some(claim) = &submission.publish.claim {
                    locked.keys.begin(claim, submission.reply.ticket());
                }
                locked.submissions.push(*submission, self.unix_ms());
                wakes.add_journal();
                ticket
            }
        }
    }

    /// Whether every inbox has room for a publish of `bytes` besides the room promised to submissions.
    fn has_room(&self, locked: &Locked, bytes: usize) -> bool {
        let promised = locked.submissions.promised();
        self.inboxes.iter().all(|inbox| inbox.has_room(promised, bytes))
    }

    /// Keeps an event and hands it to every shard. All events come through here, in the order of their ids. The caller has made
    /// sure of room. A purge goes to nobody: it matches the events that it throws away.
    fn hand_over(&self, locked: &mut Locked, id: EventId, publish: Publish, now_ms: u64) -> Answer {
        let Publish { draft, claim, matched, tally } = publish;
        let purged = draft.purges().map(|channel| locked.history.purge(id, channel));
        let answer = match purged {
            Some(matched) => Answer { matched, ..Answer::of(id) },
            None => Answer { id, matched, tally, is_repeat: false },
        };
        if let Some(claim) = claim {
            locked.keys.store(claim, answer.clone());
        }
        if purged.is_some() {
            return answer;
        }
        let message = locked.history.append(id, draft, now_ms);
        message.begin_fan_out(self.inboxes.len());
        locked.events += 1;
        locked.event_bytes += u64::try_from(message.bytes()).unwrap_or(u64::MAX);
        for inbox in &self.inboxes {
            let part = answer.tally.as_ref().map(Part::of);
            inbox.push_counted(Item::Publish { message: message.clone(), part }, message.bytes());
        }
        answer
    }

    /// Frees the `room` that was promised to a submission, because that has its answer.
    fn answered(&self, locked: &mut Locked, room: Amount) {
        locked.submissions.give_back(room);
        if self.is_over(locked) {
            self.post_drain();
        }
    }

    /// Whether the hub drains and no answer of the journal is missing.
    fn is_over(&self, locked: &Locked) -> bool {
        self.drain.has_begun() && locked.submissions.is_empty()
    }

    /// Puts the last item into every inbox, behind all accepted publishes.
    fn post_drain(&self) {
        self.inboxes.iter().for_each(|inbox| inbox.push(Item::Drain));
    }

    /// Registers a connection with its shard. The inbox has every event up to [`Subscriber::opened`] before the connection, and
    /// every later one behind it.
    pub(crate) fn register(&self, slot: SlotRef, subscribe: Subscribe) -> Beginning {
        let Subscribe { client, channels, patterns, start, policy, heartbeat, form, shard, .. } = subscribe;
        let (opened_ms, expires_ms) = (subscribe.now_ms, subscribe.expires_ms.unwrap_or(NEVER));
        let (catching_up, held) = (subscribe.catching_up, subscribe.held);
        let (channels, patterns) = (channels.into_boxed_slice(), patterns.into_boxed_slice());
        let targets = if start == Start::Now { Vec::new() } else { all_targets(&client, &channels) };
        let (inbox, now_ms) = (&self.inboxes[shard], self.unix_ms());
        let mut locked = self.lock();
        let beginning = locked.history.beginning(&start, &targets, &patterns, now_ms);
        let (cursor, opened) = (beginning.cursor, locked.history.last());
        let subscriber = Box::new(Subscriber {
            client,
            channels,
            patterns,
            cursor,
            opened,
            policy,
            heartbeat,
            form,
            opened_ms,
            expires_ms,
            held,
        });
        inbox.push(Item::Subscribe { slot, subscriber, known: beginning.known, catching_up, gap: beginning.gap });
        drop(locked);
        inbox.wake();
        beginning
    }

    /// Notes that events up to `upto` are lost. Every open stream gets the gap, and every later one with an older cursor.
    fn lose(&self, locked: &mut Locked, gap: Gap, upto: EventId) {
        locked.history.lose(upto, gap.reason);
        for inbox in &self.inboxes {
            // Counts as a publish, so that many of them do not pile up.
            inbox.push_counted(Item::Lost(gap), 0);
        }
    }

    /// Takes no more publishes, and ends every stream after the last accepted event.
    pub(crate) fn drain(&self) {
        let mut wakes = self.wakes();
        let locked = self.lock();
        self.drain.begin();
        wakes.add_shards();
        wakes.add(self.gate.all());
        wakes.add_journal();
        if locked.submissions.is_empty() {
            self.post_drain();
        }
    }

    /// Forgets some events and keys that are too old.
    pub(crate) fn expire(&self) {
        let now_ms = self.unix_ms();
        let mut locked = self.lock();
        locked.history.expire(now_ms);
        locked.keys.expire(now_ms);
    }

    /// Closes the inbox of a shard that is gone. Publishers at the gate look again, and find it closed.
    pub(crate) fn shard_ended(&self, shard: usize) {
        let mut wakes = self.wakes();
        let _locked = self.lock();
        self.inboxes[shard].close();
        wakes.add(self.gate.all());
        // A closed inbox keeps nobody waiting.
        self.gate.wake_journal();
    }

    /// The first error that a publish meets before it waits for room.
    fn check(&self, locked: &Locked) -> Result<(), PublishError> {
        if self.external.is_there() && locked.submissions.is_closed() {
            return Err(PublishError::Journal);
        }
        if self.drain.has_begun() {
            return Err(PublishError::Draining);
        }
        // The connections of a closed inbox would not get the event.
        if self.inboxes.iter().any(|inbox| inbox.is_closed()) {
            return Err(PublishError::Broken);
        }
        Ok(())
    }

    /// Whether no room is promised, for models.
    #[cfg(all(test, loom))]
    pub(crate) fn is_unpromised(&self) -> bool {
        self.lock().submissions.is_empty()
    }
}
