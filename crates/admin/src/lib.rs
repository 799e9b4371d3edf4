//! The admin listener of Fanfare: what a person who runs a server sees and changes, on a thread of its own.
//!
//! [`serve`] takes a bound listener and answers on it until its [`Serving`] ends: `/metrics` for Prometheus, a JSON API below
//! `/api/v1/`, and the dashboard at `/`. `openapi.json` in this package describes every route, and the listener serves it too. Nothing
//! here runs on the threads of the shards: a scrape reads counters, and a list of connections asks the shards a few at a time.
//!
//! ```
//! use std::net::TcpListener;
//!
//! use fanfare_admin::{Admin, Control, ReloadError, Reloaded, serve};
//! use fanfare_http::{Config, Fanfare};
//! use tokio::sync::watch;
//!
//! /// A program that ends when it is told so, and has no files.
//! struct Program {
//!     end: watch::Sender<bool>,
//! }
//!
//! impl Control for Program {
//!     fn drain(&self) {
//!         self.end.send_replace(true);
//!     }
//!
//!     async fn reload(&self) -> Result<Reloaded, ReloadError> {
//!         Ok(Reloaded::default())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let fanfare = Fanfare::start(Config::default())?;
//! let (handle, operator) = (fanfare.handle(), fanfare.handle().operator());
//! let (end, mut ends) = watch::channel(false);
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let serving = serve(listener, Admin::default(), handle, operator, Program { end })?;
//! println!("http://{}", serving.address());
//! # drain_by_request(serving.address()).await?;
//!
//! // `curl -X POST http://.../api/v1/drain`
//! let _ = ends.wait_for(|ends| *ends).await;
//! fanfare.drain().await?;
//! serving.end();
//! # Ok(())
//! # }
//! #
//! # async fn drain_by_request(address: std::net::SocketAddr) -> std::io::Result<()> {
//! #     use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! #     let mut socket = tokio::net::TcpStream::connect(address).await?;
//! #     socket.write_all(b"POST /api/v1/drain HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await?;
//! #     let mut answer = String::new();
//! #     socket.read_to_string(&mut answer).await?;
//! #     assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
//! #     Ok(())
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
//! - `operate`, `control`: what the server is asked and told; `config`: the settings.

#![forbid(unsafe_code)]

mod answer;
mod api;
mod config;
mod console;
mod control;
mod metrics;
mod operate;
mod request;
mod sampler;
mod server;
mod service;
mod sockets;
mod stream;

pub use config::{Admin, AdminToken, AdminTokenError, JournalKind, Limits, SOCKETS_MAX, TOKEN_BYTES_MAX};
pub use control::{Control, ReloadError, Reloaded};
pub use operate::Operate;
pub use server::{Serving, serve};
