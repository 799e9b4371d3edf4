//! The fan-out engine of Fanfare. It hands each published event to every open connection that should get it.
//!
//! The engine has no sockets, no runtime, no clock and no HTTP. A shell drives it. The shell gives each [`Shard`] an owner that
//! calls [`Shard::turn`] when the [`Inbox`] wakes it and [`Shard::sweep`] every tick. It lends the shards its sockets through
//! the trait [`Socket`].
//!
//! A program needs ten names first: [`Config`], [`Hub`] and [`Shard`] to make an engine; [`Event`], [`Target`], [`Wait`] and
//! [`Receipt`] to publish; [`Subscribe`], [`Subscription`] and [`Feed`] to receive.
//!
//! The storeys of the crate, from the top. None knows one above it:
//!
//! - `hub`, `subscription`, `feed`: the face. Publishes and connections come in here.
//! - `shard`: the connections of one owner, and the writing to them.
//! - `order`: one id for each event, and an external journal if there is one.
//! - `queue`: everything that threads share.
//! - `history`: the events that are kept. `registry`: the clients and channels that are connected.
//! - `event`: events, their bytes, and the news about them.

#![forbid(unsafe_code)]

mod config;
mod event;
mod feed;
mod history;
mod hub;
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
    budget::RingBudget,
    draft::Draft,
    event_id::{EventId, EventIdError},
    gap::{Gap, GapReason},
    message::{Fields, Message},
    name::{Channel, ClientId, NAME_BYTES_MAX, NameError},
    notice::{CloseReason, Closed, Notice},
    prelude::Prelude,
    receipt::{Outcome, Receipt},
    target::Target,
};
pub use feed::{CutSignal, Feed, Outgoing, Told};
pub use history::{
    past::Past,
    read::{Page, ReadLimit, Start},
    retention::{Pattern, Retention, Retentions},
};
pub use hub::{Full, Hub};
pub use order::{
    UnixClock,
    answer::{PublishError, Refusal, Wait},
    claim::{Claim, IdempotencyKey},
    journal::{Desk, Holds, Journal, Kept, KeptKey, Oldest, Settled},
    submission::Submission,
    ticket::{Hold, Ticket},
};
pub use policy::Policy;
pub use queue::{
    inbox::{Amount, Inbox, SlotRef},
    outlet::{Framing, Socket},
    port::Cut,
    read_request::ReadRequest,
    ring::Ring,
    subscriber::{Form, Heartbeat, Subscribe},
};
pub use registry::Registry;
pub use shard::{SWEEP_TICKS, Shard, Turn};
pub use subscription::Subscription;
