//! [`Activity`]: requests, answers and bytes of one connection. [`Doing`] says whether the connection may be closed.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// State of a connection between two of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    /// A request is under way, or an answer has not left.
    Work,
    /// No request has come yet, or some of the head of one has. The number counts the requests so far.
    Head(usize),
    /// All requests, of this number, have been answered, and nothing has come since.
    Nothing(usize),
}

/// Activity of one connection. Relaxed everywhere: all that use it run on one thread.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    requests: AtomicUsize,
    under_way: AtomicUsize,
    is_write_pending: AtomicBool,
    /// HTTP/1: bytes have come since nothing was under way.
    has_begun_head: AtomicBool,
    /// HTTP/1: the request line that is coming has a `#`.
    has_fragment: AtomicBool,
    /// HTTP/2: a frame or a head is not whole.
    has_open_frames: AtomicBool,
}

impl Activity {
    /// A request has come.
    pub(crate) fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Something keeps the connection from being idle, until [`Activity::end`].
    pub(crate) fn begin(&self) {
        self.under_way.fetch_add(1, Ordering::Relaxed);
    }

    /// The end of what began with [`Activity::begin`].
    pub(crate) fn end(&self) {
        if self.under_way.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.has_begun_head.store(false, Ordering::Relaxed);
        }
    }

    /// The socket was asked to take bytes. `is_pending` says that it took none.
    pub(crate) fn note_write(&self, is_pending: bool) {
        self.is_write_pending.store(is_pending, Ordering::Relaxed);
    }

    /// HTTP/1: bytes have come. `has_fragment` says that the request line has a `#` so far.
    pub(crate) fn note_read(&self, has_fragment: bool) {
        self.has_fragment.store(has_fragment, Ordering::Relaxed);
        self.has_begun_head.store(true, Ordering::Relaxed);
    }

    /// HTTP/2: bytes have come. `are_open` says that the last frame, or a head, is not whole.
    pub(crate) fn note_frames(&self, are_open: bool) {
        self.has_open_frames.store(are_open, Ordering::Relaxed);
    }

    /// Whether the request that has just come has a `#` in its target. For the next one the answer is no until a `#` is seen.
    pub(crate) fn take_fragment(&self) -> bool {
        self.has_fragment.swap(false, Ordering::Relaxed)
    }

    /// Whether bytes have not left because the socket took none.
    pub(crate) fn is_write_pending(&self) -> bool {
        self.is_write_pending.load(Ordering::Relaxed)
    }

    /// Whether the connection may be closed and nobody misses anything: no answer is under way, and no body is read.
    pub(crate) fn is_idle(&self) -> bool {
        self.under_way.load(Ordering::Relaxed) == 0 && !self.is_write_pending()
    }

    /// Whether a head has begun since nothing was under way. Over HTTP/1, bytes that came in one piece with the request before
    /// are not seen.
    pub(crate) fn has_begun_head(&self) -> bool {
        self.has_begun_head.load(Ordering::Relaxed) || self.has_open_frames.load(Ordering::Relaxed)
    }

    /// The state as of now.
    pub(crate) fn doing(&self) -> Doing {
        let requests = self.requests.load(Ordering::Relaxed);
        match () {
            () if !self.is_idle() => Doing::Work,
            () if requests == 0 || self.has_begun_head() => Doing::Head(requests),
            () => Doing::Nothing(requests),
        }
    }
}
