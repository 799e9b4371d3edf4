//! The admin listener of Fanfare: what a person who runs a server sees and changes, on a thread of its own.
//!
//! [`serve`] takes a bound listener and answers on it until its [`Serving`] ends: `/metrics` for Prometheus, a JSON API below
//! `/api/v1/`, and the dashboard at `/`. `openapi.json` in this package describes every route, and the listener serves it too. Nothing
//! here runs on the threads of the shards: a scrape reads counters, and a list of connections asks the shards a few at a time.
//!
//! ```no_run
//! use std::net::TcpListener;
//!
//! use fanfare_admin::{Admin, NothingToReload, serve};
//! use fanfare_http::{Config, Fanfare};
//!
//! # fn main() -> std::io::Result<()> {
//! let fanfare = Fanfare::start(Config::default())?;
//! let handle = fanfare.handle();
//! let listener = TcpListener::bind("127.0.0.1:3001")?;
//! let operator = handle.operator();
//! let serving = serve(listener, Admin::default(), handle, operator, NothingToReload)?;
//! println!("http://{}", serving.address());
//! serving.end();
//! # Ok(())
//! # }
//! ```
//!
//! # Who may ask
//!
//! Everybody who can connect, or with [`Admin::token`] whoever sends it. Pages of other sites may not, whatever the token says: the
//! host of a request has to be an address, `localhost` or one of [`Admin::hosts`], and its origin has to be that host.
//!
//! # Inside
//!
//! From the outside in. Nothing imports what stands above it:
//!
//! - `server`: the thread, its sockets and their limits;
//! - `service`: one request in, one answer out;
//! - `stream`: the two event streams;
//! - `api`: a file for each kind of thing that is asked for;
//! - `metrics`: the same figures for Prometheus;
//! - `console`: what every request can reach;
//! - `request`: who asks, and for what; `answer`: contents of answers;
//! - `operate`, `reload`: what the server is asked and told; `config`: the settings.

#![forbid(unsafe_code)]

mod answer;
mod api;
mod config;
mod console;
mod metrics;
mod operate;
mod reload;
mod request;
mod server;
mod service;
mod stream;

pub use config::{Admin, AdminToken, AdminTokenError, Limits, TOKEN_BYTES_MAX};
pub use operate::Operate;
pub use reload::{NothingToReload, Reload, ReloadError, Reloaded};
pub use server::{Serving, serve};
