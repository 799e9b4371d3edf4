//! [`App`]: what every request can reach: the hub, the settings, and the few counters that requests share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};

use fanfare_core::{Channel, ClientId, Hub};
use rand::RngExt as _;

use crate::{config::Config, log::Sampler, tcp::Tcp};

/// Shared by all connections of a server.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) hub: Arc<Hub<Tcp>>,
    pub(crate) config: Config,
    pub(crate) sent: Sampler,
    is_draining: AtomicBool,
    bodies_bytes: AtomicUsize,
    started: Instant,
}

impl App {
    pub(crate) fn new(hub: Arc<Hub<Tcp>>, config: Config) -> Self {
        Self {
            hub,
            config,
            sent: Sampler::default(),
            is_draining: AtomicBool::new(false),
            bodies_bytes: AtomicUsize::new(0),
            started: Instant::now(),
        }
    }

    /// Monotonic milliseconds since the server started: the clock that shards are driven with.
    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
    }

    /// From now on publishes are refused, and every stream ends once it has what was accepted.
    pub(crate) fn drain(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
        self.hub.drain();
    }

    /// A time to come back, for the first lines of a stream.
    pub(crate) fn draw_retry_ms(&self) -> u64 {
        rand::rng().random_range(self.config.retry_ms.clone())
    }

    /// A time to come back, for one who comes while the server drains.
    pub(crate) fn draw_drain_retry_ms(&self) -> u64 {
        1_000 + rand::rng().random_range(0..=self.config.core.drain_spread_ms)
    }

    /// Counts the bytes of a body that is being received; `None` if all bodies together would be too many.
    pub(crate) fn take_in(self: &Arc<Self>) -> BodyBytes {
        BodyBytes { app: Arc::clone(self), bytes: 0 }
    }
}

/// The bytes of one body, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct BodyBytes {
    app: Arc<App>,
    bytes: usize,
}

impl BodyBytes {
    /// Adds `bytes`; false if that is more than all bodies may have together.
    pub(crate) fn add(&mut self, bytes: usize) -> bool {
        self.bytes += bytes;
        let before = self.app.bodies_bytes.fetch_add(bytes, Ordering::Relaxed);
        before + bytes <= self.app.config.bodies_bytes_max
    }
}

impl Drop for BodyBytes {
    fn drop(&mut self) {
        self.app.bodies_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A name for a client that gave none: 128 random bits.
pub(crate) fn made_up_client() -> ClientId {
    let text = format!("{:032x}", rand::rng().random::<u128>());
    ClientId::new(&text).unwrap_or_else(|_| unreachable!("32 hexadecimal digits are a name"))
}

/// For log lines.
pub(crate) fn names(channels: &[Channel]) -> String {
    channels.iter().map(Channel::as_str).collect::<Vec<_>>().join(",")
}
