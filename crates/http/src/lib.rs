//! The HTTP front-end of Fanfare, a fan-out server for Server-Sent Events, on raw hyper.
//!
//! [`run`] serves a bound listener until it is told to stop. A program that has a server of its own starts the engine with
//! [`Fanfare::start`], and reaches it through a [`Handle`]: it publishes, follows channels, and answers requests with Fanfare's
//! routes. This one publishes an event, and gets it as a stream would:
//!
//! ```
//! use fanfare_core::{Channel, Event, Target, Told, Wait};
//! use fanfare_http::{Config, Fanfare, Follow};
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
//! The examples `embed` (hyper) and `axum` serve its routes beside their own. What clients and publishers can rely on is the
//! wire contract, `contract.md` in this package.
//!
//! This crate parses requests, publishes to the hub, opens event streams, shows history, owns the threads that drive the
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
