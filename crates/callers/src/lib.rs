//! Who calls from where, behind which proxies, and how much one caller may take. No I/O, no runtime and no clock: the time is a
//! parameter, in milliseconds from any moment.
//!
//! # Types
//!
//! - [`Caller`]: an IPv4 address, or the /64 of an IPv6 address. [`Holder`]: somebody with a name.
//! - [`Networks`]: the proxies that are trusted.
//! - [`ProxyHeader`] and [`ForwardedBy`]: what a trusted proxy says of the client's address, in front of a connection or in a header.
//! - [`Callers`]: what each caller has taken and holds. [`Table`]: the same for any key.
//! - [`Account`]: the way to the share of one caller. [`Seat`]: one thing that it holds, until it is dropped.
//! - [`Limits`], [`Rate`]: how much one may take. [`Limit`], [`Refused`], [`Refusals`]: which limit refused, when to come again, how often.
//!
//! # Example
//!
//! ```
//! use fanfare_callers::{Act, Callers, ENTRIES_MAX, ForwardedBy, Holding, Limits, Networks};
//!
//! let callers = Callers::new(&Limits::of_caller(), &Limits::NONE, ENTRIES_MAX);
//! let trusted = Networks::new(["10.0.0.0/8"]).unwrap();
//!
//! // A proxy has opened a socket, and it says for whom.
//! let peer = "10.0.0.7".parse().unwrap();
//! let lines = [&b"203.0.113.9, 198.51.100.2"[..]];
//! let client = ForwardedBy::XForwardedFor.client(peer, lines, &trusted);
//! assert_eq!(client.to_string(), "198.51.100.2");
//!
//! let account = callers.client(client, 0);
//! account.take(Act::Request, 1, 0).unwrap();
//! let stream = account.enter(Holding::Stream).unwrap();
//! assert_eq!(account.held(Holding::Stream), 1);
//! drop(stream);
//! assert_eq!(account.held(Holding::Stream), 0);
//! ```
//!
//! # Limits
//!
//! A table keeps at most as many keys as it is told, and a newcomer joins the crowd if all of them hold something. A header of the PROXY
//! protocol has at most [`V2_BYTES_MAX`] bytes. Of a list of hops [`HOPS_MAX`] elements and [`FORWARDED_BYTES_MAX`] bytes are read. A list of
//! networks has at most [`NETWORKS_MAX`].

#![forbid(unsafe_code)]

mod account;
mod caller;
mod callers;
mod forwarded;
mod holder;
mod limit;
mod limits;
mod line;
mod networks;
mod proxy;
mod refusals;
mod share;
mod table;

pub use account::{Account, Seat};
pub use caller::Caller;
pub use callers::Callers;
pub use forwarded::{FORWARDED_BYTES_MAX, ForwardedBy, HOPS_MAX};
pub use holder::Holder;
pub use limit::{Act, HELD_RETRY_AFTER_SECONDS, Holding, Limit, Refused};
pub use limits::{Limits, Rate};
pub use networks::{NETWORKS_MAX, Networks, NetworksError};
pub use proxy::{ProxyFault, ProxyHeader, V1_BYTES_MAX, V2_BYTES_MAX};
pub use refusals::Refusals;
pub use table::{ENTRIES_MAX, Table};
