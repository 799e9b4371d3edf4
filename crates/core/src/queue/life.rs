//! [`Life`]: whether something has ended from outside, and the one task that has to know.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use crate::sync::{AtomicBool, AtomicWaker, Ordering};

/// The life of one stream or request. All clones are the same life. Whoever decides ends it, and whoever runs the request polls
/// it, because nobody may be polling the body then.
///
/// A life wakes one task: the last that has called [`Life::poll_end`]. Everybody may ask [`Life::has_ended`].
///
/// [`Feed`](crate::engine::Feed) has an example.
#[derive(Clone, Debug, Default)]
pub struct Life(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    has_ended: AtomicBool,
    task: AtomicWaker,
}

impl Life {
    /// Ends the life. It stays ended.
    pub fn end(&self) {
        // Release, and Acquire below: whoever sees the end sees what was done before it. Stored before the wake, so that the
        // woken task sees it.
        self.0.has_ended.store(true, Ordering::Release);
        self.0.task.wake();
    }

    /// Whether the life has ended.
    pub fn has_ended(&self) -> bool {
        self.0.has_ended.load(Ordering::Acquire)
    }

    /// Ready once the life has ended. Wakes the task of `cx` then, and no task that has polled before.
    pub fn poll_end(&self, cx: &Context<'_>) -> Poll<()> {
        // Register, then look: an end between the two wakes us.
        self.0.task.register(cx.waker());
        if self.has_ended() { Poll::Ready(()) } else { Poll::Pending }
    }
}
