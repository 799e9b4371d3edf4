//! [`Inbox`]: what a shard still has to take: publishes and everything that happens to its slots, in one order.
//!
//! A publish needs room in every inbox before it is ordered, so a push never fails; the owner is woken after it. Room that is
//! promised to events on their way through an external journal is counted by the order ([`crate::order`]).

use std::{sync::Arc, task::Context};

use crate::{
    config::Config,
    event::{event_id::EventId, gap::Gap, message::Message, notice::CloseReason, target::Target},
    history::read::Batch,
    queue::{
        gate::Gate,
        outlet::Outlet,
        phase::Phase,
        subscriber::Subscriber,
        tally::{Part, Question},
    },
    sync::{AtomicBool, AtomicU32, AtomicUsize, AtomicWaker, Ordering, SegQueue, fence},
};

/// Names one connection in its shard; a later connection in the same place has another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SlotRef {
    pub(crate) index: u32,
    pub(crate) connection: u64,
}

/// One thing for a shard to do.
#[derive(Debug)]
pub(crate) enum Item<S> {
    Publish {
        message: Message,
        part: Option<Part>,
    },
    Subscribe {
        slot: SlotRef,
        subscriber: Box<Subscriber>,
        /// The client knows of everything up to here that the history does not keep any more.
        known: EventId,
    },
    Attach {
        slot: SlotRef,
        outlet: Outlet<S>,
        input_bytes: usize,
    },
    Leave {
        slot: SlotRef,
        reason: CloseReason,
    },
    Report {
        target: Target,
        question: Question,
    },
    /// The journal has missed something: every connection that is open is told.
    Lost(Gap),
    Drain,
}

/// The queue in front of one shard.
#[derive(Debug)]
pub struct Inbox<S> {
    items: SegQueue<Item<S>>,
    /// Slots whose outlet may go on. Apart from `items`, so that they need not wait for a pass to end.
    ready: SegQueue<SlotRef>,
    /// What the journal gave. Apart from `items` as well: behind a flood it would be of yesterday when it is taken.
    answers: SegQueue<(SlotRef, Batch)>,
    /// Places of slots that left.
    vacant: SegQueue<u32>,
    /// Places ever used.
    places: AtomicU32,
    /// Publishes in `items`, and their bytes.
    queued: Load,
    messages_max: usize,
    bytes_max: usize,
    /// Whoever waits for room in it.
    gate: Arc<Gate>,
    phase: Arc<Phase>,
    is_closed: AtomicBool,
    owner: AtomicWaker,
}

impl<S> Inbox<S> {
    pub(crate) fn new(config: &Config, gate: Arc<Gate>, phase: Arc<Phase>) -> Self {
        Self {
            items: SegQueue::new(),
            ready: SegQueue::new(),
            answers: SegQueue::new(),
            vacant: SegQueue::new(),
            places: AtomicU32::new(0),
            queued: Load::new(),
            messages_max: config.inbox_messages_max.max(1),
            bytes_max: config.inbox_bytes_max,
            gate,
            phase,
            is_closed: AtomicBool::new(false),
            owner: AtomicWaker::new(),
        }
    }

    /// Whether a publish of `bytes` may come in beside what is promised to others; an inbox without publishes takes one of any
    /// size.
    pub(crate) fn has_room(&self, promised: Amount, bytes: usize) -> bool {
        let queued = self.queued.get();
        let (messages, held) = (queued.messages + promised.messages, queued.bytes + promised.bytes);
        messages == 0 || (messages < self.messages_max && held.saturating_add(bytes) <= self.bytes_max)
    }

    /// Whether the publishes in it leave half of it free.
    pub(crate) fn is_half_empty(&self) -> bool {
        let Amount { messages, bytes } = self.queued.get();
        messages == 0 || (messages <= self.messages_max / 2 && bytes <= self.bytes_max / 2)
    }

    /// Queues a publish, or a loss that takes the place of one. Only called under the order lock.
    pub(crate) fn push_counted(&self, item: Item<S>, bytes: usize) {
        // Relaxed: the lock orders it.
        if !self.is_closed() {
            self.queued.add(Amount { messages: 1, bytes });
            self.items.push(item);
        }
    }

    /// The owner has taken publishes: their room is free, and whoever waits for it may look again.
    pub(crate) fn release(&self, taken: Amount) {
        self.queued.sub(taken);
        self.gate.ring();
    }

    /// Whether the hub drains: the last item is in the queue, or comes when an external journal has answered.
    pub(crate) fn is_draining(&self) -> bool {
        self.phase.is_draining()
    }

    /// Queues without waking: call [`Inbox::wake`] after whatever lock is held.
    pub(crate) fn push(&self, item: Item<S>) {
        self.items.push(item);
        // Here and in `close`: either this push sees that nobody takes the item, or `close` sees the item.
        fence(Ordering::SeqCst);
        if self.is_closed() {
            self.clear();
        }
    }

    /// The owner is gone: what is in it and what still comes is dropped, with whatever waits for its answer. Only called
    /// under the order lock.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        self.clear();
    }

    /// Whether its owner is gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    fn clear(&self) {
        while let Some(item) = self.items.pop() {
            if let Item::Attach { outlet, .. } = item {
                outlet.cut();
            }
        }
    }

    pub(crate) fn pop(&self) -> Option<Item<S>> {
        self.items.pop()
    }

    pub(crate) fn pop_ready(&self) -> Option<SlotRef> {
        self.ready.pop()
    }

    /// The journal has answered for `slot`.
    pub(crate) fn answer(&self, slot: SlotRef, batch: Batch) {
        self.answers.push((slot, batch));
        self.wake();
    }

    pub(crate) fn pop_answer(&self) -> Option<(SlotRef, Batch)> {
        self.answers.pop()
    }

    /// A place for a new slot.
    pub(crate) fn take_place(&self) -> u32 {
        self.vacant.pop().unwrap_or_else(|| self.places.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn give_place(&self, index: u32) {
        self.vacant.push(index);
    }

    /// The outlet of `slot` may go on: it is writable, has input, or was emptied.
    pub fn ready(&self, slot: SlotRef) {
        self.ready.push(slot);
        self.wake();
    }

    /// Wakes the owner.
    pub fn wake(&self) {
        self.owner.wake();
    }

    /// The owner registers itself, then must look once more before it sleeps.
    pub fn register(&self, cx: &Context<'_>) {
        self.owner.register(cx.waker());
    }

    /// Whether nothing waits to be taken.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.ready.is_empty() && self.answers.is_empty()
    }

    /// Whether the outlet of some slot may go on.
    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Whether the journal has answered.
    pub(crate) fn has_answers(&self) -> bool {
        !self.answers.is_empty()
    }

    /// Whether an owner that is paused should look again: some outlet may go on, the journal has answered, or the hub
    /// drains.
    pub fn ends_pause(&self) -> bool {
        self.has_ready() || self.has_answers() || self.is_draining()
    }

    /// The publishes that wait in it.
    pub fn load(&self) -> Amount {
        self.queued.get()
    }
}

/// A number of publishes, and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// How many.
    pub messages: usize,
    /// Bytes of all of them.
    pub bytes: usize,
}

/// An [`Amount`] that threads share. SeqCst everywhere: see [`Gate`].
#[derive(Debug)]
struct Load {
    messages: AtomicUsize,
    bytes: AtomicUsize,
}

impl Load {
    fn new() -> Self {
        Self { messages: AtomicUsize::new(0), bytes: AtomicUsize::new(0) }
    }

    fn get(&self) -> Amount {
        Amount { messages: self.messages.load(Ordering::SeqCst), bytes: self.bytes.load(Ordering::SeqCst) }
    }

    fn add(&self, amount: Amount) {
        self.messages.fetch_add(amount.messages, Ordering::SeqCst);
        self.bytes.fetch_add(amount.bytes, Ordering::SeqCst);
    }

    fn sub(&self, amount: Amount) {
        self.bytes.fetch_sub(amount.bytes, Ordering::SeqCst);
        self.messages.fetch_sub(amount.messages, Ordering::SeqCst);
    }
}
