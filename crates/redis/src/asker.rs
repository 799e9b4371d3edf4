//! Answers the hub when it asks whether it has everything: looks for the end of the Stream, and says so when this node has
//! read and handed over all up to there. A client may come from a node that is further, with an id that only later events tell.

use std::{cell::RefCell, future::poll_fn, task::Poll};

use fanfare_core::Desk;

use crate::{link::Link, link_error::LinkError, pending::Pending};

/// For as long as the link is of use.
pub(crate) async fn run(link: &Link, pending: &RefCell<Pending>, desk: &dyn Desk) -> LinkError {
    let mut answered = 0;
    loop {
        let question = poll_fn(|cx| match desk.question(cx) {
            question if question > answered => Poll::Ready(question),
            _ => Poll::Pending,
        })
        .await;
        // After the question: it is about what is there by then.
        let end = match link.end().await {
            Ok(end) => end,
            Err(error) => return error,
        };
        // The reader is polled together with this, and before it: nothing else has to wake it.
        poll_fn(|_| {
            let pending = pending.borrow();
            let has_all = pending.cursor >= end && pending.settled.is_empty();
            if has_all { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        desk.answer(question);
        answered = question;
    }
}
