//! One keep-alive connection to the target on which requests go out and answers come back, one after the other.
//!
//! Blocking, and never beyond the deadline.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rustix::net::{RecvFlags, recv};

use crate::link::tls::Tls;
use crate::measure::clock::Deadline;
use crate::publish::answer::{Answer, Answered};
use crate::publish::error::PublishError;
use crate::publish::session::Session;
use crate::wire::target::{CONNECT_TIMEOUT, Target};
use crate::wire::transport::Transport;

/// A publisher's connection.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) target: Target,
    transport: Transport,
    tls: Option<Tls>,
    deadline: Deadline,
    road: Road,
    /// The target closed it after the last answer.
    is_closed: bool,
    /// Connections opened after the first.
    pub(crate) reconnects: u32,
}

/// What carries requests and answers.
#[derive(Debug)]
enum Road {
    /// HTTP/1.1 without TLS.
    Plain(TcpStream),
    Session(Box<Session>),
}

impl Exchange {
    pub(crate) fn open(
        target: Target,
        transport: &Transport,
        tls: Option<&Tls>,
        deadline: Deadline,
    ) -> Result<Self, PublishError> {
        let (transport, tls) = (transport.clone(), tls.cloned());
        let road = Road::open(&target, &transport, tls.as_ref(), deadline)?;
        Ok(Self { target, transport, tls, deadline, road, is_closed: false, reconnects: 0 })
    }

    /// Before a request is due: a connection that the target has closed is replaced.
    pub(crate) fn ready(&mut self) -> Result<(), PublishError> {
        let is_closed = std::mem::take(&mut self.is_closed);
        if is_closed || !self.road.is_idle() { self.reconnect() } else { Ok(()) }
    }

    /// After a failure: whatever the connection still carries belongs to no request to come.
    pub(crate) fn renew(&mut self) -> Result<(), PublishError> {
        self.is_closed = false;
        self.reconnect()
    }

    fn reconnect(&mut self) -> Result<(), PublishError> {
        self.road = Road::open(&self.target, &self.transport, self.tls.as_ref(), self.deadline)?;
        self.reconnects += 1;
        Ok(())
    }

    /// Sends the request of `event`, counted from 1, and gives the body of its answer, which has to be a success.
    pub(crate) fn send(&mut self, event: u32, request: &[u8]) -> Result<Vec<u8>, PublishError> {
        let answered = match self.road.send(event, request, self.deadline) {
            // Once: a new connection that does not take it is an error.
            Err(PublishError::Request { cause, .. }) if cause.is_untouched() => {
                self.reconnect()?;
                self.road.send(event, request, self.deadline)
            }
            answered => answered,
        }?;
        self.is_closed = answered.closes;
        Ok(answered.text)
    }
}

impl Road {
    fn open(
        target: &Target,
        transport: &Transport,
        tls: Option<&Tls>,
        deadline: Deadline,
    ) -> Result<Self, PublishError> {
        let stream = connect(target.address, deadline)?;
        if transport.is_plain() {
            return Ok(Self::Plain(stream));
        }
        Ok(Self::Session(Box::new(Session::open(stream, target, transport.version, tls)?)))
    }

    fn send(&mut self, event: u32, request: &[u8], deadline: Deadline) -> Result<Answered, PublishError> {
        match self {
            Self::Plain(stream) => send(stream, event, request, deadline),
            Self::Session(session) => session.send(event, request, deadline),
        }
    }

    /// Still open, and with nothing to read: between two requests there is nothing that the target could have to say.
    fn is_idle(&mut self) -> bool {
        match self {
            Self::Plain(stream) => {
                let peeked = recv(stream, &mut [0_u8; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT);
                matches!(peeked, Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR))
            }
            Self::Session(session) => session.is_idle(),
        }
    }
}

fn send(stream: &mut TcpStream, event: u32, request: &[u8], deadline: Deadline) -> Result<Answered, PublishError> {
    let timeout = deadline.timeout();
    let broke = |cause: io::Error| match cause.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => PublishError::NoAnswer { event, timeout },
        _ => PublishError::Broke { event, cause },
    };
    // A timeout of zero is an error of its own. The shortest one is good enough for a run that is over.
    let left = || deadline.left().max(Duration::from_millis(1));
    stream.set_write_timeout(Some(left())).and_then(|()| stream.write_all(request)).map_err(broke)?;

    let mut answer = Answer::new(event);
    let mut buffer = [0; 4096];
    loop {
        let read = match stream.set_read_timeout(Some(left())).and_then(|()| stream.read(&mut buffer)) {
            // The process was stopped for a while, and the answer may still come.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(broke)?,
        };
        if let Some(answered) = answer.take(&buffer[..read])? {
            return Ok(answered);
        }
    }
}

fn connect(address: SocketAddr, deadline: Deadline) -> Result<TcpStream, PublishError> {
    let at_most = CONNECT_TIMEOUT.min(deadline.left()).max(Duration::from_millis(1));
    let stream = TcpStream::connect_timeout(&address, at_most).and_then(|stream| {
        stream.set_nodelay(true)?;
        Ok(stream)
    });
    stream.map_err(|cause| PublishError::Connect { address, cause })
}
