//! [`Outlet`]: how a slot's bytes leave: through a [`Socket`] that the shard writes to, or by a hyper body's
//! port. A closed choice; only the socket is a seam, so that core does no I/O and tests need none.

use std::{
    io::{self, IoSlice},
    sync::Arc,
    task::Poll,
};

use crate::{event::message::Message, queue::port::Port};

/// A non-blocking byte stream to one client. After `Pending` the shell calls [`crate::Inbox::ready`] once it
/// may go on.
pub trait Socket {
    /// Writes what the peer takes now; `Pending` if that is nothing.
    fn poll_write(&mut self, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>>;

    /// Reads and throws away what the peer sent; 0 is the end of its side.
    fn poll_discard(&mut self) -> Poll<io::Result<usize>>;

    /// Says that nothing more will be written (SHUT_WR). What it cannot do, closing will.
    fn shut_write(&mut self);
}

/// Whether a socket carries chunks or the bare stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// HTTP/1.1: every message is a chunk.
    Chunked,
    /// HTTP/1.0: the end of the connection ends the stream.
    Bare,
}

impl Framing {
    /// The bytes of `message` as they go over the wire.
    pub(crate) fn of(self, message: &Message) -> &[u8] {
        match self {
            Self::Chunked => message.chunk(),
            Self::Bare => message.sse(),
        }
    }
}

impl<S> Outlet<S> {
    /// Nothing more comes: a body ends with an error. A socket closes when it is dropped.
    pub(crate) fn cut(&self) {
        if let Self::Body { port, .. } = self {
            port.cut();
        }
    }
}

/// Where a slot writes to.
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
        /// How much the body had taken at the last look, to notice one that takes nothing.
        taken: u64,
    },
}
