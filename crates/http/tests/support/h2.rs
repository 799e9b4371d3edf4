//! [`H2`]: an HTTP/2 client with prior knowledge, made of hyper's, that blocks and is not patient for ever.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{
    Request,
    body::{Body, Frame, Incoming, SizeHint},
    client::conn::http2::{Builder, SendRequest},
    header::HeaderValue,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, runtime::Runtime, time::timeout};

use super::{PATIENCE, client::Answer, stream::Stream, wire::Head};

/// One connection. Streams of it keep it open.
#[derive(Clone, Debug)]
pub(crate) struct H2 {
    runtime: Arc<Runtime>,
    sender: SendRequest<Sent>,
}

/// The body of a request: one piece, and perhaps more that never comes.
#[derive(Debug)]
struct Sent {
    piece: Option<Bytes>,
    is_whole: bool,
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.piece.take() {
            Some(piece) => Poll::Ready(Some(Ok(Frame::data(piece)))),
            None if self.is_whole => Poll::Ready(None),
            None => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.piece.is_none() && self.is_whole
    }

    fn size_hint(&self) -> SizeHint {
        let bytes = self.piece.as_ref().map_or(0, Bytes::len) as u64;
        if self.is_whole { SizeHint::with_exact(bytes) } else { SizeHint::default() }
    }
}

/// A request whose body has no end. Dropping it breaks it off.
#[derive(Debug)]
pub(crate) struct Unfinished(tokio::task::JoinHandle<()>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The body of an answer.
#[derive(Debug)]
pub(crate) struct H2Body {
    body: Incoming,
    h2: H2,
}

impl H2 {
    pub(crate) fn open(address: SocketAddr) -> Self {
        Self::with(address, &Builder::new(TokioExecutor::new()))
    }

    /// Opens a connection with little room for a stream, so that a stream that is not read is soon full.
    pub(crate) fn open_narrow(address: SocketAddr) -> Self {
        Self::with(address, Builder::new(TokioExecutor::new()).initial_stream_window_size(4 << 10))
    }

    fn with(address: SocketAddr, builder: &Builder<TokioExecutor>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let sender = runtime.block_on(async {
            let socket = TcpStream::connect(address).await.unwrap();
            socket.set_nodelay(true).unwrap();
            let (sender, connection) = builder.handshake(TokioIo::new(socket)).await.unwrap();
            tokio::spawn(connection);
            sender
        });
        Self { runtime: Arc::new(runtime), sender }
    }

    /// Sends a request, and gives the head of its answer and the body.
    #[track_caller]
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (Head, H2Body) {
        let mut request = Request::builder().method(method).uri(format!("http://test{path}"));
        for (name, value) in headers {
            // Text of any kind, not only ASCII.
            request = request.header(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let piece = (!body.is_empty()).then(|| Bytes::copy_from_slice(body));
        let request = request.body(Sent { piece, is_whole: true }).unwrap();
        let mut sender = self.sender.clone();
        let answer = self.runtime.block_on(async { timeout(PATIENCE, sender.send_request(request)).await });
        let (parts, body) = answer.expect("no answer in time").unwrap().into_parts();
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        let fields = parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let head = Head { version: format!("{:?}", parts.version), status: parts.status.as_u16(), fields };
        (head, H2Body { body, h2: self.clone() })
    }

    /// Sends a POST, and `bytes` of its body, which does not end.
    pub(crate) fn begin(&self, path: &str, bytes: &[u8]) -> Unfinished {
        let body = Sent { piece: Some(Bytes::copy_from_slice(bytes)), is_whole: false };
        let request = Request::builder().method("POST").uri(format!("http://test{path}")).body(body).unwrap();
        let mut sender = self.sender.clone();
        Unfinished(self.runtime.spawn(async move {
            // An answer that came would end the body.
            let _answer = sender.send_request(request).await;
            std::future::pending::<()>().await;
        }))
    }

    /// Sends a request and reads its answer to the end.
    #[track_caller]
    pub(crate) fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let (head, mut answer) = self.send(method, path, headers, body);
        let mut body = Vec::new();
        while let Some(piece) = answer.piece() {
            body.extend(piece);
        }
        Answer { status: head.status, head, body }
    }

    /// Whether the connection has ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// A stream, its first lines not yet read.
    #[track_caller]
    pub(crate) fn subscribe(&self, path: &str) -> Stream {
        self.subscribe_with(path, &[])
    }

    /// The same, asked for with further headers.
    #[track_caller]
    pub(crate) fn subscribe_with(&self, path: &str, headers: &[(&str, &str)]) -> Stream {
        let headers = [&[("accept", "text/event-stream")], headers].concat();
        let (head, body) = self.send("GET", path, &headers, b"");
        assert_eq!(head.status, 200, "{path}: {head:?}");
        Stream::h2(body)
    }
}

impl H2Body {
    /// Reads to the end. Gives whether it was a proper one.
    #[track_caller]
    pub(crate) fn ends_properly(&mut self) -> bool {
        let runtime = Arc::clone(&self.h2.runtime);
        runtime.block_on(async {
            loop {
                match timeout(PATIENCE, self.body.frame()).await.expect("nothing in time") {
                    None => return true,
                    Some(Err(_)) => return false,
                    Some(Ok(_)) => {}
                }
            }
        })
    }

    /// The next bytes, or that the stream was reset. `None` at its proper end.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Option<Result<Vec<u8>, hyper::Error>> {
        let runtime = Arc::clone(&self.h2.runtime);
        let frame = runtime.block_on(async { timeout(PATIENCE, self.body.frame()).await });
        let frame = frame.expect("nothing in time")?;
        Some(frame.map(|frame| frame.into_data().unwrap().to_vec()))
    }

    /// The next bytes, or `None` at the proper end of the stream.
    #[track_caller]
    pub(crate) fn piece(&mut self) -> Option<Vec<u8>> {
        let runtime = Arc::clone(&self.h2.runtime);
        let frame = runtime.block_on(async { timeout(PATIENCE, self.body.frame()).await });
        let frame = frame.expect("nothing in time")?;
        Some(frame.expect("the stream broke off").into_data().unwrap().to_vec())
    }
}
