//! [`Admission`]: one publisher's way through the gate. Every inbox has room before an event gets its id.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use crate::order::{Order, answer::PublishError, submission::Way, ticket::Ticket};

/// One publish on its way into the order or to an external journal. Leaves the queue at the gate when it is dropped.
pub(crate) struct Admission<'a, S> {
    order: &'a Order<S>,
    /// The publish, until it is admitted. Borrowed, because it is large and each move of it would be a copy.
    way: &'a mut Option<Way>,
    /// The place in the queue at the gate, if it had to join that.
    place: Option<u64>,
}

impl<'a, S> Admission<'a, S> {
    pub(crate) fn new(order: &'a Order<S>, way: &'a mut Option<Way>) -> Self {
        Self { order, way, place: None }
    }
}

impl<S> Unpin for Admission<'_, S> {}

impl<S> Future for Admission<'_, S> {
    type Output = Result<Ticket, PublishError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.order.poll_admit(this.way, &mut this.place, cx)
    }
}

impl<S> Drop for Admission<'_, S> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.order.leave_gate(place);
        }
    }
}
