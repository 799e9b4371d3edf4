//! [`Admission`]: the way of one publisher through the gate. Room in every inbox is made sure of before anything is ordered.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use crate::order::{Order, answer::PublishError, submission::Entry, ticket::Ticket};

/// One publish on its way into the order, or to the journal that gives it. Dropped, it leaves the queue at the gate.
pub(crate) struct Admission<'a, S> {
    order: &'a Order<S>,
    /// None once it is in.
    entry: Option<Entry>,
    /// In the queue at the gate.
    turn: Option<u64>,
}

impl<'a, S> Admission<'a, S> {
    pub(crate) fn new(order: &'a Order<S>, entry: Entry) -> Self {
        Self { order, entry: Some(entry), turn: None }
    }
}

impl<S> Unpin for Admission<'_, S> {}

impl<S> Future for Admission<'_, S> {
    type Output = Result<Ticket, PublishError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.order.poll_admit(&mut this.entry, &mut this.turn, cx)
    }
}

impl<S> Drop for Admission<'_, S> {
    fn drop(&mut self) {
        if let Some(turn) = self.turn {
            self.order.leave_gate(turn);
        }
    }
}
