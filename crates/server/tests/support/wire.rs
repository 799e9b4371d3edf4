//! HTTP/1.1 over plain sockets. [`Requests`] sends requests on one connection. [`EventStream`] reads a stream event by
//! event. A broken connection is an error that tests look at. Bytes that no server may send panic.

use std::{
    fmt::Write as _,
    io::{self, BufRead, BufReader, ErrorKind, Read, Write as _},
    net::{SocketAddr, TcpStream},
};

use fanfare_judge::{Block, Judge};
use serde_json::Value;

use super::PATIENCE;

/// An answer with a Content-Length.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The id of the event that was published.
    #[track_caller]
    pub(crate) fn id(&self) -> String {
        assert_eq!(self.status, 202, "{self:?}");
        self.json()["id"].as_str().unwrap_or_else(|| panic!("no id: {self:?}")).to_owned()
    }
}

/// A connection that is kept open.
pub(crate) struct Requests(BufReader<TcpStream>);

impl Requests {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        connect(address).map(|stream| Self(BufReader::new(stream)))
    }

    pub(crate) fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.ask("GET", path, &[], "")
    }

    pub(crate) fn get_with(&mut self, path: &str, headers: &[(&str, &str)]) -> io::Result<Answer> {
        self.ask("GET", path, headers, "")
    }

    pub(crate) fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &str) -> io::Result<Answer> {
        self.ask("POST", path, headers, body)
    }

    fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> io::Result<Answer> {
        let mut request = format!("{method} {path} HTTP/1.1\r\ncontent-length: {}\r\n", body.len());
        if !headers.iter().any(|(name, _)| *name == "host") {
            request.push_str("host: localhost\r\n");
        }
        for (name, value) in headers {
            write!(request, "{name}: {value}\r\n").unwrap();
        }
        request.push_str("\r\n");
        request.push_str(body);
        self.0.get_mut().write_all(request.as_bytes())?;
        let (status, head) = read_head(&mut self.0)?;
        let mut answer = Answer { status, head, body: String::new() };
        let mut body = Vec::new();
        if answer.header("transfer-encoding") == Some("chunked") {
            Chunks { stream: &mut self.0, left: 0 }.read_to_end(&mut body)?;
            assert_eq!(read_line(&mut self.0)?, "", "nothing follows the last chunk");
        } else {
            body.resize(answer.header("content-length").expect("a length").parse().unwrap(), 0);
            self.0.read_exact(&mut body)?;
        }
        answer.body = String::from_utf8(body).unwrap();
        Ok(answer)
    }
}

/// An open event stream.
#[derive(Debug)]
pub(crate) struct EventStream {
    body: BufReader<Chunks<BufReader<TcpStream>>>,
    judge: Judge,
}

impl EventStream {
    /// Opens a stream, behind `last_event_id` if there is one.
    pub(crate) fn open(address: SocketAddr, path: &str, last_event_id: Option<&str>) -> io::Result<Self> {
        let headers: Vec<_> = last_event_id.map(|id| ("last-event-id", id)).into_iter().collect();
        Self::open_with(address, path, &headers)
    }

    /// Opens a stream with further headers.
    pub(crate) fn open_with(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> io::Result<Self> {
        let mut stream = connect(address)?;
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n{headers}\r\n");
        stream.write_all(request.as_bytes())?;
        let mut stream = BufReader::new(stream);
        let (status, head) = read_head(&mut stream)?;
        assert_eq!(status, 200, "{head}");
        // A server that drains gives a time to come back, and that is all.
        let is_stream = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        is_stream.then_some(()).ok_or(ErrorKind::ConnectionRefused)?;
        Ok(Self { body: BufReader::new(Chunks { stream, left: 0 }), judge: Judge::default() })
    }

    /// The next event. None at the end of the stream; an unfinished event does not count.
    pub(crate) fn next(&mut self) -> io::Result<Option<Block>> {
        loop {
            let mut line = Vec::new();
            self.body.read_until(b'\n', &mut line)?;
            if !line.ends_with(b"\n") {
                return Ok(None);
            }
            if let Some(block) = self.judge.blocks(&line).pop() {
                return Ok(Some(block));
            }
        }
    }
}

/// The body of a chunked answer, without the chunks.
#[derive(Debug)]
struct Chunks<R> {
    stream: R,
    left: usize,
}

impl<R: BufRead> Read for Chunks<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            let size = read_line(&mut self.stream)?;
            self.left = usize::from_str_radix(&size, 16).unwrap_or_else(|_| panic!("no size of a chunk: {size:?}"));
            if self.left == 0 {
                return Ok(0);
            }
        }
        let room = bytes.len().min(self.left);
        let length = self.stream.read(&mut bytes[..room])?;
        if length == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.left -= length;
        if self.left == 0 {
            assert_eq!(read_line(&mut self.stream)?, "", "a chunk ends where it says");
        }
        Ok(length)
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    // Where nobody listens, a socket may be given that very port and find itself.
    if stream.local_addr()? == address {
        return Err(ErrorKind::ConnectionRefused.into());
    }
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Reads the status, and the lines of the head.
fn read_head(stream: &mut impl BufRead) -> io::Result<(u16, String)> {
    let mut head = String::new();
    loop {
        let line = read_line(stream)?;
        if line.is_empty() {
            break;
        }
        head.push_str(&line);
        head.push('\n');
    }
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.unwrap_or_else(|| panic!("no answer: {head:?}")), head))
}

/// Reads a line that must end with CRLF. Returns it without that.
fn read_line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    line.strip_suffix("\r\n").map(str::to_owned).ok_or_else(|| ErrorKind::UnexpectedEof.into())
}
