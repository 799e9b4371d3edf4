//! [`Carrier`]: one HTTP/2 connection, as its task, its exchanges and the slots of its event streams share it.
//!
//! All of them run on one thread, one after the other, so the lock is never contended. What a party writes becomes frames at once.
//! The frames leave when the party's turn is over, or when there are as many as one record of TLS holds. The head of an answer leaves with
//! its first bytes. Frames of a connection with several event streams leave when the shard's pass is over (see [`crate::link::due`]).

mod exchanges;
mod streams;

use std::{
    io::{self, IoSlice},
    mem::{self, MaybeUninit},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Instant,
};

use fanfare_core::engine::Kept;
use fanfare_h2::{Broken, Connection, Event, Gone, PREFACE, StreamId};
use hyper::Request;
use parking_lot::Mutex;
use thiserror::Error;
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use crate::link::{
    activity::Activity,
    carriers::Carriers,
    due::Flush,
    party::{Exchange, Parties, Party},
    pulse,
    transport::Transport,
};

/// Bytes of frames that wait for the socket before parties have to wait: as many as one record of TLS holds.
const OUTPUT_BYTES_MAX: usize = 16 << 10;
/// Less room than this is none: a frame has 9 bytes before its first byte of content.
const ROOM_BYTES_MIN: usize = 64;
/// Bytes of one read, and reads before others of the thread have their turn.
const READ_BYTES: usize = 8 << 10;
const READS_MAX: usize = 8;

/// A request that has come, and whether it has no body.
pub(crate) struct Asked {
    pub(crate) stream: StreamId,
    pub(crate) request: Request<()>,
    pub(crate) is_whole: bool,
}

/// The reason for which a connection is over.
#[derive(Debug, Error)]
pub(crate) enum Over {
    #[error("the peer has closed the connection")]
    Closed,
    #[error("the socket is broken: {0}")]
    Socket(io::Error),
    #[error("the peer has broken the protocol: {0}")]
    Protocol(Broken),
    #[error("the peer has not answered a PING")]
    Silent,
    #[error("the peer takes nothing, or leaves a frame unfinished, and its room is needed")]
    Stuck,
    #[error("the connection has nothing to do, or makes room for others")]
    Idle,
    #[error("the server ends")]
    Stopped,
}

impl Over {
    /// Whether the peer has been sent a reason, a GOAWAY or an alert of TLS.
    pub(crate) fn is_told(&self) -> bool {
        match self {
            Self::Protocol(_) => true,
            Self::Socket(error) => error.kind() == io::ErrorKind::InvalidData,
            _ => false,
        }
    }
}

/// One HTTP/2 connection.
#[derive(Debug)]
pub(crate) struct Carrier {
    state: Mutex<State>,
    activity: Arc<Activity>,
    carriers: Arc<Carriers<Self>>,
}

#[derive(Debug)]
struct State {
    h2: Connection,
    /// None once the connection is over.
    transport: Option<Transport>,
    parties: Parties,
    /// The connection's task.
    task: Waker,
    over: Option<Box<Over>>,
    is_due: bool,
    /// A party waits for room in the output.
    is_room_wanted: bool,
    /// The peer has sent something, or taken something that waited, since the last look.
    has_progress: bool,
    /// A frame that means something has come since the last look.
    has_meaning: bool,
    /// Monotonic time at which the peer showed life, or was asked for some.
    alive_ms: u64,
    is_stopping: bool,
    /// The output, while the socket takes none of it, and what has come and waits for more.
    kept: Kept,
    /// The moment since which the socket has taken nothing of it.
    stuck_since: Option<Instant>,
}

impl Carrier {
    /// A connection whose client has sent the preface.
    pub(crate) fn new(transport: Transport, activity: Arc<Activity>, carriers: Arc<Carriers<Self>>) -> Self {
        let mut h2 = Connection::new(Arc::clone(&carriers.limits));
        let over = h2.receive(PREFACE, &mut Vec::new()).err().map(|broken| Box::new(Over::Protocol(broken)));
        let state = State {
            h2,
            transport: Some(transport),
            parties: Parties::default(),
            task: Waker::noop().clone(),
            over,
            is_due: false,
            is_room_wanted: false,
            has_progress: true,
            has_meaning: true,
            alive_ms: 0,
            is_stopping: false,
            kept: Kept::new(Arc::clone(&carriers.budget)),
            stuck_since: None,
        };
        Self { state: Mutex::new(state), activity, carriers }
    }

    /// Goes on with what has come and with what has to leave. Requests that have come are added to `asked`. Ready when the connection
    /// is over. To be polled by the connection's task alone.
    pub(crate) fn poll(&self, cx: &mut Context<'_>, asked: &mut Vec<Asked>) -> Poll<Over> {
        let mut state = self.state.lock();
        state.task.clone_from(cx.waker());
        if state.over.is_none()
            && let Poll::Ready(over) = self.poll_receive(&mut state, cx, asked)
        {
            state.over.get_or_insert(Box::new(over));
        }
        self.send(&mut state);
        state.over.take().map_or(Poll::Pending, |over| Poll::Ready(*over))
    }

    /// What the connections of the thread have together.
    pub(crate) fn carriers(&self) -> &Carriers<Self> {
        &self.carriers
    }

    /// Whether the connection has to end once nothing is under way.
    pub(crate) fn is_stopping(&self) -> bool {
        self.state.lock().is_stopping
    }

    /// Frees whatever the connection holds. Its parties are over. What is left of the byte stream comes back.
    pub(crate) fn close(&self) -> Option<Transport> {
        let mut state = self.state.lock();
        state.parties.end_all(&*self.carriers.inbox);
        state.kept.set(0);
        state.transport.take()
    }

    /// Tells the peer that no more requests are taken. Those that have come are answered.
    pub(crate) fn shut_down(&self) {
        let mut state = self.state.lock();
        state.h2.shut_down();
        self.send(&mut state);
    }

    /// Tells the peer which request was the last one.
    pub(crate) fn finish(&self) {
        let mut state = self.state.lock();
        state.h2.finish();
        self.send(&mut state);
    }

    fn poll_receive(&self, state: &mut State, cx: &mut Context<'_>, asked: &mut Vec<Asked>) -> Poll<Over> {
        let mut space = [MaybeUninit::uninit(); READ_BYTES];
        let mut events = Vec::new();
        for _ in 0..READS_MAX {
            // In time: a peer that asks for more than may wait and reads the answers is an honest one.
            if state.h2.output().len() >= OUTPUT_BYTES_MAX / 4 {
                self.send(state);
                if state.h2.output().len() >= OUTPUT_BYTES_MAX {
                    // A peer that takes no answers is not read. The task is woken when it takes some.
                    return Poll::Pending;
                }
            }
            let Some(transport) = &mut state.transport else { return Poll::Ready(Over::Closed) };
            let mut buffer = ReadBuf::uninit(&mut space);
            match ready!(Pin::new(transport).poll_read(cx, &mut buffer)) {
                Ok(()) if buffer.filled().is_empty() => return Poll::Ready(Over::Closed),
                Ok(()) => {}
                Err(error) => return Poll::Ready(Over::Socket(error)),
            }
            state.has_progress = true;
            let received = state.h2.receive(buffer.filled(), &mut events);
            state.has_meaning |= !events.is_empty();
            self.activity.note_frames(state.h2.is_in_frame());
            for event in events.drain(..) {
                self.take(state, event, asked);
            }
            state.count_kept(state.stuck_since.is_some());
            if let Err(broken) = received {
                return Poll::Ready(Over::Protocol(broken));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn take(&self, state: &mut State, event: Event, asked: &mut Vec<Asked>) {
        match event {
            Event::Request { stream, request, is_end } => {
                let exchange = Exchange { is_whole: is_end, ..Exchange::default() };
                state.parties.enter(stream, Party::Exchange(Box::new(exchange)));
                asked.push(Asked { stream, request, is_whole: is_end });
            }
            Event::Data { stream, bytes, is_end } => {
                // A subscriber has nothing to say. What it sends is not taken, so its window shuts.
                let Some(exchange) = state.parties.exchange(stream) else { return };
                exchange.is_whole |= is_end;
                if !bytes.is_empty() {
                    exchange.data.push_back(bytes);
                }
                exchange.wake_reader();
            }
            Event::Reset { stream, .. } => {
                if let Some(party) = state.parties.get(stream) {
                    party.end(&*self.carriers.inbox);
                }
            }
            Event::Room { stream } => match state.parties.get(stream) {
                Some(Party::Slot(_)) => self.go_on(state, stream),
                Some(Party::Exchange(exchange)) => exchange.wake_writer(),
                None => {}
            },
        }
    }

    /// Writes what is left of the first lines of a slot's stream. Once all have left, the slot goes on.
    fn go_on(&self, state: &mut State, stream: StreamId) {
        let Some(party) = state.parties.slot(stream) else { return };
        while let Some(mut first) = party.first.take() {
            match state.h2.write(stream, &[IoSlice::new(&first)], usize::MAX) {
                Poll::Ready(Ok(bytes)) if bytes == first.len() => {}
                Poll::Ready(Ok(bytes)) => {
                    // Until the write is pending, so that the connection says when there is room.
                    drop(first.split_to(bytes));
                    party.first = Some(first);
                }
                Poll::Ready(Err(Gone)) => party.is_over = true,
                Poll::Pending => {
                    party.first = Some(first);
                    return;
                }
            }
        }
        self.carriers.inbox.wake_slot(party.slot);
    }

    /// Streams that wait for the window of the connection may have more of it, because another one is over.
    fn give_room(&self, state: &mut State) {
        let mut rooms = Vec::new();
        state.h2.rooms(&mut rooms);
        for room in rooms {
            self.take(state, room, &mut Vec::new());
        }
    }

    /// Sends frames until the socket takes no more.
    fn send(&self, state: &mut State) {
        let Some(transport) = &mut state.transport else { return };
        let was_left = state.stuck_since.is_some();
        let is_left = loop {
            let output = state.h2.output();
            if output.is_empty() {
                // A record may be left of which the socket took a part.
                break match Pin::new(&mut *transport).poll_flush(&mut Context::from_waker(&state.task)) {
                    Poll::Ready(Ok(())) => false,
                    Poll::Ready(Err(error)) => return state.end(Over::Socket(error)),
                    Poll::Pending => true,
                };
            }
            match transport.poll_send(&state.task, &[IoSlice::new(output)]) {
                Poll::Ready(Ok(0)) => return state.end(Over::Closed),
                Poll::Ready(Ok(bytes)) => state.h2.sent(bytes),
                Poll::Ready(Err(error)) => return state.end(Over::Socket(error)),
                Poll::Pending => break true,
            }
            state.has_progress |= was_left;
            state.stuck_since = None;
        };
        if !is_left {
            state.stuck_since = None;
        } else if state.stuck_since.is_none() {
            state.stuck_since = Some(Instant::now());
        }
        if was_left || is_left {
            self.activity.note_write(is_left);
            state.count_kept(is_left);
        }
        if was_left && !is_left {
            // The connection may have nothing to do now.
            state.task.wake_by_ref();
        }
        if state.is_room_wanted && state.h2.output().len() <= OUTPUT_BYTES_MAX - ROOM_BYTES_MIN {
            state.is_room_wanted = false;
            state.parties.wake_for_room(&*self.carriers.inbox);
        }
    }

    /// Frames what the windows and the room for output take of `parts`. `Pending` if they take nothing.
    fn write(&self, state: &mut State, stream: StreamId, parts: &[IoSlice<'_>]) -> Poll<Result<usize, Gone>> {
        if state.transport.is_none() {
            return Poll::Ready(Err(Gone));
        }
        if state.h2.output().len() > OUTPUT_BYTES_MAX - ROOM_BYTES_MIN {
            self.send(state);
        }
        let room = OUTPUT_BYTES_MAX.saturating_sub(state.h2.output().len());
        if room < ROOM_BYTES_MIN {
            state.is_room_wanted = true;
            if let Some(party) = state.parties.get(stream) {
                party.wait_for_room();
            }
            return Poll::Pending;
        }
        state.h2.write(stream, parts, room)
    }
}

impl Flush for Carrier {
    fn flush(&self) {
        let mut state = self.state.lock();
        state.is_due = false;
        self.send(&mut state);
    }
}

impl pulse::Asked for Carrier {
    fn ask_for_life(&self, interval_ms: u64, now_ms: u64) {
        let mut state = self.state.lock();
        state.h2.relent();
        if mem::take(&mut state.has_progress) {
            state.alive_ms = now_ms;
        } else if !state.h2.is_ping_unanswered() {
            state.alive_ms = now_ms;
            state.h2.ping();
            self.send(&mut state);
        } else if now_ms.saturating_sub(state.alive_ms) >= interval_ms {
            state.end(Over::Silent);
        }
        if !mem::take(&mut state.has_meaning) && !state.parties.has_slot() && state.is_in_the_way() {
            // No shard sees what is kept here: those look at their slots.
            state.give_up();
        }
    }

    fn stop(&self) {
        let mut state = self.state.lock();
        state.is_stopping = true;
        state.task.wake_by_ref();
    }
}

impl State {
    /// Bytes that are kept for the peer.
    fn kept_bytes(&self) -> usize {
        self.kept.bytes() + self.transport.as_ref().map_or(0, Transport::kept_bytes)
    }

    /// Whether something is kept for the peer that is needed elsewhere.
    fn is_in_the_way(&self) -> bool {
        self.kept_bytes() > 0 && self.kept.is_budget_exceeded()
    }

    /// The output counts only while the socket takes none of it.
    fn count_kept(&mut self, is_left: bool) {
        let output = if is_left { self.h2.output().len() } else { 0 };
        let kept = output + self.h2.held_bytes();
        if self.kept.bytes() != kept {
            self.kept.set(kept);
        }
    }

    /// The connection is over, and what is kept for the peer is free at once.
    fn give_up(&mut self) {
        self.transport = None;
        self.kept.set(0);
        self.end(Over::Stuck);
    }

    /// The connection is over, which its task finds out next.
    fn end(&mut self, over: Over) {
        self.over.get_or_insert(Box::new(over));
        self.task.wake_by_ref();
    }
}
