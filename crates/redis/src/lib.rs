//! The event journal of Fanfare in a Redis or Valkey Stream: one order and one history for several nodes.
//!
//! [`RedisJournal`] is what a hub uses. Inside, `address` says where Redis is and `primary` finds the server that has the
//! Stream now; a `link` is a set of connections to it. Over one link after the other, `writer` has a script append what was
//! published (`pending` until it comes back) and `reader` hands over what it reads, with its `position` beside it; an
//! `entry` is an event in the Stream. `keeper` keeps the Stream small, `ingest` takes what others publish in Pub/Sub (by its
//! `listener`), and `trouble` is what publishers are told while there is no link.

#![forbid(unsafe_code)]

mod address;
mod asker;
mod config;
mod entry;
mod host;
mod ingest;
mod journal;
mod keeper;
mod link;
mod link_error;
mod listener;
mod pending;
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
