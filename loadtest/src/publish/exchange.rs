//! One keep-alive connection to the target on which requests go out and answers come back, one after the other.
//!
//! Blocking, and never beyond the deadline.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rustix::net::{RecvFlags, recv};

use crate::measure::clock::Deadline;
use crate::publish::error::PublishError;
use crate::wire::body::Body;
use crate::wire::head::{Head, HeadReader};
use crate::wire::target::{CONNECT_TIMEOUT, Target};

/// The most bytes of an answer's body that are read.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// A publisher's connection.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) target: Target,
    deadline: Deadline,
    stream: TcpStream,
    /// The target closed it after the last answer.
    is_closed: bool,
    /// Connections opened after the first.
    pub(crate) reconnects: u32,
}

impl Exchange {
    pub(crate) fn open(target: Target, deadline: Deadline) -> Result<Self, PublishError> {
        let stream = connect(target.address, deadline)?;
        Ok(Self { target, deadline, stream, is_closed: false, reconnects: 0 })
    }

    /// Before a request is due: a connection that the target has closed is replaced.
    pub(crate) fn ready(&mut self) -> Result<(), PublishError> {
        let is_closed = std::mem::take(&mut self.is_closed);
        if is_closed || !self.is_idle() {
            self.stream = connect(self.target.address, self.deadline)?;
            self.reconnects += 1;
        }
        Ok(())
    }

    /// Still open, and with nothing to read: between two requests there is nothing that the target could have to say.
    fn is_idle(&self) -> bool {
        let peeked = recv(&self.stream, &mut [0_u8; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT);
        matches!(peeked, Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR))
    }

    /// Sends the request of `event`, counted from 1, and gives the body of its answer, which has to be a success.
    pub(crate) fn send(&mut self, event: u32, request: &[u8]) -> Result<Vec<u8>, PublishError> {
        let timeout = self.deadline.timeout();
        let broke = |cause: io::Error| match cause.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => PublishError::NoAnswer { event, timeout },
            _ => PublishError::Broke { event, cause },
        };
        let (stream, deadline) = (&mut self.stream, self.deadline);
        // A timeout of zero is an error of its own. The shortest one is good enough for a run that is over.
        let left = || deadline.left().max(Duration::from_millis(1));
        stream.set_write_timeout(Some(left())).and_then(|()| stream.write_all(request)).map_err(broke)?;

        let mut reader = HeadReader::default();
        let mut answer: Option<Head> = None;
        let mut text = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let read = match stream.set_read_timeout(Some(left())).and_then(|()| stream.read(&mut buffer)) {
                // The process was stopped for a while, and the answer may still come.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read.map_err(broke)?,
            };
            let is_eof = read == 0;
            let came = &buffer[..read];
            let rest = match &mut answer {
                Some(head) => take_body(event, head, came, &mut text)?,
                None => match reader.take(came).map_err(|cause| PublishError::Head { event, cause })? {
                    Some((mut head, body)) => {
                        let rest = take_body(event, &mut head, &body, &mut text)?;
                        answer = Some(head);
                        rest
                    }
                    None => 0,
                },
            };
            if rest > 0 || text.len() > ANSWER_BYTES_MAX {
                return Err(PublishError::TooMuch { event, bytes_max: ANSWER_BYTES_MAX });
            }
            match &answer {
                Some(head) if head.body.is_over() => {
                    self.is_closed = head.closes;
                    return check(event, head, &text).map(|()| text);
                }
                // Only the close ends it: nothing more can be sent on this connection.
                Some(head) if is_eof && head.body == Body::UntilClose => {
                    self.is_closed = true;
                    return check(event, head, &text).map(|()| text);
                }
                _ if is_eof => return Err(PublishError::Closed { event }),
                _ => {}
            }
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

/// Adds the bytes of the body to `text` and returns how many bytes are left over.
fn take_body(event: u32, head: &mut Head, bytes: &[u8], text: &mut Vec<u8>) -> Result<usize, PublishError> {
    let used = head.body.decode(bytes, |part| text.extend_from_slice(part));
    Ok(bytes.len() - used.map_err(|cause| PublishError::Malformed { event, cause })?)
}

fn check(event: u32, head: &Head, text: &[u8]) -> Result<(), PublishError> {
    if (200..300).contains(&head.status) {
        return Ok(());
    }
    // The first line says most, and a terminal is no place for control characters.
    let text = String::from_utf8_lossy(text);
    let first_line: String =
        text.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(200).collect();
    let text = if first_line.is_empty() { first_line } else { format!(": {first_line}") };
    Err(PublishError::Status { event, status: head.status, text })
}
