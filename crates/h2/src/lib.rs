//! The server's side of an HTTP/2 connection (RFC 9113, RFC 7541), for many open event streams. No I/O, no task, no clock, no lock.
//!
//! A [`Connection`] takes the bytes that come, says what they mean as [`Event`]s, and has bytes to send. Whoever drives it owns the
//! socket, and decides when to read, when to write, and when a peer has been silent for too long.
//!
//! - An idle connection is small: 256 bytes at most, and 48 for each stream. Buffers have no memory while nothing is in them, and
//!   nothing is kept for header compression once the peer knows that we want no table. A peer that goes on with one makes it 4 KiB.
//! - A stream whose reader stands still does not hold up its neighbours: beside others it has only a share of the connection's window.
//!   A stream that is alone may have all of the window, because some peers return nothing before.
//! - Whatever a peer sends, work, memory and output are bounded. flood.rs has the limits and their reasons.
//! - Priorities are ignored, and nothing is pushed.
//!
//! # Nouns
//!
//! - Connection: one HTTP/2 connection between bytes and events, with all its streams.
//! - Event: one thing that bytes from the peer mean: a request, a piece of a body, a reset, room to write.
//!
//! # Example
//!
//! A server that answers each request with one event. A socket would stand where `client` is.
//!
//! ```
//! use std::{io::IoSlice, sync::Arc};
//!
//! use fanfare_h2::{Connection, Event, Limits};
//! use http::Response;
//!
//! let limits = Limits {
//!     streams_max: 100,
//!     head_bytes_max: 16_384,
//!     stream_window_bytes: 65_536,
//!     connection_window_bytes: 1 << 20,
//! };
//! let mut connection = Connection::new(Arc::new(limits));
//!
//! // A preface, empty settings, and GET http://a/ on stream 1.
//! let client = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01a";
//! let mut events = Vec::new();
//! connection.receive(client, &mut events)?;
//! for event in events {
//!     if let Event::Request { stream, request, .. } = event {
//!         assert_eq!(request.uri(), "http://a/");
//!         let head = Response::builder().header("content-type", "text/event-stream").body(())?.into_parts().0;
//!         connection.head(stream, &head, false)?;
//!         // Pending would mean that the peer takes nothing now: an `Event::Room` says when it does.
//!         let written = connection.write(stream, &[IoSlice::new(b"data: hello\n\n")], 65_536);
//!         assert!(matches!(written, std::task::Poll::Ready(Ok(13))));
//!         connection.end(stream)?;
//!     }
//! }
//! assert!(connection.output().windows(5).any(|bytes| bytes == b"hello"));
//! connection.sent(connection.output().len());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
mod resets;
mod settings;
mod share;
mod streams;
mod window;

pub use connection::Connection;
pub use event::{Event, StreamId};
pub use input::PREFACE;
pub use limits::Limits;
pub use reason::{Broken, Gone, Reason};
