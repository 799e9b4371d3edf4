//! [`External`]: the signals between the order and an external journal.

use std::task::Context;

use crate::{
    queue::milestone::Milestone,
    sync::{AtomicU64, AtomicWaker, Mutex, Ordering},
};

/// The order's side of an external journal. Without one, nothing waits here.
#[derive(Debug)]
pub(crate) struct External {
    is_there: bool,
    /// The waker of the journal, which sleeps until there is work.
    journal_waker: AtomicWaker,
    /// 1 once the history has the journal's events of before the start.
    ready: Milestone,
    /// The number of questions to a shared journal whether the hub has everything.
    asked: AtomicU64,
    /// The number of these questions that are answered.
    answered: Milestone,
    trouble: Mutex<Option<String>>,
}

impl External {
    /// The signals of a hub without a journal. They wake nobody, because the order gives the ids itself.
    pub(crate) fn none() -> Self {
        Self::new(false)
    }

    /// The signals of a journal.
    pub(crate) fn journal() -> Self {
        Self::new(true)
    }

    fn new(is_there: bool) -> Self {
        let external = Self {
            is_there,
            journal_waker: AtomicWaker::new(),
            ready: Milestone::default(),
            asked: AtomicU64::new(0),
            answered: Milestone::default(),
            trouble: Mutex::default(),
        };
        if !is_there {
            external.set_ready();
        }
        external
    }

    /// Whether there is a journal.
    pub(crate) fn is_there(&self) -> bool {
        self.is_there
    }

    /// Wakes the journal.
    pub(crate) fn wake(&self) {
        self.journal_waker.wake();
    }

    /// Registers the task of `cx` as the journal's. The journal looks for work after that.
    pub(crate) fn register(&self, cx: &Context<'_>) {
        self.journal_waker.register(cx.waker());
    }

    /// Notes that the history has the journal's events of before the start.
    pub(crate) fn set_ready(&self) {
        self.ready.reach(1);
    }

    /// Whether [`External::set_ready`] was called.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.has_reached(1)
    }

    /// Waits for [`External::set_ready`].
    pub(crate) async fn ready(&self) {
        self.ready.wait(1).await;
    }

    /// Asks a shared journal whether the hub has everything, and waits for the answer.
    pub(crate) async fn ask(&self) {
        // Relaxed: the wake makes the journal see the number.
        let question = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        self.journal_waker.wake();
        self.answered.wait(question).await;
    }

    /// The number of the newest question.
    pub(crate) fn question(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Answers this question and all before it.
    pub(crate) fn answer(&self, question: u64) {
        self.answered.reach(question);
    }

    /// Answers all questions, also later ones, because the journal has ended.
    pub(crate) fn answer_all(&self) {
        self.answered.reach(u64::MAX);
    }

    /// The reason for which the journal takes no events, if there is one.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.trouble.lock().clone()
    }

    pub(crate) fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock() = trouble;
    }
}
