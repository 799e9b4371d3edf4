//! HTTP/1.1 as a client meets it, and what is kept of event streams: bytes in, facts out. No sockets, no clock.

pub(crate) mod body;
pub(crate) mod dialect;
pub(crate) mod head;
pub(crate) mod limits;
pub(crate) mod target;
