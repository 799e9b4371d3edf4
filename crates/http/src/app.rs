//! [`App`]: what every request can reach: the hub, the settings, and the few counters that requests share.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use fanfare_core::{Channel, ClientId, Event, Hub, IdempotencyKey, PublishError, Receipt, Target, Ticket, Wait};
use rand::RngExt as _;
use tracing::info;

use hyper::header::HeaderValue;

use crate::{
    config::Config,
    h2_streams::H2Streams,
    idle::Idle,
    log::Sampler,
    pace::Paces,
    quoted::{Quoted, QuotedName},
    refusal::RefusalLog,
    room::Room,
    silence,
    sockets::Sockets,
    stop::Stop,
    tcp::Tcp,
};

/// What a log line says of a connection's channels; lines wait in memory for a slow terminal.
const LOGGED_CHARACTERS_MAX: usize = 256;
/// A drain that is given longer than a clock can tell is given a year.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Shared by all connections of a server.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) hub: Arc<Hub<Tcp>>,
    pub(crate) config: Config,
    pub(crate) sent: Sampler,
    pub(crate) refused: RefusalLog,
    /// A drain is about to begin, and nothing else has changed.
    is_leaving: AtomicBool,
    /// What has failed first, if something has; and who waits for that.
    failure: OnceLock<String>,
    failing: Arc<Stop>,
    /// Set when nobody is left who could drain: all ends at once.
    pub(crate) abandoned: Arc<Stop>,
    /// Set when the drain begins: when it has to be over.
    drain_ends: OnceLock<Instant>,
    /// Set with it: what waits for more of a body waits no longer.
    pub(crate) draining: Arc<Stop>,
    /// For bodies, from when they come until the event is in the hub.
    pub(crate) bodies: Arc<Room>,
    /// How fast they come.
    pub(crate) paces: Arc<Paces>,
    /// For pages of history, until they are sent.
    pub(crate) pages: Arc<Room>,
    /// Event streams over HTTP/2.
    pub(crate) h2_streams: Arc<H2Streams>,
    /// All sockets of clients.
    pub(crate) sockets: Arc<Sockets>,
    /// The connections that may be closed to make room.
    pub(crate) idle: Arc<Idle>,
    /// What they are told of how long they may.
    pub(crate) keep_alive: Option<HeaderValue>,
    started: Instant,
}

/// A publish that the hub has taken, and has not answered.
#[derive(Debug)]
pub(crate) struct Sending {
    ticket: Ticket,
    target: Option<Target>,
}

impl Sending {
    /// Whether [`App::receipt`] need not wait.
    pub(crate) fn is_answered(&self) -> bool {
        self.ticket.is_answered()
    }
}

impl App {
    pub(crate) fn new(hub: Arc<Hub<Tcp>>, config: Config) -> Self {
        let room = || Room::new(config.bodies_bytes_max);
        Self {
            hub,
            bodies: room(),
            paces: Arc::default(),
            pages: room(),
            h2_streams: H2Streams::new(config.h2_streams_total_max),
            sockets: Sockets::new(config.sockets_max),
            idle: Idle::new(config.idle_connections_max),
            keep_alive: silence::announced(config.keep_alive_timeout).filter(|_| config.idle_connections_max > 0),
            config,
            sent: Sampler::default(),
            refused: RefusalLog::default(),
            is_leaving: AtomicBool::new(false),
            failure: OnceLock::new(),
            failing: Arc::default(),
            abandoned: Arc::default(),
            drain_ends: OnceLock::new(),
            draining: Arc::default(),
            started: Instant::now(),
        }
    }

    /// Monotonic milliseconds since the server started: the clock that shards are driven with.
    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.drain_ends().is_some()
    }

    /// From now on the server says that it wants no more traffic, and serves what comes all the same.
    pub(crate) fn leave(&self) {
        // Relaxed: nothing else depends on it.
        self.is_leaving.store(true, Ordering::Relaxed);
    }

    /// Whether it drains, or is about to.
    pub(crate) fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::Relaxed) || self.is_draining()
    }

    /// A part has ended that was to run until the drain.
    pub(crate) fn fail(&self, reason: &str) {
        if !self.is_draining() {
            self.failure.get_or_init(|| reason.to_owned());
            self.failing.set();
        }
    }

    /// Ready once something has failed.
    pub(crate) async fn failed(&self) {
        self.failing.stopped().await;
    }

    /// Why it cannot go on, if something has failed.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// When the drain has to be over, if there is one.
    pub(crate) fn drain_ends(&self) -> Option<Instant> {
        self.drain_ends.get().copied()
    }

    /// From now on publishes are refused, and every stream ends once it has what was accepted.
    pub(crate) fn drain(&self) {
        let now = Instant::now();
        let ends = now.checked_add(self.config.drain_timeout).unwrap_or(now + DRAIN_TIME_MAX);
        self.drain_ends.get_or_init(|| ends);
        self.draining.set();
        self.hub.drain();
    }

    /// Publishes, once for a key if there is one.
    pub(crate) async fn publish(
        &self,
        event: Event,
        key: Option<&IdempotencyKey>,
        wait: Wait,
    ) -> Result<Receipt, PublishError> {
        let sending = self.send(event, key, wait).await?;
        self.receipt(sending).await
    }

    /// The first half of a publish: another may follow it, and stay behind it, before it is answered.
    pub(crate) async fn send(
        &self,
        event: Event,
        key: Option<&IdempotencyKey>,
        wait: Wait,
    ) -> Result<Sending, PublishError> {
        let target = event.targets().first().cloned();
        let ticket = self.hub.begin(event, key, wait).await?;
        Ok(Sending { ticket, target })
    }

    /// What became of it. Tells the log, as often as that wants to know.
    pub(crate) async fn receipt(&self, sending: Sending) -> Result<Receipt, PublishError> {
        let Sending { ticket, target } = sending;
        let receipt = ticket.receipt().await?;
        if receipt.is_repeat {
            return Ok(receipt);
        }
        if let (Some(target), Some(left_out)) = (target, self.sent.admit(self.now_ms())) {
            let left_out = (left_out > 0).then_some(left_out);
            info!(id = %receipt.id, matched = receipt.matched, left_out, "sent to {}", Quoted(&target));
        }
        Ok(receipt)
    }

    /// A time to come back, for the first lines of a stream.
    pub(crate) fn draw_retry_ms(&self) -> u64 {
        rand::rng().random_range(self.config.retry_ms.clone())
    }

    /// A time to come back, for one who comes while the server drains.
    pub(crate) fn draw_drain_retry_ms(&self) -> u64 {
        rand::rng().random_range(0..=self.config.core.drain_spread_ms).saturating_add(1_000)
    }
}

/// Unix time in milliseconds: what events are numbered with.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A name for a client that gave none: 128 random bits.
pub(crate) fn made_up_client() -> ClientId {
    let text = format!("{:032x}", rand::rng().random::<u128>());
    ClientId::new(&text).unwrap_or_else(|_| unreachable!("32 hexadecimal digits are a name"))
}

/// For log lines.
pub(crate) fn names(channels: &[Channel]) -> String {
    let names = channels.iter().map(|channel| QuotedName(channel.as_str()).to_string()).collect::<Vec<_>>().join(" ");
    format!("[{}]", names.chars().take(LOGGED_CHARACTERS_MAX).collect::<String>())
}
