//! [`Level`]: a number that only rises, and the tasks that wait until it has risen.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;

/// A number that only rises. It begins with 0.
#[derive(Debug, Default)]
pub(crate) struct Level {
    at: AtomicU8,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Wakers by the numbers of their futures, each with the level that it waits for.
    wakers: HashMap<u64, (u8, Waker)>,
    next: u64,
}

impl Level {
    /// The level as of now.
    pub(crate) fn at(&self) -> u8 {
        // Acquire, and Release in `raise`: whoever sees a level sees what was done before it was raised.
        self.at.load(Ordering::Acquire)
    }

    /// Raises the level to `to`, unless it is there already.
    pub(crate) fn raise(&self, to: u8) {
        self.at.fetch_max(to, Ordering::Release);
        let mut reached = Vec::new();
        // Behind the change: a future that registers later looks at the level afterwards.
        let mut waiting = self.waiting.lock();
        reached.extend(waiting.wakers.extract_if(|_, (goal, _)| *goal <= to).map(|(_, (_, waker))| waker));
        drop(waiting);
        reached.into_iter().for_each(Waker::wake);
    }

    /// Waits until the level is `goal` or higher. To poll the future again and again costs one load: it takes the lock, which
    /// all share, only when it is polled by another task than before.
    pub(crate) fn reached(self: &Arc<Self>, goal: u8) -> Reached {
        Reached { level: Arc::clone(self), goal, registered: None }
    }
}

/// The future of [`Level::reached`].
#[derive(Debug)]
pub(crate) struct Reached {
    level: Arc<Level>,
    goal: u8,
    /// Number among those that wait, and the task to wake.
    registered: Option<(u64, Waker)>,
}

impl Reached {
    fn register(&mut self, waker: &Waker) {
        let mut waiting = self.level.waiting.lock();
        let number = match &self.registered {
            Some((number, _)) => *number,
            None => {
                waiting.next += 1;
                waiting.next
            }
        };
        waiting.wakers.insert(number, (self.goal, waker.clone()));
        self.registered = Some((number, waker.clone()));
    }
}

impl Future for Reached {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !self.registered.as_ref().is_some_and(|(_, waker)| waker.will_wake(cx.waker())) {
            // Before the level is looked at, so that a change in between is not missed.
            if self.level.at() < self.goal {
                self.register(cx.waker());
            }
        }
        if self.level.at() >= self.goal { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Reached {
    fn drop(&mut self) {
        if let Some((number, _)) = &self.registered {
            self.level.waiting.lock().wakers.remove(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::atomic::AtomicUsize, task::Wake};

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
    fn a_level_wakes_those_whose_goal_is_reached_and_nobody_else() {
        let level = Arc::<Level>::default();
        let ((low_woken, low_waker), (high_woken, high_waker)) = (task(), task());
        let (mut low, mut high) = (level.reached(1), level.reached(3));
        assert!(!is_ready(&mut low, &low_waker) && !is_ready(&mut high, &high_waker));
        level.raise(2);
        assert_eq!((low_woken.0.load(Ordering::Relaxed), high_woken.0.load(Ordering::Relaxed)), (1, 0));
        assert!(is_ready(&mut low, &low_waker) && !is_ready(&mut high, &high_waker));
        level.raise(1);
        assert_eq!(level.at(), 2, "a level never falls");
        level.raise(3);
        assert_eq!(high_woken.0.load(Ordering::Relaxed), 1);
        assert!(is_ready(&mut high, &high_waker) && is_ready(&mut level.reached(2), &low_waker));
    }

    #[test]
    fn a_future_that_moves_to_another_task_wakes_that_task() {
        let level = Arc::<Level>::default();
        let ((first_woken, first), (second_woken, second)) = (task(), task());
        let mut reached = level.reached(1);
        assert!(!is_ready(&mut reached, &first) && !is_ready(&mut reached, &second));
        level.raise(1);
        assert_eq!((first_woken.0.load(Ordering::Relaxed), second_woken.0.load(Ordering::Relaxed)), (0, 1));
    }

    #[test]
    fn a_future_that_is_dropped_leaves_nothing_behind() {
        let level = Arc::<Level>::default();
        let (_, waker) = task();
        let mut reached = level.reached(1);
        assert!(!is_ready(&mut reached, &waker) && !is_ready(&mut reached, &waker));
        assert_eq!(level.waiting.lock().wakers.len(), 1);
        drop(reached);
        assert!(level.waiting.lock().wakers.is_empty());
    }
}
