//! The state that publishers, shards and bodies share between threads, with nearly every atomic of the crate.
//!
//! This folder knows `event`, `fates`, the reads of `history`, `config` and `policy`. It knows neither the order nor shards, nor the
//! state of a slot.
//!
//! # Nouns
//!
//! - [`inbox::Inbox`]: the queue in front of a shard. Publishers push [`inbox::Item`]s and wake the owner of the shard.
//! - [`gate::Gate`]: the queue of publishers that wait for room in the inboxes.
//! - [`ring::Ring`]: the messages that one connection has yet to take.
//! - [`outlet::Outlet`]: the way out of a slot: a socket, or a port.
//! - [`port::Port`]: the connection between a slot and the body that takes from it.
//! - [`life::Life`]: one stream or request, until it has to end from outside.
//!
//! # Walk
//!
//! A publish that finds an inbox full waits at the gate. A shard pops messages from its inbox and writes each to the outlets of
//! its slots. A message that an outlet does not take waits in the ring of the slot. Each shard then adds its part to the tally.

pub(crate) mod drain;
pub(crate) mod figures;
pub(crate) mod gate;
pub(crate) mod inbox;
pub(crate) mod life;
pub(crate) mod listing;
pub(crate) mod milestone;
pub(crate) mod outlet;
pub(crate) mod port;
pub(crate) mod read_request;
pub(crate) mod ring;
pub(crate) mod shard_figures;
pub(crate) mod slot_guard;
pub(crate) mod subscriber;
pub(crate) mod tally;
