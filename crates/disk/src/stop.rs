//! [`Stop`]: tells the writer and the threads beside it that one of them has ended, and so should the others.

use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Set once.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    is_set: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    /// Waits for so long, or until it is set; true if it is.
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

    /// Sets it when what this returns is dropped, also by a panic.
    pub(crate) fn on_drop(&self) -> SetOnDrop<'_> {
        SetOnDrop(self)
    }
}

pub(crate) struct SetOnDrop<'a>(&'a Stop);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        *self.0.is_set.lock() = true;
        self.0.changed.notify_all();
    }
}
