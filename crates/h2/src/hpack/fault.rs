//! The one fault of a block.

/// The peer's encoder and this decoder no longer agree: the connection is over (RFC 9113 section 4.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Fault;
