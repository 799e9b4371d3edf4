//! One subscriber: opens its stream and takes it apart, in the way of its role, until it is cut off.
//!
//! Lives on one receiving thread and shares that thread's read buffer and ledgers.

use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::Poll;
use std::time::Duration;

use fanfare_sse::{Item, Parser};
use tokio::io::{Interest, ReadBuf};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::crowd::notice::{Notice, Refusal};
use crate::crowd::opening::{Opened, open};
use crate::crowd::plan::{Order, Role};
use crate::crowd::shared::{Desk, READ_BYTES_MAX, Shared};
use crate::link::carriers::Place;
use crate::link::line::Line;
use crate::measure::ledger::Seat;
use crate::measure::sum::Sum;
use crate::wire::body::{Body, Malformed};
use crate::wire::limits::LIMITS;

/// How often a slow reader reads, and one of a given pace: often, so that a small receive buffer is enough for it.
const SLOW_READ_EVERY: Duration = Duration::from_millis(100);
const PACED_READ_EVERY: Duration = Duration::from_millis(20);

/// How long one that naps reads in between.
const NAPPING_READ_FOR: Duration = Duration::from_millis(500);

/// How often it is looked whether a stream with unread data was closed, and how long one that was closed stays away.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The time after which a stream comes back that was told none, as in Chromium.
const RETRY: Duration = Duration::from_secs(3);

/// How an open stream ended.
#[derive(Debug, thiserror::Error)]
enum Closed {
    #[error("ended by the target")]
    Ended,
    #[error("{0}")]
    Broke(#[from] io::Error),
    #[error("{0}")]
    Malformed(#[from] Malformed),
}

/// A connection of the run, whether its stream is open or not.
#[derive(Debug)]
pub(crate) struct Subscriber {
    pub(crate) connection: u32,
    pub(crate) group: usize,
    pub(crate) seat: Seat,
    pub(crate) shared: Rc<Shared>,
}

impl Subscriber {
    fn role(&self) -> Role {
        self.shared.plan.groups[self.group].role
    }

    /// Lasts until the stream is over, or for as long as the thread's runtime.
    pub(crate) async fn run(mut self) {
        match self.role() {
            Role::Steady => {
                let Some(mut stream) = self.open(b"").await else { return };
                let closed = stream.receive(&self).await;
                self.tell_closed(&closed);
            }
            Role::Storm => self.run_storm().await,
            Role::Stuck => {
                let Some(mut stream) = self.open(b"").await else { return };
                stream.wait_for_close().await;
                // No fault: a server may cut off who does not read.
                self.shared.live.closed_behind.fetch_add(1, Relaxed);
            }
            Role::Slow { bytes_per_s } => {
                let Some(mut stream) = self.open(b"").await else { return };
                // However it ends, it is no fault: a server may cut off who is too slow.
                let _closed = stream.receive_slowly(bytes_per_s, SLOW_READ_EVERY, &self).await;
                self.shared.live.closed_behind.fetch_add(1, Relaxed);
            }
            Role::Returning => self.run_returning().await,
            Role::Churn { life } => self.run_churn(life).await,
            Role::Paced { .. } | Role::Napping { .. } => self.run_late().await,
        }
    }

    /// Opens the stream for the first time or again. `None`: it could not, and that has been told.
    async fn open(&mut self, last_event_id: &[u8]) -> Option<Stream> {
        if !self.is_first() {
            self.seat.node = self.shared.plan.terms.node_after(self.seat.node);
        }
        let opened = {
            let gate = if self.is_first() { &self.shared.gate } else { &self.shared.gate_back };
            let _permit = gate.acquire().await;
            // Boxed, so that memory for the opening alone is given back once the stream is open.
            Box::pin(open(self.connection, self.group, self.seat.node, last_event_id, &self.shared)).await
        };
        match opened {
            Ok(Opened { line, body, rest, place }) => {
                Some(Stream { line, body, parser: Parser::new(&LIMITS), rest, _place: place })
            }
            Err(cause) => {
                let (lacks_port, cause) = (cause.lacks_port(), cause.to_string());
                if self.is_first() {
                    self.shared.say(Notice::Refused(Refusal { number: self.connection + 1, cause, lacks_port }));
                } else {
                    self.shared.live.refused_again.fetch_add(1, Relaxed);
                    self.shared.say(Notice::RefusedAgain(cause));
                }
                None
            }
        }
        .inspect(|_| {
            let live = &self.shared.live;
            (if self.is_first() { &live.open } else { &live.back }).fetch_add(1, Relaxed);
        })
    }

    fn is_first(&self) -> bool {
        self.seat.back_ns == 0
    }

    fn tell_closed(&self, closed: &Closed) {
        let live = &self.shared.live;
        live.closed.fetch_add(1, Relaxed);
        if self.role().is_awaited() {
            live.closed_awaited.fetch_add(1, Relaxed);
        }
        self.shared.say(Notice::Closed(closed.to_string()));
    }

    async fn run_storm(&mut self) {
        let mut orders = self.shared.orders.clone();
        let Some(mut stream) = self.open(b"").await else { return };
        let is_away = async {
            // `Back` may have followed already.
            let has_left = |order: &Order| order.tide().is_some_and(|tide| tide.left_ns < u64::MAX);
            orders.wait_for(has_left).await.is_ok()
        };
        tokio::select! {
            closed = stream.receive(self) => return self.tell_closed(&closed),
            is_away = is_away => if !is_away { return },
        }
        let last_event_id = stream.parser.last_id().to_vec();
        self.shared.desk.borrow_mut().ledgers[self.group].sum.long_ids += u64::from(stream.parser.has_long_id());
        drop(stream);
        self.shared.live.away.fetch_add(1, Relaxed);
        let is_back = |order: &Order| order.tide().is_some_and(|tide| tide.back_ns < u64::MAX);
        let Ok(tide) = orders.wait_for(is_back).await.map(|order| order.tide()) else { return };
        self.seat.back_ns = tide.map_or(0, |tide| tide.back_ns);
        let Some(mut stream) = self.open(&last_event_id).await else { return };
        self.seat.here_ns = self.shared.plan.clock.now_ns();
        self.shared.desk.borrow_mut().ledgers[self.group].come_back(self.seat);
        let closed = stream.receive(self).await;
        self.tell_closed(&closed);
    }

    /// Comes back for as long as the run lasts. A stream that is refused is given up, as browsers do.
    async fn run_returning(&mut self) {
        let Some(mut stream) = self.open(b"").await else { return };
        loop {
            let _ended = stream.receive(self).await;
            let mut parser = stream.parser;
            // A place on a connection, and the connection itself, are given back before the time away.
            drop((stream.line, stream._place));
            self.shared.live.away.fetch_add(1, Relaxed);
            sleep(parser.retry().unwrap_or(RETRY)).await;
            parser.reconnect();
            let clock = self.shared.plan.clock;
            self.seat.back_ns = clock.now_ns();
            self.shared.desk.borrow_mut().ledgers[self.group].sum.returns.take(self.seat.back_ns);
            let Some(again) = self.open(parser.last_id()).await else { return };
            stream = Stream { parser, ..again };
            self.seat.here_ns = clock.now_ns();
            let ledger = &mut self.shared.desk.borrow_mut().ledgers[self.group];
            ledger.sum.long_ids += u64::from(stream.parser.has_long_id());
            ledger.come_back(self.seat);
        }
    }

    /// Reads late until it is ordered to read on.
    async fn run_late(&mut self) {
        let mut orders = self.shared.orders.clone();
        let Some(mut stream) = self.open(b"").await else { return };
        let late = async {
            match self.role() {
                Role::Napping { nap } => stream.receive_between_naps(nap, self).await,
                Role::Paced { bytes_per_s } => stream.receive_slowly(bytes_per_s, PACED_READ_EVERY, self).await,
                _ => unreachable!("only these two read late"),
            }
        };
        let reads_on = async { orders.wait_for(|order| matches!(order, Order::ReadOn)).await.is_ok() };
        tokio::select! {
            closed = late => return self.tell_closed(&closed),
            reads_on = reads_on => if !reads_on { return },
        }
        let closed = stream.receive(self).await;
        self.tell_closed(&closed);
    }

    async fn run_churn(&mut self, life: Duration) {
        // The first lives end one after the other, so that there is never a storm.
        let mut life_left = life.mul_f64(self.shared.plan.place(self.connection, self.group));
        while let Some(mut stream) = self.open(b"").await {
            let clock = self.shared.plan.clock;
            self.shared.desk.borrow_mut().ledgers[self.group].begin_life(self.seat, clock.now_ns());
            let closed = timeout(life_left, stream.receive(self)).await;
            drop(stream);
            self.shared.desk.borrow_mut().ledgers[self.group].end_life(self.seat, clock.now_ns());
            if let Ok(closed) = closed {
                self.tell_closed(&closed);
                // A target that closes every stream must not be stormed.
                sleep(LOOK_EVERY).await;
            }
            self.seat.back_ns = 1;
            life_left = life;
        }
    }
}

/// An open stream.
#[derive(Debug)]
struct Stream {
    line: Line,
    body: Body,
    parser: Parser,
    /// Bytes that came along with the head.
    rest: Vec<u8>,
    _place: Option<Place>,
}

impl Stream {
    async fn receive(&mut self, of: &Subscriber) -> Closed {
        if let Err(closed) = self.take_rest(of) {
            return closed;
        }
        poll_fn(|context| {
            let desk = &mut *of.shared.desk.borrow_mut();
            // Taken out for the time of the poll, so that it can be read while the desk is written to.
            let mut buffer = std::mem::take(&mut desk.buffer);
            let polled = loop {
                let mut unread = ReadBuf::new(&mut buffer);
                match self.line.poll_read(context, &mut unread) {
                    Poll::Pending => break Poll::Pending,
                    Poll::Ready(Err(error)) => break Poll::Ready(Closed::Broke(error)),
                    Poll::Ready(Ok(())) if unread.filled().is_empty() => break Poll::Ready(Closed::Ended),
                    Poll::Ready(Ok(())) => {
                        if let Err(closed) = self.take(unread.filled(), desk, of) {
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

    /// Until the target has closed or reset it, without a read. Over HTTP/2 an end behind unread data is not seen.
    async fn wait_for_close(&mut self) {
        let pipe = match &mut self.line {
            Line::Pipe(pipe) => pipe,
            Line::Http2(incoming) => return incoming.reset().await,
        };
        while pipe.socket().ready(Interest::READABLE).await.is_ok_and(|ready| !ready.is_read_closed()) {
            // Data waits to be read and keeps it ready: without this it would go round and round.
            sleep(LOOK_EVERY).await;
        }
    }

    /// Reads no more than this.
    async fn receive_slowly(&mut self, bytes_per_s: u32, every: Duration, of: &Subscriber) -> Closed {
        if let Err(closed) = self.take_rest(of) {
            return closed;
        }
        let bytes = (u64::from(bytes_per_s) * every.as_millis() as u64 / 1000).max(1) as usize;
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut buffer = vec![0; bytes.min(READ_BYTES_MAX)];
        loop {
            ticks.tick().await;
            let mut left = bytes;
            while left > 0 {
                let at_most = left.min(buffer.len());
                let read = match self.line.read_now(&mut buffer[..at_most]).await {
                    Ok(Some(0)) => return Closed::Ended,
                    Ok(Some(read)) => read,
                    Ok(None) => break,
                    Err(error) => return Closed::Broke(error),
                };
                left -= read;
                if let Err(closed) = self.take(&buffer[..read], &mut of.shared.desk.borrow_mut(), of) {
                    return closed;
                }
            }
        }
    }

    async fn receive_between_naps(&mut self, nap: Duration, of: &Subscriber) -> Closed {
        loop {
            if let Ok(closed) = timeout(NAPPING_READ_FOR, self.receive(of)).await {
                return closed;
            }
            sleep(nap).await;
        }
    }

    fn take_rest(&mut self, of: &Subscriber) -> Result<(), Closed> {
        let rest = std::mem::take(&mut self.rest);
        self.take(&rest, &mut of.shared.desk.borrow_mut(), of)
    }

    /// Takes one read's bytes. One time stamp holds for all events in it: they were there when the read returned.
    fn take(&mut self, bytes: &[u8], desk: &mut Desk, of: &Subscriber) -> Result<(), Closed> {
        let shared = &*of.shared;
        let now_ns = shared.plan.clock.now_ns();
        let ledger = &mut desk.ledgers[of.group];
        let progress = |sum: &Sum| [sum.deliveries, sum.faults.told_missing, sum.replayed];
        let before = progress(&ledger.sum);
        let parser = &mut self.parser;
        self.body.decode(bytes, |content| {
            parser.feed(content, |item| {
                if let Item::Event(event) = item {
                    ledger.take(of.seat, &event, now_ns);
                }
            });
        })?;
        let after = progress(&ledger.sum);
        let [new, told, replayed] = [0, 1, 2].map(|at| after[at] - before[at]);
        if new > 0 {
            ledger.end_read(now_ns);
            if of.role().is_awaited() {
                // One thread writes each, so a load and a store do.
                let live = &shared.live;
                let add = |count: &AtomicU64, more: u64| count.store(count.load(Relaxed) + more, Relaxed);
                add(&live.deliveries, new);
                add(&live.told, told);
                if of.role() == Role::Storm {
                    add(&live.storm, if of.is_first() { new } else { replayed });
                }
                live.activity_ns.store(now_ns, Relaxed);
            }
        }
        if self.body.is_over() { Err(Closed::Ended) } else { Ok(()) }
    }
}
