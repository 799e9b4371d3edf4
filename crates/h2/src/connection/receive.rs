//! What each frame from the peer does (RFC 9113 section 6), except for heads.

use bytes::Bytes;

use super::{Connection, PING};
use crate::{
    event::{Event, StreamId},
    flood::{
        CANCEL_COST, CONTROL_BYTES_MAX, FRAME_COST, SETTINGS_COST, SMALL_BYTES, STREAM_ERROR_COST, TIME_GAIN,
        TINY_BYTES,
    },
    frame::{HEADER_BYTES, Header, flag, kind, unpadded, word},
    reason::Reason,
    settings,
    streams::ANY_LENGTH,
    window,
};

type Outcome = Result<(), Reason>;

impl Connection {
    /// Understands a whole frame. An error is one of the connection.
    pub(super) fn frame(&mut self, header: Header, payload: &[u8], events: &mut Vec<Event>) -> Outcome {
        if !self.is_greeted && (header.kind != kind::SETTINGS || header.has(flag::ACK)) {
            return Err(Reason::PROTOCOL_ERROR);
        }
        self.is_greeted = true;
        if self.block.is_some() && header.kind != kind::CONTINUATION {
            return Err(Reason::PROTOCOL_ERROR);
        }
        match header.kind {
            kind::DATA => self.data(header, payload, events),
            kind::HEADERS => self.headers(header, payload, events),
            kind::CONTINUATION => self.continuation(header, payload, events),
            kind::PRIORITY => self.priority(header, payload, events),
            kind::RST_STREAM => self.reset_by_peer(header, payload, events),
            kind::SETTINGS => self.settings(header, payload),
            kind::PUSH_PROMISE => Err(Reason::PROTOCOL_ERROR),
            kind::PING => self.ping_of_peer(header, payload),
            kind::GOAWAY => self.go_away(header, payload),
            kind::WINDOW_UPDATE => self.window_update(header, payload, events),
            _ => self.credit.spend(FRAME_COST),
        }?;
        if self.output.control_bytes() > CONTROL_BYTES_MAX {
            return Err(Reason::ENHANCE_YOUR_CALM);
        }
        Ok(())
    }

    fn data(&mut self, header: Header, payload: &[u8], events: &mut Vec<Event>) -> Outcome {
        if self.is_idle(header.stream) {
            return Err(Reason::PROTOCOL_ERROR);
        }
        let id = StreamId::new(header.stream);
        let data = unpadded(header, payload).ok_or(Reason::PROTOCOL_ERROR)?;
        let is_end = header.has(flag::END_STREAM);
        // Below 2^24.
        let (bytes, padding) = (payload.len() as u32, (payload.len() - data.len()) as u32);
        self.receive.receive(bytes).ok_or(Reason::FLOW_CONTROL_ERROR)?;
        let is_tiny = data.is_empty() || (data.len() < TINY_BYTES && self.streams.get_mut(id).is_some());
        if is_tiny && !is_end {
            self.credit.spend(FRAME_COST)?;
        }
        let Some(stream) = self.streams.get_mut(id) else {
            self.give_back(bytes);
            return self.late(id, is_end);
        };
        let is_short = stream.body_bytes != ANY_LENGTH && {
            let left = stream.body_bytes.checked_sub(data.len() as u64);
            stream.body_bytes = left.unwrap_or(0);
            left.is_none_or(|left| is_end && left > 0)
        };
        let fault = match () {
            () if stream.is_whole => Some(Reason::STREAM_CLOSED),
            () if stream.receive.receive(bytes).is_none() => Some(Reason::FLOW_CONTROL_ERROR),
            () if is_short => Some(Reason::PROTOCOL_ERROR),
            () => None,
        };
        if let Some(reason) = fault {
            stream.is_whole |= is_end;
            self.give_back(bytes);
            return self.stream_error(id, reason, events);
        }
        stream.untaken += bytes - padding;
        stream.is_whole = is_end;
        if !is_end && let Some(increment) = stream.receive.give_back(padding, self.limits.stream_window_bytes) {
            self.output.window_update(id.get(), increment);
        }
        self.give_back(padding);
        if !data.is_empty() || is_end {
            events.push(Event::Data { stream: id, bytes: Bytes::copy_from_slice(data), is_end });
        }
        Ok(())
    }

    /// A frame has come for a stream that is gone. It may have been on its way when this side ended the stream.
    pub(super) fn late(&mut self, id: StreamId, is_end: bool) -> Outcome {
        match self.resets.contains(id) {
            true if is_end => self.resets.remove(id),
            false if !self.is_finished => return Err(Reason::STREAM_CLOSED),
            // A peer that goes on for ever has not looked at the reset.
            _ => self.credit.spend(FRAME_COST)?,
        }
        Ok(())
    }

    /// Priorities are ignored (RFC 9113 section 5.3.2), but not a stream that depends on itself (RFC 7540 section 5.3.1).
    fn priority(&mut self, header: Header, payload: &[u8], events: &mut Vec<Event>) -> Outcome {
        let Some((dependency, [_])) = payload.split_first_chunk() else { return Err(Reason::FRAME_SIZE_ERROR) };
        let id = StreamId::new(header.stream);
        match word(*dependency) {
            _ if header.stream == 0 => Err(Reason::PROTOCOL_ERROR),
            dependency if dependency != header.stream => self.credit.spend(FRAME_COST),
            _ if self.streams.get_mut(id).is_some() => self.stream_error(id, Reason::PROTOCOL_ERROR, events),
            _ => Err(Reason::PROTOCOL_ERROR),
        }
    }

    fn reset_by_peer(&mut self, header: Header, payload: &[u8], events: &mut Vec<Event>) -> Outcome {
        let reason = Reason::new(u32::from_be_bytes(payload.try_into().map_err(|_| Reason::FRAME_SIZE_ERROR)?));
        if self.is_idle(header.stream) {
            return Err(Reason::PROTOCOL_ERROR);
        }
        let id = StreamId::new(header.stream);
        let Some(stream) = self.remove(id) else {
            self.resets.remove(id);
            return self.credit.spend(FRAME_COST);
        };
        events.push(Event::Reset { stream: id, reason });
        self.credit.spend(if stream.is_answered { FRAME_COST } else { CANCEL_COST })
    }

    fn settings(&mut self, header: Header, payload: &[u8]) -> Outcome {
        if header.stream != 0 {
            return Err(Reason::PROTOCOL_ERROR);
        }
        self.credit.spend(SETTINGS_COST)?;
        if header.has(flag::ACK) {
            return if payload.is_empty() { self.settings_in_force() } else { Err(Reason::FRAME_SIZE_ERROR) };
        }
        if let Some(window) = settings::parse(payload)? {
            // Neither is negative, so the difference has no more than 31 bits.
            let change = window - self.stream_window;
            self.stream_window = window;
            for stream in self.streams.iter_mut() {
                stream.window.widen(change).ok_or(Reason::FLOW_CONTROL_ERROR)?;
            }
            self.is_room_due = true;
        }
        self.output.settings_ack();
        Ok(())
    }

    /// The peer keeps to our settings from now on.
    fn settings_in_force(&mut self) -> Outcome {
        if !std::mem::replace(&mut self.is_acknowledged, true) {
            self.decoder.drop_table();
            let change = self.settled_stream_window().saturating_sub(window::DEFAULT).min(0);
            for stream in self.streams.iter_mut() {
                stream.receive.move_by(change);
            }
        }
        Ok(())
    }

    /// The receive window of a new stream. A peer may use the default as long as it does not know ours.
    pub(super) fn new_receive_window(&self) -> i32 {
        let settled = self.settled_stream_window();
        if self.is_acknowledged { settled } else { settled.max(window::DEFAULT) }
    }

    fn settled_stream_window(&self) -> i32 {
        i32::try_from(self.limits.stream_window_bytes).unwrap_or(i32::MAX)
    }

    fn ping_of_peer(&mut self, header: Header, payload: &[u8]) -> Outcome {
        if header.stream != 0 {
            return Err(Reason::PROTOCOL_ERROR);
        }
        if payload.len() != PING.len() {
            return Err(Reason::FRAME_SIZE_ERROR);
        }
        if !header.has(flag::ACK) {
            self.output.ping_ack(payload);
        } else if self.is_ping_unanswered && payload == PING {
            self.is_ping_unanswered = false;
            self.resets.note_pong();
            self.credit.gain(TIME_GAIN);
            return Ok(());
        }
        self.credit.spend(FRAME_COST)
    }

    /// The peer opens no streams any more. The open ones go on.
    fn go_away(&mut self, header: Header, payload: &[u8]) -> Outcome {
        match payload.len() {
            _ if header.stream != 0 => Err(Reason::PROTOCOL_ERROR),
            ..8 => Err(Reason::FRAME_SIZE_ERROR),
            _ => self.credit.spend(FRAME_COST),
        }
    }

    fn window_update(&mut self, header: Header, payload: &[u8], events: &mut Vec<Event>) -> Outcome {
        // No more than 31 bits.
        let increment = word(payload.try_into().map_err(|_| Reason::FRAME_SIZE_ERROR)?) as i32;
        if (increment as usize) < SMALL_BYTES {
            self.credit.spend(FRAME_COST)?;
        }
        if header.stream == 0 {
            if increment == 0 {
                return Err(Reason::PROTOCOL_ERROR);
            }
            self.is_room_due = true;
            return self.share.widen(increment).ok_or(Reason::FLOW_CONTROL_ERROR);
        }
        if self.is_idle(header.stream) {
            return Err(Reason::PROTOCOL_ERROR);
        }
        let id = StreamId::new(header.stream);
        let Some(stream) = self.streams.get_mut(id) else { return Ok(()) };
        if increment == 0 {
            return self.stream_error(id, Reason::PROTOCOL_ERROR, events);
        }
        self.share.returned(increment.unsigned_abs().min(stream.in_flight));
        stream.in_flight = stream.in_flight.saturating_sub(increment.unsigned_abs());
        if stream.window.widen(increment).is_none() {
            return self.stream_error(id, Reason::FLOW_CONTROL_ERROR, events);
        }
        self.is_room_due = true;
        Ok(())
    }

    /// Resets a stream because of what the peer did.
    pub(super) fn stream_error(&mut self, id: StreamId, reason: Reason, events: &mut Vec<Event>) -> Outcome {
        if let Some(stream) = self.remove(id) {
            self.remember_reset(id, stream.is_whole);
            events.push(Event::Reset { stream: id, reason });
        }
        self.refuse(id, reason, STREAM_ERROR_COST)
    }

    /// Sends a reset that the peer has provoked.
    pub(super) fn refuse(&mut self, id: StreamId, reason: Reason, cost: u16) -> Outcome {
        self.output.reset(id, reason);
        self.output.count_control(HEADER_BYTES + size_of::<u32>());
        self.credit.spend(cost)
    }

    /// Whether no stream with this number has begun. There are no streams with even numbers, and 0 is the connection.
    fn is_idle(&self, stream: u32) -> bool {
        stream.is_multiple_of(2) || stream > self.last
    }
}
