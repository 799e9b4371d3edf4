//! HTTP/1.1 and the event stream format as a client meets them: bytes in, facts out. No sockets, no clock.

pub(crate) mod body;
pub(crate) mod dialect;
pub(crate) mod head;
pub(crate) mod sse;
pub(crate) mod target;
