//! [`Handoff`]: how one HTTP/1.1 connection's socket leaves hyper after a stream's head.
//!
//! Three parties share it: the service parks the subscription, the marker body says that hyper has come to
//! the end of the head, and the I/O wrapper says whether all of it has left. Only when both are so may the
//! connection's task take the socket; a socket that was full would lose its head otherwise.

use std::sync::atomic::{AtomicBool, Ordering};

use fanfare_core::{CutSignal, Framing, Subscription};
use parking_lot::Mutex;

use crate::tcp::Tcp;

/// A stream whose head is on its way out.
#[derive(Debug)]
pub(crate) struct Parked {
    pub(crate) subscription: Subscription<Tcp>,
    pub(crate) framing: Framing,
}

/// State of one connection's take-over.
#[derive(Debug, Default)]
pub(crate) struct Handoff {
    parked: Mutex<Option<Parked>>,
    /// Instead of a parked stream: one that hyper keeps, which may have to be cut from outside.
    kept: Mutex<Option<CutSignal>>,
    is_reached: AtomicBool,
    is_write_pending: AtomicBool,
}

// All parties run on one thread, one after the other, so Relaxed is enough for the flags.
impl Handoff {
    /// The service leaves the stream here.
    pub(crate) fn park(&self, parked: Parked) {
        *self.parked.lock() = Some(parked);
    }

    /// The service leaves word of a stream that stays with hyper.
    pub(crate) fn keep(&self, signal: CutSignal) {
        *self.kept.lock() = Some(signal);
    }

    /// The marker body was polled: hyper has encoded all that comes before it.
    pub(crate) fn reach(&self) {
        self.is_reached.store(true, Ordering::Relaxed);
    }

    /// The I/O wrapper was asked to write; `is_pending` if the socket took nothing.
    pub(crate) fn note_write(&self, is_pending: bool) {
        self.is_write_pending.store(is_pending, Ordering::Relaxed);
    }

    /// The stream, once its head has left hyper and the process.
    pub(crate) fn take(&self) -> Option<Parked> {
        if !self.is_reached.load(Ordering::Relaxed) || self.is_write_pending.load(Ordering::Relaxed) {
            return None;
        }
        self.parked.lock().take()
    }

    /// Takes what watches over a kept stream.
    pub(crate) fn take_kept(&self) -> Option<CutSignal> {
        self.kept.lock().take()
    }
}
