//! [`Http2`]: the floor's HTTP/2 of one connection: as much of RFC 9113 as the load generator asks for, without I/O.
//!
//! No HPACK: of a request only the method counts, which is the first byte of its header block in every client that is
//! known here (RFC 9113 8.3 puts the pseudo-headers first). Bytes that wait for a window wait here.

use std::collections::VecDeque;

use crate::floor::gone::{Gone, WAITING_BYTES_MAX};

/// A client's first bytes (RFC 9113 3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The largest frame that either side takes, as the floor announces nothing else (RFC 9113 6.5.2).
const FRAME_BYTES_MAX: usize = 16_384;
/// Bytes of a frame before its content (RFC 9113 4.1).
const FRAME_HEAD_BYTES: usize = 9;
/// The window of a stream and of a connection at first (RFC 9113 6.9.2).
const WINDOW_BYTES: i64 = 65_535;
/// The most bytes of a published body.
const BODY_BYTES_MAX: usize = 16 << 20;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const PRIORITY: u8 = 32;

const SETTINGS_INITIAL_WINDOW_SIZE: u16 = 4;

/// Methods as they are in HPACK's static table (RFC 7541 A).
const GET: u8 = 0x82;
const POST: u8 = 0x83;
/// `:status: 200`, the content type, and no store: literals with a name of the static table.
const STREAM_HEAD: &[u8] = b"\x88\x0f\x10\x11text/event-stream\x0f\x09\x08no-store";
const ACCEPTED: &[u8] = b"\x08\x03202";
const BAD_REQUEST: &[u8] = b"\x8c";
const BAD_METHOD: &[u8] = b"\x08\x03405";

/// One connection's frames and streams.
#[derive(Debug)]
pub(super) struct Http2 {
    unread: Vec<u8>,
    /// Streams that get every event.
    streams: Vec<Stream>,
    /// Publishes whose body has not come whole.
    publishing: Vec<(u32, Vec<u8>)>,
    /// The bytes that the client takes on all streams together.
    window: i64,
    /// The bytes that it takes on a new stream.
    stream_window: i64,
}

#[derive(Debug)]
struct Stream {
    id: u32,
    window: i64,
    waiting: VecDeque<u8>,
}

/// A body that is to be published, and the stream on which the answer is awaited.
#[derive(Debug, PartialEq)]
pub(super) struct Publish {
    stream: u32,
    pub(super) data: Vec<u8>,
}

impl Publish {
    /// Whether the data is one line, without which it cannot be published.
    pub(super) fn is_line(&self) -> bool {
        !self.data.iter().any(|byte| matches!(byte, b'\n' | b'\r'))
    }

    pub(super) fn answer(&self, out: &mut Vec<u8>) {
        let head = if self.is_line() { ACCEPTED } else { BAD_REQUEST };
        frame(HEADERS, END_HEADERS | END_STREAM, self.stream, head, out);
    }
}

struct Frame<'a> {
    kind: u8,
    flags: u8,
    stream: u32,
    content: &'a [u8],
}

impl Http2 {
    /// Begins behind the client's preface. The server's is put into `out`.
    pub(super) fn begin(unread: Vec<u8>, out: &mut Vec<u8>) -> Self {
        frame(SETTINGS, 0, 0, &[], out);
        let (streams, publishing) = (Vec::new(), Vec::new());
        Self { unread, streams, publishing, window: WINDOW_BYTES, stream_window: WINDOW_BYTES }
    }

    pub(super) fn hear(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
    }

    /// Handles frames up to the next publish, with the answers in `out`. `None`: no whole frame is left.
    pub(super) fn take(&mut self, out: &mut Vec<u8>) -> Result<Option<Publish>, Gone> {
        let unread = std::mem::take(&mut self.unread);
        let mut rest = &unread[..];
        let mut publish = None;
        while publish.is_none()
            && let Some(frame) = next(&mut rest)?
        {
            publish = self.handle(&frame, out)?;
        }
        self.unread = rest.to_vec();
        Ok(publish)
    }

    /// Puts the event on every stream that gets them, as far as the windows let it.
    #[inline]
    pub(super) fn send(&mut self, event: &[u8], out: &mut Vec<u8>) -> Result<(), Gone> {
        let bytes = event.len() as i64;
        for stream in &mut self.streams {
            let is_free = stream.waiting.is_empty() && bytes <= self.window.min(stream.window);
            if is_free && event.len() <= FRAME_BYTES_MAX {
                self.window -= bytes;
                stream.window -= bytes;
                frame(DATA, 0, stream.id, event, out);
            } else if stream.waiting.len() + event.len() > WAITING_BYTES_MAX {
                return Err(Gone);
            } else {
                stream.waiting.extend(event);
                stream.release(&mut self.window, out);
            }
        }
        Ok(())
    }

    fn handle(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) -> Result<Option<Publish>, Gone> {
        match frame.kind {
            HEADERS => return self.begin_stream(frame, out),
            DATA => return self.take_body(frame, out),
            RST_STREAM => {
                self.streams.retain(|stream| stream.id != frame.stream);
                self.publishing.retain(|(stream, _)| *stream != frame.stream);
            }
            SETTINGS if frame.flags & ACK == 0 => self.take_settings(frame, out),
            PING if frame.flags & ACK == 0 => self::frame(PING, ACK, 0, frame.content, out),
            WINDOW_UPDATE => {
                let more = i64::from(u32::from_be_bytes(frame.content.try_into().map_err(|_| Gone)?) & !(1 << 31));
                self.widen(frame.stream, more, out);
            }
            // What is left says nothing to a server that has one answer: PRIORITY, CONTINUATION, GOAWAY, and unknown
            // ones.
            _ => {}
        }
        Ok(None)
    }

    fn begin_stream(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) -> Result<Option<Publish>, Gone> {
        let skipped = usize::from(frame.flags & PADDED != 0) + if frame.flags & PRIORITY != 0 { 5 } else { 0 };
        let block = frame.content.get(skipped..).ok_or(Gone)?;
        match method(block) {
            Some(GET) => {
                self.streams.push(Stream { id: frame.stream, window: self.stream_window, waiting: VecDeque::new() });
                self::frame(HEADERS, END_HEADERS, frame.stream, STREAM_HEAD, out);
            }
            Some(POST) if frame.flags & END_STREAM != 0 => {
                return Ok(Some(Publish { stream: frame.stream, data: Vec::new() }));
            }
            Some(POST) => self.publishing.push((frame.stream, Vec::new())),
            _ => self::frame(HEADERS, END_HEADERS | END_STREAM, frame.stream, BAD_METHOD, out),
        }
        Ok(None)
    }

    fn take_body(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) -> Result<Option<Publish>, Gone> {
        let (content, bytes) = (frame.content, frame.content.len() as u32);
        let content = match content.split_first() {
            Some((padding, padded)) if frame.flags & PADDED != 0 => {
                padded.get(..padded.len().checked_sub(usize::from(*padding)).ok_or(Gone)?).ok_or(Gone)?
            }
            _ => content,
        };
        if bytes > 0 {
            // Both windows never close for what was read.
            self::frame(WINDOW_UPDATE, 0, 0, &bytes.to_be_bytes(), out);
        }
        let found = self.publishing.iter().position(|(stream, _)| *stream == frame.stream);
        let Some(found) = found else { return Ok(None) };
        let body = &mut self.publishing[found].1;
        if body.len() + content.len() > BODY_BYTES_MAX {
            return Err(Gone);
        }
        body.extend_from_slice(content);
        if frame.flags & END_STREAM == 0 {
            if bytes > 0 {
                self::frame(WINDOW_UPDATE, 0, frame.stream, &bytes.to_be_bytes(), out);
            }
            return Ok(None);
        }
        let (stream, data) = self.publishing.swap_remove(found);
        Ok(Some(Publish { stream, data }))
    }

    fn take_settings(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) {
        for setting in frame.content.as_chunks::<6>().0 {
            let [name @ .., a, b, c, d] = *setting;
            if u16::from_be_bytes(name) == SETTINGS_INITIAL_WINDOW_SIZE {
                let window = i64::from(u32::from_be_bytes([a, b, c, d]));
                let more = window - self.stream_window;
                self.stream_window = window;
                self.streams.iter_mut().for_each(|stream| stream.window += more);
            }
        }
        self::frame(SETTINGS, ACK, 0, &[], out);
        self.widen(0, 0, out);
    }

    /// The client takes so many bytes more, on one stream or on all together.
    fn widen(&mut self, id: u32, more: i64, out: &mut Vec<u8>) {
        if id == 0 {
            self.window += more;
        }
        for stream in self.streams.iter_mut().filter(|stream| id == 0 || stream.id == id) {
            if id != 0 {
                stream.window += more;
            }
            stream.release(&mut self.window, out);
        }
    }
}

impl Stream {
    /// Sends what waits, as far as both windows let it.
    fn release(&mut self, window: &mut i64, out: &mut Vec<u8>) {
        loop {
            let room = self.window.min(*window).clamp(0, FRAME_BYTES_MAX as i64) as usize;
            let taken = room.min(self.waiting.len());
            if taken == 0 {
                return;
            }
            self.window -= taken as i64;
            *window -= taken as i64;
            head(DATA, 0, self.id, taken, out);
            out.extend(self.waiting.drain(..taken));
        }
    }
}

/// The first field of a header block, behind changes of the table's size (RFC 7541 6.3): those are a byte, or a byte
/// full of ones and more of them, of which the last has no high bit (RFC 7541 5.1).
fn method(block: &[u8]) -> Option<u8> {
    let mut bytes = block.iter().copied();
    loop {
        match bytes.next()? {
            0x3f => drop(bytes.find(|byte| byte & 0x80 == 0)),
            0x20..0x3f => {}
            first => return Some(first),
        }
    }
}

/// Takes the next frame off, or gives `None` if it has not come whole.
fn next<'a>(bytes: &mut &'a [u8]) -> Result<Option<Frame<'a>>, Gone> {
    let Some((head, rest)) = bytes.split_first_chunk::<FRAME_HEAD_BYTES>() else { return Ok(None) };
    let [a, b, c, kind, flags, stream @ ..] = *head;
    let content_bytes = u32::from_be_bytes([0, a, b, c]) as usize;
    if content_bytes > FRAME_BYTES_MAX {
        return Err(Gone);
    }
    let Some((content, rest)) = rest.split_at_checked(content_bytes) else { return Ok(None) };
    *bytes = rest;
    Ok(Some(Frame { kind, flags, stream: u32::from_be_bytes(stream) & !(1 << 31), content }))
}

#[inline]
fn head(kind: u8, flags: u8, stream: u32, content_bytes: usize, out: &mut Vec<u8>) {
    let [_, a, b, c] = (content_bytes as u32).to_be_bytes();
    let [d, e, f, g] = stream.to_be_bytes();
    out.extend_from_slice(&[a, b, c, kind, flags, d, e, f, g]);
}

#[inline]
fn frame(kind: u8, flags: u8, stream: u32, content: &[u8], out: &mut Vec<u8>) {
    head(kind, flags, stream, content.len(), out);
    out.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun() -> Http2 {
        Http2::begin(Vec::new(), &mut Vec::new())
    }

    fn framed(kind: u8, flags: u8, stream: u32, content: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        frame(kind, flags, stream, content, &mut bytes);
        bytes
    }

    /// Hears the bytes and gives the answers, if nothing is published.
    fn answers(http2: &mut Http2, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        http2.hear(bytes);
        assert_eq!(http2.take(&mut out).unwrap(), None);
        out
    }

    fn sent(http2: &mut Http2, event: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        http2.send(event, &mut out).unwrap();
        out
    }

    fn subscribed(streams: &[u32]) -> Http2 {
        let mut http2 = begun();
        for stream in streams {
            let out = answers(
                &mut http2,
                &framed(HEADERS, END_HEADERS | END_STREAM, *stream, &[0x20, 0x3f, 0xe1, 0x1f, GET, 0x87]),
            );
            assert_eq!(out, framed(HEADERS, END_HEADERS, *stream, STREAM_HEAD));
        }
        http2
    }

    #[test]
    fn an_event_is_a_frame_on_each_stream_that_is_open() {
        let mut http2 = subscribed(&[1, 3]);
        assert_eq!(sent(&mut http2, b"e"), [framed(DATA, 0, 1, b"e"), framed(DATA, 0, 3, b"e")].concat());
        answers(&mut http2, &framed(RST_STREAM, 0, 1, &[0, 0, 0, 8]));
        assert_eq!(sent(&mut http2, b"f"), framed(DATA, 0, 3, b"f"));
    }

    #[test]
    fn a_publish_is_taken_wherever_two_reads_cut_it() {
        let bytes = [
            framed(HEADERS, END_HEADERS | PRIORITY, 5, &[0, 0, 0, 0, 16, POST, 0x86]),
            framed(DATA, 0, 5, b"he"),
            framed(DATA, END_STREAM | PADDED, 5, b"\x02llo\0\0"),
        ]
        .concat();
        for cut in 0..bytes.len() {
            let (mut http2, mut out) = (begun(), Vec::new());
            http2.hear(&bytes[..cut]);
            assert_eq!(http2.take(&mut out).unwrap(), None);
            http2.hear(&bytes[cut..]);
            let publish = http2.take(&mut out).unwrap().unwrap();
            assert_eq!(publish, Publish { stream: 5, data: b"hello".to_vec() }, "cut at {cut}");
            out.clear();
            publish.answer(&mut out);
            assert_eq!(out, framed(HEADERS, END_HEADERS | END_STREAM, 5, ACCEPTED));
        }
    }

    #[test]
    fn a_publish_of_two_lines_is_refused() {
        let publish = Publish { stream: 1, data: b"a\nb".to_vec() };
        let mut out = Vec::new();
        publish.answer(&mut out);
        assert!(!publish.is_line() && out == framed(HEADERS, END_HEADERS | END_STREAM, 1, BAD_REQUEST));
    }

    #[test]
    fn what_a_window_does_not_let_through_waits_for_it() {
        let mut http2 = subscribed(&[1]);
        answers(&mut http2, &framed(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 3]));
        assert_eq!(sent(&mut http2, b"abcd"), framed(DATA, 0, 1, b"abc"));
        assert_eq!(sent(&mut http2, b"ef"), b"");
        let out = answers(&mut http2, &framed(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 2]));
        assert_eq!(out, framed(DATA, 0, 1, b"de"));
        let out = answers(&mut http2, &framed(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 9]));
        assert_eq!(out, framed(DATA, 0, 1, b"f"));
    }

    #[test]
    fn the_window_of_the_connection_is_shared() {
        let mut http2 = subscribed(&[1, 3]);
        http2.window = 3;
        assert_eq!(sent(&mut http2, b"ab"), [framed(DATA, 0, 1, b"ab"), framed(DATA, 0, 3, b"a")].concat());
        let out = answers(&mut http2, &framed(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 5]));
        assert_eq!(out, framed(DATA, 0, 3, b"b"));
        assert_eq!(http2.window, 4);
    }

    #[test]
    fn other_frames_are_answered_or_ignored() {
        let mut http2 = begun();
        assert_eq!(answers(&mut http2, &framed(PING, 0, 0, b"12345678")), framed(PING, ACK, 0, b"12345678"));
        assert_eq!(answers(&mut http2, &framed(SETTINGS, 0, 0, &[])), framed(SETTINGS, ACK, 0, &[]));
        assert_eq!(answers(&mut http2, &framed(SETTINGS, ACK, 0, &[])), b"");
        assert_eq!(answers(&mut http2, &framed(0xfa, 0, 0, b"x")), b"");
        let refused = framed(HEADERS, END_HEADERS | END_STREAM, 1, BAD_METHOD);
        assert_eq!(answers(&mut http2, &framed(HEADERS, END_HEADERS | END_STREAM, 1, b"\x02\x03PUT")), refused);
        http2.hear(&[0, 0x40, 1, 0, 0, 0, 0, 0, 0]);
        assert!(http2.take(&mut Vec::new()).is_err(), "a frame is longer than it may be");
    }
}
