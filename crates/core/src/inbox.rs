//! [`Inbox`]: what a shard still has to take: publishes and everything that happens to its slots, in one order.
//!
//! A publish needs room in every inbox before it is ordered, so a push never fails; the owner is woken after it. Events that
//! a journal outside of the hub has not answered are promised their room.

use std::task::Context;

use crate::{
    gap::Gap,
    memory_journal::Batch,
    message::Message,
    notice::CloseReason,
    outlet::Outlet,
    receipt::{Part, Question},
    subscription::Subscriber,
    sync::{AtomicBool, AtomicU32, AtomicUsize, AtomicWaker, Ordering, SegQueue, fence},
    target::Target,
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
    /// Publishes that a journal outside of the hub may bring, and their bytes. Written under the hub's order lock.
    promised: Load,
    messages_max: usize,
    bytes_max: usize,
    is_draining: AtomicBool,
    is_closed: AtomicBool,
    owner: AtomicWaker,
}

impl<S> Inbox<S> {
    pub(crate) fn new(messages_max: usize, bytes_max: usize) -> Self {
        Self {
            items: SegQueue::new(),
            ready: SegQueue::new(),
            answers: SegQueue::new(),
            vacant: SegQueue::new(),
            places: AtomicU32::new(0),
            queued: Load::new(),
            promised: Load::new(),
            messages_max: messages_max.max(1),
            bytes_max,
            is_draining: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            owner: AtomicWaker::new(),
        }
    }

    /// Whether a publish of `bytes` may come in; an inbox without publishes takes one of any size.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        let (queued, promised) = (self.queued.get(), self.promised.get());
        let (messages, held) = (queued.0 + promised.0, queued.1 + promised.1);
        messages == 0 || (messages < self.messages_max && held.saturating_add(bytes) <= self.bytes_max)
    }

    /// Whether the publishes in it leave half of it free. What is only promised does not count.
    pub(crate) fn is_half_empty(&self) -> bool {
        let (messages, bytes) = self.queued.get();
        messages == 0 || (messages <= self.messages_max / 2 && bytes <= self.bytes_max / 2)
    }

    /// Keeps room for a publish of at most `bytes`. Only called under the hub's order lock, after `has_room`.
    pub(crate) fn promise(&self, bytes: usize) {
        self.promised.add(1, bytes);
    }

    /// Gives that room back.
    pub(crate) fn end_promise(&self, bytes: usize) {
        self.promised.sub(1, bytes);
    }

    /// Queues a publish, or a loss that takes the place of one. Only called under the hub's order lock.
    pub(crate) fn push_counted(&self, item: Item<S>, bytes: usize) {
        // Relaxed: the lock orders it.
        if !self.is_closed() {
            self.queued.add(1, bytes);
            self.items.push(item);
        }
    }

    /// The owner has taken publishes: their room is free.
    pub(crate) fn release(&self, messages: usize, bytes: usize) {
        self.queued.sub(messages, bytes);
    }

    /// The hub drains: the last item is in the queue, or comes when a journal outside has answered.
    pub(crate) fn set_draining(&self) {
        // Relaxed here and below: the wake that follows makes it seen.
        self.is_draining.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
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
    /// under the hub's order lock.
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

    /// Publishes that wait in it, and their bytes.
    pub fn load(&self) -> (usize, usize) {
        self.queued.get()
    }
}

/// A number of publishes, and their bytes. SeqCst everywhere: a publisher that found no room registers and looks again, the
/// shard frees and then looks for registered publishers, and one of them must see the other. See `Hub::release` and
/// `Hub::has_room_to_bring`.
#[derive(Debug)]
struct Load {
    messages: AtomicUsize,
    bytes: AtomicUsize,
}

impl Load {
    fn new() -> Self {
        Self { messages: AtomicUsize::new(0), bytes: AtomicUsize::new(0) }
    }

    fn get(&self) -> (usize, usize) {
        (self.messages.load(Ordering::SeqCst), self.bytes.load(Ordering::SeqCst))
    }

    fn add(&self, messages: usize, bytes: usize) {
        self.messages.fetch_add(messages, Ordering::SeqCst);
        self.bytes.fetch_add(bytes, Ordering::SeqCst);
    }

    fn sub(&self, messages: usize, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::SeqCst);
        self.messages.fetch_sub(messages, Ordering::SeqCst);
    }
}
