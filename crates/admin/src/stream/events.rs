//! The stream of a dashboard.

use std::rc::Rc;

use futures_util::stream;
use hyper::{Response, StatusCode};

use crate::{
    answer::{
        self,
        body::{self, Body},
        problem::Problem,
    },
    console::Console,
    operate::Operate,
    stream::pulse::Pulse,
};

pub(crate) const KIND: &str = "text/event-stream";

/// The beats until the reader goes, or the listener ends.
pub(crate) fn events<O: Operate, C: 'static>(
    console: &Rc<Console<O, C>>,
    pulse: &Pulse,
) -> Result<Response<Body>, Problem> {
    let place = console.stream()?;
    let follower = (pulse.follow(), console.stopping(), place);
    let beats = stream::unfold(follower, |(mut beats, mut stopping, place)| async move {
        tokio::select! {
            biased;
            _ = stopping.wait_for(|is| *is) => return None,
            changed = beats.changed() => changed.ok()?,
        }
        let beat = beats.borrow_and_update().clone();
        Some((beat, (beats, stopping, place)))
    });
    Ok(answer::with_body(StatusCode::OK, KIND, body::parts(beats)))
}
