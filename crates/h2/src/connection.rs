//! A connection: what its driver calls. What comes from the peer is understood in receive.rs and heads.rs.

mod block;
mod heads;
mod receive;

use std::{io::IoSlice, mem, sync::Arc, task::Poll};

use http::response::Parts;

use crate::{
    event::{Event, StreamId},
    flood::{ANSWER_GAIN, BODY_GAIN, Credit, EVENT_GAIN, SMALL_BYTES, TIME_GAIN},
    frame::{HEADER_BYTES, PAYLOAD_MAX},
    head,
    hpack::Decoder,
    input::Input,
    limits::Limits,
    output::Output,
    reason::{Broken, Gone, Reason},
    resets::Resets,
    settings,
    share::Share,
    streams::{Stream, Streams},
    window::{self, ReceiveWindow},
};

/// The payload of our PING. There is one at a time, so it need not differ.
const PING: [u8; 8] = *b"fanfare?";

/// The last stream of a GOAWAY that says only that there will be another one (RFC 9113 section 6.8).
const ANY_STREAM: u32 = u32::MAX >> 1;

/// The server's side of one HTTP/2 connection.
///
/// Whoever drives it gives it the bytes that come, sends its output, and does what events say. After every call there may be
/// output.
#[derive(Debug)]
pub struct Connection {
    limits: Arc<Limits>,
    input: Input,
    output: Output,
    streams: Streams,
    /// A head of which CONTINUATION is to come.
    block: Option<Box<block::Block>>,
    decoder: Decoder,
    resets: Resets,
    broken: Option<Reason>,
    share: Share,
    receive: ReceiveWindow,
    /// The send window of new streams.
    stream_window: i32,
    /// The highest stream that has come.
    last: u32,
    /// The highest stream that may be served.
    last_served: u32,
    /// The stream that was told of room last.
    turn: u32,
    /// Streams that wait for room.
    waiting: u32,
    credit: Credit,
    is_greeted: bool,
    is_acknowledged: bool,
    is_ping_unanswered: bool,
    /// Whether something has happened that may give room.
    is_room_due: bool,
    is_finished: bool,
}

impl Connection {
    /// A connection of which nothing has come yet. Its settings are in the output.
    pub fn new(limits: Arc<Limits>) -> Self {
        let mut output = Output::default();
        output.settings(&settings::announced(&limits));
        let whole = connection_window(&limits);
        if whole > window::DEFAULT {
            output.window_update(0, whole.abs_diff(window::DEFAULT));
        }
        Self {
            limits,
            input: Input::default(),
            output,
            streams: Streams::default(),
            block: None,
            decoder: Decoder::new(),
            resets: Resets::default(),
            broken: None,
            share: Share::new(),
            receive: ReceiveWindow::new(whole),
            stream_window: window::DEFAULT,
            last: 0,
            last_served: 0,
            turn: 0,
            waiting: 0,
            credit: Credit::new(),
            is_greeted: false,
            is_acknowledged: false,
            is_ping_unanswered: false,
            is_room_due: false,
            is_finished: false,
        }
    }

    /// Takes bytes that have come, in pieces of any size, and appends what they mean.
    ///
    /// # Errors
    ///
    /// [`Broken`] if the peer broke a rule or made too much useless work, and at every later call. The output ends with a GOAWAY:
    /// send it, and close the connection. All streams are gone. Events before the fault are appended all the same.
    pub fn receive(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), Broken> {
        if let Some(reason) = self.broken {
            return Err(Broken(reason));
        }
        let mut input = mem::take(&mut self.input);
        let outcome = input.feed(bytes, |header, payload| self.frame(header, payload, events));
        self.input = input;
        if let Err(reason) = outcome {
            self.output.go_away(self.last_served, reason);
            self.broken = Some(reason);
            self.streams = Streams::default();
            return Err(Broken(reason));
        }
        self.rooms(events);
        Ok(())
    }

    /// Appends a [`Event::Room`] for each stream that was refused and may write again, as `receive` does. Of use after calls that end
    /// a stream: its neighbours may have more of the connection's window then.
    pub fn rooms(&mut self, events: &mut Vec<Event>) {
        if !mem::take(&mut self.is_room_due) || self.waiting == 0 {
            return;
        }
        let (share, streams) = (self.share, self.streams.len());
        for stream in self.streams.after_mut(self.turn) {
            if stream.is_waiting && share.sendable(stream, streams) > 0 {
                stream.is_waiting = false;
                self.waiting -= 1;
                self.turn = stream.id.get();
                events.push(Event::Room { stream: stream.id });
            }
        }
    }

    /// Whether the preface, a frame or a head has begun and is not whole.
    pub fn is_in_frame(&self) -> bool {
        self.input.is_in_frame() || self.block.is_some()
    }

    /// Bytes that have come and are kept: the start of a frame, the start of a head, and fields that the peer may still name. A frame
    /// has 16 KiB at most, a head four times its limit, and the fields have 4 KiB.
    pub fn held_bytes(&self) -> usize {
        let block = self.block.as_ref().map_or(0, |block| block.bytes.len());
        self.input.held_bytes() + block + self.decoder.table_bytes()
    }

    /// Bytes to send.
    pub fn output(&self) -> &[u8] {
        self.output.bytes()
    }

    /// The first `bytes` of the output have left. Gives the memory back when all have.
    pub fn sent(&mut self, bytes: usize) {
        self.output.sent(bytes);
    }

    /// Sends the head of a response, which ends the response if `is_end`. One with a status of 100 to 199 comes before the real one, and
    /// is left out behind it.
    ///
    /// Names that belong to HTTP/1.1 connections are left out (RFC 9113 section 8.2.2).
    ///
    /// # Errors
    ///
    /// [`Gone`] if the stream is not open.
    pub fn head(&mut self, stream: StreamId, response: &Parts, is_end: bool) -> Result<(), Gone> {
        let open = self.streams.get_mut(stream).ok_or(Gone)?;
        if response.status.is_informational() {
            if open.is_answered {
                return Ok(());
            }
        } else if !mem::replace(&mut open.is_answered, true) {
            self.credit.gain(ANSWER_GAIN);
        }
        self.output.headers(stream, is_end, |out| head::encode(out, response.status, &response.headers));
        if is_end { self.finish_stream(stream) } else { Ok(()) }
    }

    /// Appends DATA frames with as many bytes of `parts` as the peer takes, and at most `room` bytes to the output. Returns the bytes of
    /// `parts` that were taken, which are 0 only if there are none. The head has been sent before.
    ///
    /// If the peer takes nothing, the answer is `Pending`, and an [`Event::Room`] follows when it does. If `room` is too small for a
    /// frame, the answer is `Pending` too, and no event follows.
    ///
    /// # Errors
    ///
    /// [`Gone`] if the stream is not open.
    pub fn write(&mut self, stream: StreamId, parts: &[IoSlice<'_>], room: usize) -> Poll<Result<usize, Gone>> {
        let streams = self.streams.len();
        let Some(open) = self.streams.get_mut(stream) else { return Poll::Ready(Err(Gone)) };
        let whole: usize = parts.iter().map(|part| part.len()).sum();
        if whole == 0 {
            return Poll::Ready(Ok(0));
        }
        let sendable = self.share.sendable(open, streams);
        if sendable == 0 {
            self.waiting += u32::from(!mem::replace(&mut open.is_waiting, true));
            return Poll::Pending;
        }
        // No more than 2^31-1 because of the window.
        let mut bytes = whole.min(sendable as usize);
        if bytes > PAYLOAD_MAX || bytes + HEADER_BYTES > room {
            bytes = bytes.min(payload_bytes(room));
        }
        if bytes == 0 {
            return Poll::Pending;
        }
        open.window.spend(bytes as i32);
        open.in_flight = open.in_flight.saturating_add(bytes as u32);
        self.share.spend(bytes as i32);
        if bytes == whole || bytes >= SMALL_BYTES {
            self.credit.gain(EVENT_GAIN);
        }
        self.output.data(stream, parts, bytes);
        Poll::Ready(Ok(bytes))
    }

    /// Ends the response. If the request is not whole, the peer is told that the rest is not needed (RFC 9113 section 8.1).
    ///
    /// # Errors
    ///
    /// [`Gone`] if the stream is not open.
    pub fn end(&mut self, stream: StreamId) -> Result<(), Gone> {
        self.streams.get_mut(stream).ok_or(Gone)?;
        self.output.end(stream);
        self.finish_stream(stream)
    }

    /// Resets the stream, so that the response does not look whole. Nothing happens if the stream is gone.
    pub fn reset(&mut self, stream: StreamId, reason: Reason) {
        let Some(open) = self.remove(stream) else { return };
        self.output.reset(stream, reason);
        self.remember_reset(stream, open.is_whole);
    }

    /// Bytes of a body have been used, so the peer may send as many more. Nothing happens if the stream is gone.
    pub fn took(&mut self, stream: StreamId, bytes: usize) {
        let Some(open) = self.streams.get_mut(stream) else { return };
        let taken = u32::try_from(bytes).unwrap_or(u32::MAX).min(open.untaken);
        open.untaken -= taken;
        let gain = BODY_GAIN.saturating_add(u16::try_from(taken as usize / SMALL_BYTES).unwrap_or(u16::MAX));
        self.credit.gain(if taken == 0 { 0 } else { gain });
        if !open.is_whole
            && let Some(increment) = open.receive.give_back(taken, self.limits.stream_window_bytes)
        {
            self.output.window_update(stream.get(), increment);
        }
        self.give_back(taken);
    }

    /// Sends a PING, unless one is unanswered.
    pub fn ping(&mut self) {
        if self.broken.is_none() && !mem::replace(&mut self.is_ping_unanswered, true) {
            self.resets.note_ping();
            self.output.ping(PING);
        }
    }

    /// Whether a PING has no answer yet.
    pub fn is_ping_unanswered(&self) -> bool {
        self.is_ping_unanswered
    }

    /// Some time has passed, a second or more: a peer may spend a little on frames of no use again. An answered PING does the same, so
    /// this is for connections that are never sent one.
    pub fn relent(&mut self) {
        self.credit.gain(TIME_GAIN);
    }

    /// Says that the connection will end. Streams that come are served until [`finish`](Self::finish).
    pub fn shut_down(&mut self) {
        if !self.is_finished && self.broken.is_none() {
            self.output.go_away(ANY_STREAM, Reason::NO_ERROR);
        }
    }

    /// Says which stream was the last. Later ones are ignored, and the open ones go on.
    pub fn finish(&mut self) {
        if self.broken.is_none() && !mem::replace(&mut self.is_finished, true) {
            self.output.go_away(self.last_served, Reason::NO_ERROR);
        }
    }

    /// The number of open streams.
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// The response has ended.
    fn finish_stream(&mut self, stream: StreamId) -> Result<(), Gone> {
        let ended = self.remove(stream).ok_or(Gone)?;
        if !ended.is_whole {
            self.output.reset(stream, Reason::NO_ERROR);
            self.remember_reset(stream, false);
        }
        Ok(())
    }

    /// Takes a stream out. What nobody used of its body is given back, and its neighbours may have room.
    fn remove(&mut self, id: StreamId) -> Option<Stream> {
        let stream = self.streams.remove(id)?;
        self.waiting -= u32::from(stream.is_waiting);
        self.is_room_due = true;
        self.give_back(stream.untaken);
        Some(stream)
    }

    fn remember_reset(&mut self, stream: StreamId, is_whole: bool) {
        if !is_whole {
            self.resets.add(stream);
        }
    }

    /// Bytes of the connection's window are free again.
    fn give_back(&mut self, bytes: u32) {
        if let Some(increment) = self.receive.give_back(bytes, connection_window(&self.limits).unsigned_abs()) {
            self.output.window_update(0, increment);
        }
    }
}

/// The receive window of a connection. It cannot begin with less than the default.
fn connection_window(limits: &Limits) -> i32 {
    i32::try_from(limits.connection_window_bytes).unwrap_or(i32::MAX).max(window::DEFAULT)
}

/// The bytes of a payload for which there is room, with the heads of its frames.
fn payload_bytes(room: usize) -> usize {
    let frame = HEADER_BYTES + PAYLOAD_MAX;
    room / frame * PAYLOAD_MAX + (room % frame).saturating_sub(HEADER_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_keeps_its_streams_and_nothing_else() {
        let limits =
            Limits { streams_max: 9, head_bytes_max: 9_999, stream_window_bytes: 1, connection_window_bytes: 1 };
        let mut connection = Connection::new(Arc::new(limits));
        let mut events = Vec::new();
        // Preface, settings, a head in two frames that fills the table, and an acknowledgement, byte by byte.
        let client = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\
            \0\0\x03\x01\x01\0\0\0\x01\x82\x86\x84\0\0\x03\x09\x04\0\0\0\x01\x41\x01a\0\0\0\x04\x01\0\0\0\0";
        for byte in client {
            connection.receive(&[*byte], &mut events).unwrap();
        }
        let Some(Event::Request { stream, .. }) = events.pop() else { panic!("there is no request") };
        let head = http::Response::new(()).into_parts().0;
        connection.head(stream, &head, false).unwrap();
        assert_eq!(connection.write(stream, &[IoSlice::new(b"data")], 99), Poll::Ready(Ok(4)));
        connection.sent(connection.output().len());
        assert!(connection.input.is_free() && connection.output.is_free());
        assert!(connection.decoder.is_free() && connection.block.is_none() && connection.resets.is_free());
        assert_eq!(connection.streams.heap_bytes(), size_of::<Stream>());
        assert!(size_of::<Stream>() <= 48, "{}", size_of::<Stream>());
    }
}
