//! The mock socket and its other end. As with a real socket, the engine hears of room or input only after a `Pending`.
//! An engine that stops short of `Pending` hangs here too.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    sync::Arc,
    task::Poll,
};

use fanfare_core::engine::{Inbox, SlotRef, Socket};
use parking_lot::Mutex;

#[derive(Clone, Copy, Debug)]
enum Input {
    Bytes(usize),
    End,
    Reset,
}

#[derive(Debug)]
struct Wire {
    /// Bytes that the socket still takes.
    room: usize,
    /// The most that one write takes.
    write_max: usize,
    out: Vec<u8>,
    input: VecDeque<Input>,
    is_broken: bool,
    wants_room: bool,
    wants_input: bool,
    is_shut: bool,
    is_closed: bool,
    writes: usize,
}

/// The engine's end.
#[derive(Debug)]
pub(crate) struct MockSocket(Arc<Mutex<Wire>>);

impl Socket for MockSocket {
    fn poll_write(&mut self, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut wire = self.0.lock();
        assert!(!wire.is_shut, "a write after the end of the stream");
        let offered: usize = parts.iter().map(|part| part.len()).sum();
        assert!(offered > 0, "a write of nothing reads as an end");
        if wire.is_broken {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let taken = offered.min(wire.room).min(wire.write_max);
        if taken == 0 {
            wire.wants_room = true;
            return Poll::Pending;
        }
        wire.writes += 1;
        wire.room -= taken;
        let mut left = taken;
        for part in parts {
            let bytes = part.len().min(left);
            wire.out.extend_from_slice(&part[..bytes]);
            left -= bytes;
        }
        Poll::Ready(Ok(taken))
    }

    fn poll_discard(&mut self) -> Poll<io::Result<usize>> {
        let mut wire = self.0.lock();
        match wire.input.front().copied() {
            None => {
                wire.wants_input = true;
                Poll::Pending
            }
            Some(Input::Bytes(bytes)) => {
                wire.input.pop_front();
                Poll::Ready(Ok(bytes))
            }
            Some(Input::End) => Poll::Ready(Ok(0)),
            Some(Input::Reset) => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
        }
    }

    fn shut_write(&mut self) {
        let mut wire = self.0.lock();
        assert!(!wire.is_shut, "the end is said once");
        wire.is_shut = true;
    }
}

impl Drop for MockSocket {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
    }
}

/// The client's end. It also plays the shell's reactor.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    wire: Arc<Mutex<Wire>>,
    inbox: Arc<Inbox<MockSocket>>,
    slot: SlotRef,
}

impl Link {
    /// Makes a pair that takes `room` bytes until it is given more.
    pub(crate) fn new(inbox: Arc<Inbox<MockSocket>>, slot: SlotRef, room: usize) -> (MockSocket, Self) {
        let wire = Arc::new(Mutex::new(Wire {
            room,
            write_max: usize::MAX,
            out: Vec::new(),
            input: VecDeque::new(),
            is_broken: false,
            wants_room: false,
            wants_input: false,
            is_shut: false,
            is_closed: false,
            writes: 0,
        }));
        (MockSocket(Arc::clone(&wire)), Self { wire, inbox, slot })
    }

    fn change(&self, change: impl FnOnce(&mut Wire)) {
        let mut wire = self.wire.lock();
        change(&mut wire);
        let has_room = wire.wants_room && (wire.room > 0 || wire.is_broken);
        let has_input = wire.wants_input && !wire.input.is_empty();
        wire.wants_room &= !has_room;
        wire.wants_input &= !has_input;
        drop(wire);
        if has_room || has_input {
            self.inbox.wake_slot(self.slot);
        }
    }

    /// Lets the socket take `bytes` more.
    pub(crate) fn give(&self, bytes: usize) {
        self.change(|wire| wire.room = wire.room.saturating_add(bytes));
    }

    /// Lets the socket take everything from now on.
    pub(crate) fn open(&self) {
        self.give(usize::MAX);
    }

    /// Stops taking bytes until there is new room.
    pub(crate) fn stop(&self) {
        self.change(|wire| wire.room = 0);
    }

    pub(crate) fn write_max(&self, bytes: usize) {
        self.change(|wire| wire.write_max = bytes);
    }

    /// The client sends `bytes` bytes.
    pub(crate) fn send(&self, bytes: usize) {
        self.change(|wire| wire.input.push_back(Input::Bytes(bytes)));
    }

    /// The client closes its side.
    pub(crate) fn end(&self) {
        self.change(|wire| wire.input.push_back(Input::End));
    }

    /// The client resets the connection.
    pub(crate) fn reset(&self) {
        self.change(|wire| {
            wire.is_broken = true;
            wire.input.push_back(Input::Reset);
        });
    }

    /// Makes writes fail from now on. The engine learns of it only by writing.
    pub(crate) fn break_writes(&self) {
        self.wire.lock().is_broken = true;
    }

    /// All bytes taken so far.
    pub(crate) fn out(&self) -> Vec<u8> {
        self.wire.lock().out.clone()
    }

    /// Bytes taken since the last call.
    pub(crate) fn take_out(&self) -> Vec<u8> {
        std::mem::take(&mut self.wire.lock().out)
    }

    /// Number of writes that took something.
    pub(crate) fn writes(&self) -> usize {
        self.wire.lock().writes
    }

    /// Whether the engine waits for room.
    pub(crate) fn is_full(&self) -> bool {
        self.wire.lock().wants_room
    }

    pub(crate) fn is_shut(&self) -> bool {
        self.wire.lock().is_shut
    }

    /// Whether the engine let go of the socket.
    pub(crate) fn is_closed(&self) -> bool {
        self.wire.lock().is_closed
    }
}
