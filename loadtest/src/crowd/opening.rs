//! The opening of a stream: connect, send the request, check the head. Used for the first time and for every other.

use std::io;
use std::net::SocketAddr;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::crowd::plan::{Plan, Role};
use crate::crowd::shared::Shared;
use crate::wire::body::Body;
use crate::wire::head::{HeadError, HeadReader};
use crate::wire::target::{CONNECT_TIMEOUT, Target};

/// Why a stream could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("cannot connect to {address}: {cause}")]
    Connect { address: SocketAddr, cause: io::Error },
    #[error("the connection broke before the answer: {0}")]
    Broke(#[from] io::Error),
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

/// An open stream, and the bytes that came along with the head.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) stream: TcpStream,
    pub(crate) body: Body,
    pub(crate) rest: Vec<u8>,
}

pub(crate) async fn open(
    connection: u32,
    node: u32,
    role: Role,
    last_event_id: &[u8],
    shared: &Shared,
) -> Result<Opened, OpenError> {
    let plan = &shared.plan;
    let target = plan.target(node);
    let connected = connect(connection, role, target, plan).await;
    let mut stream = connected.map_err(|cause| OpenError::Connect { address: target.address, cause })?;
    stream.write_all(&plan.request(connection, node, last_event_id)).await?;
    let mut reader = HeadReader::default();
    loop {
        stream.readable().await?;
        let desk = &mut *shared.desk.borrow_mut();
        let read = match stream.try_read(&mut desk.buffer) {
            Ok(0) => return Err(OpenError::NoAnswer),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error.into()),
        };
        let Some((head, rest)) = reader.take(&desk.buffer[..read])? else { continue };
        if head.status != 200 {
            return Err(OpenError::Status(head.status));
        }
        if !head.content_type.starts_with("text/event-stream") {
            return Err(OpenError::NotAStream(head.content_type));
        }
        return Ok(Opened { stream, body: head.body, rest });
    }
}

async fn connect(connection: u32, role: Role, target: &Target, plan: &Plan) -> io::Result<TcpStream> {
    let socket = if target.address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if let Some(bytes) = role.receive_buffer_bytes() {
        socket.set_recv_buffer_size(bytes)?;
    }
    if let Some(source) = target.source(connection, plan.connections()) {
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
