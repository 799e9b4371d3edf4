//! [`H2`]: an HTTP/2 client with prior knowledge, made of hyper's, that blocks and is not patient for ever.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request,
    body::Incoming,
    client::conn::http2::{Builder, SendRequest},
    header::HeaderValue,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, runtime::Runtime, time::timeout};

use super::{PATIENCE, client::Answer, stream::Stream, wire::Head};

/// One connection; streams of it keep it open.
#[derive(Clone, Debug)]
pub(crate) struct H2 {
    runtime: Arc<Runtime>,
    sender: SendRequest<Full<Bytes>>,
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

    /// With so little room for a stream that one that is not read is soon full.
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

    /// Sends a request; gives the head of its answer and the body.
    #[track_caller]
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (Head, H2Body) {
        let mut request = Request::builder().method(method).uri(format!("http://test{path}"));
        for (name, value) in headers {
            // Text of any kind, not only ASCII.
            request = request.header(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body))).unwrap();
        let mut sender = self.sender.clone();
        let answer = self.runtime.block_on(async { timeout(PATIENCE, sender.send_request(request)).await });
        let (parts, body) = answer.expect("no answer in time").unwrap().into_parts();
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        let fields = parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let head = Head { version: format!("{:?}", parts.version), status: parts.status.as_u16(), fields };
        (head, H2Body { body, h2: self.clone() })
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
    /// Reads to the end; whether it was a proper one.
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

    /// What came next, or that the stream was reset; `None` at its proper end.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Option<Result<Vec<u8>, hyper::Error>> {
        let runtime = Arc::clone(&self.h2.runtime);
        let frame = runtime.block_on(async { timeout(PATIENCE, self.body.frame()).await });
        let frame = frame.expect("nothing in time")?;
        Some(frame.map(|frame| frame.into_data().unwrap().to_vec()))
    }

    /// What came next; `None` at the proper end of the stream.
    #[track_caller]
    pub(crate) fn piece(&mut self) -> Option<Vec<u8>> {
        let runtime = Arc::clone(&self.h2.runtime);
        let frame = runtime.block_on(async { timeout(PATIENCE, self.body.frame()).await });
        let frame = frame.expect("nothing in time")?;
        Some(frame.expect("the stream broke off").into_data().unwrap().to_vec())
    }
}
