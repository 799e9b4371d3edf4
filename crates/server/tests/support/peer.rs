//! [`Peer`]: a tiny HTTP server inside a test. The test reads each request as it came over the wire and writes every
//! byte of the answer itself.

use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use super::PATIENCE;

/// A listener on a free port.
pub(crate) struct Peer {
    listener: TcpListener,
}

/// One connection, after the head of its request.
pub(crate) struct Exchange {
    /// The head as it came, with its last CRLF.
    pub(crate) head: String,
    stream: TcpStream,
}

impl Peer {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self { listener }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.listener.local_addr().unwrap())
    }

    /// Accepts the next connection and reads the head of its request.
    pub(crate) fn next(&self) -> Exchange {
        let deadline = Instant::now() + PATIENCE;
        let stream = loop {
            match self.listener.accept() {
                Ok((stream, _)) => break stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    assert!(Instant::now() < deadline, "nobody came");
                    thread::sleep(Duration::from_millis(2));
                }
                Err(error) => panic!("{error}"),
            }
        };
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut exchange = Exchange { head: String::new(), stream };
        exchange.head = exchange.read_until("\r\n\r\n");
        exchange
    }
}

impl Exchange {
    /// Reads up to and with `end`.
    pub(crate) fn read_until(&mut self, end: &str) -> String {
        let mut bytes = Vec::new();
        while !bytes.ends_with(end.as_bytes()) {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).unwrap_or_else(|error| {
                panic!("{error} before {end:?}; this came: {:?}", String::from_utf8_lossy(&bytes))
            });
            bytes.push(byte[0]);
        }
        String::from_utf8(bytes).unwrap()
    }

    /// Reads this many bytes.
    pub(crate) fn read(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// The body of a request with a Content-Length.
    pub(crate) fn body(&mut self) -> Vec<u8> {
        let length = self.header("content-length").expect("a length").parse().unwrap();
        self.read(length)
    }

    /// The value of a request's header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// The test's own address, and that of the other side.
    pub(crate) fn addresses(&self) -> [SocketAddr; 2] {
        [self.stream.local_addr().unwrap(), self.stream.peer_addr().unwrap()]
    }

    /// Ends writing. From now on everything that comes is thrown away, until the other side ends.
    pub(crate) fn shut_down_writing(mut self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
        thread::spawn(move || io::copy(&mut self.stream, &mut io::sink()));
    }

    /// Sends a whole answer and ends the connection.
    pub(crate) fn answer(mut self, status: &str, content_type: &str, body: &str) {
        let length = body.len();
        self.write(format!(
            "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        ));
    }

    /// Sends the head of an event stream that ends with the connection.
    pub(crate) fn begin_stream(&mut self) {
        self.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n");
    }
}
