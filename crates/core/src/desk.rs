//! [`Desk`]: the hub as a journal outside of it sees it. The journal takes submissions there and brings them back in their
//! order.
//!
//! Whatever is brought back first is first for everybody: there is one journal, and it calls from one thread at a time.

use std::{collections::VecDeque, mem, task::Context};

use crate::{
    event_id::EventId,
    hub::{Hub, PublishError},
    idempotency::Answer,
    journal::{Brought, Kept, KeptKey, Past, Refusal},
    submission::Submission,
    sync::Ordering,
    target::Target,
};

/// A hub whose events are ordered by a journal outside of it.
pub trait Desk: Send + Sync {
    /// One publish from before, newer than those given so far.
    fn restore(&self, kept: Kept);

    /// What there is to know besides the events from before. Called once, behind them.
    fn restore_past(&self, past: Past);

    /// Moves what waits into `group`, in the order in which it came, and registers the caller to be woken when more
    /// comes, or when it is closed.
    fn take(&self, group: &mut Vec<Submission>, cx: &Context<'_>);

    /// Whether nothing waits and nothing more will come.
    fn is_closed(&self) -> bool;

    /// The journal has these, with ids that rise from call to call: now they are everybody's.
    fn commit(&self, group: Vec<(EventId, Submission)>);

    /// As [`Desk::commit`], for a journal that others write to as well: takes from the front as much as there is room for
    /// while inboxes are at most half full. If something is left, the caller is registered to be woken when there is room.
    fn bring(&self, brought: &mut VecDeque<Brought>, cx: &Context<'_>);

    /// The number of the newest question whether the hub has everything, and registers the caller to be woken by the next one.
    /// For a journal that others write to as well: it looks for its end then, brings everything up to there, and says so with
    /// [`Desk::answer`].
    fn question(&self, cx: &Context<'_>) -> u64;

    /// The hub has everything that the journal had when it took this question, and those before it.
    fn answer(&self, question: u64);

    /// The journal knew the key of this one: it is not published, and gets the first answer.
    fn repeat(&self, submission: Submission, id: EventId, matched: usize);

    /// The journal does not have these.
    fn refuse(&self, group: Vec<Submission>, refusal: Refusal);

    /// What keeps the journal from taking events, for whoever asks after its health; `None`: nothing.
    fn set_trouble(&self, trouble: Option<String>);

    /// The oldest event that the history holds, and the oldest key that is remembered.
    fn oldest(&self) -> Oldest;

    /// What is still held of publishes with these ids and targets.
    fn holds(&self, published: &[(EventId, &[Target])]) -> Vec<Holds>;

    /// Bytes of memory that the events of the history and the remembered keys take, at least as many as on a disk.
    fn held_bytes(&self) -> usize;
}

/// Where that begins which a journal has to keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Oldest {
    /// The oldest event of the history.
    pub event: Option<EventId>,
    /// The publish with the oldest key.
    pub key: Option<EventId>,
}

/// What a journal has to keep of one publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holds {
    /// The event: the history holds it.
    pub event: bool,
    /// Its claim: the key is remembered.
    pub key: bool,
}

/// Events that are answered under one lock: readers and subscribers wait for as long.
const STEP: usize = 64;

impl<S: Send> Desk for Hub<S> {
    fn restore(&self, kept: Kept) {
        let Kept { id, event, key } = kept;
        let draft = event.map(|event| self.draft(event));
        let now_ms = self.unix_ms();
        let mut order = self.order();
        if let Some(draft) = draft {
            order.journal.append(id, draft, now_ms);
        }
        if let Some(KeptKey { claim, matched }) = key {
            order.idempotency.store(claim, Answer { id, matched, tally: None, is_repeat: false });
        }
    }

    fn restore_past(&self, past: Past) {
        self.order().journal.restore_past(past);
        self.ready.reach(1);
    }

    fn take(&self, group: &mut Vec<Submission>, cx: &Context<'_>) {
        // Register, then look.
        self.journal_waker.register(cx.waker());
        let waiting = &mut self.order().submissions.waiting;
        if group.is_empty() {
            mem::swap(group, waiting);
        } else {
            group.append(waiting);
        }
    }

    fn is_closed(&self) -> bool {
        let order = self.order();
        (order.is_draining || order.submissions.is_closed) && order.submissions.waiting.is_empty()
    }

    fn commit(&self, group: Vec<(EventId, Submission)>) {
        in_steps(group, |step| {
            let now_ms = self.unix_ms();
            let mut order = self.order();
            let answered = step.map(|(id, submission)| {
                let Submission { draft, claim, answer, promise, .. } = submission;
                let bytes_max = draft.bytes_max();
                let answer = self.hand_over(&mut order, id, draft, claim, answer, now_ms);
                self.answered(&mut order, bytes_max);
                promise.keep(Ok(answer))
            });
            let wakers: Vec<_> = answered.collect();
            drop(order);
            self.wake_shards();
            wakers.into_iter().flatten().for_each(std::task::Waker::wake);
        });
    }

    fn bring(&self, brought: &mut VecDeque<Brought>, cx: &Context<'_>) {
        while !brought.is_empty() && self.has_room_to_bring(cx) {
            self.bring_some(brought);
        }
    }

    fn question(&self, cx: &Context<'_>) -> u64 {
        // Register, then look.
        self.journal_waker.register(cx.waker());
        self.asked.load(Ordering::Relaxed)
    }

    fn answer(&self, question: u64) {
        self.answered.reach(question);
    }

    fn repeat(&self, submission: Submission, id: EventId, matched: usize) {
        let answer = Answer { id, matched, tally: None, is_repeat: true };
        self.settle(vec![submission], &Ok(answer));
    }

    fn refuse(&self, group: Vec<Submission>, refusal: Refusal) {
        self.settle(group, &Err(refusal.into()));
    }

    fn set_trouble(&self, trouble: Option<String>) {
        Self::set_trouble(self, trouble);
    }

    fn oldest(&self) -> Oldest {
        let mut order = self.order();
        Oldest { event: order.journal.oldest(), key: order.idempotency.oldest() }
    }

    fn holds(&self, published: &[(EventId, &[Target])]) -> Vec<Holds> {
        let order = self.order();
        let holds = |(id, targets): &(EventId, &[Target])| Holds {
            event: order.journal.holds(*id, targets),
            key: order.idempotency.holds(*id),
        };
        published.iter().map(holds).collect()
    }

    fn held_bytes(&self) -> usize {
        let order = self.order();
        order.journal.bytes() + order.idempotency.bytes()
    }
}

/// A group a few at a time.
fn in_steps<T>(group: Vec<T>, mut each: impl FnMut(std::iter::Take<&mut std::vec::IntoIter<T>>)) {
    let mut group = group.into_iter();
    while group.len() > 0 {
        each(group.by_ref().take(STEP));
    }
}

impl<S> Hub<S> {
    /// These are not published; that is their answer.
    fn settle(&self, group: Vec<Submission>, result: &Result<Answer, PublishError>) {
        in_steps(group, |step| {
            let mut order = self.order();
            let settled = step.map(|submission| {
                let Submission { draft, claim, promise, .. } = submission;
                if let Some(claim) = &claim {
                    order.idempotency.give_up(claim);
                }
                self.answered(&mut order, draft.bytes_max());
                promise.keep(result.clone())
            });
            let mut wakers: Vec<_> = settled.collect();
            // There is room again.
            wakers.push(order.gate.first().into_iter().collect());
            drop(order);
            self.wake_shards();
            wakers.into_iter().flatten().for_each(std::task::Waker::wake);
        });
    }

    /// The journal is given nothing more, and ends when it has answered what waits.
    pub fn close_journal(&self) {
        self.order().submissions.is_closed = true;
        self.journal_waker.wake();
    }
}

impl<S: Send> Hub<S> {
    /// The journal has ended, in order or not: nobody waits for it any more, and publishes are refused.
    pub fn journal_ended(&self) {
        let mut order = self.order();
        order.submissions.is_closed = true;
        let waiting = mem::take(&mut order.submissions.waiting);
        let at_gate = order.gate.all();
        drop(order);
        self.refuse(waiting, Refusal::NotPublished);
        at_gate.into_iter().for_each(std::task::Waker::wake);
        // Nobody will ask it any more.
        self.answered.reach(u64::MAX);
        let mut order = self.order();
        let is_draining = order.is_draining;
        // What it has taken and never answered.
        if mem::take(&mut order.submissions.unanswered) > 0 && is_draining {
            self.post_drain();
        }
        drop(order);
        self.wake_shards();
        if !is_draining {
            Self::set_trouble(self, Some("it has ended".to_owned()));
        }
    }
}
