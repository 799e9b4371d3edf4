//! [`Milestone`]: a number that only rises, and the tasks that wait for it. The hub has two: whether the journal's past is
//! read, and the number of questions ("is that all?") that a shared journal has answered.

use std::{
    collections::HashMap,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use crate::sync::{AtomicU64, Mutex, Ordering};

/// A number that only rises.
#[derive(Debug)]
pub(crate) struct Milestone {
    reached: AtomicU64,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// The wanted number and the waker of each task, by the number of the task.
    wakers: HashMap<u64, (u64, Waker)>,
    numbers: u64,
}

impl Milestone {
    pub(crate) fn new(reached: u64) -> Self {
        Self { reached: AtomicU64::new(reached), waiting: Mutex::default() }
    }

    pub(crate) fn reach(&self, reached: u64) {
        // Release here and Acquire below: a task that sees the number sees everything before it. Written before the lock is
        // taken, so that a task that takes the lock later sees it.
        self.reached.fetch_max(reached, Ordering::Release);
        let mut waiting = self.waiting.lock();
        let woken: Vec<_> = waiting.wakers.extract_if(|_, (wanted, _)| *wanted <= reached).collect();
        drop(waiting);
        woken.into_iter().for_each(|(_, (_, waker))| waker.wake());
    }

    pub(crate) fn has_reached(&self, wanted: u64) -> bool {
        self.reached.load(Ordering::Acquire) >= wanted
    }

    pub(crate) fn wait(&self, wanted: u64) -> Reached<'_> {
        Reached { milestone: self, wanted, number: None }
    }
}

/// A future that is ready once the milestone is reached. Leaves the list when it is dropped.
#[derive(Debug)]
pub(crate) struct Reached<'a> {
    milestone: &'a Milestone,
    wanted: u64,
    number: Option<u64>,
}

impl Future for Reached<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let (milestone, wanted) = (self.milestone, self.wanted);
        let mut waiting = milestone.waiting.lock();
        if milestone.has_reached(wanted) {
            return Poll::Ready(());
        }
        let number = *self.number.get_or_insert_with(|| {
            waiting.numbers += 1;
            waiting.numbers
        });
        waiting.wakers.insert(number, (wanted, cx.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Reached<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.milestone.waiting.lock().wakers.remove(&number);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, task::Waker};

    use super::*;

    #[test]
    fn who_waits_for_a_number_is_ready_when_it_is_reached_and_not_before() {
        let milestone = Milestone::new(1);
        let mut cx = Context::from_waker(Waker::noop());
        let (mut two, mut three) = (pin!(milestone.wait(2)), pin!(milestone.wait(3)));
        assert!(milestone.has_reached(1) && two.as_mut().poll(&mut cx).is_pending());
        assert!(three.as_mut().poll(&mut cx).is_pending());
        milestone.reach(2);
        assert!(two.as_mut().poll(&mut cx).is_ready() && three.as_mut().poll(&mut cx).is_pending());
        assert_eq!(milestone.waiting.lock().wakers.len(), 1);
        milestone.reach(1);
        assert!(milestone.has_reached(2), "it does not go back");
        milestone.reach(9);
        assert!(three.as_mut().poll(&mut cx).is_ready());
    }
}
