//! Heads from the peer: HEADERS and CONTINUATION become a request, trailers, or the end of a stream.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::{
    Connection,
    block::{Begun, Block},
};
use crate::{
    event::{Event, StreamId},
    flood::{CANCEL_COST, FRAME_COST, SMALL_BYTES, STREAM_ERROR_COST},
    frame::{Header, flag, unpadded, word},
    head::{self, Fault, Fields},
    reason::Reason,
    streams::{ANY_LENGTH, Stream},
    window::{ReceiveWindow, SendWindow},
};

type Outcome = Result<(), Reason>;

impl Connection {
    pub(super) fn headers(&mut self, header: Header, payload: &[u8], events: &mut Vec<Event>) -> Outcome {
        // Streams of a client have odd numbers, which 0 is not.
        if header.stream.is_multiple_of(2) {
            return Err(Reason::PROTOCOL_ERROR);
        }
        let mut fragment = unpadded(header, payload).ok_or(Reason::PROTOCOL_ERROR)?;
        let mut depends_on_itself = false;
        if header.has(flag::PRIORITY) {
            let Some((dependency, [_, rest @ ..])) = fragment.split_first_chunk() else {
                return Err(Reason::FRAME_SIZE_ERROR);
            };
            (fragment, depends_on_itself) = (rest, word(*dependency) == header.stream);
        }
        let id = StreamId::new(header.stream);
        let begun = Begun { id, is_end: header.has(flag::END_STREAM), depends_on_itself };
        if header.has(flag::END_HEADERS) {
            return self.head_of(begun, fragment, 0, events);
        }
        self.block = Some(Box::new(Block::new(begun, fragment)));
        Ok(())
    }

    pub(super) fn continuation(&mut self, header: Header, payload: &[u8], events: &mut Vec<Event>) -> Outcome {
        let mut block = self.block.take().ok_or(Reason::PROTOCOL_ERROR)?;
        if block.begun.id.get() != header.stream {
            return Err(Reason::PROTOCOL_ERROR);
        }
        if payload.len() < SMALL_BYTES {
            self.credit.spend(FRAME_COST)?;
        }
        block.add(payload, self.limits.head_bytes_max, self.decoder.is_stateless())?;
        if header.has(flag::END_HEADERS) {
            return self.head_of(block.begun, &block.bytes, block.skipped, events);
        }
        self.block = Some(block);
        Ok(())
    }

    /// A block is whole. It is decoded whatever becomes of it, for the sake of the table.
    fn head_of(&mut self, begun: Begun, block: &[u8], skipped: usize, events: &mut Vec<Event>) -> Outcome {
        let mut fields = Fields::new(self.limits.head_bytes_max);
        fields.skip(skipped);
        let decoded = self.decoder.decode(block, |name, value| fields.take(name, value));
        decoded.map_err(|_| Reason::COMPRESSION_ERROR)?;
        let id = begun.id;
        if let Some(stream) = self.streams.get_mut(id) {
            if stream.is_whole {
                return self.stream_error(id, Reason::STREAM_CLOSED, events);
            }
            stream.is_whole = begun.is_end;
            let is_short = ![0, ANY_LENGTH].contains(&stream.body_bytes);
            return match fields.trailers() {
                Err(Fault::TooLarge) => self.stream_error(id, Reason::ENHANCE_YOUR_CALM, events),
                Ok(()) if begun.is_end && !is_short && !begun.depends_on_itself => {
                    events.push(Event::Data { stream: id, bytes: Bytes::new(), is_end: true });
                    Ok(())
                }
                _ => self.stream_error(id, Reason::PROTOCOL_ERROR, events),
            };
        }
        match id.get() {
            number if number > self.last => self.request(begun, fields, events),
            number if number == self.last || self.resets.contains(id) => self.late(id, begun.is_end),
            _ if self.is_finished => Ok(()),
            _ => Err(Reason::PROTOCOL_ERROR),
        }
    }

    fn request(&mut self, begun: Begun, fields: Fields, events: &mut Vec<Event>) -> Outcome {
        let Begun { id, is_end, depends_on_itself } = begun;
        self.last = id.get();
        if self.is_finished {
            return Ok(());
        }
        self.last_served = id.get();
        let is_full = self.streams.len() >= self.limits.streams_max as usize;
        match fields.request(is_end) {
            _ if is_full => self.refuse_new(begun, Reason::REFUSED_STREAM, CANCEL_COST),
            Ok((request, body_bytes)) if !depends_on_itself => {
                self.streams.add(Stream {
                    id,
                    window: SendWindow::new(self.stream_window),
                    in_flight: 0,
                    receive: ReceiveWindow::new(self.new_receive_window()),
                    untaken: 0,
                    body_bytes,
                    is_whole: is_end,
                    is_answered: false,
                    is_waiting: false,
                });
                events.push(Event::Request { stream: id, request, is_end });
                Ok(())
            }
            Err(Fault::TooLarge) => self.answer_too_large(begun),
            _ => self.refuse_new(begun, Reason::PROTOCOL_ERROR, STREAM_ERROR_COST),
        }
    }

    fn refuse_new(&mut self, begun: Begun, reason: Reason, cost: u16) -> Outcome {
        self.remember_reset(begun.id, begun.is_end);
        self.refuse(begun.id, reason, cost)
    }

    /// Answers with 431 (RFC 6585 section 5), without a stream.
    fn answer_too_large(&mut self, begun: Begun) -> Outcome {
        let before = self.output.bytes().len();
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        self.output.headers(begun.id, true, |out| head::encode(out, status, &HeaderMap::new()));
        self.output.count_control(self.output.bytes().len() - before);
        if begun.is_end {
            return self.credit.spend(STREAM_ERROR_COST);
        }
        self.refuse_new(begun, Reason::NO_ERROR, STREAM_ERROR_COST)
    }
}
