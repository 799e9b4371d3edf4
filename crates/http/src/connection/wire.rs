//! [`Wire`]: the socket as hyper sees it. It gives back the bytes that told the protocols apart. It notes that something was read,
//! and whether the last write got through, which the take-over must know.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use fanfare_h2::PREFACE;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

use crate::{
    connection::{frames::Frames, request_line::RequestLine},
    link::{Link, transport::Transport},
};

/// The first byte of a record that begins a handshake (RFC 8446 5.1). No method begins with it.
const TLS_HANDSHAKE: u8 = 22;
/// Number of bytes that tell the protocols apart. The first three of HTTP/2's preface begin no HTTP/1 method.
const TELLING_BYTES: usize = 3;

/// The protocol that a client began to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// HTTP/1.0 or 1.1.
    Http1,
    /// HTTP/2 with prior knowledge (RFC 9113 3.3).
    Http2,
    /// TLS, which this port does not speak.
    Tls,
}

/// A socket, and the bytes that were read ahead of hyper.
#[derive(Debug)]
pub(crate) struct Wire {
    transport: Transport,
    ahead: [u8; PREFACE.len()],
    ahead_from: usize,
    ahead_to: usize,
    /// The frames that come, over HTTP/2 only.
    frames: Option<Frames>,
    /// The request line that comes, over HTTP/1 only.
    line: RequestLine,
    link: Arc<Link>,
}

impl Wire {
    pub(crate) fn new(transport: Transport, link: Arc<Link>) -> Self {
        Self {
            transport,
            ahead: [0; PREFACE.len()],
            ahead_from: 0,
            ahead_to: 0,
            frames: None,
            line: RequestLine::default(),
            link,
        }
    }

    /// Reads as many bytes as it takes to know the protocol, and the whole of HTTP/2's preface, because hyper would
    /// wait for the rest of that for ever.
    ///
    /// # Errors
    /// The connection broke or ended before.
    pub(crate) async fn sniff(&mut self) -> io::Result<Protocol> {
        loop {
            // What begins as the preface and goes on as something else is no request that hyper takes (RFC 9113 3.4).
            if self.ahead[..self.ahead_to] != PREFACE[..self.ahead_to] {
                let is_tls = self.ahead[0] == TLS_HANDSHAKE;
                return Ok(if is_tls { Protocol::Tls } else { Protocol::Http1 });
            }
            if self.ahead_to == PREFACE.len() {
                self.frames = Some(Frames::default());
                return Ok(Protocol::Http2);
            }
            // Not past what tells them apart: what an HTTP/1 client sends next is hyper's to limit.
            let wanted = if self.ahead_to < TELLING_BYTES { TELLING_BYTES } else { PREFACE.len() };
            let read = self.transport.read(&mut self.ahead[self.ahead_to..wanted]).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.ahead_to += read;
        }
    }

    pub(crate) fn into_transport(self) -> Transport {
        self.transport
    }

    fn note_read(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        match &mut self.frames {
            None => {
                if self.link.activity.is_idle() && !self.link.activity.has_begun_head() {
                    self.line = RequestLine::default();
                }
                self.line.feed(bytes);
                self.link.activity.note_read(self.line == RequestLine::Fragment);
            }
            Some(frames) => {
                frames.feed(bytes);
                self.link.activity.note_frames(frames.are_open());
            }
        }
    }

    fn noting(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.link.activity.note_write(written.is_pending());
        written
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let ahead = &self.ahead[self.ahead_from..self.ahead_to];
        if ahead.is_empty() {
            let before = buffer.filled().len();
            let read = Pin::new(&mut self.transport).poll_read(cx, buffer);
            self.note_read(&buffer.filled()[before..]);
            return read;
        }
        let count = ahead.len().min(buffer.remaining());
        buffer.put_slice(&ahead[..count]);
        self.ahead_from += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.transport).poll_write(cx, bytes);
        self.noting(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.transport).poll_write_vectored(cx, parts);
        self.noting(written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_shutdown(cx)
    }
}
