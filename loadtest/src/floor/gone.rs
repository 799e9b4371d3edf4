//! [`Gone`]: the end of a connection, and how much may wait for one before it comes to that.

/// Bytes that may wait for one connection, or for one of its streams. Beyond them it is closed. Large, because a loss
/// would end a comparison.
pub(super) const WAITING_BYTES_MAX: usize = 64 << 20;

/// The connection has ended, or has to.
#[derive(Debug)]
pub(super) struct Gone;
