//! [`Wakes`]: the wakers to wake once the order lock is free.

use std::{mem, sync::Arc, task::Waker};

use crate::{order::external::External, queue::inbox::Inbox};

/// Wakers collected under the order lock. `drop` wakes them, so a `Wakes` is made before the lock is taken.
pub(crate) struct Wakes<'a, S> {
    inboxes: &'a [Arc<Inbox<S>>],
    external: &'a External,
    are_shards_due: bool,
    is_journal_due: bool,
    wakers: Vec<Waker>,
}

impl<'a, S> Wakes<'a, S> {
    pub(crate) fn new(inboxes: &'a [Arc<Inbox<S>>], external: &'a External) -> Self {
        Self { inboxes, external, are_shards_due: false, is_journal_due: false, wakers: Vec::new() }
    }

    /// Adds the owners of all inboxes.
    pub(crate) fn add_shards(&mut self) {
        self.are_shards_due = true;
    }

    /// Adds the external journal.
    pub(crate) fn add_journal(&mut self) {
        self.is_journal_due = true;
    }

    pub(crate) fn add(&mut self, wakers: impl IntoIterator<Item = Waker>) {
        self.wakers.extend(wakers);
    }
}

impl<S> Drop for Wakes<'_, S> {
    fn drop(&mut self) {
        if self.are_shards_due {
            self.inboxes.iter().for_each(|inbox| inbox.wake());
        }
        if self.is_journal_due {
            self.external.wake();
        }
        mem::take(&mut self.wakers).into_iter().for_each(Waker::wake);
    }
}
