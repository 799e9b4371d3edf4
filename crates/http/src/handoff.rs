//! [`Handoff`]: what the parties to one connection tell each other: the service, the bodies of its answers, the I/O
//! wrapper and the connection's task. They all run on one thread, one after the other.
//!
//! Its main use is how an HTTP/1.1 stream's socket leaves hyper: the service parks the subscription, the marker body
//! says that hyper has come to the end of the head, and the wrapper says whether all of it has left. Only when both
//! are so may the task take the socket; one that was full would lose its head otherwise.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Instant,
};

use atomic_waker::AtomicWaker;
use fanfare_core::{CutSignal, Framing, Subscription};
use parking_lot::Mutex;

use crate::{h2_streams::H2Place, lane::Place, tcp::Tcp};

/// A stream whose head is on its way out.
#[derive(Debug)]
pub(crate) struct Parked {
    pub(crate) subscription: Subscription<Tcp>,
    pub(crate) framing: Framing,
}

/// State of one connection.
#[derive(Debug, Default)]
pub(crate) struct Handoff {
    parked: Mutex<Option<Parked>>,
    /// Of the request that came last.
    life: Mutex<Life>,
    /// The client may still be sending what nobody wants any more, and until then it has time to read its answer.
    lingers_until: Mutex<Option<Instant>>,
    /// The connection is idle, and is to make room for others.
    is_unwanted: AtomicBool,
    task: AtomicWaker,
    is_reached: AtomicBool,
    is_write_pending: AtomicBool,
    has_streamed: AtomicBool,
    /// Of a request that another server carries: it counts for its shard until its answer is sent.
    _place: Option<Place>,
    under_way: AtomicUsize,
    /// How many have come.
    requests: AtomicUsize,
    /// HTTP/2: event streams that are open.
    h2_streams: AtomicUsize,
    /// Bytes of rooms that its requests hold.
    room_bytes: AtomicUsize,
    /// HTTP/1: bytes have come since the connection had something to do.
    has_begun_head: AtomicBool,
    /// HTTP/1: the request line that is coming has a `#`.
    has_fragment: AtomicBool,
    /// HTTP/2: a frame is not whole, or a head.
    has_open_frames: AtomicBool,
}

// One thread, so Relaxed is enough everywhere. (Only who makes room for others comes from elsewhere, and wakes the task.)
impl Handoff {
    /// Of a request alone.
    pub(crate) fn of(place: Option<Place>) -> Self {
        Self { _place: place, ..Self::default() }
    }

    /// The service leaves the stream here.
    pub(crate) fn park(&self, parked: Parked) {
        *self.parked.lock() = Some(parked);
    }

    /// The marker body was polled: hyper has encoded all that comes before it.
    pub(crate) fn reach(&self) {
        self.is_reached.store(true, Ordering::Relaxed);
    }

    /// The I/O wrapper was asked to write; `is_pending` if the socket took nothing.
    pub(crate) fn note_write(&self, is_pending: bool) {
        self.is_write_pending.store(is_pending, Ordering::Relaxed);
    }

    /// The stream, once its head has left hyper and the process.
    pub(crate) fn take(&self) -> Option<Parked> {
        if !self.is_reached.load(Ordering::Relaxed) || self.is_write_pending.load(Ordering::Relaxed) {
            return None;
        }
        self.parked.lock().take()
    }

    /// Whether and when the request that came last has to end.
    pub(crate) fn newest_life(&self) -> Life {
        self.life.lock().clone()
    }

    /// The connection's task looks again at what has changed.
    pub(crate) fn wake(&self) {
        self.task.wake();
    }

    /// The task of `cx` is the connection's, to be woken.
    pub(crate) fn register(&self, cx: &Context<'_>) {
        self.task.register(cx.waker());
    }

    /// A request has come; its answer is owed until the guard is dropped, which its body does.
    pub(crate) fn owe(self: &Arc<Self>) -> Owed {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let life = Life::default();
        *self.life.lock() = life.clone();
        Owed { under_way: self.begin(), life, h2_place: OnceLock::new() }
    }

    /// The connection is not idle until the guard is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }

    /// Some of a request is left unread, so the connection is not to be closed at once before `until`.
    pub(crate) fn linger(&self, until: Instant) {
        *self.lingers_until.lock() = Some(until);
    }

    /// Until when the client may still be sending, if it may.
    pub(crate) fn lingers_until(&self) -> Option<Instant> {
        *self.lingers_until.lock()
    }

    /// Whether the connection may be closed and nobody misses anything: no answer is under way, and no body is read.
    pub(crate) fn is_idle(&self) -> bool {
        self.under_way.load(Ordering::Relaxed) == 0 && !self.is_write_pending.load(Ordering::Relaxed)
    }

    /// HTTP/2: how many event streams are open.
    pub(crate) fn h2_streams(&self) -> usize {
        self.h2_streams.load(Ordering::Relaxed)
    }

    pub(crate) fn add_h2_stream(&self) {
        self.h2_streams.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn remove_h2_stream(&self) {
        self.h2_streams.fetch_sub(1, Ordering::Relaxed);
    }

    /// Bytes of rooms that its requests hold.
    pub(crate) fn room_bytes(&self) -> &AtomicUsize {
        &self.room_bytes
    }

    /// How many requests have come.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// The I/O wrapper has read something.
    pub(crate) fn note_read(&self) {
        self.has_begun_head.store(true, Ordering::Relaxed);
    }

    /// The request line that is coming has a `#`, or none so far.
    pub(crate) fn note_fragment(&self, has_fragment: bool) {
        self.has_fragment.store(has_fragment, Ordering::Relaxed);
    }

    /// Whether the request that has just come has a `#` in its target. The next one has none until it is seen.
    pub(crate) fn take_fragment(&self) -> bool {
        self.has_fragment.swap(false, Ordering::Relaxed)
    }

    /// The same of HTTP/2, where other things come than requests.
    pub(crate) fn note_frames(&self, are_open: bool) {
        self.has_open_frames.store(are_open, Ordering::Relaxed);
    }

    /// Whether a head has begun since nothing was under way. Over HTTP/1, what came in one piece with the request before is
    /// not seen.
    pub(crate) fn has_begun_head(&self) -> bool {
        self.has_begun_head.load(Ordering::Relaxed) || self.has_open_frames.load(Ordering::Relaxed)
    }

    /// See [`crate::idle::Idle`].
    pub(crate) fn set_unwanted(&self, is_unwanted: bool) {
        // Release, and Acquire below: whoever is woken sees it.
        self.is_unwanted.store(is_unwanted, Ordering::Release);
    }

    /// Ready once the connection, which is idle, is to make room for others.
    pub(crate) fn poll_unwanted(&self, cx: &Context<'_>) -> Poll<()> {
        self.task.register(cx.waker());
        if self.is_unwanted() { Poll::Ready(()) } else { Poll::Pending }
    }

    pub(crate) fn is_unwanted(&self) -> bool {
        self.is_unwanted.load(Ordering::Acquire)
    }

    /// Whether hyper has carried a stream here, parts of which it may still hold.
    pub(crate) fn has_streamed(&self) -> bool {
        self.has_streamed.load(Ordering::Relaxed)
    }
}

/// Something that keeps its connection from being idle.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<Handoff>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        if self.0.under_way.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.has_begun_head.store(false, Ordering::Relaxed);
        }
    }
}

/// An answer that has not been sent whole.
#[derive(Debug)]
pub(crate) struct Owed {
    under_way: UnderWay,
    life: Life,
    h2_place: OnceLock<H2Place>,
}

impl Owed {
    /// The answer is a stream over HTTP/2, which takes this place until it ends.
    pub(crate) fn occupy(&self, place: H2Place) {
        // A request has one answer, so nothing is there yet.
        let _ = self.h2_place.set(place);
    }

    /// The answer is a stream that stays with hyper, and ends when `signal` says so.
    pub(crate) fn keep(&self, signal: CutSignal) {
        self.under_way.0.has_streamed.store(true, Ordering::Relaxed);
        // A request has one answer, so nothing is there yet.
        let _ = self.life.0.cut.set(signal);
    }

    /// Of the request.
    pub(crate) fn life(&self) -> &Life {
        &self.life
    }
}

/// When a request has to end from outside: once the stream that it was answered with is cut, or its answer was not taken in
/// its time. It is there before it is known
/// whether there will be a stream, so whoever runs the request always has the right one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Life(Arc<Signals>);

#[derive(Debug, Default)]
struct Signals {
    cut: OnceLock<CutSignal>,
    is_late: AtomicBool,
    late: AtomicWaker,
}

impl Life {
    /// The answer was not taken in its time.
    pub(crate) fn set_late(&self) {
        // Release, and Acquire below: whoever is woken sees it.
        self.0.is_late.store(true, Ordering::Release);
        self.0.late.wake();
    }

    pub(crate) fn is_late(&self) -> bool {
        self.0.is_late.load(Ordering::Acquire)
    }

    /// Ready once the request has to end. To be polled after the request itself: that may begin the stream.
    pub(crate) fn poll_cut(&self, cx: &mut Context<'_>) -> Poll<()> {
        // Register, then look.
        self.0.late.register(cx.waker());
        if self.is_late() {
            return Poll::Ready(());
        }
        self.0.cut.get().map_or(Poll::Pending, |signal| signal.poll_cut(cx))
    }
}
