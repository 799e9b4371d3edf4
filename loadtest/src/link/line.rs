//! [`Line`]: the body of an open stream, as bytes: in its HTTP/1.1 framing, or taken out of HTTP/2.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

use crate::link::http2::Incoming;
use crate::link::pipe::Pipe;

/// The body of an open stream.
#[derive(Debug)]
pub(crate) enum Line {
    Pipe(Pipe),
    Http2(Box<Incoming>),
}

impl Line {
    /// Nothing read: it has ended.
    pub(crate) fn poll_read(&mut self, context: &mut Context<'_>, unread: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Pipe(pipe) => Pin::new(pipe).poll_read(context, unread),
            Self::Http2(incoming) => incoming.poll_read(context, unread),
        }
    }

    /// Reads what is there. `None`: nothing is there yet.
    pub(crate) async fn read_now(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let read = if let Self::Pipe(Pipe::Plain(stream)) = self {
            stream.try_read(buffer)
        } else {
            poll_fn(|context| {
                let mut unread = ReadBuf::new(buffer);
                Poll::Ready(match self.poll_read(context, &mut unread) {
                    Poll::Ready(read) => read.map(|()| unread.filled().len()),
                    Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
                })
            })
            .await
        };
        match read {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            read => read.map(Some),
        }
    }
}
