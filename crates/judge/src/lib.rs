//! The judge of event streams, for the tests of Fanfare. It was written from the text of WHATWG HTML 9.2.5 and 9.2.6 and
//! from the wire contract (crates/http/contract.md), and knows nothing of the code that they test. It is simple, not fast.
//!
//! # Types
//!
//! - Judge: the reader of one stream. A judge panics at the first line that a Fanfare server does not send.
//! - Block: the lines up to a blank one, if they make an event.
//! - Dispatched: an event as a browser shows it to a page.
//! - Gap: the data of the event that tells of a loss.

#![forbid(unsafe_code)]

mod block;
mod contract;
mod gap;
mod judge;

pub use block::{Block, Dispatched};
pub use contract::CURSOR;
pub use gap::{GAP, Gap};
pub use judge::Judge;
