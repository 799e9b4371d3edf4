//! [`Life`]: tells whoever runs a request that the request has to end from outside.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use atomic_waker::AtomicWaker;
use fanfare_core::engine::CutSignal;

/// The life of one request. It ends from outside when the stream that answers the request is cut, or when the answer was not
/// taken in its time. A life is made with the request, before it is known whether the answer is a stream, so that whoever runs
/// the request always has the right one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Life(Arc<Ends>);

#[derive(Debug, Default)]
struct Ends {
    cut: OnceLock<CutSignal>,
    is_late: AtomicBool,
    task: AtomicWaker,
}

impl Life {
    /// The answer is a stream, and ends when `signal` says so.
    pub(crate) fn follow(&self, signal: CutSignal) {
        // A request has one answer, so nothing is there yet.
        let _ = self.0.cut.set(signal);
    }

    /// The answer was not taken in its time.
    pub(crate) fn set_late(&self) {
        // Release, and Acquire below: whoever is woken sees it.
        self.0.is_late.store(true, Ordering::Release);
        self.0.task.wake();
    }

    /// Whether the answer was not taken in its time.
    pub(crate) fn is_late(&self) -> bool {
        self.0.is_late.load(Ordering::Acquire)
    }

    /// Ready once the request has to end. To be polled after the request itself, which may begin the stream.
    pub(crate) fn poll_cut(&self, cx: &mut Context<'_>) -> Poll<()> {
        // Register, then look.
        self.0.task.register(cx.waker());
        if self.is_late() {
            return Poll::Ready(());
        }
        self.0.cut.get().map_or(Poll::Pending, |signal| signal.poll_cut(cx))
    }
}
