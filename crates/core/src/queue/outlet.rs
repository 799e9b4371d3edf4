//! [`Outlet`]: the way out of a slot: a [`Socket`] that the shard writes to, or the port of a hyper body.
//!
//! The two are an enum. Only the socket is a trait, so that core does no I/O and its tests need none.

use std::{
    io::{self, IoSlice},
    sync::Arc,
    task::Poll,
};

use crate::{
    event::{event_id::EventId, message::Message},
    queue::port::Port,
};

/// A non-blocking byte stream to one client. After a `Pending`, the shell calls [`crate::engine::Inbox::wake_slot`] once the socket may go
/// on.
pub trait Socket {
    /// Writes as many bytes as the peer takes now. `Pending` if it takes none.
    ///
    /// The shard counts these bytes as written and does not offer them again. A socket that keeps some of them back sends them from
    /// [`Socket::poll_discard`], which every wake of the slot calls first.
    fn poll_write(&mut self, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>>;

    /// The bytes that the socket keeps back now. Whoever keeps some counts them ([`crate::engine::Kept`]): a hub whose connections hold
    /// too much closes those that hold the most.
    fn kept_bytes(&self) -> usize {
        0
    }

    /// Reads and throws away bytes from the peer. 0 is the end of its side.
    fn poll_discard(&mut self) -> Poll<io::Result<usize>>;

    /// Ends the stream whole: ends the writing side (SHUT_WR). If that fails, the close that follows ends it. A socket that is
    /// dropped before this call has been cut, and must not look whole to the peer.
    fn shut_write(&mut self);
}

/// The framing of a socket: chunks or the bare stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Every message is a chunk (HTTP/1.1).
    Chunked,
    /// The end of the connection ends the stream (HTTP/1.0).
    Bare,
}

impl Framing {
    /// The bytes of `message` on the wire.
    pub(crate) fn of(self, message: &Message) -> &[u8] {
        match self {
            Self::Chunked => message.chunk(),
            Self::Bare => message.sse(),
        }
    }
}

/// The way out of a slot.
#[derive(Debug)]
pub(crate) enum Outlet<S> {
    /// The response head is not out yet.
    Unattached,
    Socket {
        socket: S,
        framing: Framing,
    },
    Body {
        port: Arc<Port>,
        /// [`Port::taken`] at the last look of the slot, to notice a body that takes nothing.
        taken: u64,
    },
}

impl<S> Outlet<S> {
    /// Ends a body with an error. A socket closes when it is dropped. Returns the events that the body will not take.
    pub(crate) fn cut(&self) -> Vec<EventId> {
        match self {
            Self::Body { port, .. } => port.cut(),
            Self::Unattached | Self::Socket { .. } => Vec::new(),
        }
    }
}
