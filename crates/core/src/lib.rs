//! The fan-out engine of Fanfare. It hands each published event to every open connection that should get it.
//!
//! The engine has no sockets, no runtime, no clock and no HTTP. A shell drives it and lends it sockets. [`engine`] has the names
//! that a shell needs, [`journal`] those of a journal. The names here are for everybody: [`Event`], [`Target`] and [`Channel`] to
//! publish, [`Wait`] and [`Receipt`] for the answer, [`Start`], [`Policy`] and [`Heartbeat`] of a stream, [`Gap`] for events that
//! are lost, [`Config`] and [`Retentions`] for limits.
//!
//! # Nouns
//!
//! - [`engine::Hub`]: the object that takes publishes and connections.
//! - [`engine::Subscription`]: a registered connection whose response head is not written yet.
//! - [`engine::Feed`]: the receiving end of a stream that no socket carries.
//!
//! # Storeys
//!
//! From the top. None knows one above it:
//!
//! - `hub`, `subscription`, `feed`: the face. Publishes and connections come in here.
//! - `shard`: the connections of one owner, and the writing to them.
//! - `order`: one id for each event, and an external journal if there is one.
//! - `queue`: everything that threads share.
//! - `history`: the events that are kept. `registry`: the clients and channels that are connected.
//! - `fates`: what became of one event on one connection.
//! - `event`: events, their bytes, and the news about them.

#![forbid(unsafe_code)]

mod config;
pub mod engine;
mod event;
mod fates;
mod feed;
mod history;
mod hub;
pub mod journal;
#[cfg(all(test, loom))]
mod models;
mod order;
mod policy;
mod queue;
mod registry;
mod shard;
mod subscription;
mod sync;

pub use config::Config;
pub use event::{
    Event, EventError, RETRY_MS_MAX, RETRY_MS_MIN,
    account::{Account, ChannelAccount},
    event_id::{EventId, EventIdError},
    gap::{Gap, GapReason},
    message::{Fields, Message},
    name::{Channel, ClientId, NAME_BYTES_MAX, NameError},
    pattern::Pattern,
    receipt::{Outcome, Receipt},
    target::Target,
};
pub use feed::Told;
pub use history::{
    read::{Page, ReadLimit, Start},
    retention::{Retention, Retentions},
};
pub use order::{
    answer::{PublishError, Wait},
    claim::IdempotencyKey,
};
pub use policy::Policy;
pub use queue::subscriber::{Form, Heartbeat};
