//! [`Port`]: the connection between a slot and the hyper body that takes from it. The shard pushes and wakes, and the body pops.

use std::{
    mem,
    sync::Arc,
    task::{Context, Poll},
};

use thiserror::Error;

use crate::{
    event::{charged::Charged, event_id::EventId, gap::Gap, message::Message},
    queue::{life::Life, ring::Ring},
    sync::{AtomicBool, AtomicU64, AtomicUsize, AtomicWaker, Mutex, MutexGuard, Ordering, fence, spin_loop},
};

/// The stream was cut. It must end with an error, so that the client does not take it for complete.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the stream was cut")]
pub struct Cut;

/// The next thing that a body takes.
pub(crate) enum Taken {
    Message(Charged),
    /// Gaps that come before the messages in the ring.
    Gaps(Vec<Gap>),
}

/// The state that a shard and one body share.
#[derive(Debug)]
pub(crate) struct Port {
    ring: Ring,
    /// Gaps that come before the messages in the ring. The body keeps this locked until it has looked at both.
    front: Mutex<Vec<Gap>>,
    /// Whether the body ends after the messages in the ring.
    has_ended: AtomicBool,
    /// The life of the stream. Once that has ended, the body ends in the middle.
    life: Life,
    /// The messages that the body has taken and that have not wholly left, and their bytes.
    leaving: AtomicUsize,
    leaving_bytes: AtomicUsize,
    /// A counter that rises with every message and every piece of one that leaves, control lines included.
    taken: AtomicU64,
    /// The number of messages that have left.
    written: AtomicU64,
    /// Whether the shard wants to hear when everything has left.
    wants_empty: AtomicBool,
    /// Whether a side is taking from the ring: the body one message, or the shard all of them.
    taking: AtomicBool,
    body: AtomicWaker,
}

impl Port {
    pub(crate) fn new(ring: Ring, life: Life) -> Self {
        Self {
            ring,
            front: Mutex::default(),
            has_ended: AtomicBool::new(false),
            life,
            leaving: AtomicUsize::new(0),
            leaving_bytes: AtomicUsize::new(0),
            taken: AtomicU64::new(0),
            written: AtomicU64::new(0),
            wants_empty: AtomicBool::new(false),
            taking: AtomicBool::new(false),
            body: AtomicWaker::new(),
        }
    }

    pub(crate) fn ring(&self) -> &Ring {
        &self.ring
    }

    /// The gaps that come before the messages in the ring.
    pub(crate) fn front(&self) -> MutexGuard<'_, Vec<Gap>> {
        self.front.lock()
    }

    /// Whether every message has wholly left.
    pub(crate) fn is_empty(&self) -> bool {
        self.leaving.load(Ordering::SeqCst) == 0 && self.is_taken()
    }

    /// Whether the body has taken every message. Some may still be on their way out.
    pub(crate) fn is_taken(&self) -> bool {
        self.ring.is_empty() && self.front.lock().is_empty()
    }

    /// Bytes of the messages that the body has taken and that have not wholly left.
    pub(crate) fn leaving_bytes(&self) -> usize {
        self.leaving_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn wake(&self) {
        self.body.wake();
    }

    pub(crate) fn taken(&self) -> u64 {
        // Relaxed: the shard compares it with its value of seconds ago.
        self.taken.load(Ordering::Relaxed)
    }

    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Asks for [`crate::engine::Inbox::wake_slot`] once every message has left. True if they have already.
    pub(crate) fn want_empty(&self) -> bool {
        // SeqCst here and in `end_to_leave`, so that one of the two sides sees the other. Here the flag is set before the look
        // at the ring. There the message is gone before the look at the flag.
        self.wants_empty.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        self.is_empty() && self.wants_empty.swap(false, Ordering::SeqCst)
    }

    /// Keeps the body from taking until the result is dropped. Waits for as long as the body needs to take one message.
    pub(crate) fn freeze(self: &Arc<Self>) -> Freeze {
        // Acquire here and Release in `drop` and `poll_take`: the next side to take sees what the other one did.
        while self.taking.swap(true, Ordering::Acquire) {
            spin_loop();
        }
        Freeze(Arc::clone(self))
    }

    /// Takes all waiting messages in their order. The body takes none in between.
    pub(crate) fn empty(self: &Arc<Self>) -> Vec<Message> {
        let _freeze = self.freeze();
        std::iter::from_fn(|| self.ring.pop()).collect()
    }

    /// The ids of the events that the body has yet to take.
    pub(crate) fn waiting(self: &Arc<Self>) -> Vec<EventId> {
        let _freeze = self.freeze();
        self.ring.ids()
    }

    /// Ends the stream after the messages in the ring.
    pub(crate) fn end(&self) {
        // Release: pairs with the Acquire load, so that the last push is visible.
        self.has_ended.store(true, Ordering::Release);
        self.body.wake();
    }

    /// Ends the stream at once, with its life. Waiting messages are dropped. Returns the ids of their events.
    pub(crate) fn cut(self: &Arc<Self>) -> Vec<EventId> {
        // First: a body that finds the ring emptied must see that the life has ended, or it would end as if in order.
        self.life.end();
        self.empty().iter().map(Message::id).filter(|id| *id > EventId::ZERO).collect()
    }

    /// Takes the next message or the gaps before it. `None` at the end.
    ///
    /// # Errors
    /// [`Cut`] if the stream was cut.
    // Inlined into the crate that polls, which knows its waker.
    #[inline]
    pub(crate) fn poll_take(&self, cx: &Context<'_>) -> Poll<Option<Result<Taken, Cut>>> {
        // Register, then look: a push between the two wakes us.
        self.body.register(cx.waker());
        if self.taking.swap(true, Ordering::Acquire) {
            // The shard takes from the ring, and wakes the body after that.
            return Poll::Pending;
        }
        // Both before the look at the ring: the last message is pushed before the end, and a cut empties the ring after it.
        let (is_cut, has_ended) = (self.life.has_ended(), self.has_ended.load(Ordering::Acquire));
        let taken = if is_cut { None } else { self.take_next() };
        self.taking.store(false, Ordering::Release);
        match taken {
            None if is_cut => Poll::Ready(Some(Err(Cut))),
            None if has_ended => Poll::Ready(None),
            None => Poll::Pending,
            Some(taken) => Poll::Ready(Some(Ok(taken))),
        }
    }

    fn take_next(&self) -> Option<Taken> {
        // Locked until the look at the ring. Otherwise a gap that the shard puts here in between would come after a message
        // that belongs behind it.
        let mut front = self.front.lock();
        if front.is_empty() {
            self.ring.pop_charged().map(Taken::Message)
        } else {
            Some(Taken::Gaps(mem::take(&mut *front)))
        }
    }

    /// Notes that the body has taken a message of `bytes`.
    pub(crate) fn begin_to_leave(&self, bytes: usize) {
        self.leaving.fetch_add(1, Ordering::SeqCst);
        self.leaving_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.progress();
    }

    /// Notes that some bytes have left.
    pub(crate) fn progress(&self) {
        self.taken.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that a message of `bytes` has left or was thrown away. True if the shard wants to hear that it was the last one.
    pub(crate) fn end_to_leave(&self, bytes: usize, is_written: bool) -> bool {
        self.progress();
        self.written.fetch_add(u64::from(is_written), Ordering::Relaxed);
        self.leaving_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.leaving.fetch_sub(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        self.is_empty() && self.wants_empty.swap(false, Ordering::SeqCst)
    }
}

/// A guard that keeps the body from taking.
#[derive(Debug)]
pub(crate) struct Freeze(Arc<Port>);

impl Drop for Freeze {
    fn drop(&mut self) {
        self.0.taking.store(false, Ordering::Release);
        self.0.body.wake();
    }
}
