//! The format of event streams (WHATWG HTML 9.2.5 and 9.2.6) as a client reads it.
//!
//! A [`Parser`] takes the bytes of a stream in pieces of any size and gives the events and comments that they complete.
//! [`Limits`] say how much of each is kept, so a stream cannot make it grow. Its buffers are used again for every event:
//! once they have grown, nothing is allocated any more.
//!
//! # Types
//!
//! - Parser: the place in one event source, over all its connections.
//! - Item: one thing that a stream says, an event or a comment, borrowed from the parser.
//! - Limits: the most that a parser keeps of each part of a stream.
//!
//! # Example
//!
//! ```
//! use fanfare_sse::{Item, Limits, Parser};
//!
//! static LIMITS: Limits = Limits { data_bytes: 1 << 20, id_bytes: 256, kind_bytes: 256, comment_bytes: 0 };
//! let mut parser = Parser::new(&LIMITS);
//! let mut seen = Vec::new();
//! for piece in ["id: 7\nda", "ta: hello\n", "\n"] {
//!     parser.feed(piece.as_bytes(), |item| {
//!         if let Item::Event(event) = item {
//!             seen.push(event.data.to_vec());
//!         }
//!     });
//! }
//! assert_eq!(seen, [b"hello"]);
//! assert_eq!(parser.last_id(), b"7");
//! ```

#![forbid(unsafe_code)]

mod item;
mod lines;
mod parser;

pub use item::{Comment, Event, Item};
pub use parser::{Limits, Parser};
