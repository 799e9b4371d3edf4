//! [`Shard`]: a set of slots with one owner, who drives it: `turn` when the inbox wakes it, `sweep` periodically.
//!
//! Everything a connection gets passes through here in the order of the inbox. Nothing in here blocks, reads a
//! clock, or allocates, locks or waits per connection while a message is fanned out.
//!
//! # Nouns
//!
//! - Slot: the record of one connection: its state, its ring and its outlet.
//! - Pass: a few messages on their way to the slots. A mask says which of them are for one slot.
//! - Catch-up: the state of a slot that is fed from the history instead of live.
//! - Pace: the rule by which a flood of publishes waits for readers. Patience is the longest such wait.
//! - Sweep: the periodic look at every slot, for heartbeats and deadlines.

mod ahead;
mod asked;
mod catch_up;
mod closed;
mod drain;
mod envelope;
mod errand;
mod fan;
mod followers;
mod heartbeats;
mod intake;
mod ledger;
mod listing;
mod losses;
#[cfg(all(test, loom))]
mod models;
mod pace;
mod pass;
mod passes;
mod pause;
mod readers;
mod relief;
mod seats;
mod slot;
mod slots;
mod state;
mod sweep;
mod telling;
mod walk;

use std::{collections::VecDeque, hash::RandomState, mem, sync::Arc};

use crate::{
    config::Config,
    event::{
        budget::RingBudget,
        charged::Charged,
        event_id::EventId,
        fanned::Fanned,
        gap::Gap,
        notice::{CloseReason, Closed, Notice},
    },
    fates::record::Ended,
    order::Order,
    queue::{
        inbox::{Inbox, SlotRef},
        outlet::Socket,
        read_request::ReadRequest,
    },
    registry::Registry,
    shard::{
        ahead::Ahead,
        closed::ClosedRecords,
        errand::Errand,
        fan::Fan,
        followers::Followers,
        heartbeats::Heartbeats,
        ledger::Ledger,
        pace::Pace,
        pass::{Pass, Run},
        passes::Passes,
        readers::Readers,
        seats::Seats,
        slots::Slots,
        walk::{Sweep, Walk},
    },
};

/// Ticks that one look at every slot takes.
pub const SWEEP_TICKS: usize = 4;
/// Number of slots without a mask that are as much work as one slot with a write.
const SKIPPED_PER_SLOT: usize = 16;

/// The time at which the owner of a shard should come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// At once, behind others: there is more to do.
    More,
    /// Once the inbox wakes the owner.
    Idle,
    /// Once [`Inbox::ends_pause`] says so, or at this time. Publishes wait for connections that have no room for them.
    Paused {
        /// Monotonic time.
        until_ms: u64,
    },
}

/// A set of slots and all it takes to serve them.
///
/// # Example
///
/// The owner of a shard, from an old event to the end of a stream:
///
/// ```
/// use fanfare_core::{Config, Event, Target, Wait, engine::{Framing, Hub, SWEEP_TICKS, Shard, Turn}};
///
/// # use fanfare_core::{ClientId, Form, Heartbeat, Policy, Start, engine::Subscribe};
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
/// # let (start, policy, channels) = (Start::Earliest, Policy::Repair, Vec::new());
/// # let subscribe = Subscribe {
/// #     client, channels, patterns: Vec::new(), start, policy, heartbeat, form, shard: 0, now_ms: 0,
/// #     expires_ms: None, catching_up: None, held: None,
/// # };
/// let (hub, mut shards) = Hub::<Collector>::new(Config::default(), Box::new(|| 1_000));
/// # let mut publish = std::pin::pin!(hub.publish(Event::new(Target::All, "old"), Wait::Journal));
/// # assert!(publish.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready());
/// fn go_on(shard: &mut Shard<Collector>, now_ms: u64) {
///     while shard.turn(now_ms) == Turn::More {}
/// }
/// // The hub has an event. The new connection begins with the earliest one.
/// let (shard, socket) = (&mut shards[0], Collector::default());
/// hub.subscribe(subscribe)?.attach_socket(socket.clone(), Framing::Bare, 0);
/// go_on(shard, 0);
/// for request in shard.take_reads() {
///     hub.read(request);
/// }
/// go_on(shard, 0);
/// assert_eq!(socket.text(), "id: 1000-1\ndata: old\n\n");
///
/// // After 15 s without an event, a sweep gives the stream a heartbeat.
/// (0..SWEEP_TICKS).for_each(|_| shard.sweep(15_000));
/// assert!(socket.text().ends_with(":\n"));
///
/// hub.drain();
/// go_on(shard, 15_000);
/// assert_eq!((shard.open(), shard.is_drained()), (1, false), "the client has not closed its side yet");
/// assert_eq!(shard.cut(16_000), 0, "it had been given everything");
/// assert_eq!(shard.take_notices().len(), 1);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Shard<S> {
    number: usize,
    order: Arc<Order<S>>,
    registry: Arc<Registry>,
    budget: Arc<RingBudget>,
    config: Arc<Config>,
    inbox: Arc<Inbox<S>>,
    slots: Slots<S>,
    followers: Followers,
    pass: Pass,
    pace: Pace,
    readers: Readers,
    seats: Seats,
    ahead: Ahead,
    heartbeats: Heartbeats,
    ledger: Ledger,
    /// Connections that have ended.
    closed: ClosedRecords,
    passes: Passes,
    /// Questions and orders of operators that are under way.
    errands: VecDeque<Errand>,
    /// The time at which the pass began.
    pass_ms: u64,
    /// The messages of one write. Kept from slot to slot for its memory.
    scratch: Vec<Charged>,
    notices: Vec<Notice>,
    /// The newest id taken from the inbox. Only `intake` writes it.
    position: EventId,
    /// The gap that every stream is to be told, and how far that has come. Nothing is taken from the inbox meanwhile. Only
    /// `telling` writes it.
    telling: Option<(Gap, Walk)>,
    /// The progress of the drain, once there is one. Only `drain` writes it.
    drain: Option<Walk>,
    jitter: RandomState,
    /// The progress of the sweep. Only `sweep` writes it.
    sweep: Sweep,
    /// A pass has been made since the last look at what all rings hold. Only this file writes it.
    is_relief_due: bool,
}

impl<S: Socket> Shard<S> {
    pub(crate) fn new(
        number: usize,
        order: &Arc<Order<S>>,
        registry: &Arc<Registry>,
        budget: &Arc<RingBudget>,
        config: &Arc<Config>,
    ) -> Self {
        Self {
            number,
            order: Arc::clone(order),
            registry: Arc::clone(registry),
            budget: Arc::clone(budget),
            config: Arc::clone(config),
            inbox: Arc::clone(order.inbox(number)),
            slots: Slots::new(),
            followers: Followers::default(),
            pass: Pass::default(),
            pace: Pace::default(),
            readers: Readers::default(),
            seats: Seats::default(),
            ahead: Ahead::default(),
            heartbeats: Heartbeats::new(Arc::clone(budget)),
            ledger: Ledger::default(),
            closed: ClosedRecords::new(config.closed_max),
            passes: Passes::default(),
            errands: VecDeque::new(),
            pass_ms: 0,
            scratch: Vec::new(),
            notices: Vec::new(),
            position: EventId::ZERO,
            telling: None,
            drain: None,
            jitter: RandomState::new(),
            sweep: Sweep::default(),
            is_relief_due: false,
        }
    }

    /// Does a piece of the work that waits. `now_ms` is monotonic time.
    ///
    /// A turn writes to at most [`Config::turn_slots_max`] slots. Besides, it sets bits for all followers of at most a pass of
    /// messages, and answers a question about accounts for all its slots. For a question of an operator it looks at sixteen times as
    /// many slots as it may write to.
    ///
    /// [`Shard`] has an example.
    pub fn turn(&mut self, now_ms: u64) -> Turn {
        self.take_woken(now_ms);
        self.take_batches(now_ms);
        let is_sweeping = self.go_on_sweeping(now_ms);
        let mut paused_until_ms = None;
        if self.pass.is_over() {
            // Not sooner: bodies had the time between two turns to take their messages.
            if mem::take(&mut self.is_relief_due) {
                self.relieve(now_ms);
            }
            let is_telling = self.go_on_telling(now_ms);
            paused_until_ms = self.paused_until_ms(now_ms);
            if paused_until_ms.is_none() && !is_telling {
                self.take_items(now_ms);
                self.pass_ms = now_ms;
            }
        }
        self.run_pass(now_ms);
        if !self.pass.is_empty() && self.pass.is_over() {
            self.passes.push(self.pass.newest(), self.pass_ms, now_ms);
            self.pass.finish(&mut self.ledger);
            self.is_relief_due = true;
            self.forget_relaxed();
        }
        // A drain comes after all publishes in the inbox, so once the pass is over nothing is due any more.
        let is_passing = self.pass.is_under_way();
        let is_draining = !is_passing && self.go_on_draining(now_ms);
        let is_asked = !self.errands.is_empty() && self.go_on_errands(now_ms);
        // Last, so that every slot that wants to ask by now is heard.
        self.ask_history();
        if !is_passing {
            self.inbox.figures().set(&self.ledger.totals);
        }
        let is_telling = self.telling.is_some();
        let has_more =
            is_asked || is_draining || is_sweeping || is_telling || self.inbox.has_woken() || self.inbox.has_batches();
        match paused_until_ms {
            Some(until_ms) if !has_more => Turn::Paused { until_ms },
            None if !has_more && !is_passing && self.inbox.is_empty() => Turn::Idle,
            _ => Turn::More,
        }
    }

    /// The queue in front of the shard.
    pub fn inbox(&self) -> &Arc<Inbox<S>> {
        &self.inbox
    }

    /// The number of open connections.
    pub fn open(&self) -> usize {
        self.slots.open()
    }

    /// Whether messages are on their way from slot to slot. A socket that shares its connection with others may wait for the end, to
    /// write once for all.
    pub fn is_passing(&self) -> bool {
        self.pass.is_under_way()
    }

    /// Whether the drain has begun and every stream has ended.
    ///
    /// [`Shard`] has an example.
    pub fn is_drained(&self) -> bool {
        self.drain.is_some() && self.slots.open() == 0 && self.inbox.is_empty() && !self.pass.is_under_way()
    }

    /// The notices for the log since the last call.
    ///
    /// [`Shard`] has an example.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        mem::take(&mut self.notices)
    }

    /// The deliveries since the last call, of publishes whose beginning is known ([`Hub::begin_at`](crate::engine::Hub::begin_at)).
    pub fn take_fanned(&mut self) -> impl Iterator<Item = Fanned> {
        self.ledger.fanned.drain(..)
    }

    /// The requests for the history since the last call. At most [`crate::Config::reads_max`] have no batch at a time.
    ///
    /// [`Shard`] has an example.
    pub fn take_reads(&mut self) -> Vec<ReadRequest> {
        self.readers.take_requests()
    }

    /// Goes on with outlets that may go on, at most as many as one turn may look at.
    fn take_woken(&mut self, now_ms: u64) {
        for _ in 0..self.config.turn_slots_max {
            let Some(at) = self.inbox.pop_woken() else { return };
            self.go_on(at, now_ms);
        }
    }

    fn go_on(&mut self, at: SlotRef, now_ms: u64) {
        let input_bytes_max = self.config.input_bytes_max;
        let Some(slot) = self.slots.get_mut(at) else { return };
        if let Err(reason) = slot.wake_up(input_bytes_max) {
            self.remove(at, reason, now_ms);
            return;
        }
        self.flush(at, now_ms);
    }

    /// Writes what waits in a slot. Once nothing waits, the slot catches up or goes live.
    fn flush(&mut self, at: SlotRef, now_ms: u64) {
        let Some(slot) = self.slots.get_mut(at) else { return };
        let has_waited = !slot.is_flushed();
        if let Err(reason) = slot.flush(&mut self.scratch, &self.budget, &mut self.ledger, now_ms) {
            self.remove(at, reason, now_ms);
            return;
        }
        if has_waited && slot.is_flushed() {
            slot.note_emptied(now_ms);
            slot.patience_mut().emptied();
        } else if slot.has_room_for_a_pass(&self.config) {
            slot.patience_mut().relax();
        }
        if !slot.is_behind() || !slot.want_all_taken() {
            return;
        }
        if !slot.is_expired(now_ms) && slot.line_up_for_history(self.position) {
            self.readers.line_up(at);
        } else {
            self.go_live(at, now_ms);
        }
    }

    /// Makes a slot live: its last gap goes out, and its end if the hub drains or the time of the stream is over.
    fn go_live(&mut self, at: SlotRef, now_ms: u64) {
        let Some(slot) = self.slots.get_mut(at) else { return };
        let is_expired = slot.is_expired(now_ms);
        debug_assert!(is_expired || slot.account().owed == 0, "the history gave all, or said that it is gone");
        slot.go_live(&mut self.ledger, now_ms);
        self.seats.caught_up(at.connection);
        if is_expired || self.drain.is_some() {
            self.begin_closing(at);
        }
        self.flush(at, now_ms);
    }

    fn run_pass(&mut self, now_ms: u64) {
        if self.pass.is_empty() {
            return;
        }
        let messages = self.pass.lend();
        let newest = messages[messages.len() - 1].id();
        let mut run = Run::new(&messages);
        let mut left = self.config.turn_slots_max.saturating_mul(SKIPPED_PER_SLOT);
        while left > 0 {
            let Some((index, mask)) = self.pass.next() else { break };
            let Some(slot) = self.slots.at_mut(index).filter(|_| mask != 0) else {
                left -= 1;
                continue;
            };
            left = left.saturating_sub(SKIPPED_PER_SLOT);
            let due = pass::due(&messages, mask, slot.seen());
            slot.see(newest);
            let mut fan = Fan {
                config: &self.config,
                messages: &messages,
                pass: &mut self.pass,
                ledger: &mut self.ledger,
                budget: &self.budget,
                scratch: &mut self.scratch,
                now_ms,
                queued: false,
            };
            let ends = fan.deliver(slot, due, &mut run);
            let config = &self.config;
            let at = SlotRef { index, connection: slot.connection() };
            if fan.queued && slot.is_short_of_room(config) {
                self.pace.press(at, slot.patience_mut());
            }
            // A slot that has fallen behind goes on when all has left; a body says when that is so.
            if fan.queued && slot.is_behind() && slot.want_all_taken() {
                self.inbox.wake_slot(at);
            }
            if let Err(reason) = ends {
                self.remove(at, reason, now_ms);
            }
        }
        self.pass.give_back(messages);
    }

    /// Ends a connection. There is no other way, whatever the reason.
    fn remove(&mut self, at: SlotRef, reason: CloseReason, now_ms: u64) {
        let Some(slot) = self.slots.take(at) else { return };
        self.seats.leave(at.connection);
        self.pass.leave(at.index);
        self.followers.leave(at.index);
        let (connection, subscriber) = (at.connection, slot.subscriber());
        self.ahead.leave(subscriber.cursor, connection);
        self.registry.leave(connection, &subscriber.client, &subscriber.channels, &subscriber.patterns);
        let has_given_all = slot.end().is_some() && slot.has_given_all();
        let thrown_away = if has_given_all { Vec::new() } else { slot.cut() };
        let account = slot.account();
        self.ledger.totals.count_closed(reason, account.lag());
        slot.give_room(&mut self.ledger.room);
        let mut record = slot.record(Some(Ended { ms: now_ms, reason }));
        record.waiting.extend(thrown_away);
        self.closed.push(record);
        self.notices.push(Notice::Closed(Closed {
            connection,
            client: subscriber.client.clone(),
            reason,
            age_ms: now_ms.saturating_sub(subscriber.opened_ms),
            account,
        }));
        // The index is free for another slot once nothing in here names this one.
        drop(slot);
        self.inbox.give_index(at.index);
    }
}

impl<S> Drop for Shard<S> {
    /// Items that nobody will take must not keep sockets open (their wakers hold the inbox that holds them), nor let anybody wait
    /// for an answer.
    fn drop(&mut self) {
        self.slots.iter().for_each(|slot| drop(slot.cut()));
        self.order.shard_ended(self.number);
    }
}
