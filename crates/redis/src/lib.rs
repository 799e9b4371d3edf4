//! The event journal of Fanfare in a Redis or Valkey Stream: one order and one history for several nodes.
//!
//! A hub uses a [`RedisJournal`]. Inside, `address` says where Redis is, and `primary` finds the server that has the
//! Stream now. Over one link after the other, `writer` has a script append submissions and `reader` hands over the
//! events that it reads. `keeper` keeps the Stream small, `ingest` appends the messages that others publish in
//! Pub/Sub, and `trouble` is the publishers' answer while there is no link.
//!
//! # Nouns
//!
//! - Stream: the list of events in Redis that all nodes share. With a small letter, a stream is what a client reads.
//! - Entry: one event in the Stream, or the note that earlier ones may be lost. An entry has a number within its epoch, which is
//!   one life of the Stream.
//! - Link: connections to the server that has the Stream now. Any error ends the link as a whole.
//! - Lease: the right of one node to append the messages of Pub/Sub.
//!
//! # Invariants
//!
//! - A node delivers its own events only when its reader brings them back. It finds them by node and number.
//! - Any error of a connection ends the link, and each link begins with `attach.lua`.
//! - A jump in the numbers is a loss by trimming. Numbers that do not rise are a Stream that has gone back.
//! - A script tries all that may fail before it writes, so an error of Redis has published nothing.

#![forbid(unsafe_code)]

mod address;
mod asker;
mod config;
mod entry;
mod host;
mod in_flight;
mod ingest;
mod journal;
mod keeper;
mod link;
mod link_error;
mod listener;
mod position;
mod primary;
mod primary_error;
mod reader;
mod redis_error;
mod scripts;
mod skipped;
mod trouble;
mod writer;

pub use address::{Address, AddressError};
pub use config::{Config, StreamName, StreamNameError};
pub use journal::RedisJournal;

#[cfg(test)]
mod tests;
