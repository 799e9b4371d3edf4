//! Answers the hub's question whether it has all events. Looks for the end of the Stream, and answers when this node
//! has read and handed over everything up to there. A client may come from a node that is ahead, with an id that only
//! later events tell.

use std::{cell::RefCell, future::poll_fn, task::Poll};

use fanfare_core::journal::Desk;

use crate::{in_flight::InFlight, link::Link, link_error::LinkError};

/// Answers questions until the link fails.
pub(crate) async fn run(link: &Link, in_flight: &RefCell<InFlight>, desk: &dyn Desk) -> LinkError {
    let mut answered = 0;
    loop {
        let question = poll_fn(|cx| match desk.question(cx) {
            question if question > answered => Poll::Ready(question),
            _ => Poll::Pending,
        })
        .await;
        // The end is read after the question, which is about the events that are there by then.
        let end = match link.end().await {
            Ok(end) => end,
            Err(error) => return error,
        };
        // The reader is polled in the same task, and before this: nothing else has to wake it.
        poll_fn(|_| if in_flight.borrow().has_settled(end) { Poll::Ready(()) } else { Poll::Pending }).await;
        desk.answer(question);
        answered = question;
    }
}
