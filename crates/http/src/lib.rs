//! The HTTP front-end of Fanfare, on raw hyper: [`run`] serves a bound listener until it is told to stop.
//!
//! It parses requests, publishes to the hub, opens event streams, shows history, owns the threads that drive the
//! shards, and writes the log. hyper's types live only in this crate.

#![forbid(unsafe_code)]

mod access;
mod answer;
mod app;
mod batch;
mod body;
mod clock;
mod config;
mod connection;
mod cors;
mod data;
mod deadline;
mod destination;
mod driver;
mod events;
mod excerpt;
mod fanfare;
mod frames;
#[doc(hidden)]
pub mod fuzz;
mod h2_streams;
mod handoff;
mod history;
mod host;
mod idempotency;
mod idle;
mod inbound;
mod lane;
mod line;
mod linger;
mod log;
mod nearest;
mod pace;
mod page;
mod parameters;
mod piece;
mod problem;
mod publish;
mod query;
mod quoted;
mod refusal;
mod request_line;
mod rfc3339;
mod room;
mod route;
mod server;
mod service;
mod silence;
mod since;
mod sockets;
mod start;
mod stop;
mod subscribe;
mod tcp;
mod upload;
mod wire;

pub use access::PUBLISH_KEY_BYTES_MAX;
pub use body::{Body, Chunk};
pub use config::{Config, H1Outlet};
pub use events::{Events, Follow, FollowError};
pub use fanfare::{Ended, Fanfare, Handle};
pub use nearest::nearest;
pub use server::{bind, run};
pub use since::since;
