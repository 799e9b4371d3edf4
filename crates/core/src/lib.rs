//! The fan-out engine of Fanfare: an event published once reaches every open connection that should get it.
//!
//! Pure: no sockets, no runtime, no clock, no HTTP. A shell drives it: it hands events to a [`Hub`], gives each
//! [`Shard`] an owner that calls [`Shard::turn`] when its [`Inbox`] wakes it and [`Shard::sweep`] every tick, and
//! lends it sockets through the trait [`Socket`].

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
    event_id::{EventId, EventIdError},
    gap::{Gap, GapReason},
    message::{Draft, Fields, Message},
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
