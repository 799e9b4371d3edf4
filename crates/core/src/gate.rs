//! [`Gate`]: where publishers wait while a shard's inbox is full, first come, first served.
//!
//! [`Admission`] is one publisher's way through: it reserves in every inbox before anything is ordered, and
//! leaves the queue if it is dropped.

use std::{
    collections::BTreeMap,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use crate::{
    claim::Claim,
    hub::{Hub, PublishError},
    idempotency::{Answer, Given},
    message::Draft,
    submission::Origin,
    sync::Ordering,
    underway::Underway,
};

/// The queue of waiting publishers. Lives under the hub's order lock.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// By their tickets, which rise: tens of thousands may wait, and each comes and goes under the order lock.
    waiting: BTreeMap<u64, Waker>,
    tickets: u64,
}

impl Gate {
    /// Whether the holder of `ticket` may go now, as far as the order of arrival is concerned.
    fn is_turn(&self, ticket: Option<u64>) -> bool {
        self.waiting.first_key_value().is_none_or(|(first, _)| Some(*first) == ticket)
    }

    fn join(&mut self, ticket: Option<u64>, waker: &Waker) -> u64 {
        let ticket = ticket.unwrap_or_else(|| {
            self.tickets += 1;
            self.tickets
        });
        self.waiting.entry(ticket).or_insert_with(|| waker.clone()).clone_from(waker);
        ticket
    }

    fn leave(&mut self, ticket: u64) {
        self.waiting.remove(&ticket);
    }

    pub(crate) fn first(&self) -> Option<Waker> {
        self.waiting.first_key_value().map(|(_, waker)| waker.clone())
    }

    pub(crate) fn all(&self) -> Vec<Waker> {
        self.waiting.values().cloned().collect()
    }
}

/// One publish on its way into the order, or to the journal that gives it.
pub(crate) struct Admission<'a, S> {
    hub: &'a Hub<S>,
    draft: Option<Draft>,
    claim: Option<Claim>,
    answer: Answer,
    /// For a journal outside of the hub.
    origin: Option<Box<Origin>>,
    ticket: Option<u64>,
}

impl<'a, S> Admission<'a, S> {
    /// `answer` is what is to be answered, but for the id.
    pub(crate) fn new(
        hub: &'a Hub<S>,
        draft: Draft,
        claim: Option<Claim>,
        answer: Answer,
        origin: Option<Box<Origin>>,
    ) -> Self {
        Self { hub, draft: Some(draft), claim, answer, origin, ticket: None }
    }
}

impl<S> Unpin for Admission<'_, S> {}

impl<S> Future for Admission<'_, S> {
    type Output = Result<Underway, PublishError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let hub = this.hub;
        let mut order = hub.order();
        if let Some(claim) = &this.claim
            && let Some(given) = hub.repeated(&mut order, claim)?
        {
            return Poll::Ready(Ok(Underway { given, is_repeat: true }));
        }
        if hub.has_outside && order.submissions.is_closed {
            return Poll::Ready(Err(PublishError::Journal));
        }
        let bytes = this.draft.as_ref().map_or(0, Draft::bytes_max);
        if hub.is_broken() && !order.is_draining {
            return Poll::Ready(Err(PublishError::Broken));
        }
        let may_go = |gate: &Gate, ticket| gate.is_turn(ticket) && hub.has_room(bytes);
        if !order.is_draining && !may_go(&order.gate, this.ticket) {
            this.ticket = Some(order.gate.join(this.ticket, cx.waker()));
            // SeqCst: announce, then look again; a shard frees, then looks for announcements.
            hub.waiting.store(order.gate.waiting.len(), Ordering::SeqCst);
            if !may_go(&order.gate, this.ticket) {
                return Poll::Pending;
            }
        }
        if order.is_draining {
            return Poll::Ready(Err(PublishError::Draining));
        }
        let Some(draft) = this.draft.take() else { return Poll::Pending };
        let (claim, answer) = (this.claim.take(), this.answer.clone());
        let given = match this.origin.take() {
            None => Given::Answer(hub.order_here(&mut order, draft, claim, answer)),
            Some(origin) => Given::Ticket(hub.submit(&mut order, origin, draft, claim, answer)),
        };
        drop(order);
        match given {
            Given::Answer(_) => hub.wake_shards(),
            Given::Ticket(_) => hub.journal_waker.wake(),
        }
        // The place in the queue is given up, and the next one woken, by Drop.
        Poll::Ready(Ok(Underway { given, is_repeat: false }))
    }
}

impl<S> Drop for Admission<'_, S> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let mut order = self.hub.order();
        order.gate.leave(ticket);
        self.hub.waiting.store(order.gate.waiting.len(), Ordering::SeqCst);
        let next = order.gate.first();
        drop(order);
        if let Some(waker) = next {
            waker.wake();
        }
    }
}
