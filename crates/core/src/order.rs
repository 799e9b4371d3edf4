//! [`Order`]: what the order lock protects, and all that is done under it with a publish: it is numbered, kept and
//! handed over, or left to the journal outside of the hub.

use std::sync::Arc;

use crate::{
    claim::Claim,
    event_id::EventId,
    gate::Gate,
    hub::{Hub, PublishError},
    idempotency::{Answer, Given, Idempotency, Reused},
    inbox::Item,
    memory_journal::MemoryJournal,
    message::Draft,
    receipt::Part,
    submission::{Origin, Promise, Submission, Submissions, Ticket},
    sync::{MutexGuard, Ordering},
};

/// What the order lock protects.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) journal: MemoryJournal,
    pub(crate) idempotency: Idempotency,
    pub(crate) gate: Gate,
    /// What is on its way through a journal outside of the hub.
    pub(crate) submissions: Submissions,
    pub(crate) is_draining: bool,
}

impl<S> Hub<S> {
    pub(crate) fn order(&self) -> MutexGuard<'_, Order> {
        self.order.lock()
    }

    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.inboxes.iter().all(|inbox| inbox.has_room(bytes))
    }

    /// What became of `claim`, if it has come before.
    pub(crate) fn repeated(&self, order: &mut Order, claim: &Claim) -> Result<Option<Given>, PublishError> {
        order.idempotency.find(claim, self.unix_ms()).map_err(|Reused| PublishError::KeyReused)
    }

    /// Gives the order, if that is not for somebody else to do. The caller has made sure of room and holds the lock.
    pub(crate) fn order_here(&self, order: &mut Order, draft: Draft, claim: Option<Claim>, answer: Answer) -> Answer {
        let now_ms = self.unix_ms();
        let id = order.journal.last().next(now_ms);
        self.hand_over(order, id, draft, claim, answer, now_ms)
    }

    /// Leaves the order to the journal outside, with room promised to it. The caller has made sure of room and holds
    /// the lock.
    pub(crate) fn submit(
        &self,
        order: &mut Order,
        origin: Box<Origin>,
        draft: Draft,
        claim: Option<Claim>,
        answer: Answer,
    ) -> Arc<Ticket> {
        let ticket = Arc::<Ticket>::default();
        if let Some(claim) = &claim {
            order.idempotency.begin(claim, Arc::clone(&ticket));
        }
        self.inboxes.iter().for_each(|inbox| inbox.promise(draft.bytes_max()));
        let promise = Promise::new(Arc::clone(&ticket));
        order.submissions.push(Submission { origin, draft, claim, answer, promise });
        ticket
    }

    /// A submission of at most `bytes_max` has its answer; the room that was promised to it is given back.
    pub(crate) fn answered(&self, order: &mut Order, bytes_max: usize) {
        self.inboxes.iter().for_each(|inbox| inbox.end_promise(bytes_max));
        order.submissions.unanswered -= 1;
        if order.is_draining && order.submissions.unanswered == 0 {
            self.post_drain();
        }
    }

    /// The one place that keeps and hands over, in the order of ids. The caller holds the lock and has made sure of room.
    pub(crate) fn hand_over(
        &self,
        order: &mut Order,
        id: EventId,
        draft: Draft,
        claim: Option<Claim>,
        answer: Answer,
        now_ms: u64,
    ) -> Answer {
        let message = order.journal.append(id, draft, now_ms);
        let answer = Answer { id, ..answer };
        if let Some(claim) = claim {
            order.idempotency.store(claim, answer.clone());
        }
        for inbox in &self.inboxes {
            let part = answer.tally.as_ref().map(Part::of);
            inbox.push_counted(Item::Publish { message: message.clone(), part }, message.bytes());
        }
        answer
    }

    /// Lets go of some of the history that is too old.
    pub(crate) fn expire(&self) {
        let now_ms = self.unix_ms();
        let mut order = self.order.lock();
        order.journal.expire(now_ms);
        order.idempotency.expire(now_ms);
    }

    /// Behind everything that was accepted.
    pub(crate) fn post_drain(&self) {
        self.inboxes.iter().for_each(|inbox| inbox.push(Item::Drain));
    }

    /// A shard is gone: who waits at the gate is to look again, and finds that its inbox is closed.
    pub(crate) fn shard_ended(&self, shard: usize) {
        let order = self.order();
        let waiting = order.gate.all();
        self.inboxes[shard].close();
        drop(order);
        waiting.into_iter().for_each(std::task::Waker::wake);
    }

    /// Whether a shard is gone: what is published now would not reach its connections.
    pub(crate) fn is_broken(&self) -> bool {
        self.inboxes.iter().any(|inbox| inbox.is_closed())
    }

    /// A shard has taken publishes from its inbox: whoever waits for room may look again.
    pub(crate) fn release(&self, shard: usize, messages: usize, bytes: usize) {
        self.inboxes[shard].release(messages, bytes);
        // SeqCst: see `Inbox::has_room`.
        if self.waiting.load(Ordering::SeqCst) > 0 {
            let next = self.order.lock().gate.first();
            if let Some(waker) = next {
                waker.wake();
            }
        }
        if self.journal_waits.load(Ordering::SeqCst) {
            self.room_waker.wake();
        }
    }
}
