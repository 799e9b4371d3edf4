//! [`Tcp`]: a client's socket after hyper has let go of it, as the engine's [`Socket`].
//!
//! A socket has no task of its own. When it was `Pending` and may go on, its waker calls [`Inbox::wake_slot`].

use std::{
    io::{self, IoSlice},
    net::Shutdown,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use fanfare_core::engine::{Inbox, SlotRef, Socket};
#[cfg(target_os = "linux")]
use rustix::{
    io::Errno,
    net::{SendAncillaryBuffer, SendFlags, send, sendmsg},
};
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::limits::seat::Seat;

/// Bytes that are read and thrown away at a time. A subscriber has little to say.
const DISCARD_BYTES: usize = 512;

/// A socket, and the waker that tells its shard that it may go on.
#[derive(Debug)]
pub(crate) struct Tcp {
    stream: TcpStream,
    waker: Waker,
    _seat: Seat,
}

#[derive(Debug)]
struct WakeSlot {
    inbox: Arc<Inbox<Tcp>>,
    slot: SlotRef,
}

impl Wake for WakeSlot {
    fn wake(self: Arc<Self>) {
        self.inbox.wake_slot(self.slot);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.inbox.wake_slot(self.slot);
    }
}

impl Tcp {
    /// `slot` lives in the shard behind `inbox`.
    pub(crate) fn new(stream: TcpStream, seat: Seat, inbox: Arc<Inbox<Self>>, slot: SlotRef) -> Self {
        Self { stream, waker: Waker::from(Arc::new(WakeSlot { inbox, slot })), _seat: seat }
    }
}

#[cfg(target_os = "linux")]
impl Tcp {
    /// Straight to the kernel: neither tokio's record of the socket, which is seldom in the cache, nor libc's
    /// cancellation points. Measured: a twentieth of the processor time of a delivery. `None`: not now.
    fn send(&self, parts: &[IoSlice<'_>]) -> Option<io::Result<usize>> {
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        let sent = match parts {
            // send() is a little cheaper than sendmsg().
            [one] => send(&self.stream, one, flags),
            _ => sendmsg(&self.stream, parts, &mut SendAncillaryBuffer::default(), flags),
        };
        match sent {
            Ok(bytes) => Some(Ok(bytes)),
            Err(Errno::AGAIN | Errno::INTR) => None,
            Err(error) => Some(Err(error.into())),
        }
    }
}

impl Socket for Tcp {
    fn poll_write(&mut self, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        #[cfg(target_os = "linux")]
        if let Some(sent) = self.send(parts) {
            return Poll::Ready(sent);
        }
        // Once more through tokio, which asks to be told when there is room.
        let mut cx = Context::from_waker(&self.waker);
        Pin::new(&mut self.stream).poll_write_vectored(&mut cx, parts)
    }

    fn poll_discard(&mut self) -> Poll<io::Result<usize>> {
        let mut space = [0; DISCARD_BYTES];
        let mut buffer = ReadBuf::new(&mut space);
        let mut cx = Context::from_waker(&self.waker);
        Pin::new(&mut self.stream).poll_read(&mut cx, &mut buffer).map_ok(|()| buffer.filled().len())
    }

    fn shut_write(&mut self) {
        // An error here means that the peer is gone already; the next read says so.
        let _ = SockRef::from(&self.stream).shutdown(Shutdown::Write);
    }
}
