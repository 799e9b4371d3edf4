//! One connection of the floor: its socket, its use, and the bytes that the socket has not taken yet.
//!
//! Knows nothing of the others. An `Err` means that it is to be dropped.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown};

/// Bytes that may wait for one connection. Beyond them it is closed. Large, because a loss would end a comparison.
const WAITING_BYTES_MAX: usize = 64 << 20;

/// The use of a connection.
#[derive(Debug)]
pub(super) enum Role {
    /// Sends requests. This is the part of the next one that has come.
    Asking(Vec<u8>),
    /// Gets every event. Its input is thrown away.
    Subscribed,
    /// Was told why it is refused. Its input is thrown away until it closes, for a close of ours could destroy the
    /// answer.
    Refused,
}

/// The connection has ended, or has to.
#[derive(Debug)]
pub(super) struct Gone;

#[derive(Debug)]
pub(super) struct Connection {
    socket: OwnedFd,
    pub(super) role: Role,
    waiting: VecDeque<u8>,
}

impl Connection {
    pub(super) fn new(socket: OwnedFd) -> Self {
        Self { socket, role: Role::Asking(Vec::new()), waiting: VecDeque::new() }
    }

    /// Makes the socket known to `epoll`, under `index`.
    pub(super) fn register(&self, epoll: &OwnedFd, index: u64) -> rustix::io::Result<()> {
        epoll::add(epoll, &self.socket, EventData::new_u64(index), EventFlags::IN)
    }

    /// Reads once. Of a subscriber nothing is kept.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<(), Gone> {
        match recv(&self.socket, &mut *buffer, RecvFlags::DONTWAIT) {
            Ok((0, _)) => Err(Gone),
            Ok((came, _)) => {
                if let Role::Asking(bytes) = &mut self.role {
                    bytes.extend_from_slice(&buffer[..came]);
                }
                Ok(())
            }
            Err(Errno::AGAIN | Errno::INTR) => Ok(()),
            Err(_) => Err(Gone),
        }
    }

    /// Calls `send` once. Bytes that the socket does not take wait. Behind waiting bytes there is no send at all.
    #[inline]
    pub(super) fn write(&mut self, bytes: &[u8], epoll: &OwnedFd, index: u64) -> Result<(), Gone> {
        if !self.waiting.is_empty() {
            return self.wait(bytes);
        }
        let taken = self.send(bytes)?;
        if taken < bytes.len() {
            self.wait(&bytes[taken..])?;
            self.want(EventFlags::IN | EventFlags::OUT, epoll, index)?;
        }
        Ok(())
    }

    /// The socket takes bytes again.
    pub(super) fn flush(&mut self, epoll: &OwnedFd, index: u64) -> Result<(), Gone> {
        // The first slice only: epoll tells again when there is a second one.
        let taken = self.send(self.waiting.as_slices().0)?;
        self.waiting.drain(..taken);
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
            self.want(EventFlags::IN, epoll, index)?;
        }
        Ok(())
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

    fn want(&self, flags: EventFlags, epoll: &OwnedFd, index: u64) -> Result<(), Gone> {
        epoll::modify(epoll, &self.socket, EventData::new_u64(index), flags).map_err(|_| Gone)
    }
}
