//! [`Readiness`]: whether a hub has what its journal had before it; whoever needs that waits here.

use std::{
    mem,
    task::{Context, Poll, Waker},
};

use crate::sync::Mutex;

/// Set once, and from the beginning unless it was unset.
#[derive(Debug, Default)]
pub(crate) struct Readiness(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    is_unset: bool,
    wakers: Vec<Waker>,
}

impl Readiness {
    /// It has yet to be set. Called before anybody asks.
    pub(crate) fn unset(&self) {
        self.0.lock().is_unset = true;
    }

    pub(crate) fn set(&self) {
        let mut waiting = self.0.lock();
        waiting.is_unset = false;
        let wakers = mem::take(&mut waiting.wakers);
        drop(waiting);
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn is_set(&self) -> bool {
        !self.0.lock().is_unset
    }

    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        let mut waiting = self.0.lock();
        if !waiting.is_unset {
            return Poll::Ready(());
        }
        // Those that gave up are woken for nothing.
        if !waiting.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            waiting.wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }
}
