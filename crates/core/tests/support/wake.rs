//! [`Flag`]: a waker that remembers its calls. A test polls only what was woken, so a lost wake-up shows as undone
//! work.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Wake, Waker},
};

/// Counts the wake-ups since it was last asked.
#[derive(Debug, Default)]
pub(crate) struct Flag(AtomicUsize);

impl Flag {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// A flag that is up already, for a future that needs a first poll.
    pub(crate) fn raised() -> Arc<Self> {
        Arc::new(Self(AtomicUsize::new(1)))
    }

    pub(crate) fn raise(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn is_up(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }

    /// Whether the flag was up. It is down afterwards.
    pub(crate) fn take(&self) -> bool {
        self.0.swap(0, Ordering::SeqCst) > 0
    }

    pub(crate) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.raise();
    }
}
