//! What bytes from the peer mean to whoever drives a connection.

use bytes::Bytes;
use http::Request;

use crate::reason::Reason;

/// The number of a stream: odd, and higher than those of all streams before it (RFC 9113 section 5.1.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StreamId(u32);

impl StreamId {
    /// The stream with this number.
    pub const fn new(id: u32) -> Self {
        Self(id)
    }

    /// The number as frames carry it.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// What [`Connection::receive`](crate::Connection::receive) understood.
#[derive(Debug)]
pub enum Event {
    /// A request has come, without its body.
    Request {
        /// The new stream.
        stream: StreamId,
        /// The request. The URI has scheme and authority as the peer sent them.
        request: Request<()>,
        /// Whether there is no body.
        is_end: bool,
    },
    /// A piece of a body. Trailers end a body with a piece of no bytes.
    Data {
        /// The stream of the request.
        stream: StreamId,
        /// The bytes. Say [`Connection::took`](crate::Connection::took) when they are used.
        bytes: Bytes,
        /// Whether the body ends with them.
        is_end: bool,
    },
    /// A stream is gone: the peer has reset it, or it was reset because the peer broke a rule.
    Reset {
        /// The stream.
        stream: StreamId,
        /// Why it is gone.
        reason: Reason,
    },
    /// A stream whose write was pending may write again.
    Room {
        /// The stream.
        stream: StreamId,
    },
}
