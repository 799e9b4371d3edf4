//! [`Figures`]: the figures of a whole server at one moment.

use std::time::Duration;

use fanfare_core::{
    GapReason,
    engine::{Amount, CloseReason, Totals},
};

use super::operator::Operator;
use crate::{
    app::unix_ms,
    figures::{streams::Transport, times::Histogram},
};

/// The figures of a whole server at one moment. Counters begin with the process, and only rise. No stream is asked for them.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Time since the start.
    pub uptime: Duration,
    /// Open streams by transport.
    pub connections: Vec<(Transport, u64)>,
    /// Streams opened since the start, by transport.
    pub opened: Vec<(Transport, u64)>,
    /// Streams closed since the start, by reason.
    pub closed: Vec<(CloseReason, u64)>,
    /// Channels that somebody follows by name.
    pub channels: usize,
    /// Clients that are connected.
    pub clients: usize,
    /// Sockets of clients that are open, whatever they do.
    pub sockets: usize,
    /// Requests, whatever they ask for.
    pub requests: u64,
    /// Publishes by outcome: `published`, `repeated`, `draining`, `key-reused`, `journal`, `unknown`, `broken`.
    pub publishes: Vec<(&'static str, u64)>,
    /// Events that this node has handed to its shards, from here and from other nodes.
    pub events: u64,
    /// Their bytes, as chunks of HTTP/1.1.
    pub event_bytes: u64,
    /// The deliveries of all streams, as the engine counts them.
    pub deliveries: Totals,
    /// Gaps that streams were told, or will be, by reason.
    pub gaps: Vec<(GapReason, u64)>,
    /// Refusals by rule ([`crate::Handle::refusals`]).
    pub refusals: Vec<(String, u64)>,
    /// Bytes that wait in rings and sockets.
    pub ring_bytes: usize,
    /// The limit of these bytes.
    pub ring_bytes_max: usize,
    /// Kept events, each counted for each of its targets.
    pub history_events: usize,
    /// Bytes of memory that they take.
    pub history_bytes: usize,
    /// The limit of these bytes.
    pub history_bytes_max: usize,
    /// Targets that have a history.
    pub history_targets: usize,
    /// The limit of these targets.
    pub history_targets_max: usize,
    /// Publishes that wait in the inbox of each shard, in the order of the shards.
    pub inboxes: Vec<Amount>,
    /// The limit of each inbox.
    pub inbox_max: Amount,
    /// Publishers that wait for room in an inbox.
    pub waiting_publishers: usize,
    /// Publishes that found the order lock taken.
    pub lock_contentions: u64,
    /// Publishes that an external journal has not answered.
    pub unanswered: usize,
    /// Time that the oldest of them has waited.
    pub unanswered_for: Duration,
    /// The reason why the journal takes nothing, if there is one.
    pub trouble: Option<String>,
    /// Whether other nodes share the journal.
    pub is_shared: bool,
    /// Publishes of sampled traces whose spans are lost ([`Config::traces`](crate::Config::traces)).
    pub traces_dropped: u64,
    /// How long publishes waited for their place in the order: for its lock, and for room.
    pub order_waits: Histogram,
    /// From when a publish was whole until a socket has taken its event, for each delivery. Events that left a ring in one write
    /// count as its oldest one. Streams of the program, and those that hyper carries, are left out, and so are events of other nodes.
    pub to_socket: Histogram,
    /// From when a publish was whole until all streams have its event, or have it waiting.
    pub fan_out: Histogram,
}

impl Operator {
    /// The figures of the server now.
    ///
    /// [`Operator`] has an example.
    pub fn figures(&self) -> Figures {
        let app = &self.app;
        let (hub, core) = (app.hub.figures(), &app.config().core);
        let Totals { closed, gaps, .. } = hub.totals;
        let (streams, now_ms) = (app.streams.counted(), unix_ms());
        let since = |since_ms: u64| Duration::from_millis(now_ms.saturating_sub(since_ms));
        Figures {
            uptime: Duration::from_millis(app.now_ms()),
            connections: streams.iter().map(|(transport, open, _)| (*transport, *open)).collect(),
            opened: streams.iter().map(|(transport, _, opened)| (*transport, *opened)).collect(),
            closed: CloseReason::ALL.into_iter().zip(closed).collect(),
            channels: hub.channels,
            clients: hub.clients,
            sockets: app.sockets.open(),
            requests: app.counts.requests(),
            publishes: app.counts.publishes(),
            events: hub.events,
            event_bytes: hub.event_bytes,
            deliveries: hub.totals,
            gaps: GapReason::ALL.into_iter().zip(gaps).collect(),
            refusals: app.refused_by_rule(),
            ring_bytes: hub.ring_bytes,
            ring_bytes_max: core.hub_ring_bytes_max,
            history_events: hub.history_events,
            history_bytes: hub.history_bytes,
            history_bytes_max: hub.history_bytes_max,
            history_targets: hub.history_targets,
            history_targets_max: hub.history_targets_max,
            inboxes: hub.inboxes,
            inbox_max: Amount { messages: core.inbox_messages_max, bytes: core.inbox_bytes_max },
            waiting_publishers: hub.waiting_publishers,
            lock_contentions: hub.lock_contentions,
            unanswered: hub.unanswered,
            unanswered_for: hub.unanswered_since_ms.map(since).unwrap_or_default(),
            trouble: app.hub.trouble(),
            is_shared: app.hub.is_shared(),
            traces_dropped: app.traces.dropped(),
            order_waits: app.times.waits(),
            to_socket: app.times.to_socket(),
            fan_out: app.times.fan_out(),
        }
    }
}
