//! Shared parts of the core's integration tests. The tests are the shell: they lend the engine mock sockets, drive its
//! shards by hand, and read the output with strict parsers that were not written from its encoder.

#![allow(dead_code, unused_imports, reason = "each test crate uses its own part of this module")]

mod chunks;
mod kept;
mod kit;
mod member;
mod rng;
mod socket;
mod told;
mod wake;
mod world;

pub(crate) use chunks::Chunks;
pub(crate) use fanfare_judge::{CURSOR, Dispatched, GAP, Judge};
pub(crate) use kept::{expired, keeping, limit, say};
pub(crate) use kit::{
    Kit, PublishFuture, all, channel, client, data_in, data_of, events_of, poll, taken, to_channel, to_client, told_to,
};
pub(crate) use rng::Rng;
pub(crate) use socket::{Link, MockSocket};
pub(crate) use told::Told;
pub(crate) use wake::Flag;
pub(crate) use world::{Ending, Plan, World};

/// Data as a receiver sees it: every line break is one LF.
pub(crate) fn normalised(data: &str) -> String {
    data.replace("\r\n", "\n").replace('\r', "\n")
}
