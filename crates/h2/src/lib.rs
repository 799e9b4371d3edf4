//! The server's side of an HTTP/2 connection (RFC 9113, RFC 7541), without I/O.

#![forbid(unsafe_code)]

mod connection;
mod event;
mod flood;
mod frame;
mod head;
mod hpack;
mod input;
mod limits;
mod output;
mod reason;
mod settings;
mod streams;
mod window;

pub use connection::Connection;
pub use event::{Event, StreamId};
pub use limits::Limits;
pub use reason::{Broken, Gone, Reason};
