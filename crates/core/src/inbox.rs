//! [`Inbox`]: what a shard still has to take: publishes and everything that happens to its slots, in one order.
//!
//! Publishers reserve places before an event is ordered, so a push never fails; the owner is woken after it.

use std::{sync::Arc, task::Context};

use crate::{
    gap::Gap,
    memory_journal::Batch,
    message::Message,
    notice::CloseReason,
    outlet::Outlet,
    receipt::{Report, Tally},
    subscription::Subscriber,
    sync::{AtomicBool, AtomicU32, AtomicUsize, AtomicWaker, Ordering, SegQueue},
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
        tally: Option<Arc<Tally>>,
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
        report: Arc<Report>,
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
    /// Publishes reserved or queued, and their bytes.
    messages: AtomicUsize,
    bytes: AtomicUsize,
    messages_max: usize,
    bytes_max: usize,
    is_draining: AtomicBool,
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
            messages: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            messages_max: messages_max.max(1),
            bytes_max,
            is_draining: AtomicBool::new(false),
            owner: AtomicWaker::new(),
        }
    }

    /// Whether a publish of `bytes` may come in; an inbox without publishes takes one of any size.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        // SeqCst: a publisher that found no room registers and looks again, the shard frees and then looks for
        // registered publishers; one of them must see the other. See `Hub::release`.
        let (messages, held) = (self.messages.load(Ordering::SeqCst), self.bytes.load(Ordering::SeqCst));
        messages == 0 || (messages < self.messages_max && held.saturating_add(bytes) <= self.bytes_max)
    }

    /// Whether the publishes in it leave half of it free, without those that are only `reserved` and their bytes.
    pub(crate) fn is_half_empty(&self, reserved: (usize, usize)) -> bool {
        // SeqCst: see `Hub::has_room_to_bring`.
        let (messages, bytes) = (self.messages.load(Ordering::SeqCst), self.bytes.load(Ordering::SeqCst));
        let (messages, bytes) = (messages.saturating_sub(reserved.0), bytes.saturating_sub(reserved.1));
        messages == 0 || (messages <= self.messages_max / 2 && bytes <= self.bytes_max / 2)
    }

    /// Reserves a place. Only called under the hub's order lock, after `has_room`.
    pub(crate) fn reserve(&self, bytes: usize) {
        self.messages.fetch_add(1, Ordering::SeqCst);
        self.bytes.fetch_add(bytes, Ordering::SeqCst);
    }

    /// Gives places back.
    pub(crate) fn release(&self, messages: usize, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::SeqCst);
        self.messages.fetch_sub(messages, Ordering::SeqCst);
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

    /// Publishes waiting or reserved, and their bytes.
    pub fn load(&self) -> (usize, usize) {
        (self.messages.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }
}
