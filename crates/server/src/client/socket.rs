//! [`Socket`]: a TCP connection that is still read when nothing can be written to it any more, so that the answer of a
//! server that has closed its end is heard; and [`Progress`], which says how long nothing has gone out, and what the other
//! side speaks.

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

/// The first byte of an alert, which is what a TLS server answers to plain HTTP (RFC 8446, 5.1).
const TLS_ALERT: u8 = 21;

/// When bytes went out last, whether those were all, and which byte came in first.
pub(super) struct Progress {
    last: Mutex<Instant>,
    is_body_ended: AtomicBool,
    first_heard: OnceLock<u8>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { last: Mutex::new(Instant::now()), is_body_ended: AtomicBool::new(false), first_heard: OnceLock::new() }
    }

    /// The body has been given to the connection as a whole. From here on an answer is due.
    pub(super) fn end_body(&self) {
        // Only a flag: nothing else is read by it.
        self.is_body_ended.store(true, Ordering::Relaxed);
        self.moved();
    }

    pub(super) fn is_body_ended(&self) -> bool {
        self.is_body_ended.load(Ordering::Relaxed)
    }

    /// The other side has begun as `HTTP/1.1` does.
    pub(super) fn has_heard_http(&self) -> bool {
        self.first_heard.get() == Some(&b'H')
    }

    /// The other side has begun with an alert of TLS.
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

/// A connection. See the file's head.
pub(super) struct Socket {
    stream: TcpStream,
    progress: Arc<Progress>,
    /// How long the other side may take no byte.
    write_timeout: Duration,
    /// Runs while the other side takes no byte.
    blocked: Option<Pin<Box<Sleep>>>,
    /// Nothing can be written any more: the other side has closed or reset the connection.
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
    /// A failure is no error here: reading gives the answer that came before it, and after that the failure or the end.
    /// So it never becomes ready again, and whoever writes has to read as well.
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
