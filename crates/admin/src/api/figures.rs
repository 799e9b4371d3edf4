//! All figures as JSON.

use std::time::SystemTime;

use fanfare_http::{Figures, Histogram, core::engine::Amount};
use serde_json::{Value, json};

use crate::{
    answer::words::{self, by_transport, close_reason, ms, object},
    config::JournalKind,
    metrics::buckets,
};

pub(crate) fn figures(figures: &Figures, journal: JournalKind) -> Value {
    let deliveries = &figures.deliveries;
    json!({
        "at": words::time(SystemTime::now()),
        "uptime_ms": ms(figures.uptime),
        "connections": object(by_transport(&figures.connections)),
        "opened": object(by_transport(&figures.opened)),
        "closed": object(figures.closed.iter().map(|(reason, count)| (close_reason(*reason), *count))),
        "channels": figures.channels,
        "clients": figures.clients,
        "sockets": figures.sockets,
        "requests": figures.requests,
        "publishes": object(figures.publishes.iter().copied()),
        "events": figures.events,
        "event_bytes": figures.event_bytes,
        "deliveries": {
            "matched": deliveries.matched,
            "replayed": deliveries.replayed,
            "written": deliveries.written,
            "written_bytes": deliveries.written_bytes,
            "dropped": deliveries.dropped,
            "repaired": deliveries.repaired,
            "lost": deliveries.lost,
            "abandoned": deliveries.abandoned,
            "reread": deliveries.reread,
        },
        "gaps": object(figures.gaps.iter().map(|(reason, count)| (reason.as_str(), *count))),
        "refusals": object(figures.refusals.iter().cloned()),
        "ring": { "bytes": figures.ring_bytes, "bytes_max": figures.ring_bytes_max },
        "history": {
            "events": figures.history_events,
            "bytes": figures.history_bytes,
            "bytes_max": figures.history_bytes_max,
            "targets": figures.history_targets,
            "targets_max": figures.history_targets_max,
        },
        "inboxes": figures.inboxes.iter().map(amount).collect::<Vec<_>>(),
        "inbox_max": amount(&figures.inbox_max),
        "waiting_publishers": figures.waiting_publishers,
        "lock_contentions": figures.lock_contentions,
        "unanswered": { "publishes": figures.unanswered, "oldest_ms": ms(figures.unanswered_for) },
        "trouble": figures.trouble,
        "journal": journal.as_str(),
        "shared": figures.is_shared,
        "latency": {
            "waited_for_order": histogram(&figures.order_waits),
            "publish_to_socket": histogram(&figures.to_socket),
            "fan_out": histogram(&figures.fan_out),
        },
    })
}

fn amount(amount: &Amount) -> Value {
    json!({ "messages": amount.messages, "bytes": amount.bytes })
}

fn histogram(histogram: &Histogram) -> Value {
    let buckets: Vec<_> = histogram.buckets.iter().map(|(i, count)| json!([buckets::upper(*i), count])).collect();
    let part = |part| buckets::quantile(&histogram.buckets, part);
    json!({
        "count": buckets::count(&histogram.buckets),
        "sum_seconds": histogram.sum,
        "p50": part(0.5),
        "p90": part(0.9),
        "p99": part(0.99),
        "p999": part(0.999),
        "buckets": buckets,
    })
}
