//! One subscriber: connects, sends its request, checks the head, then takes the stream apart until it is cut off.
//!
//! Lives on one receiving thread and shares that thread's read buffer and ledger. Never connects a second time: a
//! stream that the server closes is a finding.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::task::Poll;

use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::crowd::Notice;
use crate::measure::clock::{Clock, Deadline};
use crate::measure::ledger::Ledger;
use crate::wire::body::{Body, Malformed};
use crate::wire::head::{HeadError, HeadReader};
use crate::wire::sse::Parser;
use crate::wire::target::{CONNECT_TIMEOUT, Target};

/// One read takes at most this much; shared by all connections of a thread.
const READ_BYTES_MAX: usize = 64 << 10;

/// What all subscribers of a run have in common.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) target: Target,
    /// The whole request of a subscriber.
    pub(crate) request: Arc<str>,
    pub(crate) connections: u32,
    pub(crate) clock: Clock,
    pub(crate) deadline: Deadline,
    /// Lets so many connect at once.
    pub(crate) gate: Arc<Semaphore>,
    pub(crate) notices: Sender<Notice>,
}

/// What the subscribers of one thread share.
#[derive(Debug)]
pub(crate) struct Desk {
    buffer: Vec<u8>,
    pub(crate) ledger: Ledger,
    /// How many have neither seen the last event nor been closed.
    pending: u32,
    /// When the last delivery of this thread was, for who waits for silence.
    activity_ns: Arc<AtomicU64>,
}

/// Why a stream could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SubscribeError {
    #[error("cannot connect to {address}: {cause}")]
    Connect { address: std::net::SocketAddr, cause: io::Error },
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

/// How an open stream ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Closed {
    #[error("ended by the target")]
    Ended,
    #[error("{0}")]
    Broke(#[from] io::Error),
    #[error("{0}")]
    Malformed(#[from] Malformed),
}

impl Desk {
    pub(crate) fn new(ledger: Ledger, subscribers: u32, activity_ns: Arc<AtomicU64>) -> Self {
        Self { buffer: vec![0; READ_BYTES_MAX], ledger, pending: subscribers, activity_ns }
    }

    /// One subscriber less to wait for.
    fn settle_one(&mut self, plan: &Plan) {
        self.pending -= 1;
        if self.pending == 0 {
            plan.say(Notice::ThreadDone);
        }
    }
}

impl Plan {
    fn say(&self, notice: Notice) {
        // Nobody listens any more once the run is over; then it does not matter.
        let _ = self.notices.send(notice);
    }
}

/// Runs subscriber `index` of the run, which is connection `place` of this thread's ledger.
pub(crate) async fn run(index: u32, place: usize, plan: Rc<Plan>, desk: Rc<RefCell<Desk>>) {
    let opened = {
        let _permit = plan.gate.acquire().await;
        // Boxed, so that what only the opening needs is given back once the stream is open.
        Box::pin(open(index, &plan, &desk)).await
    };
    let (stream, body, rest) = match opened {
        Ok(opened) => opened,
        Err(cause) => return plan.say(Notice::Refused { number: index + 1, cause }),
    };
    plan.say(Notice::Open);
    let mut subscriber = Subscriber { place, stream, body, parser: Parser::new(), is_waited_for: true };
    let closed = subscriber.take(&rest, &mut desk.borrow_mut(), &plan).err();
    drop(rest);
    let closed = match closed {
        Some(closed) => closed,
        None => subscriber.receive(&desk, &plan).await,
    };
    plan.say(Notice::Closed(closed));
    if subscriber.is_waited_for {
        desk.borrow_mut().settle_one(&plan);
    }
}

async fn open(index: u32, plan: &Plan, desk: &RefCell<Desk>) -> Result<(TcpStream, Body, Vec<u8>), SubscribeError> {
    let mut stream =
        connect(index, plan).await.map_err(|cause| SubscribeError::Connect { address: plan.target.address, cause })?;
    stream.write_all(plan.request.as_bytes()).await?;
    let mut reader = HeadReader::default();
    loop {
        stream.readable().await?;
        let desk = &mut *desk.borrow_mut();
        let read = match stream.try_read(&mut desk.buffer) {
            Ok(0) => return Err(SubscribeError::NoAnswer),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error.into()),
        };
        let Some((head, rest)) = reader.take(&desk.buffer[..read])? else { continue };
        if head.status != 200 {
            return Err(SubscribeError::Status(head.status));
        }
        if !head.content_type.starts_with("text/event-stream") {
            return Err(SubscribeError::NotAStream(head.content_type));
        }
        return Ok((stream, head.body, rest));
    }
}

async fn connect(index: u32, plan: &Plan) -> io::Result<TcpStream> {
    let socket = if plan.target.address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if let Some(source) = plan.target.source(index, plan.connections) {
        // Without this a port that a run before has just left cannot be bound for a minute.
        socket.set_reuseaddr(true)?;
        socket.bind(source)?;
    }
    match timeout(CONNECT_TIMEOUT.min(plan.deadline.left()), socket.connect(plan.target.address)).await {
        Ok(connected) => connected,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// An open stream.
struct Subscriber {
    place: usize,
    stream: TcpStream,
    body: Body,
    parser: Parser,
    /// It has not seen the last event.
    is_waited_for: bool,
}

impl Subscriber {
    async fn receive(&mut self, desk: &RefCell<Desk>, plan: &Plan) -> Closed {
        poll_fn(|context| {
            let desk = &mut *desk.borrow_mut();
            // Taken out for the time of the poll, so that it can be read while the desk is written to.
            let mut buffer = std::mem::take(&mut desk.buffer);
            let polled = loop {
                let mut unread = ReadBuf::new(&mut buffer);
                match Pin::new(&mut self.stream).poll_read(context, &mut unread) {
                    Poll::Pending => break Poll::Pending,
                    Poll::Ready(Err(error)) => break Poll::Ready(Closed::Broke(error)),
                    Poll::Ready(Ok(())) if unread.filled().is_empty() => break Poll::Ready(Closed::Ended),
                    Poll::Ready(Ok(())) => {
                        if let Err(closed) = self.take(unread.filled(), desk, plan) {
                            break Poll::Ready(closed);
                        }
                    }
                }
            };
            desk.buffer = buffer;
            polled
        })
        .await
    }

    /// Takes one read's bytes. One time stamp holds for all events in it: they were there when the read returned.
    fn take(&mut self, bytes: &[u8], desk: &mut Desk, plan: &Plan) -> Result<(), Closed> {
        let Self { place, body, parser, .. } = self;
        let now_ns = plan.clock.now_ns();
        let ledger = &mut desk.ledger;
        let before = ledger.deliveries;
        body.decode(bytes, |content| parser.feed(content, |event| ledger.take(*place, &event, now_ns)))?;
        if ledger.deliveries > before {
            ledger.end_read(now_ns);
            // Read by the main thread only to see whether it is silent; nothing is published with it.
            desk.activity_ns.store(now_ns, Ordering::Relaxed);
            if self.is_waited_for && desk.ledger.has_last(self.place) {
                self.is_waited_for = false;
                desk.settle_one(plan);
            }
        }
        if self.body.is_over() { Err(Closed::Ended) } else { Ok(()) }
    }
}
