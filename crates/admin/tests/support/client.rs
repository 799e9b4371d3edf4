//! [`Client`]: one connection that sends given bytes as they are, and reads answers. [`Lines`]: an event stream.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use serde_json::Value;

use super::PATIENCE;

/// A blocking socket and its bytes that nobody has taken yet.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) socket: TcpStream,
    buffer: Vec<u8>,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of a field that may stand once.
    #[track_caller]
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(one, _)| one == name).map(|(_, value)| value.as_str());
        let first = values.next();
        assert_eq!(values.next(), None, "{name} stands twice: {self:?}");
        first
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("an answer is UTF-8")
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The document of an answer with this status.
    #[track_caller]
    pub(crate) fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        assert_eq!(self.field("content-type"), Some("application/json"));
        self.json()
    }

    /// Fails unless it is a complete problem document. Gives its detail.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        assert_eq!(self.field("content-type"), Some("application/problem+json"));
        let document = self.json();
        assert_eq!((&document["status"], &document["type"]), (&status.into(), &"about:blank".into()));
        assert!(document["title"].as_str().is_some_and(|title| !title.is_empty()), "{document}");
        document["detail"].as_str().filter(|detail| !detail.is_empty()).expect("a problem has a detail").to_owned()
    }
}

impl Client {
    #[track_caller]
    pub(crate) fn open(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { socket, buffer: Vec::new() }
    }

    /// A connection from this IPv4 address of the machine.
    #[track_caller]
    pub(crate) fn open_from(source: &str, address: SocketAddr) -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::new(source.parse().unwrap(), 0).into()).unwrap();
        socket.connect(&address.into()).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { socket: socket.into(), buffer: Vec::new() }
    }

    /// A connection whose receive buffer is small and never grows, so that it is soon full.
    pub(crate) fn open_narrow(address: SocketAddr) -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(16 << 10).unwrap();
        socket.connect(&address.into()).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket: socket.into(), buffer: Vec::new() }
    }

    #[track_caller]
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket.write_all(bytes.as_ref()).unwrap();
    }

    /// Reads once. False at the end, which may be a reset.
    #[track_caller]
    fn read(&mut self) -> bool {
        let mut space = [0; 16 << 10];
        match self.socket.read(&mut space) {
            Ok(count) => {
                self.buffer.extend_from_slice(&space[..count]);
                count > 0
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("{error}, after {:?}", String::from_utf8_lossy(&self.buffer)),
        }
    }

    /// Everything until the other side ends the connection.
    #[track_caller]
    pub(crate) fn until_closed(&mut self) -> Vec<u8> {
        while self.read() {}
        std::mem::take(&mut self.buffer)
    }

    /// The status of the next answer. None if the connection ends without one.
    #[track_caller]
    pub(crate) fn until_head(&mut self) -> Option<u16> {
        while !self.buffer.windows(4).any(|window| window == b"\r\n\r\n") {
            if !self.read() {
                return None;
            }
        }
        Some(self.head().status)
    }

    /// The bytes up to `end`, which is left out.
    #[track_caller]
    fn up_to(&mut self, end: &[u8]) -> Vec<u8> {
        loop {
            if let Some(at) = self.buffer.windows(end.len()).position(|window| window == end) {
                let found = self.buffer[..at].to_vec();
                self.buffer.drain(..at + end.len());
                return found;
            }
            assert!(self.read(), "closed after {:?}", String::from_utf8_lossy(&self.buffer));
        }
    }

    #[track_caller]
    fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.buffer.len() < count {
            assert!(self.read(), "closed in a body");
        }
        // As a whole: byte by byte a page of figures takes longer to copy than to make.
        let rest = self.buffer.split_off(count);
        std::mem::replace(&mut self.buffer, rest)
    }

    /// The head of an answer, without its body.
    #[track_caller]
    pub(crate) fn head(&mut self) -> Answer {
        let head = String::from_utf8(self.up_to(b"\r\n\r\n")).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let fields = lines.map(|line| line.split_once(": ").unwrap_or_else(|| panic!("no field: {line}")));
        let fields = fields.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        Answer { status: status.unwrap_or_else(|| panic!("no status: {head}")), fields, body: Vec::new() }
    }

    /// A whole answer with a length.
    #[track_caller]
    pub(crate) fn answer(&mut self) -> Answer {
        let mut answer = self.head();
        if answer.status != 304 {
            let length = answer.field("content-length").unwrap_or_else(|| panic!("no length: {answer:?}"));
            answer.body = self.exactly(length.parse().unwrap());
        }
        answer
    }

    /// The next part of a body in chunks. None at its end.
    #[track_caller]
    fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = String::from_utf8(self.up_to(b"\r\n")).unwrap();
        let size = usize::from_str_radix(&size, 16).unwrap_or_else(|error| panic!("{error}: {size:?}"));
        let data = self.exactly(size);
        assert_eq!(self.exactly(2), b"\r\n");
        (size > 0).then_some(data)
    }

    /// Sends a request and reads its answer.
    #[track_caller]
    pub(crate) fn request(&mut self, method: &str, target: &str, fields: &[(&str, &str)], body: &[u8]) -> Answer {
        self.send(request(method, target, fields, body));
        if method == "HEAD" { self.head() } else { self.answer() }
    }

    /// The stream that a request opens.
    #[track_caller]
    pub(crate) fn stream(mut self, target: &str, fields: &[(&str, &str)]) -> Stream {
        self.send(request("GET", target, fields, b""));
        let head = self.head();
        assert_eq!((head.status, head.field("content-type")), (200, Some("text/event-stream")), "{head:?}");
        self.into_stream()
    }

    /// The stream whose head has been read.
    pub(crate) fn into_stream(self) -> Stream {
        Stream { client: self, text: String::new() }
    }
}

/// The bytes of a request. A host is added where there is none.
pub(crate) fn request(method: &str, target: &str, fields: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {target} HTTP/1.1\r\n");
    if !fields.iter().any(|(name, _)| *name == "host") {
        head += "host: localhost\r\n";
    }
    for (name, value) in fields {
        head += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() || method == "POST" {
        head += &format!("content-length: {}\r\n", body.len());
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

/// An event stream.
#[derive(Debug)]
pub(crate) struct Stream {
    client: Client,
    text: String,
}

impl Stream {
    /// The type and the data of the next event. Comments are passed over. None once the stream has ended as it should.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                if block == ":" {
                    continue;
                }
                let (kind, data) = block.split_once('\n').unwrap_or_else(|| panic!("no event: {block}"));
                let kind = kind.strip_prefix("event: ").unwrap_or_else(|| panic!("no type: {block}"));
                let data = data.strip_prefix("data: ").unwrap_or_else(|| panic!("no data: {block}"));
                return Some((kind.to_owned(), serde_json::from_str(data).unwrap()));
            }
            self.text += &String::from_utf8(self.client.chunk()?).unwrap();
        }
    }

    /// The data of the next event of this type. Others are passed over.
    #[track_caller]
    pub(crate) fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let (found, data) = self.next().unwrap_or_else(|| panic!("the stream ended before {kind}"));
            if found == kind {
                return data;
            }
        }
    }
}
