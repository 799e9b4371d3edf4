//! Parts of requests, each read and checked by itself.
//!
//! # Nouns
//!
//! - [`upload::Upload`]: the body of a request on its way in, an [`inbound::Inbound`] under its limits.
//!
//! # Files
//!
//! - [`route::Route`]: what a method and a path ask for.
//! - [`parameters::Parameters`]: the query parameters that a route has.
//! - [`wanted::Wanted`]: the stream that a request asks for. [`start`]: where a stream or a page of history begins.
//! - [`destination::Destination`]: where a publish goes.
//! - [`origin`] and [`cors`]: which pages may publish, and which may read an answer. [`host::Host`] is the name they go by.
//! - [`data::Declared`] and [`line::Parsed`]: a body, or a line of a batch, as an event.
//! - [`idempotency`]: the keys of publishers.
//!
//! # Rules
//!
//! Nothing here publishes or subscribes. Whatever a client sends, nothing here panics.

pub(crate) mod cors;
pub(crate) mod data;
pub(crate) mod destination;
pub(crate) mod host;
pub(crate) mod idempotency;
pub(crate) mod inbound;
pub(crate) mod line;
pub(crate) mod origin;
pub(crate) mod parameters;
pub(crate) mod route;
pub(crate) mod start;
pub(crate) mod upload;
pub(crate) mod wanted;
