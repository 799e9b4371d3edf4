//! The fan-out engine of Fanfare: an event published once reaches every open connection that should get it.
//!
//! Pure: no sockets, no runtime, no clock, no HTTP. A shell drives it: it hands events to a [`Hub`], gives each
//! [`Shard`] an owner that calls [`Shard::turn`] when its [`Inbox`] wakes it and [`Shard::sweep`] every tick, and
//! lends it sockets through the trait [`Socket`].

#![forbid(unsafe_code)]

mod account;
mod bring;
mod budget;
mod claim;
mod config;
mod desk;
mod envelope;
mod event;
mod event_id;
mod fan;
mod gap;
mod gate;
mod history;
mod hub;
mod idempotency;
mod inbox;
mod index;
mod journal;
mod memory_journal;
mod message;
mod milestone;
#[cfg(all(test, loom))]
mod models;
mod name;
mod notice;
mod order;
mod outlet;
mod pace;
mod pass;
mod policy;
mod port;
mod receipt;
mod registry;
mod retention;
mod ring;
mod shard;
mod slot;
mod submission;
mod subscription;
mod sync;
mod target;
mod track;
mod underway;

pub use account::{Account, ChannelAccount};
pub use budget::RingBudget;
pub use claim::Claim;
pub use config::Config;
pub use desk::{Desk, Holds, Oldest};
pub use event::{Event, EventError, RETRY_MS_MAX, RETRY_MS_MIN};
pub use event_id::{EventId, EventIdError};
pub use gap::{Gap, GapReason};
pub use hub::{Full, Hub, Page, PublishError, UnixClock, Wait};
pub use idempotency::IdempotencyKey;
pub use inbox::{Inbox, SlotRef};
pub use journal::{Brought, Journal, Kept, KeptKey, Past, Refusal};
pub use memory_journal::ReadLimit;
pub use message::{Draft, Fields, Message, Prelude};
pub use name::{Channel, ClientId, NAME_BYTES_MAX, NameError};
pub use notice::{CloseReason, Closed, Notice};
pub use outlet::{Framing, Socket};
pub use policy::Policy;
pub use port::{Cut, CutSignal, Feed, Outgoing, Told};
pub use receipt::{Outcome, Receipt};
pub use registry::Registry;
pub use retention::{Pattern, Retention, Retentions};
pub use ring::Ring;
pub use shard::{ReadRequest, SWEEP_TICKS, Shard, Turn};
pub use submission::{Hold, Submission};
pub use subscription::{Form, Heartbeat, Start, Subscribe, Subscription};
pub use target::Target;
pub use underway::Underway;
