//! [`Pieces`]: the messages of a stream as hyper gets them, never more at a time than the send buffer of an HTTP/2 stream holds.
//! Otherwise a peer that opens its window by one byte could have us hold a whole message for it, outside of every limit.

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};

use fanfare_core::engine::{Cut, Feed, Outgoing};

use crate::link::socket::ClientSocket;

/// Cuts the messages of a feed into pieces of at most so many bytes.
#[derive(Debug)]
pub(crate) struct Pieces {
    feed: Feed<ClientSocket>,
    bytes_max: usize,
    /// The message that has been begun, and the number of its bytes that were given out.
    begun: Option<(Arc<Outgoing<ClientSocket>>, usize)>,
}

impl Pieces {
    pub(crate) fn new(feed: Feed<ClientSocket>, bytes_max: usize) -> Self {
        Self { feed, bytes_max: bytes_max.max(1), begun: None }
    }

    /// The next piece. `None` at the end of the stream.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Piece, Cut>>> {
        let (outgoing, from) = match self.begun.take() {
            Some(begun) => begun,
            None => match ready!(self.feed.poll_next(cx)) {
                Some(Ok(outgoing)) => (Arc::new(outgoing), 0),
                Some(Err(cut)) => return Poll::Ready(Some(Err(cut))),
                None => return Poll::Ready(None),
            },
        };
        let whole = outgoing.message().sse().len();
        let to = whole.min(from + self.bytes_max);
        if to < whole {
            self.begun = Some((Arc::clone(&outgoing), to));
        }
        Poll::Ready(Some(Ok(Piece { outgoing, at: from, to })))
    }
}

/// Part of a message. hyper drops it when its bytes are in a frame for which the peer's window had room.
#[derive(Debug)]
pub(crate) struct Piece {
    outgoing: Arc<Outgoing<ClientSocket>>,
    at: usize,
    to: usize,
}

impl Piece {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.outgoing.message().sse()[self.at..self.to]
    }

    pub(crate) fn advance(&mut self, count: usize) {
        self.at += count;
        if count > 0 {
            self.outgoing.progress();
        }
        if self.at == self.outgoing.message().sse().len() {
            self.outgoing.finish();
        }
    }
}
