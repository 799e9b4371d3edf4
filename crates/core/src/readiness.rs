//! [`Readiness`]: whether a hub has what its journal had before it; whoever needs that waits here.

use std::{
    collections::HashMap,
    mem,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use crate::sync::{AtomicBool, Mutex, Ordering};

/// Set once, and from the beginning unless it was unset.
#[derive(Debug)]
pub(crate) struct Readiness {
    is_set: AtomicBool,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    wakers: HashMap<u64, Waker>,
    numbers: u64,
}

impl Readiness {
    pub(crate) fn new(is_set: bool) -> Self {
        Self { is_set: AtomicBool::new(is_set), waiting: Mutex::default() }
    }

    pub(crate) fn set(&self) {
        // Release, and Acquire below: who sees it sees what was restored. Before the lock, so that whoever comes behind it
        // sees it.
        self.is_set.store(true, Ordering::Release);
        let wakers = mem::take(&mut self.waiting.lock().wakers);
        wakers.into_values().for_each(Waker::wake);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Acquire)
    }

    pub(crate) fn wait(&self) -> Wait<'_> {
        Wait { readiness: self, number: None }
    }
}

/// Ready once it is set. Leaves the list if it is dropped.
#[derive(Debug)]
pub(crate) struct Wait<'a> {
    readiness: &'a Readiness,
    number: Option<u64>,
}

impl Future for Wait<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let readiness = self.readiness;
        let mut waiting = readiness.waiting.lock();
        if readiness.is_set() {
            return Poll::Ready(());
        }
        let number = *self.number.get_or_insert_with(|| {
            waiting.numbers += 1;
            waiting.numbers
        });
        waiting.wakers.insert(number, cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.readiness.waiting.lock().wakers.remove(&number);
        }
    }
}
