//! [`NoSocket`]: a socket without a kernel behind it. [`Link`]: the other end of many of them at once.
//!
//! Like a real socket it says `Pending`, and leaves it to [`crate::Stage`] to say when it may go on. It counts the
//! messages that it takes, so that a bench can tell whether everything was delivered.

use std::{
    io::{self, IoSlice},
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    task::Poll,
};

use fanfare_core::engine::Socket;

const OPEN: u8 = 0;
const SHUT: u8 = 1;
const GONE: u8 = 2;

/// The state of both ends.
#[derive(Debug)]
struct Wire {
    state: AtomicU8,
    taken: AtomicUsize,
}

/// The clients' end of the sockets that were made with it.
#[derive(Clone, Debug)]
pub struct Link(Arc<Wire>);

// Relaxed throughout: a caller that changes it drives the shard afterwards, or tells it through the inbox.
impl Link {
    /// A link whose sockets take everything.
    pub fn open() -> Self {
        Self::new(OPEN)
    }

    /// A link whose sockets are full.
    pub fn shut() -> Self {
        Self::new(SHUT)
    }

    fn new(state: u8) -> Self {
        Self(Arc::new(Wire { state: AtomicU8::new(state), taken: AtomicUsize::new(0) }))
    }

    /// Lets the sockets take everything from now on.
    pub fn set_open(&self) {
        self.0.state.store(OPEN, Ordering::Relaxed);
    }

    /// Makes the sockets full from now on.
    pub fn set_shut(&self) {
        self.0.state.store(SHUT, Ordering::Relaxed);
    }

    /// Closes the clients' side. Written bytes are still taken, as by a kernel that has not heard more.
    pub fn set_gone(&self) {
        self.0.state.store(GONE, Ordering::Relaxed);
    }

    /// Messages that its sockets have taken so far, all together. A gap counts as one as well.
    pub fn taken(&self) -> usize {
        self.0.taken.load(Ordering::Relaxed)
    }

    /// Adds a socket.
    pub fn socket(&self) -> NoSocket {
        NoSocket(Arc::clone(&self.0))
    }
}

/// The engine's end of a [`Link`].
#[derive(Debug)]
pub struct NoSocket(Arc<Wire>);

impl Socket for NoSocket {
    fn poll_write(&mut self, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if self.0.state.load(Ordering::Relaxed) == SHUT {
            return Poll::Pending;
        }
        // Each part is a message, for none is ever taken in two. Not an atomic addition, which would show in the
        // figures: one thread drives the shard.
        self.0.taken.store(self.0.taken.load(Ordering::Relaxed) + parts.len(), Ordering::Relaxed);
        Poll::Ready(Ok(parts.iter().map(|part| part.len()).sum()))
    }

    fn poll_discard(&mut self) -> Poll<io::Result<usize>> {
        if self.0.state.load(Ordering::Relaxed) == GONE { Poll::Ready(Ok(0)) } else { Poll::Pending }
    }

    fn shut_write(&mut self) {}
}
