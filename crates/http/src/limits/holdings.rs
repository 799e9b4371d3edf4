//! [`Holdings`]: what one connection has of what all connections share. One must leave some to the others.

use std::sync::atomic::AtomicUsize;

/// What one connection has. Relaxed everywhere: nothing else is read because of it.
#[derive(Debug, Default)]
pub(crate) struct Holdings {
    /// Bytes that its requests hold, in all rooms.
    pub(crate) bytes: AtomicUsize,
    /// Its event streams over HTTP/2.
    pub(crate) streams: AtomicUsize,
}
