//! A client that says frames and nothing by itself, for the exact cases.

use std::{io::IoSlice, sync::Arc, task::Poll};

use fanfare_h2::{Broken, Connection, Event, Gone, Limits, Reason, StreamId};
use http::{HeaderName, HeaderValue, Response, StatusCode};

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const PADDED: u8 = 8;

/// Limits that are large enough for whatever is not about them.
pub(crate) const LIMITS: Limits =
    Limits { streams_max: 100, head_bytes_max: 16_384, stream_window_bytes: 65_535, connection_window_bytes: 1 << 20 };

/// A frame that the connection has sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// The first four bytes of the payload: a reason, an increment.
    pub(crate) fn word(&self) -> u32 {
        u32::from_be_bytes(self.payload[..4].try_into().unwrap())
    }
}

/// The bytes of a frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Fields as literals that no table keeps.
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            match text.len() {
                bytes @ ..127 => block.push(bytes as u8),
                bytes => {
                    let mut left = bytes - 127;
                    block.push(127);
                    while left >= 128 {
                        block.push((left % 128) as u8 | 128);
                        left /= 128;
                    }
                    block.push(left as u8);
                }
            }
            block.extend(text.as_bytes());
        }
    }
    block
}

pub(crate) const GET: &[(&str, &str)] =
    &[(":method", "GET"), (":scheme", "https"), (":authority", "example.org"), (":path", "/sse")];

pub(crate) const POST: &[(&str, &str)] =
    &[(":method", "POST"), (":scheme", "https"), (":authority", "example.org"), (":path", "/publish")];

/// A setting as it stands in a payload.
pub(crate) fn setting(id: u16, value: u32) -> Vec<u8> {
    [&id.to_be_bytes()[..], &value.to_be_bytes()].concat()
}

/// Both ends of one connection.
pub(crate) struct Peer {
    pub(crate) connection: Connection,
    pub(crate) events: Vec<Event>,
}

impl Peer {
    /// A connection that has shaken hands.
    pub(crate) fn new(limits: Limits) -> Self {
        let mut peer = Self::before_the_preface(limits);
        peer.frames();
        peer.say(PREFACE).unwrap();
        peer.settings(&[]);
        peer.send(SETTINGS, ACK, 0, &[]).unwrap();
        peer
    }

    pub(crate) fn before_the_preface(limits: Limits) -> Self {
        Self { connection: Connection::new(Arc::new(limits)), events: Vec::new() }
    }

    pub(crate) fn say(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.connection.receive(bytes, &mut self.events)
    }

    pub(crate) fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Result<(), Broken> {
        self.say(&frame(kind, flags, stream, payload))
    }

    /// Sends settings, and sees the acknowledgement.
    pub(crate) fn settings(&mut self, payload: &[u8]) {
        self.send(SETTINGS, 0, 0, payload).unwrap();
        assert_eq!(self.frames(), [Frame { kind: SETTINGS, flags: ACK, stream: 0, payload: Vec::new() }]);
    }

    /// Sends a head without a body to come.
    pub(crate) fn head(&mut self, stream: u32, fields: &[(&str, &str)]) -> Result<(), Broken> {
        self.send(HEADERS, END_HEADERS | END_STREAM, stream, &block(fields))
    }

    /// Sends a head of which a body is to come.
    pub(crate) fn open(&mut self, stream: u32, fields: &[(&str, &str)]) -> Result<(), Broken> {
        self.send(HEADERS, END_HEADERS, stream, &block(fields))
    }

    pub(crate) fn give(&mut self, stream: u32, increment: u32) -> Result<(), Broken> {
        self.send(WINDOW_UPDATE, 0, stream, &increment.to_be_bytes())
    }

    /// Opens a stream that is answered with 200 and goes on.
    pub(crate) fn stream(&mut self, stream: u32) {
        self.head(stream, GET).unwrap();
        self.answer(stream).unwrap();
        self.frames();
        self.events.clear();
    }

    pub(crate) fn answer(&mut self, stream: u32) -> Result<(), Gone> {
        self.connection.head(StreamId::new(stream), &response(200, &[]), false)
    }

    pub(crate) fn write(&mut self, stream: u32, bytes: &[u8]) -> Poll<Result<usize, Gone>> {
        self.connection.write(StreamId::new(stream), &[IoSlice::new(bytes)], usize::MAX)
    }

    /// Writes until the stream takes no more. Returns the bytes.
    pub(crate) fn fill(&mut self, stream: u32) -> usize {
        let mut written = 0;
        while let Poll::Ready(bytes) = self.write(stream, &[b'x'; 1_000]) {
            written += bytes.unwrap();
        }
        self.frames();
        written
    }

    pub(crate) fn end(&mut self, stream: u32) {
        self.connection.end(StreamId::new(stream)).unwrap();
    }

    pub(crate) fn took(&mut self, stream: u32, bytes: usize) {
        self.connection.took(StreamId::new(stream), bytes);
    }

    /// Takes all frames that are to be sent.
    pub(crate) fn frames(&mut self) -> Vec<Frame> {
        let output = self.connection.output().to_vec();
        self.connection.sent(output.len());
        frames(&output)
    }

    /// Takes the events as text.
    pub(crate) fn told(&mut self) -> Vec<String> {
        self.events.drain(..).map(|event| told(&event)).collect()
    }
}

/// The whole frames in `output`.
pub(crate) fn frames(mut output: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let [a, b, c, kind, flags, d, e, f, g, rest @ ..] = output {
        let bytes = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        let stream = u32::from_be_bytes([*d, *e, *f, *g]);
        frames.push(Frame { kind: *kind, flags: *flags, stream, payload: rest[..bytes].to_vec() });
        output = &rest[bytes..];
    }
    assert!(output.is_empty());
    frames
}

pub(crate) fn response(status: u16, fields: &[(&'static str, &'static str)]) -> http::response::Parts {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in fields {
        response.headers_mut().append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response.into_parts().0
}

fn told(event: &Event) -> String {
    let end = |is_end: &bool| if *is_end { " end" } else { "" };
    match event {
        Event::Request { stream, request, is_end } => {
            let mut text = format!("{} {} {}{}", stream.get(), request.method(), request.uri(), end(is_end));
            for (name, value) in request.headers() {
                text += &format!("; {name}: {}", value.to_str().unwrap());
            }
            text
        }
        Event::Data { stream, bytes, is_end } => {
            let bytes = String::from_utf8(bytes.to_vec()).unwrap();
            format!("{} data {bytes}{}", stream.get(), end(is_end))
        }
        Event::Reset { stream, reason } => format!("{} reset {}", stream.get(), reason.code()),
        Event::Room { stream } => format!("{} room", stream.get()),
    }
}

/// The frames are a GOAWAY with this reason.
#[track_caller]
pub(crate) fn assert_over(peer: &mut Peer, outcome: Result<(), Broken>, reason: Reason) {
    assert_eq!(outcome, Err(Broken(reason)));
    let last = peer.frames().pop().unwrap();
    assert_eq!((last.kind, last.payload[4..].to_vec()), (GOAWAY, reason.code().to_be_bytes().to_vec()));
    assert_eq!(peer.say(b"x"), Err(Broken(reason)), "it goes on");
}

/// The stream is reset by the connection with this reason.
#[track_caller]
pub(crate) fn assert_reset(peer: &mut Peer, stream: u32, reason: Reason) {
    let frames = peer.frames();
    let reset = frames.iter().find(|frame| frame.kind == RST_STREAM).unwrap_or_else(|| panic!("no reset: {frames:?}"));
    assert_eq!((reset.stream, reset.word()), (stream, reason.code()));
}
