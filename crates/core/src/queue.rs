//! What stands between threads: everything that a publisher, a shard and a body share, and nearly every atomic of the crate.
//!
//! An [`inbox::Inbox`] is the way into a shard: publishers push [`inbox::Item`]s and wake its owner. The [`gate::Gate`] holds
//! publishers back while an inbox is full. A [`ring::Ring`] holds the messages that one connection has yet to take. An
//! [`outlet::Outlet`] is where they leave: a socket, or the [`port::Port`] that a body drains. A [`subscriber::Subscriber`] tells a
//! shard about a new connection, and a [`tally::Tally`] collects what the shards did. The [`phase::Phase`] says whether the hub
//! drains.
//!
//! Nothing here knows the order, a shard or a slot's state.

pub(crate) mod gate;
pub(crate) mod inbox;
pub(crate) mod milestone;
pub(crate) mod outlet;
pub(crate) mod phase;
pub(crate) mod port;
pub(crate) mod read_request;
pub(crate) mod ring;
pub(crate) mod slot_guard;
pub(crate) mod subscriber;
pub(crate) mod tally;
