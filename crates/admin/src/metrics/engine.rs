//! The metrics of the server.

use fanfare_http::Figures;

use crate::{
    answer::words::{by_transport, close_reason},
    config::JournalKind,
    console::State,
    metrics::family::Family,
};

pub(crate) fn families(figures: &Figures, state: &State, journal: JournalKind) -> Vec<Family> {
    let mut families = whole(figures, state, journal);
    families.extend(streams(figures));
    families.extend(events(figures));
    families.extend(deliveries(figures));
    families.extend(room(figures));
    families.extend(answers(figures));
    families.extend(times(figures));
    families
}

fn whole(figures: &Figures, state: &State, journal: JournalKind) -> Vec<Family> {
    vec![
        Family::gauge("fanfare_build_info", "1, with the version of the program.")
            .by("version", [(env!("CARGO_PKG_VERSION"), 1_u64)]),
        Family::gauge("fanfare_journal_info", "1, with the kind of the journal.")
            .by("journal", [(journal.as_str(), 1_u64)]),
        Family::gauge("fanfare_uptime", "Time since the start of the server.")
            .seconds()
            .with(figures.uptime.as_secs_f64()),
        Family::gauge("fanfare_ready", "1 while the server wants new streams, as `/readyz` says, else 0.")
            .with(state.is_ready),
        Family::gauge("fanfare_draining", "1 from the beginning of the drain on.").with(state.is_draining),
        Family::gauge("fanfare_failed", "1 once a part of the server has failed.").with(state.failure.is_some()),
    ]
}

fn streams(figures: &Figures) -> Vec<Family> {
    let closed = figures.closed.iter().map(|(reason, count)| (close_reason(*reason), *count));
    vec![
        Family::gauge("fanfare_connections", "Open streams.").by("transport", by_transport(&figures.connections)),
        Family::counter("fanfare_connections_opened", "Streams that were opened.")
            .by("transport", by_transport(&figures.opened)),
        Family::counter("fanfare_connections_closed", "Streams that ended.").by("reason", closed),
        Family::gauge("fanfare_channels", "Channels that somebody follows by name.").with(figures.channels),
        Family::gauge("fanfare_clients", "Clients that are connected.").with(figures.clients),
        Family::gauge("fanfare_sockets", "Open sockets, whatever they do.").with(figures.sockets),
        Family::counter("fanfare_requests", "Requests, whatever they are.").with(figures.requests),
        Family::counter("fanfare_refusals", "Requests and sockets that a rule or a limit refused.")
            .by("rule", figures.refusals.iter().cloned()),
    ]
}

fn events(figures: &Figures) -> Vec<Family> {
    vec![
        Family::counter("fanfare_publishes", "Publishes, by what became of them.")
            .by("outcome", figures.publishes.iter().copied()),
        Family::counter("fanfare_events", "Events that were handed to the shards, also those of other nodes.")
            .with(figures.events),
        Family::counter("fanfare_event", "Bytes of the events that were handed to the shards.")
            .bytes()
            .with(figures.event_bytes),
        Family::counter("fanfare_traces_dropped", "Publishes of sampled traces whose spans are lost.")
            .with(figures.traces_dropped),
        Family::gauge("fanfare_waiting_publishers", "Publishers that wait for room in an inbox.")
            .with(figures.waiting_publishers),
        Family::counter("fanfare_order_lock_contentions", "Publishes that found the order lock taken.")
            .with(figures.lock_contentions),
    ]
}

fn deliveries(figures: &Figures) -> Vec<Family> {
    let deliveries = &figures.deliveries;
    vec![
        Family::counter("fanfare_deliveries_matched", "Deliveries that were due to open streams.")
            .with(deliveries.matched),
        Family::counter("fanfare_deliveries_replayed", "Older events that streams began with.")
            .with(deliveries.replayed),
        Family::counter("fanfare_deliveries_written", "Deliveries whose last byte a socket took.")
            .with(deliveries.written),
        Family::counter(
            "fanfare_delivered",
            "Bytes of the deliveries that sockets took, before TLS and frames of HTTP/2.",
        )
        .bytes()
        .with(deliveries.written_bytes),
        Family::counter("fanfare_deliveries_dropped", "Deliveries that found no room in a ring.")
            .with(deliveries.dropped),
        Family::counter("fanfare_deliveries_repaired", "Dropped deliveries that the history made good.")
            .with(deliveries.repaired),
        Family::counter(
            "fanfare_deliveries_lost",
            "Deliveries that never happen. A gap tells them, unless the loss ends the stream.",
        )
        .with(deliveries.lost),
        Family::counter("fanfare_deliveries_abandoned", "Deliveries that had yet to be made when their stream ended.")
            .with(deliveries.abandoned),
        Family::counter(
            "fanfare_deliveries_reread",
            "Older events that had to make room in a ring and were read again.",
        )
        .with(deliveries.reread),
        Family::counter("fanfare_gaps", "Gaps that streams were told, or were to be told when they ended.")
            .by("reason", figures.gaps.iter().map(|(reason, count)| (reason.as_str(), *count))),
    ]
}

fn room(figures: &Figures) -> Vec<Family> {
    let by_shard = |of: fn(&Figures, usize) -> usize| {
        let shards = 0..figures.inboxes.len();
        shards.map(move |shard| (shard.to_string(), of(figures, shard))).collect::<Vec<_>>()
    };
    vec![
        Family::gauge("fanfare_ring", "Bytes that wait in rings and sockets.").bytes().with(figures.ring_bytes),
        Family::gauge("fanfare_ring_limit", "The most bytes that may wait in rings and sockets.")
            .bytes()
            .with(figures.ring_bytes_max),
        Family::gauge("fanfare_history_events", "Events that are kept.").with(figures.history_events),
        Family::gauge("fanfare_history", "Bytes of the kept events.").bytes().with(figures.history_bytes),
        Family::gauge("fanfare_history_limit", "The most bytes that kept events may have.")
            .bytes()
            .with(figures.history_bytes_max),
        Family::gauge("fanfare_history_targets", "Channels and clients with a history.").with(figures.history_targets),
        Family::gauge("fanfare_history_targets_limit", "The most channels and clients that may have a history.")
            .with(figures.history_targets_max),
        Family::gauge("fanfare_inbox_messages", "Publishes that wait in front of a shard.")
            .by("shard", by_shard(|figures, shard| figures.inboxes[shard].messages)),
        Family::gauge("fanfare_inbox_messages_limit", "The most publishes that may wait in front of one shard.")
            .with(figures.inbox_max.messages),
        Family::gauge("fanfare_inbox", "Bytes of the publishes that wait in front of a shard.")
            .bytes()
            .by("shard", by_shard(|figures, shard| figures.inboxes[shard].bytes)),
        Family::gauge("fanfare_inbox_limit", "The most bytes of publishes that may wait in front of one shard.")
            .bytes()
            .with(figures.inbox_max.bytes),
    ]
}

fn answers(figures: &Figures) -> Vec<Family> {
    vec![
        Family::gauge("fanfare_journal_shared", "1 if other nodes share the journal.").with(figures.is_shared),
        Family::gauge("fanfare_journal_troubled", "1 while the journal takes nothing.").with(figures.trouble.is_some()),
        Family::gauge("fanfare_journal_unanswered_publishes", "Publishes that the journal has not answered.")
            .with(figures.unanswered),
        Family::gauge(
            "fanfare_journal_oldest_unanswered",
            "Time that the oldest publish without an answer of the journal has waited, or 0.",
        )
        .seconds()
        .with(figures.unanswered_for.as_secs_f64()),
    ]
}

fn times(figures: &Figures) -> Vec<Family> {
    vec![
        Family::histogram(
            "fanfare_order_wait",
            "Time that publishes waited for their place in the order: for its lock, and for room.",
            &figures.order_waits,
        ),
        Family::histogram(
            "fanfare_publish_to_socket",
            "Time from a whole publish to the socket that took its event, for each delivery.",
            &figures.to_socket,
        ),
        Family::histogram(
            "fanfare_fan_out",
            "Time from a whole publish until all streams have its event, or have it waiting.",
            &figures.fan_out,
        ),
    ]
}
