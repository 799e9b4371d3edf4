//! [`Transport`]: the byte stream of one connection to a client.

use std::{
    io::{self, IoSlice},
    net::Shutdown,
    pin::Pin,
    task::{Context, Poll, Waker},
};

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

/// The byte stream of one connection.
#[derive(Debug)]
pub(crate) enum Transport {
    /// TCP without TLS.
    Plain(TcpStream),
}

impl Transport {
    /// Writes as many bytes as the peer takes now. `Pending` if it takes none: `waker` is woken when it does.
    #[inline]
    pub(crate) fn poll_send(&mut self, waker: &Waker, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(stream) => {
                #[cfg(target_os = "linux")]
                if let Some(sent) = send_now(stream, parts) {
                    return Poll::Ready(sent);
                }
                // Once more through tokio, which asks to be told when there is room.
                Pin::new(stream).poll_write_vectored(&mut Context::from_waker(waker), parts)
            }
        }
    }

    /// Ends the writing side. If that fails, the close that follows ends it.
    pub(crate) fn shut_write(&mut self) {
        match self {
            Self::Plain(stream) => {
                // An error here means that the peer is gone already; the next read says so.
                let _ = SockRef::from(&*stream).shutdown(Shutdown::Write);
            }
        }
    }
}

/// Straight to the kernel: neither tokio's record of the socket, which is seldom in the cache, nor libc's cancellation points.
/// Measured: a twentieth of the processor time of a delivery. `None`: not now.
#[cfg(target_os = "linux")]
fn send_now(stream: &TcpStream, parts: &[IoSlice<'_>]) -> Option<io::Result<usize>> {
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    let sent = match parts {
        // send() is a little cheaper than sendmsg().
        [one] => send(stream, one, flags),
        _ => sendmsg(stream, parts, &mut SendAncillaryBuffer::default(), flags),
    };
    match sent {
        Ok(bytes) => Some(Ok(bytes)),
        Err(Errno::AGAIN | Errno::INTR) => None,
        Err(error) => Some(Err(error.into())),
    }
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
