//! [`App`]: what every request can reach: the hub, the settings, the phase of the server, and the limits that clients share.

use std::{
    io,
    net::IpAddr,
    sync::{Arc, OnceLock},
    time::{Duration, Instant, SystemTime},
};

use arc_swap::{ArcSwap, Guard};
use fanfare_callers::{Account, Act, Caller, Callers, Holder, Limit, Table};
use fanfare_core::{
    ClientId, Event, IdempotencyKey, PublishError, Receipt, Target, Wait,
    engine::{Hub, Milestone, Ticket},
};
use parking_lot::Mutex;
use rand::RngExt as _;
use tokio::sync::Semaphore;
use tracing::{field::display, info};

use crate::{
    config::Config,
    current::Current,
    ending::phase::Phases,
    figures::{
        counts::{self, Counts},
        refused_streams::RefusedStreams,
        streams::Streams,
        times::Times,
    },
    limits::{
        h2_streams::H2Streams,
        idle::Idle,
        log::{RefusalLog, STREAM_LINES_PER_SECOND_MAX, Sampler},
        pace::Paces,
        room::Room,
        rule::Refusals,
        sockets::Sockets,
    },
    link::socket::ClientSocket,
    text::quoted::{Quoted, QuotedName},
    traces::{context::TraceId, kept::Traces, span::Span},
};

/// Characters of a log line about the channels of a connection. Lines wait in memory for a slow terminal.
const LOGGED_CHARACTERS_MAX: usize = 256;
/// Requests that wait for keys of an issuer at a time. Each holds its head.
const KEY_WAITS_MAX: usize = 256;
/// Time for a drain that is given longer than a clock can tell.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Shared by all connections of a server.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) hub: Arc<Hub<ClientSocket>>,
    current: ArcSwap<Current>,
    /// One change of the settings at a time.
    changes: Mutex<()>,
    pub(crate) phases: Phases,
    /// The first failure of a part of the server.
    failure: OnceLock<String>,
    /// 1 once there is a failure.
    failing: Milestone,
    /// Lines about publishes.
    sent: Sampler,
    /// Lines about streams that open.
    pub(crate) opened: Sampler,
    /// Addresses of clients, and what each has taken and holds.
    pub(crate) callers: Callers,
    /// Holders of grants, and what each has taken.
    pub(crate) holders: Arc<Table<Holder>>,
    /// Requests that may wait for keys of an issuer.
    pub(crate) key_waits: Semaphore,
    /// Refusals by rule.
    pub(crate) refusals: Refusals,
    /// Lines about requests that were refused.
    pub(crate) refused: RefusalLog,
    /// Streams by transport.
    pub(crate) streams: Arc<Streams>,
    /// Requests, and publishes by outcome.
    pub(crate) counts: Counts,
    pub(crate) times: Times,
    /// Traces of publishes.
    pub(crate) traces: Arc<Traces>,
    /// Streams that were refused and named their client.
    pub(crate) refused_streams: RefusedStreams,
    /// Bytes of bodies, from when they come until the event is in the hub.
    pub(crate) bodies: Arc<Room>,
    /// Speed of these bodies.
    pub(crate) paces: Arc<Paces>,
    /// Bytes of pages of history, until they are sent.
    pub(crate) pages: Arc<Room>,
    /// Event streams over HTTP/2.
    pub(crate) h2_streams: Arc<H2Streams>,
    /// All sockets of clients.
    pub(crate) sockets: Arc<Sockets>,
    /// Connections that may be closed to make room.
    pub(crate) idle: Arc<Idle>,
    started: Instant,
}

impl App {
    pub(crate) fn new(hub: Arc<Hub<ClientSocket>>, config: Config) -> Self {
        let room = || Room::new(config.bodies_bytes_max);
        Self {
            hub,
            phases: Phases::default(),
            failure: OnceLock::new(),
            failing: Milestone::default(),
            sent: Sampler::default(),
            opened: Sampler::new(STREAM_LINES_PER_SECOND_MAX),
            callers: Callers::new(&config.caller_limits, &config.loopback_limits, config.callers_max),
            holders: Table::new(&config.holder_limits, config.callers_max),
            key_waits: Semaphore::new(KEY_WAITS_MAX),
            refusals: Refusals::default(),
            refused: RefusalLog::default(),
            streams: Arc::default(),
            counts: Counts::default(),
            times: Times::new(config.core.shards),
            traces: Arc::new(Traces::new(config.traces.is_some())),
            refused_streams: RefusedStreams::default(),
            bodies: room(),
            paces: Arc::default(),
            pages: room(),
            h2_streams: H2Streams::new(config.h2_streams_total_max),
            sockets: Sockets::new(config.sockets_max),
            idle: Idle::new(config.idle_connections_max),
            current: ArcSwap::from_pointee(Current::from(config)),
            changes: Mutex::default(),
            started: Instant::now(),
        }
    }

    /// The settings as of now. To be let go of soon, and never kept while something is awaited.
    pub(crate) fn config(&self) -> Guard<Arc<Current>> {
        self.current.load()
    }

    /// Takes what a running server can take of `new`. All requests from now on have it.
    pub(crate) fn set_config(&self, new: Config) {
        let _alone = self.changes.lock();
        let next = self.config().changed_to(new);
        self.callers.set_limits(&next.caller_limits, &next.loopback_limits);
        self.holders.set_limits(&next.holder_limits);
        self.bodies.set_bytes_max(next.bodies_bytes_max);
        self.pages.set_bytes_max(next.bodies_bytes_max);
        self.h2_streams.set_max(next.h2_streams_total_max);
        self.sockets.set_max(next.sockets_max);
        self.idle.set_waiting_max(next.idle_connections_max);
        self.hub.registry().set_limits(next.core.connections_max, next.core.inner_patterns_max);
        if self.hub.retentions() != next.core.history {
            self.hub.set_retentions(next.core.history.clone());
        }
        self.current.store(Arc::new(Current::from(next)));
    }

    /// Monotonic milliseconds since the server started: the clock that shards are driven with.
    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Monotonic microseconds since the server started, and a millisecond, so that it is never 0.
    pub(crate) fn now_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX).saturating_add(1_000)
    }

    /// A part of the server has failed, or has ended before the drain. Later failures follow from the first.
    pub(crate) fn fail(&self, reason: &str) {
        if !self.phases.is_draining() {
            self.failure.get_or_init(|| reason.to_owned());
            self.failing.reach(1);
        }
    }

    /// Waits for a failure.
    pub(crate) async fn failed(&self) -> io::Error {
        self.failing.wait(1).await;
        io::Error::other(self.failure().unwrap_or_default())
    }

    /// The reason for which the server cannot go on, if there is one.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// Whether the server wants traffic, and can serve it.
    pub(crate) fn is_ready(&self) -> bool {
        self.hub.is_ready() && self.failure().is_none() && !self.phases.is_leaving()
    }

    /// From now on publishes are refused, and every stream ends once it has what was accepted.
    pub(crate) fn drain(&self) {
        let now = Instant::now();
        self.phases.drain(now.checked_add(self.config().drain_timeout).unwrap_or(now + DRAIN_TIME_MAX));
        self.hub.drain();
    }

    /// The account of the other end of a connection. A trusted proxy speaks for many, so it has none of its own.
    pub(crate) fn account(&self, address: IpAddr) -> Account<Caller> {
        match self.config().proxies.trusted.contains(address) {
            true => self.callers.proxy(),
            false => self.callers.peer(address, self.now_ms()),
        }
    }

    /// How often each rule and each limit has refused somebody, by its name.
    pub(crate) fn refused_by_rule(&self) -> Vec<(String, u64)> {
        let rules = self.refusals.each().map(|(name, count)| (name.to_owned(), count));
        let callers = Limit::ALL.map(|limit| (limit.name().to_owned(), self.callers.refused(limit)));
        let holders = [Act::Publish, Act::PublishedByte].map(Limit::Rate);
        let holders = holders.map(|limit| (format!("holder-{}", limit.name()), self.holders.refusals().of(limit)));
        let crowded = self.callers.crowded() + self.holders.refusals().crowded();
        rules.chain(callers).chain(holders).chain([("crowded".to_owned(), crowded)]).collect()
    }

    /// Publishes, once for a key if there is one. `holder` is the name of the grant, for the log.
    pub(crate) async fn publish(
        &self,
        event: Event,
        key: Option<&IdempotencyKey>,
        wait: Wait,
        holder: Option<&str>,
        mut span: Option<Span>,
    ) -> Result<Receipt, PublishError> {
        let target = event.targets().first().cloned();
        let trace = span.as_ref().map(Span::trace_id);
        match self.begin(event, key, wait, span.as_mut()).await {
            Ok(ticket) => {
                let receipt = self.receipt(ticket, span).await?;
                self.log_sent(target.as_ref(), holder, trace, &receipt);
                Ok(receipt)
            }
            Err(error) => {
                self.answered(span, &Err(error));
                Err(error)
            }
        }
    }

    /// A publish has its answer, which its trace is told.
    pub(crate) fn answered(&self, span: Option<Span>, result: &Result<Receipt, PublishError>) {
        if let Some(span) = span {
            span.answer(result, counts::name(result), self.now_us());
        }
    }

    /// The second half of a publish: its answer.
    pub(crate) async fn receipt(&self, ticket: Ticket, mut span: Option<Span>) -> Result<Receipt, PublishError> {
        if let Some(span) = &mut span {
            ticket.settled().await;
            span.order(self.now_us());
        }
        let result = ticket.receipt().await;
        self.counts.count_publish(&result);
        self.answered(span, &result);
        result
    }

    /// The first half of a publish: another publish may follow, and stay behind it, before this one is answered.
    pub(crate) async fn begin(
        &self,
        event: Event,
        key: Option<&IdempotencyKey>,
        wait: Wait,
        mut span: Option<&mut Span>,
    ) -> Result<Ticket, PublishError> {
        // In a drain the hub still gives a known key its first answer.
        let began_us = self.now_us();
        let stamp = span.as_mut().map_or(began_us, |span| span.offer(event.targets().first(), began_us));
        let begun = match self.phases.is_over() {
            true => Err(PublishError::Draining),
            false => self.hub.begin_at(stamp, event, key, wait).await,
        };
        match begun {
            Ok(ticket) => {
                let now_us = self.now_us();
                self.times.order.note(now_us.saturating_sub(began_us), 1);
                if let Some(span) = span.filter(|_| ticket.is_answered()) {
                    span.order(now_us);
                }
                Ok(ticket)
            }
            Err(error) => {
                self.counts.count_publish(&Err(error));
                Err(error)
            }
        }
    }

    /// Writes a line about an event that was published, if there are not too many lines. `target` is the first of its targets.
    pub(crate) fn log_sent(
        &self,
        target: Option<&Target>,
        holder: Option<&str>,
        trace: Option<TraceId>,
        receipt: &Receipt,
    ) {
        if receipt.is_repeat {
            return;
        }
        if let (Some(target), Some(left_out)) = (target, self.sent.admit(self.now_ms())) {
            let left_out = (left_out > 0).then_some(left_out);
            let trace = trace.map(display);
            info!(id = %receipt.id, matched = receipt.matched, holder, trace, left_out, "sent to {}", Quoted(target));
        }
    }

    /// A time to come back, for the first lines of a stream.
    pub(crate) fn draw_retry_ms(&self) -> u64 {
        rand::rng().random_range(self.config().retry_ms.clone())
    }

    /// A time to come back, for a client that comes while the server drains.
    pub(crate) fn draw_drain_retry_ms(&self) -> u64 {
        rand::rng().random_range(0..=self.config().core.drain_spread_ms).saturating_add(1_000)
    }
}

/// Unix time in milliseconds, with which events are numbered.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A name for a client that gave none: 128 random bits.
pub(crate) fn made_up_client() -> ClientId {
    let text = format!("{:032x}", rand::rng().random::<u128>());
    ClientId::new(&text).unwrap_or_else(|_| unreachable!("32 hexadecimal digits are a name"))
}

/// Names of channels as they stand in a line of the log.
pub(crate) fn names(channels: &[&str]) -> String {
    let names = channels.iter().map(|name| QuotedName(name).to_string()).collect::<Vec<_>>().join(" ");
    format!("[{}]", names.chars().take(LOGGED_CHARACTERS_MAX).collect::<String>())
}
