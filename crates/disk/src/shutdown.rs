//! [`Shutdown`]: tells the writer and the threads beside it that one of them has ended, so that the others end too.

use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// A signal between the threads of one journal, set once.
#[derive(Debug, Default)]
pub(crate) struct Shutdown {
    is_set: Mutex<bool>,
    changed: Condvar,
}

impl Shutdown {
    /// Waits for `time`, or until the signal is set. True if it is set.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        let mut is_set = self.is_set.lock();
        if !*is_set {
            self.changed.wait_for(&mut is_set, time);
        }
        *is_set
    }

    pub(crate) fn is_set(&self) -> bool {
        *self.is_set.lock()
    }

    /// Sets the signal when the returned guard is dropped, also by a panic.
    pub(crate) fn on_drop(&self) -> SetOnDrop<'_> {
        SetOnDrop(self)
    }
}

pub(crate) struct SetOnDrop<'a>(&'a Shutdown);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        *self.0.is_set.lock() = true;
        self.0.changed.notify_all();
    }
}
