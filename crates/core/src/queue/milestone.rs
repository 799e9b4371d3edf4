//! [`Milestone`]: a number that only rises, and the tasks that wait for it.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use crate::sync::{AtomicU64, Mutex, Ordering};

/// A number that only rises. It begins with 0. All clones are the same number. Something that happens once, and for which many
/// wait, is a milestone that reaches 1.
///
/// ```
/// use std::{pin::pin, task::{Context, Waker}};
///
/// use fanfare_core::engine::Milestone;
///
/// let milestone = Milestone::default();
/// let mut third = pin!(milestone.wait(3));
/// let mut cx = Context::from_waker(Waker::noop());
/// milestone.reach(2);
/// assert!(third.as_mut().poll(&mut cx).is_pending());
/// milestone.reach(3);
/// assert!(third.as_mut().poll(&mut cx).is_ready() && !milestone.has_reached(4));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Milestone(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    at: AtomicU64,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// The goal and the waker of each future, by the number of the future.
    wakers: HashMap<u64, (u64, Waker)>,
    numbers: u64,
}

impl Milestone {
    /// The number as of now.
    pub fn at(&self) -> u64 {
        // Acquire, and Release in `reach`: whoever sees the number sees what was done before it was reached.
        self.0.at.load(Ordering::Acquire)
    }

    /// Raises the number to `to`, unless it is there already, and wakes the tasks whose goal it has reached.
    pub fn reach(&self, to: u64) {
        self.0.at.fetch_max(to, Ordering::Release);
        // Behind the change: a future that registers later looks at the number afterwards.
        let mut waiting = self.0.waiting.lock();
        let woken: Vec<_> = waiting.wakers.extract_if(|_, (goal, _)| *goal <= to).collect();
        drop(waiting);
        woken.into_iter().for_each(|(_, (_, waker))| waker.wake());
    }

    /// Whether the number is `goal` or higher.
    pub fn has_reached(&self, goal: u64) -> bool {
        self.at() >= goal
    }

    /// Waits until the number is `goal` or higher.
    pub fn wait(&self, goal: u64) -> Reached {
        Reached { milestone: self.clone(), goal, registered: None }
    }
}

/// The future of [`Milestone::wait`]. It may move between tasks: the last that has polled it is woken.
///
/// To poll it again and again costs one load. It takes the lock, which all share, only when it is polled by another task than
/// before.
#[derive(Debug)]
pub struct Reached {
    milestone: Milestone,
    goal: u64,
    /// The number of the future among those that wait, and the task to wake.
    registered: Option<(u64, Waker)>,
}

impl Reached {
    fn is_registered(&self, waker: &Waker) -> bool {
        self.registered.as_ref().is_some_and(|(_, registered)| registered.will_wake(waker))
    }

    fn register(&mut self, waker: &Waker) {
        let mut waiting = self.milestone.0.waiting.lock();
        let number = match &self.registered {
            Some((number, _)) => *number,
            None => {
                waiting.numbers += 1;
                waiting.numbers
            }
        };
        waiting.wakers.insert(number, (self.goal, waker.clone()));
        self.registered = Some((number, waker.clone()));
    }
}

impl Future for Reached {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.milestone.has_reached(self.goal) {
            return Poll::Ready(());
        }
        if !self.is_registered(cx.waker()) {
            // Register, then look: a change between the two wakes us.
            self.register(cx.waker());
            if self.milestone.has_reached(self.goal) {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }
}

impl Drop for Reached {
    fn drop(&mut self) {
        if let Some((number, _)) = &self.registered {
            self.milestone.0.waiting.lock().wakers.remove(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        task::Wake,
    };

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn task() -> (Arc<Woken>, Waker) {
        let woken = Arc::<Woken>::default();
        (Arc::clone(&woken), Waker::from(woken))
    }

    fn is_ready(reached: &mut Reached, waker: &Waker) -> bool {
        Pin::new(reached).poll(&mut Context::from_waker(waker)).is_ready()
    }

    #[test]
    fn a_milestone_wakes_those_whose_goal_is_reached_and_nobody_else() {
        let milestone = Milestone::default();
        let ((low_woken, low_waker), (high_woken, high_waker)) = (task(), task());
        let (mut low, mut high) = (milestone.wait(1), milestone.wait(3));
        assert!(!is_ready(&mut low, &low_waker) && !is_ready(&mut high, &high_waker));
        milestone.reach(2);
        assert_eq!((low_woken.0.load(Ordering::Relaxed), high_woken.0.load(Ordering::Relaxed)), (1, 0));
        assert!(is_ready(&mut low, &low_waker) && !is_ready(&mut high, &high_waker));
        assert_eq!(milestone.0.waiting.lock().wakers.len(), 1);
        milestone.reach(1);
        assert!(milestone.at() == 2 && milestone.has_reached(2), "it does not go back");
        milestone.reach(9);
        assert_eq!(high_woken.0.load(Ordering::Relaxed), 1);
        assert!(is_ready(&mut high, &high_waker) && is_ready(&mut milestone.wait(2), &low_waker));
    }

    #[test]
    fn a_future_that_moves_to_another_task_wakes_that_task() {
        let milestone = Milestone::default();
        let ((first_woken, first), (second_woken, second)) = (task(), task());
        let mut reached = milestone.wait(1);
        assert!(!is_ready(&mut reached, &first) && !is_ready(&mut reached, &second));
        milestone.reach(1);
        assert_eq!((first_woken.0.load(Ordering::Relaxed), second_woken.0.load(Ordering::Relaxed)), (0, 1));
    }

    #[test]
    fn a_future_that_is_dropped_leaves_nothing_behind() {
        let milestone = Milestone::default();
        let (_, waker) = task();
        let mut reached = milestone.wait(1);
        assert!(!is_ready(&mut reached, &waker) && !is_ready(&mut reached, &waker));
        assert_eq!(milestone.0.waiting.lock().wakers.len(), 1);
        drop(reached);
        assert!(milestone.0.waiting.lock().wakers.is_empty());
    }
}
