//! [`Server`]: Fanfare on a port of its own, with one shard, a publisher and open streams. Its holder reads the
//! streams.
//!
//! Nothing waits for a time: every read blocks until the expected bytes are there.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    thread::{self, JoinHandle},
    time::Duration,
};

use fanfare_benches::{DATA_BYTES, channel};
use fanfare_http::{Config, Outlet, bind, run};
use tokio::{runtime::Builder, sync::oneshot};

/// The last byte of every event's data, and found nowhere else.
const MARK: u8 = b'$';
/// Longer than a bench lives, so that no stream gets a comment line.
const HEARTBEAT_MS: u64 = 24 * 60 * 60 * 1_000;

/// A running server and its clients.
pub(crate) struct Server {
    publisher: TcpStream,
    streams: Vec<TcpStream>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server with `streams` open streams that leave by `outlet`.
    pub(crate) fn start(outlet: Outlet, streams: usize) -> Self {
        let core = fanfare_core::Config { heartbeat_ms: HEARTBEAT_MS, ..Default::default() };
        let config = Config { core, h1_outlet: outlet, drain_timeout: Duration::ZERO, ..Config::default() };
        let listener = bound(bind(SocketAddr::from(([127, 0, 0, 1], 0))));
        let address = bound(listener.local_addr());
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            let runtime = bound(Builder::new_current_thread().enable_all().build());
            let shutdown = async {
                let _ = stopped.await;
            };
            bound(runtime.block_on(run(listener, config, shutdown)));
        });
        let streams = (0..streams).map(|_| bound(open(address))).collect();
        let publisher = bound(TcpStream::connect(address).and_then(without_delay));
        Self { publisher, streams, stop: Some(stop), thread: Some(thread) }
    }

    /// Publishes so many events in one request, and reads them from every stream, and the answer.
    pub(crate) fn fan_out(&mut self, events: usize) {
        bound(self.publisher.write_all(&request(events)));
        for stream in &mut self.streams {
            bound(read_events(stream, events));
        }
        bound(read_answer(&mut self.publisher));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.streams.clear();
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A bench without its server or its bytes has nothing to measure.
fn bound<T>(result: io::Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("the loopback fails: {error}"))
}

fn without_delay(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A stream whose head has come, so that it is registered.
fn open(address: SocketAddr) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET /channels/{} HTTP/1.1\r\nHost: bench\r\n\r\n", channel())?;
    let mut space = [0; 4 << 10];
    let head = read_some(&mut stream, &mut space)?;
    if head.starts_with(b"HTTP/1.1 200 ") { Ok(stream) } else { Err(io::Error::other("no stream was opened")) }
}

/// The batch of `events` events as it goes over the wire.
fn request(events: usize) -> Vec<u8> {
    let data = "x".repeat(DATA_BYTES - 1) + char::from(MARK).encode_utf8(&mut [0; 4]);
    let lines = format!("{{\"channel\":\"{}\",\"data\":\"{data}\"}}\n", channel()).repeat(events);
    let head = format!("POST /publish HTTP/1.1\r\nHost: bench\r\nContent-Length: {}\r\n\r\n", lines.len());
    [head, lines].concat().into_bytes()
}

/// Reads up to the mark of the last event. The rest of it comes with the next event.
fn read_events(stream: &mut TcpStream, events: usize) -> io::Result<()> {
    let (mut left, mut space) = (events, [0; 16 << 10]);
    while left > 0 {
        let marks = read_some(stream, &mut space)?.iter().filter(|byte| **byte == MARK).count();
        left = left.checked_sub(marks).ok_or_else(|| io::Error::other("an event came twice"))?;
    }
    Ok(())
}

/// Reads the answer to one request, which must be that it was accepted.
fn read_answer(publisher: &mut TcpStream) -> io::Result<()> {
    let (mut space, mut answer) = ([0; 4 << 10], Vec::new());
    loop {
        answer.extend_from_slice(read_some(publisher, &mut space)?);
        if !b"HTTP/1.1 202 ".iter().zip(&answer).all(|(want, have)| want == have) {
            return Err(io::Error::other(String::from_utf8_lossy(&answer).into_owned()));
        }
        if is_whole(&answer) {
            return Ok(());
        }
    }
}

/// Whether the head's Content-Length has come behind it.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    length.is_some_and(|length| answer.len() - end - 4 >= length)
}

fn read_some<'a>(stream: &mut TcpStream, space: &'a mut [u8]) -> io::Result<&'a [u8]> {
    let bytes = stream.read(space)?;
    if bytes == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(&space[..bytes]) }
}
