//! Everything that clients share and that has a limit.
//!
//! # Nouns
//!
//! - [`room::Room`]: bytes that requests, or answers, may hold together. A [`room::Share`] is what one of them holds.
//!
//! # Files
//!
//! - [`pace::Paces`]: how fast the bodies come that hold room.
//! - [`sockets::Sockets`]: open sockets of clients.
//! - [`h2_streams::H2Streams`]: open event streams over HTTP/2.
//! - [`held::Held`]: what an answer holds until it is sent.
//! - [`holdings::Holdings`]: what one connection has of all that.
//! - [`idle::Idle`]: connections that may be closed to make room for others.
//! - [`seat::Seat`]: one connection, counted for its shard.
//! - [`rule::Rule`]: why a request was refused, counted.
//! - [`log::Sampler`]: lines a second of one kind in the log.
//!
//! # Rules
//!
//! A count is given back by dropping a guard, and in no other way. Nothing here knows a request or an answer, and nothing here
//! closes a connection: its own task does, when it is asked to.

pub(crate) mod h2_streams;
pub(crate) mod held;
pub(crate) mod holdings;
pub(crate) mod idle;
pub(crate) mod log;
pub(crate) mod pace;
pub(crate) mod room;
pub(crate) mod rule;
pub(crate) mod seat;
pub(crate) mod sockets;
