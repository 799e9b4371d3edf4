//! A connection.

use std::{io::IoSlice, mem, sync::Arc, task::Poll};

use http::response::Parts;

use crate::{
    event::{Event, StreamId},
    limits::Limits,
    reason::{Broken, Gone, Reason},
};

/// The server's side of one HTTP/2 connection.
#[derive(Debug)]
pub struct Connection {
    limits: Arc<Limits>,
    output: Vec<u8>,
    sent: usize,
}

impl Connection {
    /// A connection of which nothing has come yet. Its settings are in the output.
    pub fn new(limits: Arc<Limits>) -> Self {
        Self { limits, output: Vec::new(), sent: 0 }
    }

    /// Takes bytes that have come, in pieces of any size, and appends what they mean.
    ///
    /// # Errors
    ///
    /// [`Broken`] if the peer broke a rule: the output ends with a GOAWAY. Send it, and close the connection.
    pub fn receive(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), Broken> {
        let _ = (bytes, events, &self.limits);
        Ok(())
    }

    /// Whether a frame or a head has begun and is not whole.
    pub fn is_in_frame(&self) -> bool {
        false
    }

    /// Bytes to send.
    pub fn output(&self) -> &[u8] {
        self.output.get(self.sent..).unwrap_or_default()
    }

    /// The first `bytes` of the output have left. Gives the memory back when all have.
    pub fn sent(&mut self, bytes: usize) {
        self.sent += bytes;
        if self.sent >= self.output.len() {
            (self.output, self.sent) = (Vec::new(), 0);
        }
    }

    /// Exchanges the buffer of the output with `spare`.
    pub fn swap_output(&mut self, spare: &mut Vec<u8>) {
        spare.clear();
        mem::swap(&mut self.output, spare);
    }

    /// Sends the head of the response.
    ///
    /// # Errors
    ///
    /// [`Gone`] if the stream is not open.
    pub fn head(&mut self, stream: StreamId, response: &Parts, is_end: bool) -> Result<(), Gone> {
        let _ = (stream, response, is_end);
        Err(Gone)
    }

    /// Appends DATA frames.
    pub fn write(&mut self, stream: StreamId, parts: &[IoSlice<'_>], room: usize) -> Poll<Result<usize, Gone>> {
        let _ = (stream, parts, room);
        Poll::Ready(Err(Gone))
    }

    /// Ends the response.
    ///
    /// # Errors
    ///
    /// [`Gone`] if the stream is not open.
    pub fn end(&mut self, stream: StreamId) -> Result<(), Gone> {
        let _ = stream;
        Err(Gone)
    }

    /// Resets the stream.
    pub fn reset(&mut self, stream: StreamId, reason: Reason) {
        let _ = (stream, reason);
    }

    /// Bytes of a body have been used.
    pub fn took(&mut self, stream: StreamId, bytes: usize) {
        let _ = (stream, bytes);
    }

    /// Sends a PING.
    pub fn ping(&mut self) {}

    /// Whether a PING is unanswered.
    pub fn is_ping_unanswered(&self) -> bool {
        false
    }

    /// Says that the connection will end; streams that come are still served.
    pub fn shut_down(&mut self) {}

    /// Says which stream was the last.
    pub fn finish(&mut self) {}

    /// Open streams.
    pub fn streams(&self) -> usize {
        0
    }
}
