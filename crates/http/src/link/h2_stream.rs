//! [`H2Stream`]: the way out of an event stream over HTTP/2, and [`H2Body`]: the body of a request that comes in over HTTP/2.

use std::{
    io::{self, IoSlice},
    mem,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use fanfare_h2::StreamId;

use crate::{
    limits::held::Held,
    link::{activity::UnderWay, carrier::Carrier},
};

/// One event stream of an HTTP/2 connection.
#[derive(Debug)]
pub(crate) struct H2Stream {
    carrier: Arc<Carrier>,
    stream: StreamId,
    /// The first lines have left.
    has_begun: bool,
    is_whole: bool,
    /// The connection is not idle, and the stream counts, until this is dropped.
    _counted: (UnderWay, Option<Box<Held>>),
}

impl H2Stream {
    pub(crate) fn new(carrier: Arc<Carrier>, stream: StreamId, counted: (UnderWay, Option<Box<Held>>)) -> Self {
        Self { carrier, stream, has_begun: false, is_whole: false, _counted: counted }
    }

    #[inline]
    pub(crate) fn poll_write(&mut self, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if !self.has_begun {
            self.has_begun = self.carrier.has_begun(self.stream);
            if !self.has_begun {
                // The carrier wakes the slot when they have.
                return Poll::Pending;
            }
        }
        self.carrier.poll_event(self.stream, parts)
    }

    /// Nothing that the peer sends on the stream is read. Ready, with no bytes, once the stream is over.
    pub(crate) fn poll_discard(&self) -> Poll<io::Result<usize>> {
        if self.carrier.is_over(self.stream) { Poll::Ready(Ok(0)) } else { Poll::Pending }
    }

    pub(crate) fn kept_bytes(&self) -> usize {
        self.carrier.kept_bytes()
    }

    pub(crate) fn end(&mut self) {
        self.is_whole = true;
        self.carrier.end_stream(self.stream);
    }
}

impl Drop for H2Stream {
    fn drop(&mut self) {
        self.carrier.leave_stream(self.stream, self.is_whole);
    }
}

/// The body of a request.
#[derive(Debug)]
pub(crate) struct H2Body {
    carrier: Arc<Carrier>,
    stream: StreamId,
    /// Bytes of the whole body, if the client has said so.
    length: Option<u64>,
    /// The client waits to be asked for it.
    is_waiting: bool,
}

impl H2Body {
    pub(crate) fn new(carrier: Arc<Carrier>, stream: StreamId, length: Option<u64>, is_waiting: bool) -> Self {
        Self { carrier, stream, length, is_waiting }
    }

    pub(crate) fn length(&self) -> Option<u64> {
        self.length
    }

    pub(crate) fn poll_data(&mut self, cx: &Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if mem::take(&mut self.is_waiting) {
            self.carrier.ask_for_body(self.stream);
        }
        let reset = |_| io::Error::new(io::ErrorKind::ConnectionReset, "the client has reset the request");
        self.carrier.poll_data(self.stream, cx).map(|data| data.map(|bytes| bytes.map_err(reset)))
    }
}
