//! Tools of all benches: sockets that are no sockets, a hub that is driven by hand, and common settings.
//!
//! Everything in here is of the engine alone. Only the bench `outlets` has a kernel in it. Nothing in here starts or
//! stops a clock.

#![forbid(unsafe_code)]

mod drive;
mod link;
mod stage;

use std::time::Duration;

use criterion::Criterion;
use fanfare_core::{Channel, ClientId, Event, Target};

pub use drive::block_on;
pub use link::{Link, NoSocket};
pub use stage::{Stage, follow, subscribe};

/// Data of an event in a bench that does not measure its size.
pub const DATA_BYTES: usize = 128;

/// The settings of every bench: with at most 70 of them, a whole `cargo bench` ends within ten minutes.
pub fn settings() -> Criterion {
    Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3)).without_plots()
}

/// An event of [`DATA_BYTES`] bytes of data.
pub fn event(target: &Target) -> Event {
    Event::new(target.clone(), "x".repeat(DATA_BYTES))
}

/// The channel of all clients on a [`Stage`].
pub fn channel() -> Channel {
    Channel::new("bench").unwrap_or_else(|_| unreachable!("a legal name"))
}

/// The name of client `number`.
pub fn client(number: usize) -> ClientId {
    ClientId::new(&format!("client-{number}")).unwrap_or_else(|_| unreachable!("a legal name"))
}
