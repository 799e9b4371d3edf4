//! [`External`]: how the order and an external journal reach each other.

use std::task::Context;

use crate::{
    queue::milestone::Milestone,
    sync::{AtomicU64, AtomicWaker, Mutex, Ordering},
};

/// The order's side of an external journal. Without one, nobody sleeps here.
#[derive(Debug)]
pub(crate) struct External {
    is_there: bool,
    /// The journal sleeps until there is something for it.
    journal: AtomicWaker,
    /// 1 once the history holds what the journal had before the start.
    ready: Milestone,
    /// How many have asked a shared journal whether the hub has everything, and how many of these questions are answered.
    asked: AtomicU64,
    answered: Milestone,
    trouble: Mutex<Option<String>>,
}

impl External {
    /// Of a journal, or of none.
    pub(crate) fn new(is_there: bool) -> Self {
        Self {
            is_there,
            journal: AtomicWaker::new(),
            ready: Milestone::new(u64::from(!is_there)),
            asked: AtomicU64::new(0),
            answered: Milestone::new(0),
            trouble: Mutex::default(),
        }
    }

    /// Whether there is a journal.
    pub(crate) fn is_there(&self) -> bool {
        self.is_there
    }

    /// Wakes the journal.
    pub(crate) fn wake(&self) {
        self.journal.wake();
    }

    /// The task of `cx` is the journal's. It registers, then looks.
    pub(crate) fn register(&self, cx: &Context<'_>) {
        self.journal.register(cx.waker());
    }

    /// The history holds what the journal had before the start.
    pub(crate) fn set_ready(&self) {
        self.ready.reach(1);
    }

    /// See [`External::set_ready`].
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.has_reached(1)
    }

    /// Waits for [`External::set_ready`].
    pub(crate) async fn ready(&self) {
        self.ready.wait(1).await;
    }

    /// Asks a shared journal whether the hub has everything, and waits for its yes.
    pub(crate) async fn ask(&self) {
        // Relaxed: the wake makes it seen.
        let question = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        self.journal.wake();
        self.answered.wait(question).await;
    }

    /// The number of the newest question.
    pub(crate) fn question(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// This question, and all before it, are answered.
    pub(crate) fn answer(&self, question: u64) {
        self.answered.reach(question);
    }

    /// The journal has ended: nobody waits for an answer any more.
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
