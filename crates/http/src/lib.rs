//! The HTTP front-end of Fanfare, a fan-out server for Server-Sent Events, on raw hyper.
//!
//! [`run`] serves a bound listener until it is told to stop. A program that has a server of its own starts the engine with
//! [`Fanfare::start`], and reaches it through a [`Handle`]: it publishes, follows channels, and answers requests with Fanfare's
//! routes. This program publishes an event, and gets it as a stream would:
//!
//! ```
//! use fanfare_http::{Channel, Config, Event, Fanfare, Follow, Target, Told, Wait};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let fanfare = Fanfare::start(Config::default())?;
//! let handle = fanfare.handle();
//!
//! let news = Channel::new("news")?;
//! let mut events = handle.subscribe(Follow::channels([news.clone()])).await?;
//! let event = Event::new(Target::Channel(news), "read all about it").with_kind("headline")?;
//! let receipt = handle.publish(event, Wait::Journal).await?;
//! assert_eq!(receipt.matched, 1);
//!
//! let Some(Ok(Told::Event(message))) = events.next().await else { panic!("no event") };
//! assert_eq!(message.fields().kind, Some("headline"));
//! assert_eq!(message.fields().data, "read all about it");
//!
//! drop(events);
//! fanfare.drain().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Names of the engine
//!
//! The engine is the crate `fanfare-core`. This crate has the names of it that a program writes down to publish, to follow
//! channels, to read history, to see figures, and to bring a [`Journal`]. All others are in [`core`], which is the engine as a
//! whole, so a program needs no dependency on a second crate: limits ([`core::Config`], [`core::Retentions`]), error types such as
//! [`core::NameError`], parts of what is read ([`core::Fields`], [`core::Outcome`], [`core::GapReason`]), and the modules for
//! journals and for other front-ends ([`core::journal`], [`core::engine`]).
//!
//! ```
//! use fanfare_http::{Config, core};
//!
//! let history = core::Retentions::none();
//! let config = Config { core: core::Config { history, ..core::Config::default() }, ..Config::default() };
//! assert_eq!(config.core.history.each.events_max, 0);
//! ```
//!
//! # Examples and contract
//!
//! The examples `embed` (hyper) and `axum` serve Fanfare's routes beside their own. Clients and publishers can rely on the wire
//! contract, `contract.md` in this package.
//!
//! # Inside
//!
//! This crate parses requests, publishes to the hub, opens event streams, shows history, owns the threads that drive the
//! shards, and writes the log. hyper's types live only in this crate. From the outside in:
//!
//! - the face: [`Fanfare`], [`Handle`], [`Events`], [`run`], and `clock`, the ticks of `--clock`;
//! - `connection`: from an accepted socket to the calls of the service;
//! - `service`: one request in, one answer out, with a handler for each route;
//! - `admission`: from the credential of a request to its rights;
//! - `request`: parts of requests, each read and checked by itself;
//! - `answer`: contents of answers;
//! - `app`: what every request can reach;
//! - `link`: one connection of a client, as all its parties share it;
//! - `tls`: handshakes, certificates and the connections that come of them;
//! - `figures`: what is counted and measured for those who run the server;
//! - `traces`: traces of publishes, for whoever collects them;
//! - `ending`, `limits`, `text`: how things end, what has a limit, and text that clients write;
//! - `current`: the settings as of now, and what is made of them;
//! - `config`: the settings, which everything may import; `access`: the rules of who may do what;
//! - `send`: bytes go straight to the kernel.
//!
//! Nothing imports what stands above it.

#![forbid(unsafe_code)]

mod access;
mod admission;
mod answer;
mod app;
mod clock;
mod config;
mod connection;
mod current;
mod ending;
mod events;
mod fanfare;
mod figures;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod handle;
mod limits;
mod link;
mod operate;
mod request;
mod send;
mod server;
mod service;
mod text;
mod tls;
mod traces;

// The engine as a whole, for everything that a program names less often.
pub use fanfare_core as core;
// Rights and limits, as `Config` has them.
pub use fanfare_callers as callers;
pub use fanfare_grants as grants;

// What a program writes down to publish, to follow, to read history and to see figures.
pub use fanfare_core::{
    Account, Channel, ChannelAccount, ClientId, Event, EventId, Gap, IdempotencyKey, Message, Page, Pattern, Policy,
    PublishError, ReadLimit, Receipt, Start, Target, Told, Wait,
    engine::{Cut, Doing, Place, Totals, Whose},
    journal::Journal,
};

pub use access::{
    authorize::{Act, Authorize, Decision, Question},
    gate::{Access, Gate, PUBLISH_KEY_BYTES_MAX},
};
pub use answer::body::{Body, Chunk};
pub use config::{Config, Outlet, Proxies};
pub use events::{Events, Follow, FollowError};
pub use fanfare::{Ended, Fanfare};
pub use figures::{streams::Transport, times::Histogram};
pub use handle::Handle;
pub use operate::{
    Connection, ConnectionFate, ConnectionQuery, ConnectionSort, Explanation, Figures, Operator, Verdict,
};
pub use server::{Listeners, Stop, bind, run};
pub use text::{nearest::nearest, since::since};
pub use tls::{
    acceptor::{TlsAcceptor, TlsConfig, TlsOutlet},
    certificates::{Certificates, TlsChallenge},
    pair::{Pem, TlsCertificate, TlsError, TlsPair},
};
pub use traces::{
    context::{TraceContext, TraceId},
    traced::{TraceSink, Traced},
};
