//! The verbs of a [`Carrier`] for requests and their answers.

use std::{
    io::IoSlice,
    task::{Context, Poll},
};

use bytes::Bytes;
use fanfare_h2::{Gone, Reason, StreamId};
use hyper::{Response, StatusCode, http::response};

use crate::link::carrier::Carrier;

impl Carrier {
    /// Sends the head of an answer.
    ///
    /// # Errors
    /// The stream is gone.
    pub(crate) fn head(&self, stream: StreamId, head: &response::Parts, is_end: bool) -> Result<(), Gone> {
        let mut state = self.state.lock();
        state.h2.head(stream, head, is_end)
    }

    /// Asks for the body of a request whose client waits to be asked (RFC 9110 10.1.1).
    pub(crate) fn ask_for_body(&self, stream: StreamId) {
        let mut state = self.state.lock();
        let mut head = Response::new(()).into_parts().0;
        head.status = StatusCode::CONTINUE;
        // A stream that is gone has nobody to ask.
        let _ = state.h2.head(stream, &head, false);
        self.send(&mut state);
    }

    /// Sends as many bytes of an answer as may leave.
    pub(crate) fn poll_answer(&self, stream: StreamId, bytes: &[u8], cx: &Context<'_>) -> Poll<Result<usize, Gone>> {
        let mut state = self.state.lock();
        // Registered first: the write may find room by sending what waits.
        if let Some(exchange) = state.parties.exchange(stream) {
            exchange.writer = Some(cx.waker().clone());
        }
        let written = self.write(&mut state, stream, &[IoSlice::new(bytes)]);
        self.send(&mut state);
        written
    }

    /// Ends an answer whole.
    pub(crate) fn end(&self, stream: StreamId) {
        let mut state = self.state.lock();
        // A stream that is gone needs no end.
        let _ = state.h2.end(stream);
        self.give_room(&mut state);
        self.send(&mut state);
    }

    /// Ready once the stream was reset, or the connection is over.
    pub(crate) fn poll_over(&self, stream: StreamId, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        let is_closed = state.transport.is_none();
        match state.parties.exchange(stream) {
            Some(exchange) if !is_closed && !exchange.is_over => {
                exchange.writer = Some(cx.waker().clone());
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }

    /// The exchange is over. A stream that has not ended whole is reset.
    pub(crate) fn leave(&self, stream: StreamId, is_whole: bool) {
        let mut state = self.state.lock();
        if let Some(exchange) = state.parties.exchange(stream) {
            exchange.wake_reader();
        }
        state.parties.leave(stream);
        if !is_whole {
            state.h2.reset(stream, Reason::INTERNAL_ERROR);
        }
        self.give_room(&mut state);
        self.send(&mut state);
        // The connection may have nothing to do now.
        state.task.wake_by_ref();
    }

    /// Takes the next bytes of the body of a request. `None` at its end.
    pub(crate) fn poll_data(&self, stream: StreamId, cx: &Context<'_>) -> Poll<Option<Result<Bytes, Gone>>> {
        let mut state = self.state.lock();
        let state = &mut *state;
        let Some(exchange) = state.parties.exchange(stream) else { return Poll::Ready(Some(Err(Gone))) };
        if let Some(bytes) = exchange.data.pop_front() {
            state.h2.took(stream, bytes.len());
            self.send(state);
            return Poll::Ready(Some(Ok(bytes)));
        }
        if exchange.is_whole {
            return Poll::Ready(None);
        }
        if exchange.is_over || state.transport.is_none() {
            return Poll::Ready(Some(Err(Gone)));
        }
        exchange.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}
