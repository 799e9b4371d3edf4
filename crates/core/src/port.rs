//! [`Port`]: the meeting point of a slot and the hyper body that drains it. [`Feed`] is the body's end, and [`Outgoing`] a message
//! that the body has taken and whose bytes have not all left.
//!
//! The shard pushes and wakes; the body pops. Leaving is dropping: a dropped feed leaves the hub.

use std::{
    mem,
    sync::Arc,
    task::{Context, Poll, ready},
};

use thiserror::Error;

use crate::{
    event_id::EventId,
    gap::Gap,
    inbox::{Inbox, SlotRef},
    message::{Held, Message},
    ring::Ring,
    subscription::Subscription,
    sync::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, AtomicWaker, Mutex, MutexGuard, Ordering, fence, spin_loop},
};

const OPEN: u8 = 0;
/// The body ends after what the ring holds.
const ENDED: u8 = 1;
/// The body ends now, in the middle.
const CUT: u8 = 2;

/// The stream was cut: it must end as an error, not as a whole.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the stream was cut")]
pub struct Cut;

/// What a stream tells a receiver in this process.
#[derive(Clone, Debug)]
pub enum Told {
    /// An event.
    Event(Message),
    /// What it has lost, at least one.
    Gaps(Vec<Gap>),
}

/// What a body takes next.
enum Taken {
    Message(Held),
    /// To be told before what the ring holds.
    Gaps(Vec<Gap>),
}

/// Shared by the shard and one body.
#[derive(Debug)]
pub(crate) struct Port {
    ring: Ring,
    /// To be told before what the ring holds: the body has it locked until it has looked at both.
    front: Mutex<Vec<Gap>>,
    state: AtomicU8,
    /// What the body has taken and what has not all left, and its bytes.
    leaving: AtomicUsize,
    leaving_bytes: AtomicUsize,
    /// Rises with all that leaves, whole messages or pieces, control lines too.
    taken: AtomicU64,
    /// Messages that have left.
    written: AtomicU64,
    /// The shard wants to hear when the ring is empty.
    wants_empty: AtomicBool,
    /// One side takes from the ring: the body one message, or the shard all of them.
    taking: AtomicBool,
    body: AtomicWaker,
    /// Whoever must end the connection when the stream is cut, because its body is not polled then.
    owner: AtomicWaker,
}

impl Port {
    pub(crate) fn new(ring: Ring) -> Self {
        Self {
            ring,
            front: Mutex::default(),
            state: AtomicU8::new(OPEN),
            leaving: AtomicUsize::new(0),
            leaving_bytes: AtomicUsize::new(0),
            taken: AtomicU64::new(0),
            written: AtomicU64::new(0),
            wants_empty: AtomicBool::new(false),
            taking: AtomicBool::new(false),
            body: AtomicWaker::new(),
            owner: AtomicWaker::new(),
        }
    }

    pub(crate) fn ring(&self) -> &Ring {
        &self.ring
    }

    /// What is to be told before the ring.
    pub(crate) fn front(&self) -> MutexGuard<'_, Vec<Gap>> {
        self.front.lock()
    }

    /// Whether everything has left.
    pub(crate) fn is_empty(&self) -> bool {
        self.leaving.load(Ordering::SeqCst) == 0 && self.is_taken()
    }

    /// Whether the body has taken everything; some of it may be on its way out.
    pub(crate) fn is_taken(&self) -> bool {
        self.ring.is_empty() && self.front.lock().is_empty()
    }

    /// Bytes of the messages that the body has taken and that have not all left.
    pub(crate) fn leaving_bytes(&self) -> usize {
        self.leaving_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn wake(&self) {
        self.body.wake();
    }

    pub(crate) fn taken(&self) -> u64 {
        // Relaxed: compared with an earlier value of itself, seconds apart.
        self.taken.load(Ordering::Relaxed)
    }

    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Asks to be told through the inbox when everything has left; true if it has already.
    pub(crate) fn want_empty(&self) -> bool {
        // SeqCst here and when an `Outgoing` is dropped: one of the two sides sees what the other did (flag set before looking
        // at the ring here; ring popped and message gone before looking at the flag there).
        self.wants_empty.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        self.is_empty() && self.wants_empty.swap(false, Ordering::SeqCst)
    }

    /// While it lives, the body takes nothing. Waits for as long as the body needs to take one message.
    pub(crate) fn hold(self: &Arc<Self>) -> Hold {
        // Acquire and Release: who takes next sees what the other left.
        while self.taking.swap(true, Ordering::Acquire) {
            spin_loop();
        }
        Hold(Arc::clone(self))
    }

    /// All that waits, in order, with nothing taken by the body in between.
    pub(crate) fn empty(self: &Arc<Self>) -> Vec<Message> {
        let _hold = self.hold();
        std::iter::from_fn(|| self.ring.pop()).collect()
    }

    /// No message follows those in the ring.
    pub(crate) fn end(&self) {
        // Release: pairs with the Acquire loads; the last push is visible with it.
        self.state.store(ENDED, Ordering::Release);
        self.body.wake();
    }

    /// The stream is over at once; what waits is let go.
    pub(crate) fn cut(&self) {
        self.state.store(CUT, Ordering::Release);
        while self.ring.pop_held().is_some() {}
        self.body.wake();
        self.owner.wake();
    }
}

/// Keeps the body from taking.
#[derive(Debug)]
pub(crate) struct Hold(Arc<Port>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.taking.store(false, Ordering::Release);
        self.0.body.wake();
    }
}

/// The body's end of a stream. Dropping it is how its client leaves.
#[derive(Debug)]
pub struct Feed<S> {
    port: Arc<Port>,
    subscription: Subscription<S>,
}

impl<S> Feed<S> {
    pub(crate) fn new(port: Arc<Port>, subscription: Subscription<S>) -> Self {
        Self { port, subscription }
    }

    /// The next message; `None` at the end of the stream.
    ///
    /// # Errors
    /// [`Cut`] if the stream has to end in the middle.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Outgoing<S>, Cut>>> {
        self.poll_taken(cx).map_ok(|taken| match taken {
            Taken::Message(held) => self.took(held),
            Taken::Gaps(gaps) => self.took(self.in_message(&gaps)),
        })
    }

    /// The next event or gap, for a receiver in this process; `None` at the end of the stream. What only keeps a connection
    /// alive is left out.
    ///
    /// # Errors
    /// [`Cut`] if the stream has to end in the middle.
    pub fn poll_told(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Told, Cut>>> {
        loop {
            let Some(taken) = ready!(self.poll_taken(cx)?) else { return Poll::Ready(None) };
            match taken {
                Taken::Message(held) => {
                    let message = self.took(held).whole();
                    if message.id() != EventId::ZERO {
                        return Poll::Ready(Some(Ok(Told::Event(message))));
                    }
                }
                Taken::Gaps(gaps) => {
                    // It counts as a message, as for a body.
                    self.took(self.in_message(&gaps)).finish();
                    return Poll::Ready(Some(Ok(Told::Gaps(gaps))));
                }
            }
        }
    }

    fn in_message(&self, gaps: &[Gap]) -> Held {
        Held::new(Message::gaps(gaps, Arc::clone(self.subscription.budget())))
    }

    fn poll_taken(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Taken, Cut>>> {
        // Register, then look: a push between the two wakes us.
        self.port.body.register(cx.waker());
        let state = self.port.state.load(Ordering::Acquire);
        if state == CUT {
            return Poll::Ready(Some(Err(Cut)));
        }
        if self.port.taking.swap(true, Ordering::Acquire) {
            // The shard empties the ring, and wakes us after it.
            return Poll::Pending;
        }
        // Locked until the ring was looked at: a gap put here in between is followed by what it must come before.
        let mut front = self.port.front.lock();
        let taken = if front.is_empty() {
            self.port.ring.pop_held().map(Taken::Message)
        } else {
            Some(Taken::Gaps(mem::take(&mut *front)))
        };
        drop(front);
        self.port.taking.store(false, Ordering::Release);
        match taken {
            None if state == ENDED => Poll::Ready(None),
            None => Poll::Pending,
            Some(taken) => Poll::Ready(Some(Ok(taken))),
        }
    }

    fn took(&self, held: Held) -> Outgoing<S> {
        let (inbox, slot) = self.subscription.inbox();
        let (port, inbox) = (Arc::clone(&self.port), Arc::clone(inbox));
        port.leaving.fetch_add(1, Ordering::SeqCst);
        port.leaving_bytes.fetch_add(held.message().bytes(), Ordering::Relaxed);
        port.taken.fetch_add(1, Ordering::Relaxed);
        Outgoing { held, port, inbox, slot, is_whole: AtomicBool::new(false) }
    }

    /// A handle that becomes ready when the stream is cut.
    pub fn cut_signal(&self) -> CutSignal {
        CutSignal(Arc::clone(&self.port))
    }
}

/// A message that a body has taken. It counts as waiting until it is dropped, which is when the last of its bytes have left.
#[derive(Debug)]
pub struct Outgoing<S> {
    held: Held,
    port: Arc<Port>,
    inbox: Arc<Inbox<S>>,
    slot: SlotRef,
    is_whole: AtomicBool,
}

impl<S> Outgoing<S> {
    /// The message itself.
    pub fn message(&self) -> &Message {
        self.held.message()
    }

    /// Some of its bytes have left: the connection is alive.
    pub fn progress(&self) {
        self.port.taken.fetch_add(1, Ordering::Relaxed);
    }

    /// All of its bytes have left. Dropped without this, it was thrown away.
    pub fn finish(&self) {
        // Relaxed: whoever drops it comes after whoever says this.
        self.is_whole.store(true, Ordering::Relaxed);
    }

    /// All of its bytes leave now.
    pub fn whole(self) -> Message {
        self.finish();
        self.message().clone()
    }
}

impl<S> Drop for Outgoing<S> {
    fn drop(&mut self) {
        let Self { held, port, inbox, slot, is_whole } = self;
        port.taken.fetch_add(1, Ordering::Relaxed);
        let is_written = is_whole.load(Ordering::Relaxed) && held.message().id() != EventId::ZERO;
        port.written.fetch_add(u64::from(is_written), Ordering::Relaxed);
        port.leaving_bytes.fetch_sub(held.message().bytes(), Ordering::Relaxed);
        port.leaving.fetch_sub(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if port.is_empty() && port.wants_empty.swap(false, Ordering::SeqCst) {
            inbox.ready(*slot);
        }
    }
}

/// Tells the owner of a connection that its stream was cut, also while hyper does not poll the body.
#[derive(Debug)]
pub struct CutSignal(Arc<Port>);

impl CutSignal {
    /// Ready once the stream is cut.
    pub fn poll_cut(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.owner.register(cx.waker());
        if self.0.state.load(Ordering::Acquire) == CUT { Poll::Ready(()) } else { Poll::Pending }
    }
}
