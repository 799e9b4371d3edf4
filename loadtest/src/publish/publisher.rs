//! The publisher: one keep-alive connection on which events leave when they are due, whatever became of the last.
//!
//! Open loop: an event carries the time it was due, so a slow answer shows as lateness of what follows and hides
//! nothing. It blocks its own thread, for exact sleeps, and never beyond the deadline.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::args::Rate;
use crate::measure::clock::{Clock, Deadline};
use crate::measure::latency::Latency;
use crate::measure::ledger::Expected;
use crate::measure::stamp::Stamp;
use crate::wire::body::{Body, Malformed};
use crate::wire::head::{Head, HeadError, HeadReader};
use crate::wire::target::{CONNECT_TIMEOUT, Target};

/// The longest sleep before it is looked whether the run has been given up.
const SLEEP_MAX: Duration = Duration::from_millis(100);

/// The most bytes of an answer's body that are read.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// What a run publishes, and to whom.
#[derive(Debug)]
pub(crate) struct Publisher {
    pub(crate) target: Target,
    /// The request up to the value of its Content-Length.
    pub(crate) request: String,
    pub(crate) expected: Expected,
    pub(crate) rate: Rate,
    pub(crate) clock: Clock,
    pub(crate) deadline: Deadline,
    /// Set by the main thread when nobody is left to receive.
    pub(crate) is_abandoned: Arc<AtomicBool>,
}

/// How the publishing went.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) events: u32,
    pub(crate) first_due_ns: u64,
    pub(crate) ended_ns: u64,
    /// From the due time to the end of the answer.
    pub(crate) answer: Latency,
    /// From the due time to the write.
    pub(crate) lateness: Latency,
    /// Connections opened after the first: the target closed one after an answer.
    pub(crate) reconnects: u32,
}

/// Why publishing ended before its time. Events count from 1 here.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishError {
    #[error("publishing: cannot connect to {address}: {cause}")]
    Connect { address: std::net::SocketAddr, cause: io::Error },
    #[error("publishing event {event}: no answer within the --timeout of {timeout:?}")]
    NoAnswer { event: u32, timeout: Duration },
    #[error("publishing event {event}: the target closed the connection before the answer was complete")]
    Closed { event: u32 },
    #[error("publishing event {event}: {cause}")]
    Broke { event: u32, cause: io::Error },
    #[error("publishing event {event}: {cause}")]
    Head { event: u32, cause: HeadError },
    #[error("publishing event {event}: {cause}")]
    Malformed { event: u32, cause: Malformed },
    #[error("publishing event {event}: more than {ANSWER_BYTES_MAX} bytes of answer, or bytes after it")]
    TooMuch { event: u32 },
    #[error("publishing event {event}: the target answered {status}{text}")]
    Status { event: u32, status: u16, text: String },
}

impl Publisher {
    /// Publishes everything, or as much as is due before the deadline.
    pub(crate) fn run(self) -> Result<Published, PublishError> {
        sharpen_sleep();
        let mut stream = self.connect()?;
        let (mut request, mut data) = (Vec::new(), Vec::new());
        let first_due_ns = self.clock.now_ns();
        let mut published = Published {
            events: 0,
            first_due_ns,
            ended_ns: first_due_ns,
            answer: Latency::new(),
            lateness: Latency::new(),
            reconnects: 0,
        };
        let mut is_closed = false;
        while published.events < self.expected.events {
            let number = published.events;
            let due_ns = first_due_ns + self.rate.due_ns(number);
            if !self.sleep_until(due_ns) {
                break;
            }
            if is_closed {
                stream = self.connect()?;
                published.reconnects += 1;
            }
            Stamp { run: self.expected.run, number, due_ns }.write(self.expected.size_bytes as usize, &mut data);
            request.clear();
            write!(request, "{}{}\r\n\r\n", self.request, data.len()).expect("writing to a Vec cannot fail");
            request.extend_from_slice(&data);

            published.lateness.record_ns(self.clock.now_ns().saturating_sub(due_ns));
            is_closed = self.exchange(number + 1, &mut stream, &request)?;
            published.ended_ns = self.clock.now_ns();
            published.answer.record_ns(published.ended_ns.saturating_sub(due_ns));
            published.events += 1;
        }
        Ok(published)
    }

    fn connect(&self) -> Result<TcpStream, PublishError> {
        let address = self.target.address;
        // A timeout of zero is an error of its own; the shortest one is good enough for a run that is over.
        let at_most = CONNECT_TIMEOUT.min(self.deadline.left()).max(Duration::from_millis(1));
        let stream = TcpStream::connect_timeout(&address, at_most).and_then(|stream| {
            stream.set_nodelay(true)?;
            Ok(stream)
        });
        stream.map_err(|cause| PublishError::Connect { address, cause })
    }

    /// False: the run was over before.
    fn sleep_until(&self, due_ns: u64) -> bool {
        loop {
            if self.deadline.has_passed() || self.is_abandoned.load(Ordering::Relaxed) {
                return false;
            }
            match due_ns.saturating_sub(self.clock.now_ns()) {
                0 => return true,
                left_ns => std::thread::sleep(Duration::from_nanos(left_ns).min(SLEEP_MAX)),
            }
        }
    }

    /// Sends one request and reads its whole answer. True: the target closes the connection after it.
    fn exchange(&self, event: u32, stream: &mut TcpStream, request: &[u8]) -> Result<bool, PublishError> {
        let broke = |cause: io::Error| match cause.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                PublishError::NoAnswer { event, timeout: self.deadline.timeout() }
            }
            _ => PublishError::Broke { event, cause },
        };
        let left = self.deadline.left().max(Duration::from_millis(1));
        stream.set_write_timeout(Some(left)).and_then(|()| stream.write_all(request)).map_err(broke)?;

        let mut reader = HeadReader::default();
        let mut answer: Option<Head> = None;
        let mut text = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let left = self.deadline.left().max(Duration::from_millis(1));
            let read = stream.set_read_timeout(Some(left)).and_then(|()| stream.read(&mut buffer)).map_err(broke)?;
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
                return Err(PublishError::TooMuch { event });
            }
            match answer.take() {
                Some(head) if head.body.is_over() => return finish(event, &head, &text),
                // Only the close ends it: nothing more can be sent on this connection.
                Some(head) if is_eof && head.body == Body::UntilClose => {
                    return finish(event, &head, &text).map(|_| true);
                }
                _ if is_eof => return Err(PublishError::Closed { event }),
                head => answer = head,
            }
        }
    }
}

/// Adds what belongs to the body to `text` and returns how many bytes are left over.
fn take_body(event: u32, head: &mut Head, bytes: &[u8], text: &mut Vec<u8>) -> Result<usize, PublishError> {
    let used = head.body.decode(bytes, |part| text.extend_from_slice(part));
    Ok(bytes.len() - used.map_err(|cause| PublishError::Malformed { event, cause })?)
}

fn finish(event: u32, head: &Head, text: &[u8]) -> Result<bool, PublishError> {
    if (200..300).contains(&head.status) {
        return Ok(head.closes);
    }
    // The first line says most, and a terminal is no place for control characters.
    let text = String::from_utf8_lossy(text);
    let first_line: String =
        text.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(200).collect();
    let text = if first_line.is_empty() { first_line } else { format!(": {first_line}") };
    Err(PublishError::Status { event, status: head.status, text })
}

/// The kernel wakes a sleeper up to 50 us late unless told otherwise, which would be added to every latency.
fn sharpen_sleep() {
    #[cfg(target_os = "linux")]
    {
        // If it cannot be had, the lateness in the report says so.
        let _ = rustix::thread::set_current_timer_slack(Some(std::num::NonZeroU64::MIN));
    }
}
