//! A small application: it answers each whole request, and is driven over any byte stream.

use std::{collections::BTreeMap, io::IoSlice, sync::Arc, task::Poll};

use fanfare_h2::{Connection, Event, Limits, StreamId};
use http::{HeaderName, HeaderValue, Response};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The most bytes of output that a write may add.
const ROOM: usize = 65_536;

/// What the application has of each request.
#[derive(Default)]
pub(crate) struct Answers {
    bodies: BTreeMap<StreamId, Vec<u8>>,
    /// What is still to be sent.
    left: BTreeMap<StreamId, Vec<u8>>,
}

impl Answers {
    /// Does what `events` say. The answer to a request is its method, its path, its body, and as many bytes more as the header
    /// `x-bytes` asks for.
    pub(crate) fn act(&mut self, connection: &mut Connection, events: Vec<Event>) {
        for event in events {
            match event {
                Event::Request { stream, request, is_end } => {
                    let more =
                        request.headers().get("x-bytes").map_or(0, |bytes| bytes.to_str().unwrap().parse().unwrap());
                    let text = format!("{} {}\n{}", request.method(), request.uri().path(), "x".repeat(more));
                    self.bodies.insert(stream, text.into_bytes());
                    if is_end {
                        self.answer(connection, stream);
                    }
                }
                Event::Data { stream, bytes, is_end } => {
                    connection.took(stream, bytes.len());
                    self.bodies.get_mut(&stream).unwrap().extend_from_slice(&bytes);
                    if is_end {
                        self.answer(connection, stream);
                    }
                }
                Event::Reset { stream, .. } => {
                    self.bodies.remove(&stream);
                    self.left.remove(&stream);
                }
                Event::Room { stream } => self.write(connection, stream),
            }
        }
    }

    fn answer(&mut self, connection: &mut Connection, stream: StreamId) {
        let mut response = Response::new(());
        response.headers_mut().insert(HeaderName::from_static("x-own"), HeaderValue::from_static("yes"));
        let body = self.bodies.remove(&stream).unwrap();
        // It may be gone by an event that is not read yet.
        if connection.head(stream, &response.into_parts().0, false).is_err() {
            return;
        }
        self.left.insert(stream, body);
        self.write(connection, stream);
    }

    fn write(&mut self, connection: &mut Connection, stream: StreamId) {
        let Some(left) = self.left.get_mut(&stream) else { return };
        while !left.is_empty() {
            match connection.write(stream, &[IoSlice::new(left)], ROOM) {
                Poll::Ready(written) => drop(left.drain(..written.unwrap())),
                Poll::Pending => return,
            }
        }
        self.left.remove(&stream);
        connection.end(stream).unwrap();
    }
}

/// Serves a connection until it is over.
pub(crate) async fn serve(mut io: impl AsyncRead + AsyncWrite + Unpin, limits: Arc<Limits>) {
    let mut connection = Connection::new(limits);
    let (mut answers, mut buffer) = (Answers::default(), vec![0; 16_384]);
    loop {
        let bytes = connection.output().len();
        if io.write_all(connection.output()).await.is_err() {
            return;
        }
        connection.sent(bytes);
        let Ok(bytes @ 1..) = io.read(&mut buffer).await else { return };
        let mut events = Vec::new();
        let outcome = connection.receive(&buffer[..bytes], &mut events);
        answers.act(&mut connection, events);
        if outcome.is_err() {
            let _ = io.write_all(connection.output()).await;
            let _ = io.shutdown().await;
            return;
        }
        let mut events = Vec::new();
        connection.rooms(&mut events);
        answers.act(&mut connection, events);
    }
}
