//! Frames that are to leave, as bytes.

use std::{io::IoSlice, mem};

use crate::{
    event::StreamId,
    frame::{HEADER_BYTES, Header, PAYLOAD_MAX, flag, kind},
    reason::Reason,
};

/// The sending side of a connection, after all that decides what may leave.
#[derive(Debug, Default)]
pub(crate) struct Output {
    bytes: Vec<u8>,
    /// Bytes at the start that have left.
    sent: usize,
    /// Bytes of answers and window updates that the peer has provoked, and that have not left as far as is known.
    control_bytes: usize,
}

impl Output {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }

    /// The first `bytes` have left. The memory goes when all have.
    pub(crate) fn sent(&mut self, bytes: usize) {
        self.sent += bytes;
        self.control_bytes = self.control_bytes.saturating_sub(bytes);
        if self.sent >= self.bytes.len() {
            *self = Self::default();
        } else if self.sent > self.bytes.len() / 2 {
            // A peer that always leaves something must not have all that was ever sent kept.
            self.bytes.drain(..mem::take(&mut self.sent));
        }
    }

    /// Whether there is no memory for frames.
    #[cfg(test)]
    pub(crate) fn is_free(&self) -> bool {
        self.bytes.capacity() == 0
    }

    /// Bytes that wait because the peer has provoked them.
    pub(crate) fn control_bytes(&self) -> usize {
        self.control_bytes
    }

    /// Appends DATA frames with the first `bytes` of `parts`.
    pub(crate) fn data(&mut self, stream: StreamId, parts: &[IoSlice<'_>], bytes: usize) {
        if bytes > PAYLOAD_MAX {
            return self.long_data(stream, parts, bytes);
        }
        self.bytes.reserve(HEADER_BYTES + bytes);
        self.head(kind::DATA, 0, stream.get(), bytes);
        let mut left = bytes;
        for part in parts {
            let piece = part.get(..left).unwrap_or(part);
            self.bytes.extend_from_slice(piece);
            left -= piece.len();
        }
    }

    /// More than one frame.
    #[cold]
    fn long_data(&mut self, stream: StreamId, parts: &[IoSlice<'_>], bytes: usize) {
        self.bytes.reserve(bytes + HEADER_BYTES * bytes.div_ceil(PAYLOAD_MAX));
        let (mut left, mut in_frame) = (bytes, 0);
        for part in parts {
            let mut part: &[u8] = part;
            while !part.is_empty() && left > 0 {
                if in_frame == 0 {
                    in_frame = left.min(PAYLOAD_MAX);
                    self.head(kind::DATA, 0, stream.get(), in_frame);
                }
                let (piece, rest) = part.split_at(part.len().min(in_frame));
                self.bytes.extend_from_slice(piece);
                (part, in_frame, left) = (rest, in_frame - piece.len(), left - piece.len());
            }
        }
    }

    /// Appends an empty DATA frame that ends the stream.
    pub(crate) fn end(&mut self, stream: StreamId) {
        self.head(kind::DATA, flag::END_STREAM, stream.get(), 0);
    }

    /// Appends HEADERS with the block that `fill` appends, and CONTINUATION if it is long.
    pub(crate) fn headers(&mut self, stream: StreamId, is_end: bool, fill: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        self.head(kind::HEADERS, 0, stream.get(), 0);
        fill(&mut self.bytes);
        let block_start = start + HEADER_BYTES;
        let mut bytes = self.bytes.len() - block_start;
        let rest = self.bytes.split_off(block_start + bytes.min(PAYLOAD_MAX));
        bytes -= rest.len();
        let end_stream = if is_end { flag::END_STREAM } else { 0 };
        let end_headers = if rest.is_empty() { flag::END_HEADERS } else { 0 };
        let header = Header { bytes, kind: kind::HEADERS, flags: end_stream | end_headers, stream: stream.get() };
        if let Some(place) = self.bytes.get_mut(start..block_start) {
            place.copy_from_slice(&header.encode());
        }
        let mut pieces = rest.chunks(PAYLOAD_MAX).peekable();
        while let Some(piece) = pieces.next() {
            let flags = if pieces.peek().is_none() { flag::END_HEADERS } else { 0 };
            self.head(kind::CONTINUATION, flags, stream.get(), piece.len());
            self.bytes.extend_from_slice(piece);
        }
    }

    pub(crate) fn settings(&mut self, payload: &[u8]) {
        self.frame(kind::SETTINGS, 0, 0, payload);
    }

    pub(crate) fn settings_ack(&mut self) {
        self.control(kind::SETTINGS, flag::ACK, 0, &[]);
    }

    pub(crate) fn ping(&mut self, payload: [u8; 8]) {
        self.frame(kind::PING, 0, 0, &payload);
    }

    pub(crate) fn ping_ack(&mut self, payload: &[u8]) {
        self.control(kind::PING, flag::ACK, 0, payload);
    }

    pub(crate) fn reset(&mut self, stream: StreamId, reason: Reason) {
        self.frame(kind::RST_STREAM, 0, stream.get(), &reason.code().to_be_bytes());
    }

    /// Gives back so much of the window of a stream, or with 0 of the connection.
    pub(crate) fn window_update(&mut self, stream: u32, increment: u32) {
        self.control(kind::WINDOW_UPDATE, 0, stream, &increment.to_be_bytes());
    }

    pub(crate) fn go_away(&mut self, last_stream: u32, reason: Reason) {
        let [last, reason] = [last_stream, reason.code()].map(u32::to_be_bytes);
        self.frame(kind::GOAWAY, 0, 0, &[last, reason].concat());
    }

    /// The last `bytes` are an answer that the peer has provoked.
    pub(crate) fn count_control(&mut self, bytes: usize) {
        self.control_bytes += bytes;
    }

    fn control(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.frame(kind, flags, stream, payload);
        self.count_control(HEADER_BYTES + payload.len());
    }

    fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        self.head(kind, flags, stream, payload.len());
        self.bytes.extend_from_slice(payload);
    }

    fn head(&mut self, kind: u8, flags: u8, stream: u32, bytes: usize) {
        self.bytes.extend_from_slice(&Header { bytes, kind, flags, stream }.encode());
    }
}
