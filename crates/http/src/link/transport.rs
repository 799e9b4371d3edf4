//! [`Transport`]: the byte stream of one connection to a client.

use std::{
    io::{self, IoSlice},
    net::Shutdown,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::{send::send_now, tls::stream::Tls};

/// The byte stream of one connection.
#[derive(Debug)]
pub(crate) enum Transport {
    /// TCP without TLS.
    Plain(TcpStream),
    /// TLS over TCP.
    Tls(Box<Tls>),
}

impl Transport {
    /// Writes as many bytes as the peer takes now. `Pending` if it takes none: `waker` is woken when it does.
    #[inline]
    pub(crate) fn poll_send(&mut self, waker: &Waker, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(stream) => {
                if let Some(sent) = send_now(stream, parts) {
                    return Poll::Ready(sent);
                }
                // Once more through tokio, which asks to be told when there is room.
                Pin::new(stream).poll_write_vectored(&mut Context::from_waker(waker), parts)
            }
            Self::Tls(tls) => tls.poll_send(waker, parts),
        }
    }

    /// Ends the writing side, behind what is kept of earlier writes: `waker` is woken when that has not left yet. If it fails, the
    /// close that follows ends it.
    pub(crate) fn shut_write(&mut self, waker: &Waker) {
        match self {
            Self::Plain(stream) => {
                // An error here means that the peer is gone already; the next read says so.
                let _ = SockRef::from(&*stream).shutdown(Shutdown::Write);
            }
            Self::Tls(tls) => tls.shut_write(waker),
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_write_vectored(cx, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_shutdown(cx),
        }
    }
}
