//! One connection of the floor: its socket, its TLS if it has any, its use, and the bytes that the socket has not taken
//! yet.
//!
//! Knows nothing of the others. An `Err` means that it is to be dropped.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown};

use crate::floor::gone::{Gone, WAITING_BYTES_MAX};
use crate::floor::http2::{Http2, PREFACE};
use crate::floor::tls::Tls;

/// The use of a connection.
#[derive(Debug)]
pub(super) enum Role {
    /// Sends requests. This is the part of the next one that has come.
    Asking(Vec<u8>),
    /// Gets every event. Its input is thrown away.
    Subscribed,
    /// Speaks HTTP/2: some of its streams get every event, and others publish.
    Http2(Box<Http2>),
    /// Was told why it is refused. Its input is thrown away until it closes, for a close of ours could destroy the
    /// answer.
    Refused,
}

impl Role {
    fn hear(&mut self, bytes: &[u8]) {
        match self {
            Self::Asking(unread) => unread.extend_from_slice(bytes),
            Self::Http2(http2) => http2.hear(bytes),
            Self::Subscribed | Self::Refused => {}
        }
    }

    /// Whether the next bytes decide if HTTP/2 is spoken.
    pub(super) fn is_undecided(&self) -> bool {
        matches!(self, Self::Asking(bytes) if bytes.len() < PREFACE.len() && PREFACE.starts_with(bytes))
    }

    /// Begins HTTP/2 if the client has, with the first answer in `out`.
    pub(super) fn begin_http2(&mut self, out: &mut Vec<u8>) {
        if let Self::Asking(bytes) = self
            && let Some(rest) = bytes.strip_prefix(PREFACE)
        {
            *self = Self::Http2(Box::new(Http2::begin(rest.to_vec(), out)));
        }
    }
}

#[derive(Debug)]
pub(super) struct Connection {
    socket: OwnedFd,
    pub(super) role: Role,
    tls: Option<Tls>,
    /// Bytes that the socket has not taken. With TLS they wait in there.
    waiting: VecDeque<u8>,
    is_waiting: bool,
}

impl Connection {
    pub(super) fn new(socket: OwnedFd, tls: Option<Tls>) -> Self {
        Self { socket, role: Role::Asking(Vec::new()), tls, waiting: VecDeque::new(), is_waiting: false }
    }

    /// Makes the socket known to `epoll`, under `index`.
    pub(super) fn register(&self, epoll: &OwnedFd, index: u64) -> rustix::io::Result<()> {
        epoll::add(epoll, &self.socket, EventData::new_u64(index), EventFlags::IN)
    }

    /// Reads once. Of a subscriber nothing is kept.
    pub(super) fn read(&mut self, buffer: &mut [u8], epoll: &OwnedFd, index: u64) -> Result<(), Gone> {
        let came = match recv(&self.socket, &mut *buffer, RecvFlags::DONTWAIT) {
            Ok((0, _)) => return Err(Gone),
            Ok((came, _)) => &buffer[..came],
            Err(Errno::AGAIN | Errno::INTR) => return Ok(()),
            Err(_) => return Err(Gone),
        };
        let role = &mut self.role;
        let Some(tls) = &mut self.tls else {
            role.hear(came);
            return Ok(());
        };
        let opened = tls.open(came, |plain| role.hear(plain));
        // Also the alert that tells the client what it did wrong.
        self.flush_tls(epoll, index)?;
        opened
    }

    /// Calls `send` once. Bytes that the socket does not take wait. Behind waiting bytes there is no send at all.
    #[inline]
    pub(super) fn write(&mut self, bytes: &[u8], epoll: &OwnedFd, index: u64) -> Result<(), Gone> {
        if let Some(tls) = &mut self.tls {
            tls.seal(bytes)?;
            return if self.is_waiting { Ok(()) } else { self.flush_tls(epoll, index) };
        }
        if self.is_waiting {
            return self.wait(bytes);
        }
        let taken = self.send(bytes)?;
        if taken < bytes.len() {
            self.wait(&bytes[taken..])?;
            self.await_room(true, epoll, index)?;
        }
        Ok(())
    }

    /// The socket takes bytes again.
    pub(super) fn flush(&mut self, epoll: &OwnedFd, index: u64) -> Result<(), Gone> {
        if self.tls.is_some() {
            return self.flush_tls(epoll, index);
        }
        // The first slice only: epoll tells again when there is a second one.
        let taken = self.send(self.waiting.as_slices().0)?;
        self.waiting.drain(..taken);
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
            self.await_room(false, epoll, index)?;
        }
        Ok(())
    }

    fn flush_tls(&mut self, epoll: &OwnedFd, index: u64) -> Result<(), Gone> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        let is_full = tls.flush(&self.socket)?;
        if is_full == self.is_waiting { Ok(()) } else { self.await_room(is_full, epoll, index) }
    }

    /// No more is written after this. A refusal is short and first, so it does not wait.
    pub(super) fn refuse(&mut self) -> Result<(), Gone> {
        self.role = Role::Refused;
        shutdown(&self.socket, Shutdown::Write).map_err(|_| Gone)
    }

    #[inline]
    fn send(&self, bytes: &[u8]) -> Result<usize, Gone> {
        match send(&self.socket, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
            Ok(taken) => Ok(taken),
            Err(Errno::AGAIN | Errno::INTR) => Ok(0),
            Err(_) => Err(Gone),
        }
    }

    fn wait(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        if self.waiting.len() + bytes.len() > WAITING_BYTES_MAX {
            return Err(Gone);
        }
        self.waiting.extend(bytes);
        Ok(())
    }

    /// Asks epoll to tell when the socket takes bytes again, or no longer.
    fn await_room(&mut self, is_waiting: bool, epoll: &OwnedFd, index: u64) -> Result<(), Gone> {
        self.is_waiting = is_waiting;
        let flags = if is_waiting { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN };
        epoll::modify(epoll, &self.socket, EventData::new_u64(index), flags).map_err(|_| Gone)
    }
}
