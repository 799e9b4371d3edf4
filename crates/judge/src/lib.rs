//! What the tests of Fanfare hold event streams against: written from the text of WHATWG HTML 9.2.5 and 9.2.6 and from
//! the wire contract (crates/http/contract.md), and knowing nothing of the code that they test.
//!
//! A [`Judge`] reads a stream, and panics at the first line that a Fanfare server does not send. It is simple, not fast.

#![forbid(unsafe_code)]

mod block;
mod contract;
mod gap;
mod judge;

pub use block::{Block, Dispatched};
pub use contract::CURSOR;
pub use gap::{GAP, Gap};
pub use judge::Judge;
