//! [`Inbox`]: the queue in front of one shard, for publishes and everything that happens to its slots, in one order.
//!
//! A publish finds room in every inbox before it gets its id, so a push never fails. The owner of the shard is woken after it.
//! The order ([`crate::order`]) counts the room that is promised to submissions of an external journal.

use std::{sync::Arc, task::Context};

use crate::{
    config::Config,
    event::{account::Account, event_id::EventId, gap::Gap, message::Message, notice::CloseReason, target::Target},
    history::read::Batch,
    queue::{
        drain::Drain,
        gate::Gate,
        listing::{ListQuery, Listed, Whose, Witness},
        outlet::Outlet,
        shard_figures::ShardFigures,
        subscriber::{Seat, Subscriber},
        tally::{Inquiry, Part},
    },
    sync::{AtomicBool, AtomicU32, AtomicUsize, AtomicWaker, Ordering, SegQueue, fence},
};

/// The name of one connection in its shard. A later connection with the same index has another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SlotRef {
    pub(crate) index: u32,
    pub(crate) connection: u64,
}

/// One piece of work for a shard.
#[derive(Debug)]
pub(crate) enum Item<S> {
    Publish {
        message: Message,
        part: Option<Part>,
    },
    Subscribe {
        slot: SlotRef,
        subscriber: Box<Subscriber>,
        /// Events up to this id may be missing without a gap.
        known: EventId,
        /// A seat for as long as the stream catches up.
        catching_up: Option<Seat>,
        /// The gap that the first lines of the stream tell.
        gap: Option<Gap>,
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
        inquiry: Inquiry<(u64, Account)>,
    },
    List {
        query: ListQuery,
        inquiry: Inquiry<Listed>,
    },
    Testify {
        whose: Whose,
        id: EventId,
        inquiry: Inquiry<Witness>,
    },
    Disconnect {
        whose: Whose,
        inquiry: Inquiry<u64>,
    },
    /// The journal has lost events. Every open connection gets this gap.
    Lost(Gap),
    Drain,
}

/// The queue in front of one shard.
///
/// ```
/// use std::{sync::{Arc, atomic::{AtomicBool, Ordering}}, task::{Context, Wake, Waker}};
///
/// use fanfare_core::{Config, Event, Target, Wait, engine::{Hub, Turn}};
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
/// # #[derive(Default)]
/// # struct Owner { is_awake: AtomicBool }
/// # impl Wake for Owner { fn wake(self: Arc<Self>) { self.is_awake.store(true, Ordering::SeqCst); } }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (hub, mut shards) = Hub::<NoSocket>::new(Config::default(), Box::new(|| 1_000));
/// # let owner = Arc::<Owner>::default();
/// let (shard, inbox) = (&mut shards[0], Arc::clone(hub.inbox(0)));
/// // The owner registers, looks once more, and sleeps.
/// inbox.register(&Context::from_waker(&Waker::from(Arc::clone(&owner))));
/// assert!(inbox.is_empty());
///
/// // `now` expects that a future need not wait.
/// now(hub.publish(Event::new(Target::All, "hello"), Wait::Journal))?;
/// assert!(owner.is_awake.load(Ordering::SeqCst));
/// assert_eq!(inbox.load().messages, 1);
/// while shard.turn(0) == Turn::More {}
/// assert!(inbox.is_empty() && inbox.load().messages == 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Inbox<S> {
    items: SegQueue<Item<S>>,
    /// Slots whose outlets may go on. Separate from `items`, so that they need not wait for the end of a pass.
    woken: SegQueue<SlotRef>,
    /// Batches from the history. Separate from `items` too, because behind a flood they would be outdated when they are taken.
    batches: SegQueue<(SlotRef, Batch)>,
    /// Indices of slots that have left.
    vacant: SegQueue<u32>,
    /// The number of indices ever used.
    indices: AtomicU32,
    /// The publishes in `items`.
    queued: Load,
    messages_max: usize,
    bytes_max: usize,
    /// The publishers that wait for room.
    gate: Arc<Gate>,
    drain: Arc<Drain>,
    is_closed: AtomicBool,
    /// The totals of the shard.
    figures: ShardFigures,
    owner: AtomicWaker,
}

impl<S> Inbox<S> {
    pub(crate) fn new(config: &Config, gate: Arc<Gate>, drain: Arc<Drain>) -> Self {
        Self {
            items: SegQueue::new(),
            woken: SegQueue::new(),
            batches: SegQueue::new(),
            vacant: SegQueue::new(),
            indices: AtomicU32::new(0),
            queued: Load::new(),
            messages_max: config.inbox_messages_max.max(1),
            bytes_max: config.inbox_bytes_max,
            gate,
            drain,
            is_closed: AtomicBool::new(false),
            figures: ShardFigures::new(),
            owner: AtomicWaker::new(),
        }
    }

    /// Whether there is room for a publish of `bytes` besides the promised room. An inbox without publishes takes one of any
    /// size.
    pub(crate) fn has_room(&self, promised: Amount, bytes: usize) -> bool {
        let queued = self.queued.get();
        let (messages, bytes_before) = (queued.messages + promised.messages, queued.bytes + promised.bytes);
        messages == 0 || (messages < self.messages_max && bytes_before.saturating_add(bytes) <= self.bytes_max)
    }

    /// Whether the publishes take at most half of the room. An inbox without an owner takes nothing, and keeps nobody waiting.
    pub(crate) fn is_half_empty(&self) -> bool {
        let Amount { messages, bytes } = self.queued.get();
        self.is_closed() || messages == 0 || (messages <= self.messages_max / 2 && bytes <= self.bytes_max / 2)
    }

    /// Queues a publish, or a loss that counts as one. Called under the order lock.
    pub(crate) fn push_counted(&self, item: Item<S>, bytes: usize) {
        // Relaxed: the lock orders it.
        if !self.is_closed() {
            self.queued.add(Amount { messages: 1, bytes });
            self.items.push(item);
        }
    }

    /// Frees the room of publishes that the owner has taken, and wakes the gate.
    pub(crate) fn release(&self, taken: Amount) {
        self.queued.sub(taken);
        self.gate.wake_first();
    }

    /// Whether the hub drains. The last item is in the queue or comes once an external journal has answered.
    pub(crate) fn is_draining(&self) -> bool {
        self.drain.has_begun()
    }

    /// Queues without waking. The caller calls [`Inbox::wake`] once it holds no lock.
    pub(crate) fn push(&self, item: Item<S>) {
        self.items.push(item);
        // SeqCst here and in `close`: either this push sees that the inbox is closed, or `close` sees the item.
        fence(Ordering::SeqCst);
        if self.is_closed() {
            self.clear();
        }
    }

    /// Closes the inbox, because its owner is gone. All items in it and all later ones are dropped, which answers those that
    /// wait for them. Called under the order lock.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        self.clear();
    }

    /// Whether the owner is gone.
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

    pub(crate) fn pop_woken(&self) -> Option<SlotRef> {
        self.woken.pop()
    }

    /// Queues a batch from the history for `slot`, and wakes the owner.
    pub(crate) fn push_batch(&self, slot: SlotRef, batch: Batch) {
        self.batches.push((slot, batch));
        self.wake();
    }

    pub(crate) fn pop_batch(&self) -> Option<(SlotRef, Batch)> {
        self.batches.pop()
    }

    /// Takes an index for a new slot.
    pub(crate) fn take_index(&self) -> u32 {
        self.vacant.pop().unwrap_or_else(|| self.indices.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn give_index(&self, index: u32) {
        self.vacant.push(index);
    }

    /// Notes that the outlet of `slot` may go on (it is writable, has input or was emptied), and wakes the owner.
    pub fn wake_slot(&self, slot: SlotRef) {
        self.woken.push(slot);
        self.wake();
    }

    /// Wakes the owner.
    pub fn wake(&self) {
        self.owner.wake();
    }

    /// Registers the owner, which must look once more before it sleeps.
    pub fn register(&self, cx: &Context<'_>) {
        self.owner.register(cx.waker());
    }

    /// Whether there is no work for the owner.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.woken.is_empty() && self.batches.is_empty()
    }

    /// Whether the outlet of any slot may go on.
    pub(crate) fn has_woken(&self) -> bool {
        !self.woken.is_empty()
    }

    /// Whether there is a batch from the history.
    pub(crate) fn has_batches(&self) -> bool {
        !self.batches.is_empty()
    }

    /// Whether a paused owner should look again: an outlet may go on, a batch has come, or the hub drains.
    pub fn ends_pause(&self) -> bool {
        self.has_woken() || self.has_batches() || self.is_draining()
    }

    /// The totals of the shard.
    pub(crate) fn figures(&self) -> &ShardFigures {
        &self.figures
    }

    /// The publishes that wait.
    pub fn load(&self) -> Amount {
        self.queued.get()
    }
}

/// A number of publishes and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// The number of publishes.
    pub messages: usize,
    /// The bytes of all of them.
    pub bytes: usize,
}

/// An [`Amount`] that threads share. SeqCst everywhere, for the reason in [`Gate`].
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
