//! [`Http2`]: an HTTP/2 connection that carries requests beside each other. [`Incoming`]: the body of one answer.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::client::{Builder, SendRequest};
use h2::{RecvStream, SendStream};
use http::header::{CONTENT_TYPE, HOST};
use http::uri::Scheme;
use http::{Request, Uri};
use tokio::io::ReadBuf;

use crate::link::error::LinkError;
use crate::link::pipe::Pipe;
use crate::wire::body::Body;
use crate::wire::head::Head;

/// The window of a stream that reads at once, as Chromium announces it: `kSpdyStreamMaxRecvWindowSize` in
/// net/http/http_network_session.cc.
const STREAM_WINDOW_BYTES: u32 = 6 << 20;
/// The window of a connection: `kSpdySessionMaxRecvWindowSize` in the same file.
const CONNECTION_WINDOW_BYTES: u32 = 15 << 20;
/// Small frames that may wait unread. By itself h2 would end a connection whose streams read late on purpose.
const UNREAD_FRAMES_BUDGET: usize = u32::MAX as usize;

/// An HTTP/2 connection. It is closed once the last clone and the last stream are gone.
#[derive(Debug, Clone)]
pub(crate) struct Http2 {
    sender: SendRequest<Bytes>,
    scheme: Scheme,
    /// The most streams that there will be at once.
    streams: u32,
}

impl Http2 {
    /// Begins to speak HTTP/2, with a task of its own for the connection. Each stream may hold `window_bytes` unread,
    /// or as many as in a browser.
    pub(crate) async fn begin(pipe: Pipe, window_bytes: Option<u32>, streams: u32) -> Result<Self, LinkError> {
        let scheme = if matches!(pipe, Pipe::Tls(_)) { Scheme::HTTPS } else { Scheme::HTTP };
        let (sender, connection) = Builder::new()
            .initial_window_size(window_bytes.unwrap_or(STREAM_WINDOW_BYTES))
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .initial_max_send_streams(streams as usize)
            .data_frame_budget(UNREAD_FRAMES_BUDGET)
            .enable_push(false)
            .handshake(pipe)
            .await?;
        // Its end is told to each of its streams, and to those that would begin one.
        tokio::task::spawn_local(async { drop(connection.await) });
        Ok(Self { sender, scheme, streams })
    }

    /// Whether it takes no request any more.
    pub(crate) async fn is_over(&self) -> bool {
        self.sender.clone().ready().await.is_err()
    }

    /// Sends a request, given in the form of HTTP/1.1, and gives the answer once its head is there.
    pub(crate) async fn request(&self, request: &[u8]) -> Result<(Head, Incoming), LinkError> {
        let (head, body) = translated(request, &self.scheme)?;
        let mut sender = self.sender.clone().ready().await?;
        let (response, mut sending) = sender.send_request(head, body.is_empty())?;
        if !body.is_empty() {
            sending.send_data(Bytes::copy_from_slice(body), true)?;
        }
        let (parts, receiving) = response.await?.into_parts();
        // The target has said so before its first answer.
        let allowed = sender.current_max_send_streams();
        if allowed < self.streams as usize {
            return Err(LinkError::Streams { allowed, asked: self.streams });
        }
        let content_type = parts.headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
        let head = Head {
            status: parts.status.as_u16(),
            // The end of the stream is the end of what is read.
            body: Body::UntilClose,
            content_type: String::from_utf8_lossy(content_type).to_ascii_lowercase(),
            closes: false,
        };
        Ok((head, Incoming { receiving, sending, unread: Bytes::new() }))
    }
}

/// A request in the form of HTTP/1.1 as HTTP/2 has it, and its body.
fn translated<'a>(request: &'a [u8], scheme: &Scheme) -> Result<(Request<()>, &'a [u8]), http::Error> {
    let end = request.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(request.len());
    let (head, body) = (&request[..end], request.get(end + 4..).unwrap_or_default());
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    let mut words = lines.next().unwrap_or_default().splitn(3, |byte| *byte == b' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut builder = Request::builder().method(method);
    let mut uri = Uri::builder().scheme(scheme.clone()).path_and_query(path);
    for line in lines {
        let (name, value) = line.split_at(line.iter().position(|byte| *byte == b':').unwrap_or(line.len()));
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if name.eq_ignore_ascii_case(HOST.as_str().as_bytes()) {
            uri = uri.authority(value);
        } else {
            builder = builder.header(name, value);
        }
    }
    Ok((builder.uri(uri.build()?).body(())?, body))
}

/// The body of an answer, as it comes. When dropped before its end, the stream is reset.
#[derive(Debug)]
pub(crate) struct Incoming {
    receiving: RecvStream,
    sending: SendStream<Bytes>,
    /// Came in a frame that was larger than the room of a read.
    unread: Bytes,
}

impl Incoming {
    /// Fills the room with all that is there. What was read may come again at once: the windows are opened for it.
    pub(crate) fn poll_read(&mut self, context: &mut Context<'_>, room: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while room.remaining() > 0 {
            if self.unread.is_empty() {
                match self.receiving.poll_data(context) {
                    // An end and an error are found again by the next read.
                    Poll::Pending | Poll::Ready(None | Some(Err(_))) if !room.filled().is_empty() => break,
                    polled => match ready!(polled) {
                        None => break,
                        Some(data) => self.unread = data.map_err(io::Error::other)?,
                    },
                }
            }
            let taken = self.unread.len().min(room.remaining());
            room.put_slice(&self.unread[..taken]);
            self.unread.advance(taken);
            self.receiving.flow_control().release_capacity(taken).map_err(io::Error::other)?;
        }
        Poll::Ready(Ok(()))
    }

    /// Until the target has reset the stream or closed the connection, without a read.
    pub(crate) async fn reset(&mut self) {
        // Either way it is over.
        let _ = poll_fn(|context| self.sending.poll_reset(context)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_the_same_in_http_2() {
        let request = b"POST /publish?a=b HTTP/1.1\r\nHost: h:1\r\nX-Key: a: b\r\nContent-Length: 4\r\n\r\n{}\r\n";
        let (head, body) = translated(request, &Scheme::HTTPS).unwrap();
        assert_eq!((head.method().as_str(), head.uri().to_string().as_str()), ("POST", "https://h:1/publish?a=b"));
        let headers: Vec<_> = head.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(headers, [("x-key", &b"a: b"[..]), ("content-length", b"4")]);
        assert_eq!(body, b"{}\r\n");
        assert_eq!(translated(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", &Scheme::HTTP).unwrap().1, b"");
    }
}
