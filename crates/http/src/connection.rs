//! Connections, from the accepted socket to the calls of the service.
//!
//! # Nouns
//!
//! - [`driver::Driver`]: the thread of one shard, which owns the connections that become its streams.
//!
//! # Files
//!
//! - [`lane::Lane`]: the way of an accepted socket to its shard.
//! - [`serve`]: one socket, from its first byte until it is closed or a shard has it.
//! - [`proxied`]: the address that a trusted proxy names before everything else.
//! - [`secure`]: the handshake of a socket that came to a listener of TLS, before the same.
//! - [`wire::Wire`]: the socket as hyper sees it. [`frames::Frames`] and [`request_line::RequestLine`] look at what comes.
//! - [`http2`]: an HTTP/2 connection that fanfare-h2 frames. [`exchange`]: one request of it and its answer.
//! - [`silence::Silence`]: the time that a connection may have nothing to do.
//! - [`notices`]: the log lines of a shard.
//!
//! # Rules
//!
//! Nothing here knows a route. hyper's connections are polled here and nowhere else.

pub(crate) mod driver;
mod exchange;
mod frames;
mod http2;
pub(crate) mod lane;
mod notices;
mod proxied;
mod request_line;
mod secure;
mod serve;
mod silence;
mod stop;
mod wire;
