//! The connection's send window, and how much of it one stream may hold. A stream holds what it has sent and the peer has not
//! returned to it. If its reader stands still, this is missing for all.
//!
//! Peers differ in when they return a window. Most do when half of it is used, for the stream and for the connection. So a reader that
//! goes on needs half a window of its stream, and half the window of the connection has to be left for those that go on.
//! Others return every few bytes: then a stream needs little, and may hold as much as it leaves.

use crate::{
    streams::Stream,
    window::{self, SendWindow},
};

/// How many times the largest increment that a peer has returned to a stream it may need at the next time.
const RETURNS: i64 = 4;

/// The send window of the connection, which its streams share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    window: SendWindow,
    /// The largest window so far: what it is when the peer has returned all.
    window_max: i32,
    /// The most that the peer has returned to a stream at once.
    returned_max: u32,
}

impl Share {
    pub(crate) const fn new() -> Self {
        Self { window: SendWindow::new(window::DEFAULT), window_max: window::DEFAULT, returned_max: 0 }
    }

    pub(crate) fn spend(&mut self, bytes: i32) {
        self.window.spend(bytes);
    }

    /// The peer has returned bytes to the connection. `None` if the window would be too large.
    #[must_use]
    pub(crate) fn widen(&mut self, bytes: i32) -> Option<()> {
        self.window.widen(bytes)?;
        self.window_max = self.window_max.max(self.window.bytes());
        Some(())
    }

    /// The peer has returned bytes to a stream that held them.
    pub(crate) fn returned(&mut self, bytes: u32) {
        self.returned_max = self.returned_max.max(bytes);
    }

    /// The bytes that a stream may send beside others, 0 to 2^31-1. `streams` are all, with itself.
    ///
    /// Invariant: a stream whose reader goes on may always hold as much as makes the peer return it.
    pub(crate) fn sendable(&self, stream: &Stream, streams: usize) -> i32 {
        let open = self.window.bytes().min(stream.window.bytes()).max(0);
        if streams == 1 {
            return open;
        }
        let held = i64::from(stream.in_flight);
        let half = (i64::from(stream.window.bytes()) + held) / 2;
        let often = i64::from(self.returned_max) * RETURNS;
        let (needed, fair) = if often == 0 || often >= half {
            (half, i64::from(self.window_max) / 2 / (streams as i64 - 1))
        } else {
            (often, (i64::from(self.window.bytes()) + held) / 2)
        };
        // Some return only more than half. No more than `open`, so it fits.
        i64::from(open).min(fair.max(needed + 1) - held).max(0) as i32
    }
}
