//! [`ClientSocket`]: the way out of one stream, as the engine's [`Socket`].
//!
//! A socket has no task of its own. When it was `Pending` and may go on, its waker calls [`Inbox::wake_slot`].

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use fanfare_core::engine::{Inbox, SlotRef, Socket};
use tokio::io::{AsyncRead as _, ReadBuf};

use crate::{
    limits::seat::Seat,
    link::{h2_stream::H2Stream, party::WakeSlot, transport::Transport},
};

/// Bytes that are read and thrown away at a time. A subscriber has little to say.
const DISCARD_BYTES: usize = 512;

/// The way out of one stream.
#[derive(Debug)]
pub(crate) enum ClientSocket {
    /// A connection that hyper has let go of.
    Own(Own),
    /// One of the streams of an HTTP/2 connection.
    Shared(H2Stream),
}

/// A connection of which one stream has all.
#[derive(Debug)]
pub(crate) struct Own {
    transport: Transport,
    /// Boxed, so that the slots of streams that share a connection are not larger than they need to be.
    side: Box<Side>,
}

#[derive(Debug)]
struct Side {
    /// Tells the shard that the connection may go on.
    waker: Waker,
    _seat: Seat,
}

#[derive(Debug)]
struct Wakes {
    inbox: Arc<Inbox<ClientSocket>>,
    slot: SlotRef,
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.inbox.wake_slot(self.slot);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.inbox.wake_slot(self.slot);
    }
}

impl WakeSlot for Inbox<ClientSocket> {
    fn wake_slot(&self, slot: SlotRef) {
        Self::wake_slot(self, slot);
    }
}

impl ClientSocket {
    /// `slot` lives in the shard behind `inbox`.
    pub(crate) fn own(transport: Transport, seat: Seat, inbox: Arc<Inbox<Self>>, slot: SlotRef) -> Self {
        let waker = Waker::from(Arc::new(Wakes { inbox, slot }));
        Self::Own(Own { transport, side: Box::new(Side { waker, _seat: seat }) })
    }
}

impl Socket for ClientSocket {
    #[inline]
    fn poll_write(&mut self, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self {
            Self::Own(own) => own.transport.poll_send(&own.side.waker, parts),
            Self::Shared(stream) => stream.poll_write(parts),
        }
    }

    fn poll_discard(&mut self) -> Poll<io::Result<usize>> {
        match self {
            Self::Own(Own { transport, side }) => {
                let mut space = [0; DISCARD_BYTES];
                let mut buffer = ReadBuf::new(&mut space);
                let mut cx = Context::from_waker(&side.waker);
                Pin::new(transport).poll_read(&mut cx, &mut buffer).map_ok(|()| buffer.filled().len())
            }
            Self::Shared(stream) => stream.poll_discard(),
        }
    }

    fn kept_bytes(&self) -> usize {
        match self {
            Self::Own(own) => own.transport.kept_bytes(),
            Self::Shared(stream) => stream.kept_bytes(),
        }
    }

    fn shut_write(&mut self) {
        match self {
            Self::Own(own) => own.transport.shut_write(&own.side.waker),
            Self::Shared(stream) => stream.end(),
        }
    }
}
