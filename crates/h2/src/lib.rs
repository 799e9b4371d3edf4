//! The server's side of an HTTP/2 connection (RFC 9113, RFC 7541), without I/O.

#![forbid(unsafe_code)]

mod connection;
mod event;
mod limits;
mod reason;

pub use connection::Connection;
pub use event::{Event, StreamId};
pub use limits::Limits;
pub use reason::{Broken, Gone, Reason};
