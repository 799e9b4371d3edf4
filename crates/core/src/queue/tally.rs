//! [`Tally`]: the counts of all shards for one event. [`Report`]: the answers of all shards to one question.
//!
//! Each shard gets a [`Part`] of a tally and an [`Inquiry`] of a report. One that is dropped without an answer, because its
//! shard has ended, counts down all the same, so nobody waits for ever.

use std::{
    future::poll_fn,
    iter, mem,
    sync::Arc,
    task::{Poll, Waker},
};

use crate::{
    event::receipt::Outcome,
    sync::{AtomicBool, AtomicUsize, Mutex, Ordering},
};

/// The number of shards that have not answered, and the tasks that wait for them.
#[derive(Debug)]
struct Countdown {
    shards_left: AtomicUsize,
    /// The waiting tasks. Several publishers wait if a key is repeated.
    waiting: Mutex<Vec<Waker>>,
}

impl Countdown {
    fn new(shards: usize) -> Self {
        Self { shards_left: AtomicUsize::new(shards), waiting: Mutex::default() }
    }

    fn count(&self) {
        // AcqRel: a task that sees 0 sees everything that the shards did before they counted down.
        if self.shards_left.fetch_sub(1, Ordering::AcqRel) == 1 {
            let waiting = mem::take(&mut *self.waiting.lock());
            waiting.into_iter().for_each(Waker::wake);
        }
    }

    async fn over(&self) {
        // Acquire, here and below: pairs with the AcqRel above.
        let is_over = || self.shards_left.load(Ordering::Acquire) == 0;
        poll_fn(|cx| {
            // Nothing wakes a task that comes after the end, and nothing takes its waker out.
            if is_over() {
                return Poll::Ready(());
            }
            // Register, then look.
            let mut waiting = self.waiting.lock();
            if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
                waiting.push(cx.waker().clone());
            }
            drop(waiting);
            if is_over() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// The answers of all shards to one question.
#[derive(Debug)]
pub(crate) struct Report<T> {
    countdown: Countdown,
    answers: Mutex<Vec<T>>,
}

impl<T> Report<T> {
    pub(crate) fn new(shards: usize) -> Self {
        Self { countdown: Countdown::new(shards), answers: Mutex::new(Vec::new()) }
    }

    /// Adds the answers of one shard.
    fn add(&self, answers: impl Iterator<Item = T>) {
        self.answers.lock().extend(answers);
        self.countdown.count();
    }

    /// Waits for the last shard. The answers of a shard stand together.
    pub(crate) async fn answers(&self) -> Vec<T> {
        self.countdown.over().await;
        mem::take(&mut *self.answers.lock())
    }
}

/// The question to one shard, which a [`Report`] collects.
#[derive(Debug)]
pub(crate) struct Inquiry<T>(Option<Arc<Report<T>>>);

impl<T> Inquiry<T> {
    pub(crate) fn of(report: &Arc<Report<T>>) -> Self {
        Self(Some(Arc::clone(report)))
    }

    pub(crate) fn answer(mut self, answers: impl Iterator<Item = T>) {
        if let Some(report) = self.0.take() {
            report.add(answers);
        }
    }
}

impl<T> Drop for Inquiry<T> {
    fn drop(&mut self) {
        if let Some(report) = self.0.take() {
            report.add(iter::empty());
        }
    }
}

/// The outcome of one message, collected from all shards.
#[derive(Debug)]
pub(crate) struct Tally {
    countdown: Countdown,
    written: AtomicUsize,
    queued: AtomicUsize,
    dropped: AtomicUsize,
    /// Whether a shard has ended without an answer.
    is_partial: AtomicBool,
}

impl Tally {
    pub(crate) fn new(shards: usize) -> Self {
        Self {
            countdown: Countdown::new(shards),
            written: AtomicUsize::new(0),
            queued: AtomicUsize::new(0),
            dropped: AtomicUsize::new(0),
            is_partial: AtomicBool::new(false),
        }
    }

    /// Adds the outcome of one shard.
    fn add(&self, outcome: Outcome) {
        // Relaxed: the countdown orders them.
        self.written.fetch_add(outcome.written, Ordering::Relaxed);
        self.queued.fetch_add(outcome.queued, Ordering::Relaxed);
        self.dropped.fetch_add(outcome.dropped, Ordering::Relaxed);
        self.countdown.count();
    }

    /// Waits for the last shard. `None` if a shard has ended without an answer.
    pub(crate) async fn outcome(&self) -> Option<Outcome> {
        self.countdown.over().await;
        let outcome = Outcome {
            written: self.written.load(Ordering::Relaxed),
            queued: self.queued.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        };
        (!self.is_partial.load(Ordering::Relaxed)).then_some(outcome)
    }
}

/// One shard's part of a [`Tally`].
#[derive(Debug)]
pub(crate) struct Part(Option<Arc<Tally>>);

impl Part {
    pub(crate) fn of(tally: &Arc<Tally>) -> Self {
        Self(Some(Arc::clone(tally)))
    }

    pub(crate) fn add(mut self, outcome: Outcome) {
        if let Some(tally) = self.0.take() {
            tally.add(outcome);
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(tally) = self.0.take() {
            // Relaxed: the countdown orders it.
            tally.is_partial.store(true, Ordering::Relaxed);
            tally.countdown.count();
        }
    }
}
