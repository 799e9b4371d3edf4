//! [`Gate`]: the queue of publishers that wait for room in the inboxes, first come, first served. An external journal waits
//! beside it.

use std::{
    collections::BTreeMap,
    task::{Context, Waker},
};

use crate::sync::{AtomicBool, AtomicUsize, AtomicWaker, Mutex, Ordering};

/// The queue of waiting publishers, and the waiting journal beside it.
///
/// `waiting` and `journal_waits` are SeqCst. A publisher announces itself, then looks for room. A shard frees room, then looks
/// for announcements ([`Gate::wake_first`]). One of the two must see the other.
#[derive(Debug)]
pub(crate) struct Gate {
    queue: Mutex<Queue>,
    /// The number of publishers in the queue.
    waiting: AtomicUsize,
    /// Whether the journal waits. Only the journal writes it.
    journal_waits: AtomicBool,
    /// Wakes a journal that waits for room. `External` has the waker of one that waits for work.
    journal_waker: AtomicWaker,
}

#[derive(Debug, Default)]
struct Queue {
    /// The wakers by place. Tens of thousands may wait, so joining and leaving must not search.
    wakers: BTreeMap<u64, Waker>,
    /// The last place that was given out.
    last: u64,
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
            journal_waker: AtomicWaker::new(),
        }
    }

    /// The number of publishers in the queue.
    pub(crate) fn len(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// Whether no publisher waits before the holder of `place`. Called under the order lock, under which publishers join.
    pub(crate) fn is_first(&self, place: Option<u64>) -> bool {
        if self.waiting.load(Ordering::SeqCst) == 0 {
            return true;
        }
        self.queue.lock().wakers.first_key_value().is_none_or(|(first, _)| Some(*first) == place)
    }

    /// Joins the queue, or stays in it with another waker. Called under the order lock.
    pub(crate) fn join(&self, place: Option<u64>, waker: &Waker) -> u64 {
        let mut queue = self.queue.lock();
        let place = place.unwrap_or_else(|| {
            queue.last += 1;
            queue.last
        });
        queue.wakers.entry(place).or_insert_with(|| waker.clone()).clone_from(waker);
        self.waiting.store(queue.wakers.len(), Ordering::SeqCst);
        place
    }

    /// Leaves the queue and wakes the next publisher.
    pub(crate) fn leave(&self, place: u64) {
        let mut queue = self.queue.lock();
        queue.wakers.remove(&place);
        self.waiting.store(queue.wakers.len(), Ordering::SeqCst);
        let next = queue.first();
        drop(queue);
        if let Some(waker) = next {
            waker.wake();
        }
    }

    /// The waker of the first publisher.
    pub(crate) fn first(&self) -> Option<Waker> {
        self.queue.lock().first()
    }

    /// The wakers of all publishers, for a change that concerns each of them.
    pub(crate) fn all(&self) -> Vec<Waker> {
        self.queue.lock().wakers.values().cloned().collect()
    }

    /// Wakes the first publisher and the journal, because there is more room than before.
    pub(crate) fn wake_first(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0
            && let Some(waker) = self.first()
        {
            waker.wake();
        }
        self.wake_journal();
    }

    /// Wakes the journal, if it waits for room.
    pub(crate) fn wake_journal(&self) {
        if self.journal_waits.load(Ordering::SeqCst) {
            self.journal_waker.wake();
        }
    }

    /// Whether `has_room` says that there is room for others' events. If not, wakes the journal of `cx` when there is more.
    pub(crate) fn poll_journal(&self, cx: &Context<'_>, has_room: impl Fn() -> bool) -> bool {
        let mut may_go = has_room();
        if !may_go {
            self.journal_waker.register(cx.waker());
            self.journal_waits.store(true, Ordering::SeqCst);
            may_go = has_room();
        }
        if may_go {
            self.journal_waits.store(false, Ordering::SeqCst);
        }
        may_go
    }
}
