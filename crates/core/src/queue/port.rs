//! [`Port`]: the meeting point of a slot and the hyper body that drains it. The shard pushes and wakes; the body pops.

use std::{
    mem,
    sync::Arc,
    task::{Context, Poll},
};

use thiserror::Error;

use crate::{
    event::{
        gap::Gap,
        message::{Held, Message},
    },
    queue::ring::Ring,
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

/// What a body takes next.
pub(crate) enum Taken {
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
        // SeqCst here and in `end_to_leave`: one of the two sides sees what the other did (flag set before looking
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

    /// What the body takes next; `None` at the end.
    ///
    /// # Errors
    /// [`Cut`].
    pub(crate) fn poll_take(&self, cx: &Context<'_>) -> Poll<Option<Result<Taken, Cut>>> {
        // Register, then look: a push between the two wakes us.
        self.body.register(cx.waker());
        let state = self.state.load(Ordering::Acquire);
        if state == CUT {
            return Poll::Ready(Some(Err(Cut)));
        }
        if self.taking.swap(true, Ordering::Acquire) {
            // The shard empties the ring, and wakes us after it.
            return Poll::Pending;
        }
        // Locked until the ring was looked at: a gap put here in between is followed by what it must come before.
        let mut front = self.front.lock();
        let taken = if front.is_empty() {
            self.ring.pop_held().map(Taken::Message)
        } else {
            Some(Taken::Gaps(mem::take(&mut *front)))
        };
        drop(front);
        self.taking.store(false, Ordering::Release);
        match taken {
            None if state == ENDED => Poll::Ready(None),
            None => Poll::Pending,
            Some(taken) => Poll::Ready(Some(Ok(taken))),
        }
    }

    /// The body has taken a message of so many bytes.
    pub(crate) fn begin_to_leave(&self, bytes: usize) {
        self.leaving.fetch_add(1, Ordering::SeqCst);
        self.leaving_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.progress();
    }

    /// Some bytes have left.
    pub(crate) fn progress(&self) {
        self.taken.fetch_add(1, Ordering::Relaxed);
    }

    /// A message of so many bytes has left, or was thrown away. True if the shard wants to hear that it was the last.
    pub(crate) fn end_to_leave(&self, bytes: usize, is_written: bool) -> bool {
        self.progress();
        self.written.fetch_add(u64::from(is_written), Ordering::Relaxed);
        self.leaving_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.leaving.fetch_sub(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        self.is_empty() && self.wants_empty.swap(false, Ordering::SeqCst)
    }

    /// Ready once the stream is cut, also while nobody polls the body.
    pub(crate) fn poll_cut(&self, cx: &Context<'_>) -> Poll<()> {
        // Register, then look.
        self.owner.register(cx.waker());
        if self.state.load(Ordering::Acquire) == CUT { Poll::Ready(()) } else { Poll::Pending }
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
