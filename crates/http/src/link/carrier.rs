//! [`Carrier`]: one HTTP/2 connection, as its task, its exchanges and the slots of its event streams share it.
//!
//! All of them run on one thread, one after the other, so the lock is never contended. What a party writes becomes frames at once.
//! The frames leave when the party's turn is over (see [`crate::link::due`]), or when there are as many as one record of TLS holds.

use std::{
    io::{self, IoSlice},
    mem::{self, MaybeUninit},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use bytes::Bytes;
use fanfare_core::engine::{Hub, Inbox, Kept, SlotRef};
use fanfare_h2::{Broken, Connection, Event, Gone, Limits, Reason, StreamId};
use hyper::{Request, http::response};
use parking_lot::Mutex;
use thiserror::Error;
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use crate::link::{
    Link,
    due::Due,
    party::{Exchange, Parties, Party, SlotParty},
    socket::ClientSocket,
    transport::Transport,
};

/// First bytes of an HTTP/2 client (RFC 9113 3.4).
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
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
    #[error("the peer takes nothing")]
    Stuck,
    #[error("the connection has nothing to do, or makes room for others")]
    Idle,
    #[error("the server ends")]
    Stopped,
}

/// One HTTP/2 connection.
#[derive(Debug)]
pub(crate) struct Carrier {
    state: Mutex<State>,
    link: Arc<Link>,
    inbox: Arc<Inbox<ClientSocket>>,
    due: Arc<Due>,
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
    /// A party was refused because too much waited for the socket.
    is_wanted: bool,
    /// The peer has sent something, or taken something that waited, since the last look.
    has_progress: bool,
    /// Monotonic time at which the peer showed life, or was asked for some.
    alive_ms: u64,
    /// The output, while the socket takes none of it.
    kept: Kept,
}

impl Carrier {
    /// A connection whose client has sent the preface.
    pub(crate) fn new(
        transport: Transport,
        limits: Arc<Limits>,
        link: Arc<Link>,
        hub: &Hub<ClientSocket>,
        shard: usize,
        due: Arc<Due>,
    ) -> Self {
        let mut h2 = Connection::new(limits);
        let over = h2.receive(PREFACE, &mut Vec::new()).err().map(|broken| Box::new(Over::Protocol(broken)));
        let state = State {
            h2,
            transport: Some(transport),
            parties: Parties::default(),
            task: Waker::noop().clone(),
            over,
            is_due: false,
            is_wanted: false,
            has_progress: true,
            alive_ms: 0,
            kept: Kept::new(Arc::clone(hub.budget())),
        };
        Self { state: Mutex::new(state), link, inbox: Arc::clone(hub.inbox(shard)), due }
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

    /// Frees whatever the connection holds. Its parties are over. What is left of the byte stream comes back.
    pub(crate) fn close(&self) -> Option<Transport> {
        let mut state = self.state.lock();
        state.parties.end_all(&self.inbox);
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

    /// Asks a peer that has shown no life since the last call whether it is there. If it has not answered in its time, the connection is
    /// over.
    pub(crate) fn ask_for_life(&self, interval_ms: u64, now_ms: u64) {
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
    }

    /// Sends what waits.
    pub(crate) fn flush(&self) {
        let mut state = self.state.lock();
        state.is_due = false;
        self.send(&mut state);
    }

    fn poll_receive(&self, state: &mut State, cx: &mut Context<'_>, asked: &mut Vec<Asked>) -> Poll<Over> {
        let mut space = [MaybeUninit::uninit(); READ_BYTES];
        let mut events = Vec::new();
        for _ in 0..READS_MAX {
            if state.h2.output().len() >= OUTPUT_BYTES_MAX {
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
            self.link.activity.note_frames(state.h2.is_in_frame());
            for event in events.drain(..) {
                self.take(state, event, asked);
            }
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
                    party.end(&self.inbox);
                }
            }
            Event::Room { stream } => match state.parties.get(stream) {
                Some(Party::Slot(_)) => self.go_on(state, stream),
                Some(Party::Exchange(exchange)) => exchange.wake_writer(),
                None => {}
            },
            Event::GoAway => {}
        }
    }

    /// Writes what is left of the first lines of a slot's stream. Once all have left, the slot goes on.
    fn go_on(&self, state: &mut State, stream: StreamId) {
        let Some(party) = state.parties.slot(stream) else { return };
        if let Some(mut first) = party.first.take() {
            match state.h2.write(stream, &[IoSlice::new(&first)], usize::MAX) {
                Poll::Ready(Ok(bytes)) if bytes == first.len() => {}
                Poll::Ready(Err(Gone)) => party.is_over = true,
                written => {
                    if let Poll::Ready(Ok(bytes)) = written {
                        drop(first.split_to(bytes));
                    }
                    party.first = Some(first);
                    return;
                }
            }
        }
        self.inbox.wake_slot(party.slot);
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
            state.has_progress |= self.link.activity.is_write_pending();
        };
        let was_left = self.link.activity.is_write_pending();
        self.link.activity.note_write(is_left);
        if was_left && self.link.activity.is_idle() {
            self.link.idler.wake();
        }
        let kept = if is_left { state.h2.output().len() } else { 0 };
        if state.kept.bytes() != kept {
            state.kept.set(kept);
        }
        if state.is_wanted && state.h2.output().len() <= OUTPUT_BYTES_MAX - ROOM_BYTES_MIN {
            state.is_wanted = false;
            state.parties.wake_for_room(&self.inbox);
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
            state.is_wanted = true;
            if let Some(party) = state.parties.get(stream) {
                *party.wants_room() = true;
            }
            return Poll::Pending;
        }
        state.h2.write(stream, parts, room)
    }
}

impl State {
    /// The connection is over, which its task finds out next.
    fn end(&mut self, over: Over) {
        self.over.get_or_insert(Box::new(over));
        self.task.wake_by_ref();
    }
}

/// For slots.
impl Carrier {
    /// Makes `stream` an event stream that `slot` writes, behind `head` and its `first` lines.
    ///
    /// # Errors
    /// The stream is gone.
    pub(crate) fn begin_stream(
        &self,
        stream: StreamId,
        head: &response::Parts,
        first: Bytes,
        slot: SlotRef,
    ) -> Result<(), Gone> {
        let mut state = self.state.lock();
        if state.transport.is_none() {
            return Err(Gone);
        }
        state.h2.head(stream, head, false)?;
        let party = SlotParty { slot, first: Some(Box::new(first)), wants_room: false, is_over: false };
        state.parties.enter(stream, Party::Slot(party));
        self.go_on(&mut state, stream);
        self.send(&mut state);
        Ok(())
    }

    /// Frames as many bytes of `parts` as may leave. The first lines have left before.
    #[inline]
    pub(crate) fn poll_event(self: &Arc<Self>, stream: StreamId, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut state = self.state.lock();
        let written = self.write(&mut state, stream, parts);
        self.make_due(&mut state);
        written.map_err(|Gone| io::ErrorKind::BrokenPipe.into())
    }

    /// Whether the first lines of the stream have left.
    pub(crate) fn has_begun(&self, stream: StreamId) -> bool {
        self.state.lock().parties.slot(stream).is_some_and(|slot| slot.first.is_none())
    }

    /// Whether the stream has ended, or was reset, or the connection is over.
    pub(crate) fn is_over(&self, stream: StreamId) -> bool {
        let mut state = self.state.lock();
        state.transport.is_none() || state.parties.slot(stream).is_none_or(|slot| slot.is_over)
    }

    /// The share of one stream of the bytes that wait for the socket.
    pub(crate) fn kept_bytes(&self) -> usize {
        let state = self.state.lock();
        let sealed = state.transport.as_ref().map_or(0, Transport::kept_bytes);
        (state.kept.bytes() + sealed) / state.h2.streams().max(1)
    }

    /// Ends a stream whole. Its slot is woken, because there is nothing more to wait for.
    pub(crate) fn end_stream(self: &Arc<Self>, stream: StreamId) {
        let mut state = self.state.lock();
        // One that is gone is over already.
        let _ = state.h2.end(stream);
        if let Some(party) = state.parties.get(stream) {
            party.end(&self.inbox);
        }
        self.give_room(&mut state);
        self.make_due(&mut state);
    }

    /// The slot has let go of its stream. One that has not ended is reset, so that it does not look whole.
    pub(crate) fn leave_stream(self: &Arc<Self>, stream: StreamId, is_whole: bool) {
        let mut state = self.state.lock();
        let is_over = state.parties.slot(stream).is_none_or(|slot| slot.is_over);
        state.parties.leave(stream);
        if !is_whole {
            state.h2.reset(stream, Reason::CANCEL);
        }
        if !is_over && self.link.activity.is_write_pending() {
            // Its time is over, or its bytes are needed elsewhere, and the peer would not even take the reset.
            state.end(Over::Stuck);
        }
        self.give_room(&mut state);
        self.make_due(&mut state);
    }

    fn make_due(self: &Arc<Self>, state: &mut State) {
        if !state.is_due {
            state.is_due = true;
            self.due.push(Arc::clone(self));
        }
    }
}

/// For exchanges.
impl Carrier {
    /// Sends the head of an answer.
    ///
    /// # Errors
    /// The stream is gone.
    pub(crate) fn head(&self, stream: StreamId, head: &response::Parts, is_end: bool) -> Result<(), Gone> {
        let mut state = self.state.lock();
        state.h2.head(stream, head, is_end)
    }

    /// Sends as many bytes of an answer as may leave.
    pub(crate) fn poll_answer(&self, stream: StreamId, bytes: &[u8], cx: &Context<'_>) -> Poll<Result<usize, Gone>> {
        let mut state = self.state.lock();
        // Registered first: the write may find room by sending what waits.
        if let Some(exchange) = state.parties.exchange(stream) {
            exchange.writer = Some(cx.waker().clone());
        }
        let written = self.write(&mut state, stream, &[IoSlice::new(bytes)]);
        self.send(&mut state);
        written
    }

    /// Ends an answer whole.
    pub(crate) fn end(&self, stream: StreamId) {
        let mut state = self.state.lock();
        // A stream that is gone needs no end.
        let _ = state.h2.end(stream);
        self.give_room(&mut state);
        self.send(&mut state);
    }

    /// Ready once the stream was reset, or the connection is over.
    pub(crate) fn poll_over(&self, stream: StreamId, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        let is_closed = state.transport.is_none();
        match state.parties.exchange(stream) {
            Some(exchange) if !is_closed && !exchange.is_over => {
                exchange.writer = Some(cx.waker().clone());
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }

    /// The exchange is over. A stream that has not ended whole is reset.
    pub(crate) fn leave(&self, stream: StreamId, is_whole: bool) {
        let mut state = self.state.lock();
        state.parties.leave(stream);
        if !is_whole {
            state.h2.reset(stream, Reason::INTERNAL_ERROR);
        }
        self.give_room(&mut state);
        self.send(&mut state);
    }

    /// Takes the next bytes of the body of a request. `None` at its end.
    pub(crate) fn poll_data(&self, stream: StreamId, cx: &Context<'_>) -> Poll<Option<Result<Bytes, Gone>>> {
        let mut state = self.state.lock();
        let state = &mut *state;
        let Some(exchange) = state.parties.exchange(stream) else { return Poll::Ready(Some(Err(Gone))) };
        if let Some(bytes) = exchange.data.pop_front() {
            state.h2.took(stream, bytes.len());
            self.send(state);
            return Poll::Ready(Some(Ok(bytes)));
        }
        if exchange.is_whole {
            return Poll::Ready(None);
        }
        if exchange.is_over || state.transport.is_none() {
            return Poll::Ready(Some(Err(Gone)));
        }
        exchange.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}
