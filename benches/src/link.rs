//! [`NoSocket`]: a socket without a kernel behind it; and [`Link`], the other end of many of them at once.
//!
//! As a real one it says `Pending` and leaves it to others to say when it may go on: [`crate::Stage`] does.

use std::{
    io::{self, IoSlice},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::Poll,
};

use fanfare_core::Socket;

const OPEN: u8 = 0;
const SHUT: u8 = 1;
const GONE: u8 = 2;

/// The clients' end of the sockets that were made with it.
#[derive(Clone, Debug)]
pub struct Link(Arc<AtomicU8>);

// Relaxed throughout: whoever changes it drives the shard afterwards, or tells it through the inbox.
impl Link {
    /// Its sockets take everything.
    pub fn open() -> Self {
        Self(Arc::new(AtomicU8::new(OPEN)))
    }

    /// Its sockets are full.
    pub fn shut() -> Self {
        Self(Arc::new(AtomicU8::new(SHUT)))
    }

    /// From now on they take everything.
    pub fn set_open(&self) {
        self.0.store(OPEN, Ordering::Relaxed);
    }

    /// From now on they are full.
    pub fn set_shut(&self) {
        self.0.store(SHUT, Ordering::Relaxed);
    }

    /// The clients have closed their side. What is written is still taken, as by a kernel that has not heard more.
    pub fn set_gone(&self) {
        self.0.store(GONE, Ordering::Relaxed);
    }

    /// One socket more.
    pub fn socket(&self) -> NoSocket {
        NoSocket(Arc::clone(&self.0))
    }
}

/// The engine's end of a [`Link`].
#[derive(Debug)]
pub struct NoSocket(Arc<AtomicU8>);

impl Socket for NoSocket {
    fn poll_write(&mut self, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if self.0.load(Ordering::Relaxed) == SHUT {
            return Poll::Pending;
        }
        Poll::Ready(Ok(parts.iter().map(|part| part.len()).sum()))
    }

    fn poll_discard(&mut self) -> Poll<io::Result<usize>> {
        if self.0.load(Ordering::Relaxed) == GONE { Poll::Ready(Ok(0)) } else { Poll::Pending }
    }

    fn shut_write(&mut self) {}
}
