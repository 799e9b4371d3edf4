//! The engine's own names, for whoever drives it: a shell, as `fanfare-http` is one. A program that only publishes and reads does
//! not need them.
//!
//! # Who calls what, and when
//!
//! - [`Hub::new`] makes the hub and its shards. Publishers call [`Hub::publish`] from any task. They wait while the inbox of a
//!   shard is full, and for an external journal.
//! - Each [`Shard`] has one owner, usually a thread. The owner registers with its [`Inbox`], calls [`Shard::turn`] until that
//!   returns [`Turn::Idle`] or [`Turn::Paused`], and sleeps until the inbox wakes it. It calls [`Shard::sweep`] every tick.
//! - Behind each turn the owner takes [`Shard::take_reads`] and has [`Hub::read`] answer each request, away from its own loop. It
//!   takes [`Shard::take_notices`] for its log.
//! - A request for a stream is a [`Hub::subscribe`]. The shell writes the response head and the [`Prelude`]. Then it hands over
//!   the socket ([`Subscription::attach_socket`]), or keeps the stream itself and polls a [`Feed`]. The shard ends the [`Life`] of
//!   the feed when it cuts the stream. Whoever runs the request polls that, because nobody may be polling the feed.
//! - A [`Socket`] that was `Pending` and may go on calls [`Inbox::wake_slot`] with its [`SlotRef`].
//! - A [`Milestone`] is for something that many tasks of the shell wait for, as all do for a drain.
//! - [`Hub::drain`] ends everything in order. The owners go on until [`Shard::is_drained`], or call [`Shard::cut`] when the time is
//!   over.
//!
//! # Example
//!
//! One event reaches one socket:
//!
//! ```
//! use std::{
//!     io::{self, IoSlice, Write as _},
//!     pin::pin,
//!     sync::{Arc, Mutex},
//!     task::{Context, Poll, Waker},
//! };
//!
//! use fanfare_core::{ClientId, Config, Event, Form, Heartbeat, Policy, Start, Target, Wait, engine::{Framing, Hub, Socket, Subscribe, Turn}};
//!
//! /// A socket that always has room.
//! struct Collector(Arc<Mutex<Vec<u8>>>);
//!
//! impl Socket for Collector {
//!     fn poll_write(&mut self, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
//!         Poll::Ready(self.0.lock().unwrap().write_vectored(parts))
//!     }
//!
//!     fn poll_discard(&mut self) -> Poll<io::Result<usize>> {
//!         Poll::Pending
//!     }
//!
//!     fn shut_write(&mut self) {}
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (hub, mut shards) = Hub::new(Config { shards: 1, ..Config::default() }, Box::new(|| 1_000));
//! let subscription = hub.subscribe(Subscribe {
//!     client: ClientId::new("42")?,
//!     channels: Vec::new(),
//!     patterns: Vec::new(),
//!     start: Start::Now,
//!     policy: Policy::Repair,
//!     heartbeat: Heartbeat::Comment,
//!     form: Form::Plain,
//!     shard: 0,
//!     now_ms: 0,
//!     expires_ms: None,
//!     catching_up: None,
//!     held: None,
//! })?;
//! let sent = Arc::<Mutex<Vec<u8>>>::default();
//! subscription.attach_socket(Collector(Arc::clone(&sent)), Framing::Bare, 0);
//!
//! let mut publish = pin!(hub.publish(Event::new(Target::All, "hello"), Wait::Journal));
//! let Poll::Ready(receipt) = publish.as_mut().poll(&mut Context::from_waker(Waker::noop())) else { panic!("no room") };
//! assert_eq!(receipt?.matched, 1);
//! while shards[0].turn(0) == Turn::More {}
//! assert_eq!(sent.lock().unwrap().as_slice(), b"id: 1000-1\ndata: hello\n\n");
//! # Ok(())
//! # }
//! ```

pub use crate::{
    event::{
        budget::{Kept, RingBudget},
        draft::Draft,
        fanned::Fanned,
        notice::{CloseReason, Closed, Notice},
        prelude::Prelude,
        totals::Totals,
    },
    fates::{
        record::Ended,
        verdict::{Place, Verdict},
    },
    feed::{Feed, Outgoing},
    hub::{
        Hub,
        explain::{About, ConnectionFate, Explanation},
    },
    order::{UnixClock, ticket::Ticket},
    queue::{
        figures::Figures,
        inbox::{Amount, Inbox, SlotRef},
        life::Life,
        listing::{Doing, ListOrder, ListQuery, Listed, Whose},
        milestone::{Milestone, Reached},
        outlet::{Framing, Socket},
        port::Cut,
        read_request::ReadRequest,
        ring::Ring,
        subscriber::{Seat, Subscribe},
    },
    registry::{Registry, SubscribeError},
    shard::{SWEEP_TICKS, Shard, Turn},
    subscription::Subscription,
};
