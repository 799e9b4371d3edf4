//! [`Gate`]: where publishers, and an external journal, wait for room in the inboxes. Publishers are served in the order in
//! which they came.

use std::{
    collections::BTreeMap,
    task::{Context, Waker},
};

use crate::sync::{AtomicBool, AtomicUsize, AtomicWaker, Mutex, Ordering};

/// The queue of waiting publishers, and the place of the journal beside it.
///
/// SeqCst for `waiting` and `journal_waits`: a publisher announces itself and then looks for room, a shard frees room and then
/// looks for announcements ([`Gate::ring`]), and one of the two must see the other.
#[derive(Debug)]
pub(crate) struct Gate {
    queue: Mutex<Queue>,
    /// How many wait in the queue.
    waiting: AtomicUsize,
    /// Written by the journal alone.
    journal_waits: AtomicBool,
    journal: AtomicWaker,
}

#[derive(Debug, Default)]
struct Queue {
    /// By turn. Tens of thousands may wait, so joining and leaving are no search.
    wakers: BTreeMap<u64, Waker>,
    /// The last turn that was given.
    turn: u64,
}

impl Queue {
    fn first(&self) -> Option<Waker> {
        self.wakers.first_key_value().map(|(_, waker)| waker.clone())
    }
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self {
            queue: Mutex::default(),
            waiting: AtomicUsize::new(0),
            journal_waits: AtomicBool::new(false),
            journal: AtomicWaker::new(),
        }
    }

    /// Whether nobody waits before the holder of `turn`. Publishers join under the order lock; the caller holds it.
    pub(crate) fn is_turn(&self, turn: Option<u64>) -> bool {
        if self.waiting.load(Ordering::SeqCst) == 0 {
            return true;
        }
        self.queue.lock().wakers.first_key_value().is_none_or(|(first, _)| Some(*first) == turn)
    }

    /// Enters the queue, or stays in it with another waker. Only called under the order lock.
    pub(crate) fn join(&self, turn: Option<u64>, waker: &Waker) -> u64 {
        let mut queue = self.queue.lock();
        let turn = turn.unwrap_or_else(|| {
            queue.turn += 1;
            queue.turn
        });
        queue.wakers.entry(turn).or_insert_with(|| waker.clone()).clone_from(waker);
        self.waiting.store(queue.wakers.len(), Ordering::SeqCst);
        turn
    }

    /// Leaves the queue, and wakes the next.
    pub(crate) fn leave(&self, turn: u64) {
        let mut queue = self.queue.lock();
        queue.wakers.remove(&turn);
        self.waiting.store(queue.wakers.len(), Ordering::SeqCst);
        let next = queue.first();
        drop(queue);
        if let Some(waker) = next {
            waker.wake();
        }
    }

    /// The publisher whose turn it is.
    pub(crate) fn first(&self) -> Option<Waker> {
        self.queue.lock().first()
    }

    /// All publishers: something has changed for each of them.
    pub(crate) fn all(&self) -> Vec<Waker> {
        self.queue.lock().wakers.values().cloned().collect()
    }

    /// There is more room than before: whoever is next looks again.
    pub(crate) fn ring(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0
            && let Some(waker) = self.first()
        {
            waker.wake();
        }
        if self.journal_waits.load(Ordering::SeqCst) {
            self.journal.wake();
        }
    }

    /// Whether there is room for events of other nodes, by `has_room`. If not, the journal of `cx` is woken when there is more.
    pub(crate) fn poll_journal(&self, cx: &Context<'_>, has_room: impl Fn() -> bool) -> bool {
        let mut may_go = has_room();
        if !may_go {
            self.journal.register(cx.waker());
            self.journal_waits.store(true, Ordering::SeqCst);
            may_go = has_room();
        }
        if may_go {
            self.journal_waits.store(false, Ordering::SeqCst);
        }
        may_go
    }
}
