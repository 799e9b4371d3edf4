//! [`Client`]: one HTTP/1 connection that sends given bytes as they are, and reads answers strictly.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpStream},
};

use serde_json::Value;

use super::{
    PATIENCE,
    wire::{Dechunker, Head, parse_head},
};

/// A blocking socket and its bytes that nobody has taken yet.
#[derive(Debug)]
pub(crate) struct Client {
    socket: TcpStream,
    buffer: Vec<u8>,
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Fails unless it is a complete problem document. Gives its detail.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}: {}", String::from_utf8_lossy(&self.body));
        assert_eq!(self.head.get("content-type"), Some("application/problem+json"));
        let document = self.json();
        assert_eq!(document["status"], status);
        let says = |name: &str| document[name].as_str().is_some_and(|text| !text.is_empty());
        assert!(says("type") && says("title") && says("detail"), "{document}");
        document["detail"].as_str().unwrap().to_owned()
    }
}

impl Client {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        socket.set_nodelay(true).unwrap();
        Self { socket, buffer: Vec::new() }
    }

    /// A connection with a small receive buffer that never grows, so that it is soon full.
    pub(crate) fn open_narrow(address: SocketAddr) -> Self {
        Self::open_with(address, 64 << 10)
    }

    /// The same, with a receive buffer of so many bytes.
    pub(crate) fn open_with(address: SocketAddr, receive_bytes: usize) -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(receive_bytes).unwrap();
        socket.connect(&address.into()).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { socket: socket.into(), buffer: Vec::new() }
    }

    #[track_caller]
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends, unless the other side has closed.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.socket.write_all(bytes.as_ref()).is_ok()
    }

    /// The number of bytes that come next: 0 once the other side has closed, or reset the connection.
    pub(crate) fn try_read(&mut self) -> usize {
        match self.socket.read(&mut [0; 64]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("nothing comes, and nobody closes"),
            read => read.unwrap_or(0),
        }
    }

    /// The same connection, for another thread to write to.
    pub(crate) fn writer(&self) -> TcpStream {
        self.socket.try_clone().unwrap()
    }

    /// Closes the sending side only.
    pub(crate) fn finish_sending(&self) {
        self.socket.shutdown(Shutdown::Write).unwrap();
    }

    /// Closes the sending side, which may be closed already, and gives all bytes until the other side does.
    #[track_caller]
    pub(crate) fn finished(&mut self) -> Vec<u8> {
        let _ = self.socket.shutdown(Shutdown::Write);
        self.until_closed()
    }

    /// Ends the connection with a reset.
    pub(crate) fn reset(self) {
        socket2::SockRef::from(&self.socket).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    }

    /// Reads once, perhaps nothing. False at the end. A reset counts as an end only if `reset_is_end`.
    #[track_caller]
    fn read(&mut self, reset_is_end: bool) -> bool {
        let mut space = [0; 16 << 10];
        match self.socket.read(&mut space) {
            Ok(count) => {
                self.buffer.extend_from_slice(&space[..count]);
                count > 0
            }
            // The bytes may still come: a process that is stopped and goes on meets this.
            Err(error) if error.kind() == ErrorKind::Interrupted => true,
            Err(error) if reset_is_end && error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("{error}, after {:?}", String::from_utf8_lossy(&self.buffer)),
        }
    }

    /// The next bytes, or `None` at the end of the connection.
    #[track_caller]
    pub(crate) fn piece(&mut self) -> Option<Vec<u8>> {
        while self.buffer.is_empty() {
            if !self.read(false) {
                return None;
            }
        }
        Some(std::mem::take(&mut self.buffer))
    }

    /// Everything until the other side ends the connection in any way.
    #[track_caller]
    pub(crate) fn until_closed(&mut self) -> Vec<u8> {
        while self.read(true) {}
        std::mem::take(&mut self.buffer)
    }

    /// The head of an answer.
    #[track_caller]
    pub(crate) fn head(&mut self) -> Head {
        loop {
            if let Some((head, len)) = parse_head(&self.buffer) {
                self.buffer.drain(..len);
                return head;
            }
            assert!(self.read(false), "closed in a head: {:?}", String::from_utf8_lossy(&self.buffer));
        }
    }

    #[track_caller]
    pub(crate) fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.buffer.len() < count {
            assert!(self.read(false), "closed in a body");
        }
        self.buffer.drain(..count).collect()
    }

    /// A whole answer with a Content-Length or in chunks (nothing may follow those), or one that has no body.
    #[track_caller]
    pub(crate) fn answer(&mut self) -> Answer {
        let head = self.head();
        if head.status == 204 {
            return Answer { status: head.status, head, body: Vec::new() };
        }
        if head.get("transfer-encoding") == Some("chunked") {
            let (mut chunks, mut body) = (Dechunker::default(), Vec::new());
            while !chunks.is_over() {
                let piece = self.piece().expect("closed in a body");
                body.extend(chunks.feed(&piece));
            }
            return Answer { status: head.status, head, body };
        }
        let length = head.get("content-length").unwrap_or_else(|| panic!("no length: {head:?}"));
        let body = self.exactly(length.parse().unwrap());
        Answer { status: head.status, head, body }
    }

    /// Sends a request and reads its answer.
    #[track_caller]
    pub(crate) fn request(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: test\r\n");
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        if method == "POST" || !body.is_empty() {
            request += &format!("Content-Length: {}\r\n", body.len());
        }
        request += "\r\n";
        self.send([request.as_bytes(), body].concat());
        self.answer()
    }
}
