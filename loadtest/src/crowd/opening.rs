//! The opening of a stream: connect, send the request, check the head. Used for the first time and for every other.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Poll, ready};

use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::crowd::plan::{Plan, Role};
use crate::crowd::shared::Shared;
use crate::link::carriers::Place;
use crate::link::error::LinkError;
use crate::link::http2::Http2;
use crate::link::line::Line;
use crate::link::pipe::Pipe;
use crate::wire::body::Body;
use crate::wire::head::{Head, HeadError, HeadReader};
use crate::wire::target::{CONNECT_TIMEOUT, Target};
use crate::wire::transport::Version;

/// Why a stream could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("cannot connect to {address}: {cause}")]
    Connect { address: SocketAddr, cause: io::Error },
    #[error("the connection broke before the answer: {0}")]
    Broke(#[from] io::Error),
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error("the target closed the connection without an answer")]
    NoAnswer,
    #[error(transparent)]
    Head(#[from] HeadError),
    #[error("the target answered {0} instead of 200")]
    Status(u16),
    #[error("the target answered 200 with content-type \"{0}\" instead of text/event-stream")]
    NotAStream(String),
}

impl OpenError {
    /// Whether this machine has no local port left for another connection to the target.
    pub(crate) fn lacks_port(&self) -> bool {
        // A connect gives the first, a bind to a source address the second.
        let is_it =
            |cause: &io::Error| matches!(cause.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::AddrInUse);
        matches!(self, Self::Connect { cause, .. } if is_it(cause))
    }
}

/// Connections that a stream tries over HTTP/2, when the target lets it on none of them.
const CONNECTIONS_TRIED_MAX: u32 = 10;

/// An open stream, and the bytes that came along with the head.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) line: Line,
    pub(crate) body: Body,
    pub(crate) rest: Vec<u8>,
    /// Over HTTP/2: its place on a connection.
    pub(crate) place: Option<Place>,
}

pub(crate) async fn open(
    connection: u32,
    group: usize,
    node: u32,
    last_event_id: &[u8],
    shared: &Shared,
) -> Result<Opened, OpenError> {
    let plan = &shared.plan;
    let role = plan.groups[group].role;
    let request = plan.request(connection, node, last_event_id);
    let (head, opened) = match plan.transport.version {
        Version::Http1 => {
            let pipe = connect(connection, role, plan.target(node), shared).await?;
            open_alone(pipe, &request, shared).await?
        }
        Version::Http2 => open_beside_others(connection, group, node, &request, shared).await?,
    };
    if head.status != 200 {
        return Err(OpenError::Status(head.status));
    }
    if !head.content_type.starts_with("text/event-stream") {
        return Err(OpenError::NotAStream(head.content_type));
    }
    Ok(opened)
}

/// Over HTTP/1.1, on a connection of its own.
async fn open_alone(mut pipe: Pipe, request: &[u8], shared: &Shared) -> Result<(Head, Opened), OpenError> {
    pipe.write_all(request).await?;
    pipe.flush().await?;
    let mut reader = HeadReader::default();
    loop {
        let taken = poll_fn(|context| {
            let desk = &mut *shared.desk.borrow_mut();
            let mut unread = ReadBuf::new(&mut desk.buffer);
            ready!(Pin::new(&mut pipe).poll_read(context, &mut unread))?;
            Poll::Ready(match unread.filled() {
                [] => Err(OpenError::NoAnswer),
                came => Ok(reader.take(came)?),
            })
        });
        if let Some((mut head, rest)) = taken.await? {
            let body = std::mem::replace(&mut head.body, Body::UntilClose);
            return Ok((head, Opened { line: Line::Pipe(pipe), body, rest, place: None }));
        }
    }
}

/// Over HTTP/2, on a connection that has room, or on a new one.
async fn open_beside_others(
    connection: u32,
    group: usize,
    node: u32,
    request: &[u8],
    shared: &Shared,
) -> Result<(Head, Opened), OpenError> {
    let role = shared.plan.groups[group].role;
    let streams = shared.plan.transport.streams_per_connection;
    let mut tries_left = CONNECTIONS_TRIED_MAX;
    loop {
        let place = shared.carriers.place((group, node));
        let begin = || async {
            let pipe = connect(connection, role, shared.plan.target(node), shared).await?;
            // Without a window it would be the server that is held up, and not its stream.
            Ok::<_, OpenError>(Http2::begin(pipe, role.receive_buffer_bytes(), streams).await?)
        };
        let http2 = place.connection().get_or_try_init(begin).await?;
        // The target may end a connection at any time.
        let is_over = http2.is_over().await;
        tries_left -= 1;
        match http2.request(request).await {
            Ok((head, incoming)) => {
                let line = Line::Http2(Box::new(incoming));
                return Ok((head, Opened { line, body: Body::UntilClose, rest: Vec::new(), place: Some(place) }));
            }
            Err(cause) if tries_left > 0 && (is_over || cause.is_untouched()) => place.close(),
            Err(cause) => return Err(cause.into()),
        }
    }
}

async fn connect(connection: u32, role: Role, target: &Target, shared: &Shared) -> Result<Pipe, OpenError> {
    let connected = connect_tcp(connection, role, target, &shared.plan).await;
    let stream = connected.map_err(|cause| OpenError::Connect { address: target.address, cause })?;
    Ok(Pipe::over(stream, shared.tls.as_ref(), &target.host).await?)
}

async fn connect_tcp(connection: u32, role: Role, target: &Target, plan: &Plan) -> io::Result<TcpStream> {
    let socket = if target.address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if let Some(bytes) = role.receive_buffer_bytes() {
        socket.set_recv_buffer_size(bytes)?;
    }
    if let Some(source) = target.source(connection, plan.connections(), plan.per_source) {
        // Without this a port that a run before has just left cannot be bound for a minute.
        socket.set_reuseaddr(true)?;
        socket.bind(source)?;
    }
    match timeout(CONNECT_TIMEOUT.min(plan.deadline.left()), socket.connect(target.address)).await {
        Ok(connected) => connected,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connect_without_a_port_is_known() {
        let lacks_port = |kind: io::ErrorKind| {
            OpenError::Connect { address: "127.0.0.1:9".parse().unwrap(), cause: kind.into() }.lacks_port()
        };
        assert!(lacks_port(io::ErrorKind::AddrNotAvailable) && lacks_port(io::ErrorKind::AddrInUse));
        assert!(!lacks_port(io::ErrorKind::ConnectionRefused));
        assert!(!OpenError::Broke(io::ErrorKind::AddrInUse.into()).lacks_port());
    }
}
