//! [`Stop`]: tells all who wait that something is over: a shard's connections that it is done with them, and uploads that
//! the server drains.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use tokio::sync::Notify;

/// Set once.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    is_set: AtomicBool,
    notify: Notify,
}

impl Stop {
    pub(crate) fn set(&self) {
        // Release, and Acquire in `Stopped::poll`: who is woken sees it.
        self.is_set.store(true, Ordering::Release);
        self.notify.notify_waiters();
    }

    pub(crate) fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Acquire)
    }

    /// Ready once it is set. Polling it again and again costs one load: it registers once, because waiting on a
    /// `Notify` takes a lock that all connections share.
    pub(crate) fn stopped(self: &Arc<Self>) -> Stopped {
        Stopped { stop: Arc::clone(self), notified: Box::pin(notified(Arc::clone(self))), is_registered: false }
    }
}

async fn notified(stop: Arc<Stop>) {
    stop.notify.notified().await;
}

/// See [`Stop::stopped`].
pub(crate) struct Stopped {
    stop: Arc<Stop>,
    notified: Pin<Box<dyn Future<Output = ()> + Send>>,
    is_registered: bool,
}

impl Future for Stopped {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_registered {
            self.is_registered = true;
            // Registered before the flag is looked at, so that setting it in between is not missed.
            let _ = self.notified.as_mut().poll(cx);
        }
        if self.stop.is_set() { Poll::Ready(()) } else { Poll::Pending }
    }
}
