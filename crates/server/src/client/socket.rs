//! [`Socket`]: a TCP connection that can be read even when writing fails, so that the client hears the answer of a
//! server that has closed its end. [`Progress`]: the time since bytes last went out, and the protocol of the other
//! side.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep, sleep_until},
};

/// First byte of a TLS alert: the answer of a TLS server to plain HTTP (RFC 8446, 5.1).
const TLS_ALERT: u8 = 21;

/// The time of the last write, whether the body has ended, and the first byte that came in.
pub(super) struct Progress {
    last: Mutex<Instant>,
    is_body_ended: AtomicBool,
    first_heard: OnceLock<u8>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { last: Mutex::new(Instant::now()), is_body_ended: AtomicBool::new(false), first_heard: OnceLock::new() }
    }

    /// Notes that the connection has the whole body. From here on an answer is due.
    pub(super) fn end_body(&self) {
        // Relaxed, because the flag guards no other data.
        self.is_body_ended.store(true, Ordering::Relaxed);
        self.moved();
    }

    pub(super) fn is_body_ended(&self) -> bool {
        self.is_body_ended.load(Ordering::Relaxed)
    }

    /// Whether the other side began like `HTTP/1.1`.
    pub(super) fn has_heard_http(&self) -> bool {
        self.first_heard.get() == Some(&b'H')
    }

    /// Whether the other side began with a TLS alert.
    pub(super) fn has_heard_tls(&self) -> bool {
        self.first_heard.get() == Some(&TLS_ALERT)
    }

    /// Waits until nothing has gone out for `limit`.
    pub(super) async fn quiet_for(&self, limit: Duration) {
        loop {
            let due = self.last() + limit;
            if Instant::now() >= due {
                return;
            }
            sleep_until(due).await;
        }
    }

    fn moved(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A TCP connection that can be read when writing fails.
pub(super) struct Socket {
    stream: TcpStream,
    progress: Arc<Progress>,
    /// Longest time in which the other side may take no byte.
    write_timeout: Duration,
    /// Runs while the other side takes no byte.
    blocked: Option<Pin<Box<Sleep>>>,
    /// Writing is over: the other side has closed or reset the connection.
    is_deaf: bool,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, progress: Arc<Progress>, write_timeout: Duration) -> Self {
        Self { stream, progress, write_timeout, blocked: None, is_deaf: false }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let begin = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, into))?;
        if let Some(&first) = into.filled().get(begin) {
            self.progress.first_heard.get_or_init(|| first);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    /// Hides a failed write: reading then gives the answer that came before it, and after that the failure or the end.
    /// Such a write never becomes ready, so the caller has to read as well.
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.is_deaf {
            return Poll::Pending;
        }
        match Pin::new(&mut this.stream).poll_write(cx, bytes) {
            Poll::Ready(Ok(length)) => {
                this.blocked = None;
                this.progress.moved();
                Poll::Ready(Ok(length))
            }
            Poll::Ready(Err(_)) => {
                this.is_deaf = true;
                Poll::Pending
            }
            Poll::Pending => {
                let limit = this.write_timeout;
                ready!(this.blocked.get_or_insert_with(|| Box::pin(sleep(limit))).as_mut().poll(cx));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_deaf { Poll::Ready(Ok(())) } else { Pin::new(&mut self.stream).poll_shutdown(cx) }
    }
}
