//! [`Session`]: a publisher's connection over TLS or HTTP/2. Its runtime runs only while the publisher waits.

use std::future::poll_fn;
use std::io;
use std::net::TcpStream;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::link::error::LinkError;
use crate::link::http2::Http2;
use crate::link::pipe::Pipe;
use crate::link::tls::Tls;
use crate::measure::clock::Deadline;
use crate::publish::answer::{Answer, Answered};
use crate::publish::error::PublishError;
use crate::wire::target::Target;
use crate::wire::transport::Version;

/// How often the tasks of a connection get their turn before it is asked whether it is open: one reads, one is told.
const TURNS: usize = 4;

/// A publisher's connection over TLS or HTTP/2.
#[derive(Debug)]
pub(super) struct Session {
    carrier: Carrier,
    runtime: LocalRuntime,
}

#[derive(Debug)]
enum Carrier {
    Http1(Pipe),
    Http2(Http2),
}

impl Session {
    /// Over an open connection.
    pub(super) fn open(
        stream: TcpStream,
        target: &Target,
        version: Version,
        tls: Option<&Tls>,
    ) -> Result<Self, PublishError> {
        let refused = |cause| PublishError::Connect { address: target.address, cause };
        let runtime = Builder::new_current_thread().enable_io().enable_time().build_local(LocalOptions::default());
        let runtime = runtime.map_err(refused)?;
        let carrier = runtime.block_on(async {
            stream.set_nonblocking(true).map_err(refused)?;
            let stream = tokio::net::TcpStream::from_std(stream).map_err(refused)?;
            let pipe = Pipe::over(stream, tls, &target.host).await?;
            Ok::<_, PublishError>(match version {
                Version::Http1 => Carrier::Http1(pipe),
                Version::Http2 => Carrier::Http2(Http2::begin(pipe, None, 1).await?),
            })
        })?;
        Ok(Self { carrier, runtime })
    }

    /// Still open, and with nothing to read.
    pub(super) fn is_idle(&mut self) -> bool {
        let Self { carrier, runtime } = self;
        runtime.block_on(async {
            for _ in 0..TURNS {
                yield_now().await;
            }
            match carrier {
                // What TLS has to say for itself, as tickets, is nothing to read.
                Carrier::Http1(pipe) => {
                    let mut byte = [0];
                    let mut unread = ReadBuf::new(&mut byte);
                    poll_fn(|context| Poll::Ready(Pin::new(&mut *pipe).poll_read(context, &mut unread).is_pending()))
                        .await
                }
                Carrier::Http2(http2) => !http2.is_over().await,
            }
        })
    }

    pub(super) fn send(&mut self, event: u32, request: &[u8], deadline: Deadline) -> Result<Answered, PublishError> {
        let Self { carrier, runtime } = self;
        let left = deadline.left().max(Duration::from_millis(1));
        runtime.block_on(async {
            let sending = async {
                match carrier {
                    Carrier::Http1(pipe) => send_alone(pipe, event, request).await,
                    Carrier::Http2(http2) => send_beside_others(http2, event, request).await,
                }
            };
            let late = PublishError::NoAnswer { event, timeout: deadline.timeout() };
            timeout(left, sending).await.unwrap_or(Err(late))
        })
    }
}

async fn send_alone(pipe: &mut Pipe, event: u32, request: &[u8]) -> Result<Answered, PublishError> {
    let broke = |cause| PublishError::Broke { event, cause };
    pipe.write_all(request).await.map_err(broke)?;
    pipe.flush().await.map_err(broke)?;
    let mut answer = Answer::new(event);
    let mut buffer = [0; 4096];
    loop {
        let read = match pipe.read(&mut buffer).await {
            // Closed without the farewell of TLS.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
            read => read.map_err(broke)?,
        };
        if let Some(answered) = answer.take(&buffer[..read])? {
            return Ok(answered);
        }
    }
}

async fn send_beside_others(http2: &Http2, event: u32, request: &[u8]) -> Result<Answered, PublishError> {
    let failed = |cause: LinkError| PublishError::Request { event, cause };
    let (head, mut incoming) = http2.request(request).await.map_err(failed)?;
    let mut answer = Answer::with_head(event, head);
    let mut buffer = [0; 4096];
    loop {
        let read = poll_fn(|context| {
            let mut unread = ReadBuf::new(&mut buffer);
            incoming.poll_read(context, &mut unread).map_ok(|()| unread.filled().len())
        });
        let read = read.await.map_err(|cause| PublishError::Broke { event, cause })?;
        if let Some(Answered { text, .. }) = answer.take(&buffer[..read])? {
            // Only the stream is over.
            return Ok(Answered { text, closes: false });
        }
    }
}
