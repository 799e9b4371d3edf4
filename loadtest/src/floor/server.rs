//! The floor's one loop: epoll, accept, read, and one `send` per subscribed connection for every publish.
//!
//! Level-triggered, single-threaded. A publish is answered when its event was sent to all, as simple brokers do.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with, listen, sockopt};
use rustls::ServerConfig;

use crate::floor::connection::{Connection, Role};
use crate::floor::error::FloorError;
use crate::floor::event::{Ids, content};
use crate::floor::gone::Gone;
use crate::floor::request::{Refusal, Request};
use crate::floor::tls::Tls;

/// Connects that may wait: a crowd of thousands comes at once. The kernel may have a lower limit.
const BACKLOG: i32 = 4096;
/// The events that one wait takes.
const EVENTS_MAX: usize = 1024;
/// The bytes that one read takes.
const READ_BYTES: usize = 64 << 10;
/// The listener's token in epoll. Connections have the rest.
const LISTENER: u64 = u64::MAX;

const STREAM_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-store\r\n\
    transfer-encoding: chunked\r\n\r\n";
const ACCEPTED: &[u8] = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";
const BAD_REQUEST: &[u8] = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
const BAD_METHOD: &[u8] =
    b"HTTP/1.1 405 Method Not Allowed\r\nallow: GET, POST\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

pub(super) struct Server {
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    epoll: OwnedFd,
    connections: Vec<Option<Connection>>,
    /// The empty places in `connections`. A place is filled in the next turn at the earliest, when epoll's events of
    /// the old connection are over.
    free: Vec<usize>,
    left: Vec<usize>,
    events: Vec<Event>,
    buffer: Vec<u8>,
    chunk: Vec<u8>,
    /// An event as the frames of one HTTP/2 connection.
    frames: Vec<u8>,
    ids: Ids,
}

impl Server {
    pub(super) fn listen(address: SocketAddr, tls: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        // A second listen only changes the backlog, for which the standard library has no argument.
        listen(&listener, BACKLOG)?;
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
        Ok(Self {
            listener,
            tls,
            epoll,
            connections: Vec::new(),
            free: Vec::new(),
            left: Vec::new(),
            events: Vec::with_capacity(EVENTS_MAX),
            buffer: vec![0; READ_BYTES],
            chunk: Vec::new(),
            frames: Vec::new(),
            ids: Ids::default(),
        })
    }

    pub(super) fn local_address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Waits once and handles the events of epoll.
    pub(super) fn turn(&mut self) -> Result<(), FloorError> {
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), None) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(()),
            Err(cause) => return Err(FloorError::Poll(cause.into())),
        }
        let mut events = std::mem::take(&mut self.events);
        for event in events.drain(..) {
            match event.data.u64() {
                LISTENER => self.accept()?,
                index => self.handle(index as usize, event.flags),
            }
        }
        self.events = events;
        self.free.append(&mut self.left);
        Ok(())
    }

    fn accept(&mut self) -> Result<(), FloorError> {
        loop {
            let socket = match accept_with(&self.listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                Ok(socket) => socket,
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR | Errno::CONNABORTED) => continue,
                // Too few descriptors, most likely. A floor that serves fewer than were asked for is none.
                Err(cause) => return Err(FloorError::Accept(cause.into())),
            };
            let fails = |cause: Errno| FloorError::Accept(cause.into());
            sockopt::set_tcp_nodelay(&socket, true).map_err(fails)?;
            let tls = self.tls.as_ref().map(Tls::new).transpose().map_err(FloorError::Tls)?;
            let connection = Connection::new(socket, tls);
            let index = self.free.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            connection.register(&self.epoll, index as u64).map_err(fails)?;
            self.connections[index] = Some(connection);
        }
    }

    fn handle(&mut self, index: usize, flags: EventFlags) {
        // It may have been dropped earlier in this turn, by a publish.
        let Some(connection) = &mut self.connections[index] else { return };
        let mut outcome = Ok(());
        if flags.contains(EventFlags::OUT) {
            outcome = connection.flush(&self.epoll, index as u64);
        }
        // A hang-up and an error show in the read.
        if outcome.is_ok() && flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
            outcome = connection
                .read(&mut self.buffer, &self.epoll, index as u64)
                .and_then(|()| self.begin_http2(index))
                .and_then(|()| self.answer(index))
                .and_then(|()| self.answer_frames(index));
        }
        if let Err(Gone) = outcome {
            self.remove(index);
        }
    }

    fn begin_http2(&mut self, index: usize) -> Result<(), Gone> {
        let connection = self.connections[index].as_mut().ok_or(Gone)?;
        let mut preface = Vec::new();
        connection.role.begin_http2(&mut preface);
        if preface.is_empty() { Ok(()) } else { connection.write(&preface, &self.epoll, index as u64) }
    }

    /// Answers every frame that has come whole.
    fn answer_frames(&mut self, index: usize) -> Result<(), Gone> {
        let mut answers = Vec::new();
        loop {
            let connection = self.connections[index].as_mut().ok_or(Gone)?;
            let Role::Http2(http2) = &mut connection.role else { return Ok(()) };
            let publish = http2.take(&mut answers)?;
            // The head of a stream comes before its first event.
            if !answers.is_empty() {
                connection.write(&answers, &self.epoll, index as u64)?;
                answers.clear();
            }
            let Some(publish) = publish else { return Ok(()) };
            if publish.is_line() {
                self.publish(&publish.data);
            }
            publish.answer(&mut answers);
        }
    }

    /// Answers every request that has come whole.
    fn answer(&mut self, index: usize) -> Result<(), Gone> {
        loop {
            let connection = self.connections[index].as_mut().ok_or(Gone)?;
            if connection.role.is_undecided() {
                return Ok(());
            }
            let Role::Asking(bytes) = &mut connection.role else { return Ok(()) };
            let answer = match Request::take(bytes) {
                Ok(None) => return Ok(()),
                Ok(Some(Request::Subscribe)) => {
                    connection.role = Role::Subscribed;
                    STREAM_HEAD
                }
                Ok(Some(Request::Publish(data))) => {
                    self.publish(&data);
                    ACCEPTED
                }
                Err(refusal) => {
                    let answer = if refusal == Refusal::Method { BAD_METHOD } else { BAD_REQUEST };
                    connection.write(answer, &self.epoll, index as u64)?;
                    return connection.refuse();
                }
            };
            self.connections[index].as_mut().ok_or(Gone)?.write(answer, &self.epoll, index as u64)?;
        }
    }

    fn publish(&mut self, data: &[u8]) {
        self.ids.encode(data, &mut self.chunk);
        for index in 0..self.connections.len() {
            let Some(connection) = &mut self.connections[index] else { continue };
            let sent = match &mut connection.role {
                Role::Asking(_) | Role::Refused => continue,
                Role::Subscribed => connection.write(&self.chunk, &self.epoll, index as u64),
                Role::Http2(http2) => {
                    self.frames.clear();
                    let framed = http2.send(content(&self.chunk), &mut self.frames);
                    if framed.is_ok() && self.frames.is_empty() {
                        continue;
                    }
                    framed.and_then(|()| connection.write(&self.frames, &self.epoll, index as u64))
                }
            };
            if let Err(Gone) = sent {
                self.remove(index);
            }
        }
    }

    /// Closes the socket, and so takes it out of epoll too.
    fn remove(&mut self, index: usize) {
        if self.connections[index].take().is_some() {
            self.left.push(index);
        }
    }
}
